"""Contract of avgen.orchestra.dataset: layout, determinism, splits, refusals, how easy it is."""

import csv
import json
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import avgen.orchestra
from avgen.core import INSTRUMENTS, InputError
from avgen.data.corpora import open_pairs
from avgen.orchestra import dataset as orchestra
from avgen.orchestra import takes
from avgen.signal.spectrogram import SpectrogramConfig

SMALL = dict(train=2, validation=1, quiet=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    "One small orchestra for the whole file."
    patch = pytest.MonkeyPatch()
    patch.setenv("AVGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
    folder = tmp_path_factory.mktemp("data") / "orchestra"
    yield folder, orchestra.build(folder, seed=5, **SMALL)
    patch.undo()


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_the_package_offers_build_and_its_neighbours():
    assert avgen.orchestra.build is orchestra.build and avgen.orchestra.probes is orchestra.probes
    assert avgen.orchestra.plan_takes is takes.plan_takes and "build" in dir(avgen.orchestra)
    with pytest.raises(AttributeError, match="bulid.*build"):
        avgen.orchestra.bulid  # noqa: B018


def test_the_committed_sample_is_made_again(tmp_path, monkeypatch):
    "To the rounding of another processor's arithmetic, and of another version's JPEG."
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    sample = Path(__file__).resolve().parents[2] / "data" / "sample"
    made_of = json.loads((sample / "orchestra.json").read_text())["arguments"]
    asked = {k: made_of[k] for k in ("train", "validation", "seed", "hold_out_performers", "audio")}
    orchestra.build(tmp_path / "o", quiet=True, **asked)
    assert contents(tmp_path / "o").keys() == contents(sample).keys()
    ours, theirs = (list(csv.reader(open(f / "pairs.csv", newline=""))) for f in (tmp_path / "o", sample))
    for row, other in zip(ours, theirs, strict=True):
        for a, b in zip(re.split("[-;:,]", ",".join(row)), re.split("[-;:,]", ",".join(other)), strict=True):
            assert a == b or abs(float(a) - float(b)) < 0.02, (row, other)
    for picture in sorted(sample.rglob("*.jpg"))[::5]:
        a, b = (np.asarray(Image.open(f), float) for f in (picture, tmp_path / "o" / picture.relative_to(sample)))
        assert np.abs(a - b).mean() < 1, picture


def test_layout_and_table(made):
    folder, pairs = made
    rows = list(csv.DictReader(open(folder / "pairs.csv", newline="")))
    assert len(rows) == 13 * 3 and set(rows[0]) == set(takes.COLUMNS)
    for r in rows:
        assert re.fullmatch(rf"{r['instrument']}\d\d_\d+", r["stem"])
        assert (folder / "img" / r["split"] / r["instrument"] / f"{r['stem']}.jpg").is_file()
        assert (folder / "chunk" / r["split"] / r["instrument"] / f"{r['stem']}.wav").is_file()
        notes = [re.fullmatch(r"([\d.]+)-([\d.]+):([\d.]+)", n).groups() for n in r["notes"].split(";")]
        assert all(0 <= float(a) < float(b) <= 0.5 for a, b, _ in notes) and any(
            abs(float(f) - float(r["f0_hz"])) < 0.1 for *_, f in notes
        )
        assert -1 <= float(r["bow"]) <= 1 and 0 <= float(r["hand"]) <= 1 and 0 <= float(r["slide"]) <= 1
    assert len(pairs.all_train) == 26 and len(pairs.validation) == 13 and pairs.instruments == INSTRUMENTS
    assert set(pairs.validation.factors) >= {"f0_hz", "notes", "bow"}


def test_the_table_tells_the_truth_about_the_pitch(made):
    "The spectrum of a clip has its energy on the partials of the notes that the table names."
    folder, _ = made
    shares = []
    for r in csv.DictReader(open(folder / "pairs.csv", newline="")):
        with wave.open(str(folder / "chunk" / r["split"] / r["instrument"] / f"{r['stem']}.wav")) as f:
            assert (f.getframerate(), f.getnchannels(), f.getsampwidth(), f.getnframes()) == (44100, 1, 2, 22050)
            x = np.frombuffer(f.readframes(22050), "<i2") / 32768
        power, hz = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2, np.fft.rfftfreq(len(x), 1 / 44100)
        f0s = [float(n.split(":")[1]) for n in r["notes"].split(";")]
        on = np.min([np.abs(hz / f - np.round(hz / f)) * f + 1e9 * (hz < f / 2) for f in f0s], axis=0) < np.maximum(
            12, 0.035 * hz
        )
        shares.append(power[on].sum() / power[hz > 25].sum())
    assert np.median(shares) > 0.9


def test_same_seed_same_bytes_whatever_the_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(takes.LEVELS, "orchestra", takes.Level(instruments=("trombone", "violin")))
    settings = dict(train=14, validation=2, quiet=True, tune_share=0.0)
    for workers in (1, 3):
        orchestra.build(tmp_path / f"w{workers}", workers=workers, **settings)
    one, three = contents(tmp_path / "w1"), contents(tmp_path / "w3")
    assert one.keys() == three.keys() and all(one[k] == three[k] for k in one)
    orchestra.build(tmp_path / "other", workers=1, seed=1, **settings)
    assert contents(tmp_path / "other")["pairs.csv"] != one["pairs.csv"]


def test_found_again_and_rebuilt_when_not_whole(made, capsys):
    folder, _ = made
    before, written = contents(folder), {f: f.stat().st_mtime_ns for f in folder.rglob("*")}
    orchestra.build(folder, seed=5, train=2, validation=1)
    assert "found" in capsys.readouterr().out and written == {f: f.stat().st_mtime_ns for f in folder.rglob("*")}
    victim = next((folder / "img").rglob("*.jpg"))
    victim.unlink()
    orchestra.build(folder, seed=5, train=2, validation=1)
    assert "not whole" in capsys.readouterr().out and contents(folder) == before


def test_a_folder_with_another_orchestra_or_something_else_is_left_alone(made, tmp_path):
    folder, _ = made
    with pytest.raises(InputError, match="seed=5.*asked for 6"):
        orchestra.build(folder, seed=6, **SMALL)
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(InputError, match="not an orchestra"):
        orchestra.build(tmp_path, **SMALL)
    with pytest.raises(InputError, match="not an orchestra"):
        orchestra.build(tmp_path / "thesis.txt", **SMALL)
    assert (tmp_path / "thesis.txt").read_text() == "three years"
    (tmp_path / "thesis.txt").rename(tmp_path / "orchestra.json")
    with pytest.raises(InputError, match="not an orchestra"):
        orchestra.build(tmp_path, **SMALL)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        orchestra.build(tmp_path / "file" / "orchestra", **SMALL)


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_is_left_of_a_build_that_fails(tmp_path, monkeypatch, workers):
    "A full disk: in this process, and in a worker."

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(orchestra, "write_take" if workers == 1 else "_feed_worker", full)
    with pytest.raises(InputError, match="No space left.*free some space"):
        orchestra.build(tmp_path / "o", train=15, validation=1, workers=workers, quiet=True)
    assert not list(tmp_path.iterdir())


def test_a_worker_that_dies_is_reported(tmp_path):
    doomed = [takes.Take("train", "kazoo", 0, 1, "Ada")] * 3
    with pytest.raises(RuntimeError, match="kazoo00"):
        orchestra._write_takes(
            doomed, tmp_path, 2, quiet=True, seed=0, audio="wav", sample_rate=44100, clip_seconds=0.5
        )


@pytest.mark.parametrize(
    "name,value",
    [
        ("train", 0),
        ("train", 2.5),
        ("validation", -1),
        ("seed", -1),
        ("seed", "0"),
        ("audio", "mp3"),
        ("workers", 0),
        ("hold_out_performers", "False"),
        ("tune_share", 0.9),
        ("level", "symphony"),
    ],
)
def test_settings_out_of_range(tmp_path, name, value):
    with pytest.raises(InputError, match=name):
        orchestra.build(tmp_path / "o", **{**SMALL, name: value})
    assert not list(tmp_path.iterdir())


def test_flac_and_another_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(takes.LEVELS, "orchestra", takes.Level(instruments=("oboe",)))
    config = SpectrogramConfig(sample_rate=22050, n_fft=1024, hop_length=256, clip_seconds=0.4)
    pairs = orchestra.build(tmp_path / "o", audio="flac", config=config, tune_share=0.0, **SMALL)
    import soundfile

    files = list((tmp_path / "o" / "chunk").rglob("*.flac"))
    assert len(files) == 3 and soundfile.info(files[0]).samplerate == 22050 and soundfile.info(files[0]).frames == 8820
    assert (
        pairs.config == config
        and json.loads((tmp_path / "o" / "orchestra.json").read_text())["arguments"]["clip_seconds"] == 0.4
    )


def test_an_etude_is_another_data_set_and_says_so(tmp_path, made, monkeypatch):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    pairs = orchestra.build(tmp_path / "e", level="etude", seed=5, **SMALL)
    assert pairs.instruments == takes.level_of("etude").instruments and len(pairs.all_train) == 8
    assert pairs.hash != made[1].hash and pairs.all_train.instrument.unique().tolist() == [0, 1, 2, 3]
    assert open_pairs(tmp_path / "e").hash == pairs.hash, "opened from its folder it is the same data set"
    facts = json.loads((tmp_path / "e/orchestra.json").read_text())["arguments"]
    assert facts["level"] == "etude" and not (made[0] / "instruments.txt").exists()
    with pytest.raises(InputError, match="level='etude'.*asked for 'orchestra'"):
        orchestra.build(tmp_path / "e", seed=5, **SMALL)
    orchestra.build(tmp_path / "e", level="etude", seed=5, **SMALL)


def test_a_folder_from_before_there_were_levels_is_an_orchestra(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(takes.LEVELS, "orchestra", takes.Level(instruments=("oboe",)))
    orchestra.build(tmp_path / "o", tune_share=0.0, **SMALL)
    about = json.loads((tmp_path / "o/orchestra.json").read_text())
    del about["arguments"]["level"]
    (tmp_path / "o/orchestra.json").write_text(json.dumps(about))
    orchestra.build(tmp_path / "o", tune_share=0.0, train=2, validation=1)
    assert "found" in capsys.readouterr().out
    with pytest.raises(InputError, match="level='orchestra'.*asked for 'etude'"):
        orchestra.build(tmp_path / "o", level="etude", tune_share=0.0, **SMALL)


def test_the_size_is_the_levels_unless_another_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(takes.LEVELS, "etude", takes.Level(instruments=("tuba",), train=3, validation=2))
    pairs = orchestra.build(tmp_path / "o", level="etude", tune_share=0.0, quiet=True)
    assert (len(pairs.all_train), len(pairs.validation)) == (3, 2)


@pytest.mark.slow
def test_the_full_orchestra_is_no_toy(tmp_path, monkeypatch):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    found = orchestra.probes(orchestra.build(tmp_path / "o", seed=3, quiet=True))
    assert found["mean_colour"] <= 0.25 and found["thumbnail"] <= 0.6 and found["spectrum"] <= 0.8, found
    assert found["spectrum"] > 0.4, "a spectrum that says nothing would be noise"


def test_the_number_of_takes_belongs_to_a_data_set(tmp_path):
    pairs = orchestra.build(tmp_path / "o", train=4, validation=1, train_takes=4, quiet=True)
    assert len(pairs.all_train) == 4 * len(pairs.instruments)
    names = {path.name for path in (tmp_path / "o" / "img" / "train" / "oboe").iterdir()}
    assert {name.split("_")[0] for name in names} == {f"oboe{k:03d}" for k in range(4)}
    orchestra.build(tmp_path / "o", train=4, validation=1, train_takes=4, quiet=True)  # found again
    for other in (dict(train_takes=2), dict()):
        with pytest.raises(InputError, match="train_takes=4, asked for"):
            orchestra.build(tmp_path / "o", train=4, validation=1, quiet=True, **other)
    with pytest.raises(InputError, match="train_takes"):
        orchestra.build(tmp_path / "p", train=4, validation=1, train_takes=5)
