"""The contract of avgen.data.prepared: what names a prepared folder, and what it is trusted with."""

import os
import shutil

import numpy as np
import pytest
from remarks import nothing_said, said
from small_data import FLUTE, RNG

from avgen.core import INSTRUMENTS, InputError
from avgen.data import prepared
from avgen.data.corpora import open_pairs
from avgen.data.prepared import ArrayFile, Recipe, checksum, open_prepared
from avgen.signal.spectrogram import SpectrogramConfig

pytest.importorskip("soundfile")


def test_the_key_stays_what_it_is():
    """Runs and caches name their data by it: another key for the same data would orphan them."""
    assert Recipe(SpectrogramConfig()).key("0" * 32) == "57a5ed91029b443c"
    assert SpectrogramConfig().fingerprint() == "2a2a1440fa33"


def test_data_folder_is_never_written(band, cache):
    before = {f: os.stat(f).st_mtime_ns for f in [band, *band.rglob("*")]}
    open_pairs(band)
    assert {f: os.stat(f).st_mtime_ns for f in [band, *band.rglob("*")]} == before
    assert {p.name for p in cache.iterdir()} == {"listings", "pairs"} and len(list((cache / "pairs").iterdir())) == 1


def test_hash_is_of_content_not_of_place(band, tmp_path):
    first = open_pairs(band)
    shutil.copytree(band, tmp_path / "moved")
    assert open_pairs(tmp_path / "moved").hash == first.hash
    file = band / "chunk" / f"{FLUTE}.wav"
    data = bytearray(file.read_bytes())
    stamp = os.stat(file)
    data[1000] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert open_pairs(band).hash != first.hash
    for other in (
        dict(config=SpectrogramConfig(floor_db=-70)),
        dict(image_size=32),
        dict(instruments=INSTRUMENTS[::-1]),
    ):
        assert open_pairs(tmp_path / "moved", **other).hash != first.hash
    assert open_pairs(tmp_path / "moved", tune_share=0.3).hash == first.hash


def test_second_opening_decodes_nothing(band, monkeypatch):
    first = open_pairs(band)
    monkeypatch.setattr("avgen.data.prepared.load_all", None)
    monkeypatch.setattr("avgen.data.prepared.open_file", None)
    again = open_pairs(band)
    assert np.array_equal(first.train.images, again.train.images) and np.array_equal(
        first.train.sounds, again.train.sounds
    )


def cut_array(folder):
    (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:-100])


def flip_bit(folder):
    data = bytearray((folder / "sounds.npy").read_bytes())
    data[5000] ^= 1
    (folder / "sounds.npy").write_bytes(data)


def lose_manifest(folder):
    (folder / "manifest.json").unlink()


def cut_manifest(folder):
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:50])


def lose_names(folder):
    (folder / "names.json").unlink()


def foreign_manifest(folder):
    (folder / "manifest.json").write_text("[]")


@pytest.mark.parametrize("damage", [cut_array, flip_bit, lose_manifest, cut_manifest, lose_names, foreign_manifest])
def test_a_torn_cache_is_prepared_again(band, cache, damage):
    first = open_pairs(band)
    images, sounds = first.train.images.copy(), first.train.sounds.copy()
    damage(cache / "pairs" / first.hash)
    again = open_pairs(band)
    assert np.array_equal(images, again.train.images) and np.array_equal(sounds, again.train.sounds)
    assert open_prepared(cache / "pairs" / first.hash) is not None and not list((cache / "pairs").glob(".*"))


def test_interrupted_preparation_leaves_nothing(band, cache, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(prepared, "_write_tables", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_pairs(band)
    assert not list((cache / "pairs").iterdir())
    assert len(open_pairs(band).train) == 8


def test_full_disk_is_an_input_error(band, cache, monkeypatch):
    def full(self, rows):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as m:
        m.setattr(ArrayFile, "append", full)
        with pytest.raises(InputError, match=f"cannot write '{cache}/pairs/.*No space left on device; free some space"):
            open_pairs(band)
    assert not list((cache / "pairs").iterdir())


def test_unwritable_cache_is_named(band, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=f"the cache '{tmp_path}/file/cache' cannot be written to.*--cache"):
        open_pairs(band, cache=tmp_path / "file" / "cache")


def test_read_only_cache_serves_what_is_prepared(band, cache, monkeypatch):
    first = open_pairs(band)
    shutil.rmtree(cache / "listings")

    def refuse(*args):
        raise InputError("read-only")

    monkeypatch.setattr("avgen.data.prepared.write_atomically", refuse)
    assert open_pairs(band).hash == first.hash


def test_array_file_and_checksum(tmp_path):
    file = ArrayFile(tmp_path / "a.npy", np.uint8)
    parts = [RNG.integers(0, 255, (n, 3, 5, 5), dtype=np.uint8) for n in (4, 1, 130)]
    for part in parts:
        file.append(part)
    file.close()
    assert np.array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), np.concatenate(parts))
    seal = checksum(tmp_path / "a.npy")
    with open(tmp_path / "a.npy", "ab") as f:
        f.truncate(2**26 + 999)
    long = checksum(tmp_path / "a.npy")
    assert long[0] == 2**26 + 999 and long != seal


@pytest.fixture
def poor_home(tmp_path, monkeypatch):
    "A home in which nothing can be made (also by root), and a temporary folder of the test."
    (tmp_path / "home").write_text("not a folder")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AVGEN_CACHE")
    monkeypatch.setattr(prepared.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_a_home_that_cannot_be_written_to_is_stood_in_for(band, poor_home):
    with said("home/.cache/avgen' cannot be written to.*--cache.*AVGEN_CACHE"):
        first = open_pairs(band)
    spare = next(poor_home.glob("avgen-*"))
    assert [p.name for p in (spare / "pairs").iterdir()] == [first.hash]
    assert open_pairs(band).hash == first.hash


def test_a_user_without_a_home(band, poor_home, monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(prepared.Path, "home", staticmethod(nowhere))
    assert len(open_pairs(band).all_train) == 12 and list(poor_home.glob("avgen-*/pairs/*"))


def test_a_cache_that_was_asked_for_is_not_replaced(band, poor_home, monkeypatch):
    for named in ("variable", "argument"):
        if named == "variable":
            monkeypatch.setenv("AVGEN_CACHE", str(poor_home / "home" / "cache"))
        with pytest.raises(InputError, match="home/cache' cannot be written to.*--cache.*AVGEN_CACHE.*cache="):
            open_pairs(band, cache=poor_home / "home" / "cache" if named == "argument" else None)
        monkeypatch.delenv("AVGEN_CACHE", raising=False)


def test_a_cache_that_may_only_be_read_still_serves(band, cache, monkeypatch):
    first = open_pairs(band)
    monkeypatch.setattr(prepared, "can_write", lambda folder: False)
    with nothing_said():
        assert open_pairs(band).hash == first.hash
