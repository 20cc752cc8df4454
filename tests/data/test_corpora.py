"Contract of avgen.data.files and avgen.data.corpora: what is read, what is repaired and said, what is refused and how, what the cache is trusted with."

import json
import os
import shutil
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avgen.core import INSTRUMENTS, InputError
from avgen.data.corpora import ArrayFile, check, checksum, examine, open_pairs, open_prepared, walk
from avgen.data.files import read_picture, read_sound, read_waveform
from avgen.signal.spectrogram import SpectrogramConfig

soundfile = pytest.importorskip("soundfile")
RATE, SAMPLES = 44100, 22050
RNG = np.random.default_rng(0)


def tone(hertz=440.0, rate=RATE, samples=SAMPLES):
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)


def write_pair(root, split, instrument, stem, sound=".wav", picture=".jpg", hertz=440.0):
    for folder in ("img", "chunk"):
        (root / folder / split / instrument).mkdir(parents=True, exist_ok=True)
    image = RNG.integers(0, 255, (6, 6, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    Image.fromarray(image).save(root / "img" / split / instrument / f"{stem}{picture}")
    soundfile.write(root / "chunk" / split / instrument / f"{stem}{sound}", tone(hertz), RATE)


def make(root, instruments=("flute", "tuba"), takes=3, clips=2, sound=".wav", picture=".jpg"):
    for c, name in enumerate(instruments):
        for take in range(takes + 1):
            split, hertz = "train" if take < takes else "validation", 200 * (c + 1) + 20 * take
            for k in range(clips):
                write_pair(root, split, name, f"{name}{take:02d}_{500 * k}", sound, picture, hertz)
    return root


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AVGEN_CACHE", str(folder))
    return folder


@pytest.fixture
def band(tmp_path):
    return make(tmp_path / "band")


FLUTE = "train/flute/flute00_0"


# single files -------------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_wav_is_read_as_soundfile_reads_it(tmp_path, form, kind):
    data = np.stack([tone(), tone(660)], 1)
    soundfile.write(tmp_path / "a.wav", data, RATE, form, format=kind)
    waveform, remarks = read_waveform(tmp_path / "a.wav")
    assert np.abs(waveform.numpy() - soundfile.read(tmp_path / "a.wav")[0].mean(1)).max() < 1e-6
    assert waveform.dtype == torch.float32 and waveform.shape == (SAMPLES,) and remarks == ["2 channels, mixed to one"]


def test_flac_and_other_formats_go_to_soundfile(tmp_path):
    for name, options in (
        ("a.flac", {}),
        ("b.wav", dict(subtype="ULAW")),
        ("c.wav", dict(format="RF64", subtype="PCM_16")),
    ):
        soundfile.write(tmp_path / name, tone(), RATE, **options)
        assert np.abs(read_waveform(tmp_path / name)[0].numpy() - tone()).max() < 0.03


def test_streamed_wav_without_a_length(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(data)
    assert np.abs(read_waveform(tmp_path / "a.wav")[0].numpy() - tone()).max() < 1e-4


@pytest.mark.parametrize("rate", [48000, 22050, 8000, 96000])
def test_other_rates_are_resampled(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(440, rate, rate // 2), rate, "FLOAT")
    waveform, remarks = read_waveform(tmp_path / "a.wav")
    assert remarks == [f"{rate} Hz, resampled to 44100 Hz"] and waveform.shape == (SAMPLES,)
    assert np.abs(waveform.numpy() - tone())[2000:-2000].max() < 2e-3


def test_resampling_does_not_fold(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(15000, 48000, 24000), 48000, "FLOAT")
    waveform, _ = read_waveform(tmp_path / "a.wav", SpectrogramConfig(sample_rate=22050))
    assert waveform[1000:-1000].abs().max() < 1e-3


def test_shorter_is_filled_and_longer_is_cut(tmp_path):
    for samples, word in (
        (1000, "shorter than 0.5 s, filled with silence"),
        (50000, "longer than 0.5 s, cut after the first clip"),
    ):
        soundfile.write(tmp_path / "a.wav", tone(samples=samples), RATE, "FLOAT")
        waveform, remarks = read_waveform(tmp_path / "a.wav")
        n = min(samples, SAMPLES)
        assert remarks == [word] and np.abs(waveform[:n].numpy() - tone()[:n]).max() < 1e-6 and not waveform[n:].any()


def test_repairs_are_said(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(440, 48000)] * 2, 1), 48000)
    with pytest.warns(
        UserWarning, match=r"avgen: .*a.wav: 2 channels, mixed to one; 48000 Hz, resampled to 44100 Hz; shorter"
    ):
        read_sound(tmp_path / "a.wav")


def test_silence_is_the_floor(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(SAMPLES), RATE)
    assert (read_sound(tmp_path / "a.wav").values == -1).all()


def test_unreadable_sounds_are_refused_with_their_name(tmp_path):
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, tone(), RATE)
    (tmp_path / "text.wav").write_text("this is not a wav file")
    (tmp_path / "void.wav").write_bytes(b"")
    (tmp_path / "cut.wav").write_bytes(whole.read_bytes()[:9000])
    (tmp_path / "head.wav").write_bytes(whole.read_bytes()[:40])
    (tmp_path / "text.flac").write_text("nor is this flac")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        soundfile.write(tmp_path / f"{name}.wav", np.where(np.arange(SAMPLES) == 5, value, tone()), RATE, "FLOAT")
    soundfile.write(tmp_path / "huge.wav", tone() * 32768, RATE, "FLOAT")
    for name, what in (
        ("text.wav", "begin with b'this is not '; expected a wav or flac"),
        ("void.wav", "found 0 bytes"),
        ("cut.wav", "found 8956 bytes of sound; expected 44100: the file is cut short"),
        ("head.wav", "cut short"),
        ("text.flac", "expected a wav or flac"),
        ("none.wav", "found 0 samples"),
        ("nan.wav", "found 1 samples of 22050 that are NaN or infinite"),
        ("inf.wav", "NaN or infinite"),
        ("huge.wav", r"found samples up to 13\d+; expected \[-1, 1\]"),
        ("missing.wav", "No such file"),
    ):
        with pytest.raises(InputError, match=f"{name}: .*{what}.*; "):
            read_sound(tmp_path / name)


def test_pictures_of_any_kind(tmp_path):
    full = RNG.integers(0, 255, (90, 160, 3), dtype=np.uint8)
    kinds = (
        ("RGB", "a.jpg"),
        ("RGB", "a.png"),
        ("L", "b.jpg"),
        ("L", "b.png"),
        ("CMYK", "c.jpg"),
        ("P", "p.png"),
        ("RGBA", "clear.png"),
        ("1", "bits.png"),
    )
    for mode, name in kinds:
        Image.fromarray(full).convert(mode).save(tmp_path / name)
        picture = read_picture(tmp_path / name, 32)
        assert picture.values.shape == (3, 32, 32) and picture.values.abs().max() <= 1
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png").values > 0.99).all()


def test_whole_frame_is_kept_and_fast_decoding_agrees(tmp_path):
    y, x = np.mgrid[0:1080, 0:1920] / 200
    Image.fromarray((np.stack([np.sin(x), np.cos(y), np.sin(x + y)], 2) * 120 + 128).astype(np.uint8)).save(
        tmp_path / "a.jpg", quality=95
    )
    exact = (
        np.asarray(Image.open(tmp_path / "a.jpg").resize((64, 64), Image.Resampling.BICUBIC), dtype=float).transpose(
            2, 0, 1
        )
        / 127.5
        - 1
    )
    assert np.abs(read_picture(tmp_path / "a.jpg").values.numpy() - exact).mean() < 0.02


def test_unreadable_pictures_are_refused_with_their_name(tmp_path):
    Image.fromarray(RNG.integers(0, 255, (128, 128, 3), dtype=np.uint8)).save(tmp_path / "a.jpg")
    Image.fromarray(RNG.integers(0, 255, (128, 128, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    for name in ("a.jpg", "a.png"):
        (tmp_path / f"cut_{name}").write_bytes((tmp_path / name).read_bytes()[:4000])
    (tmp_path / "text.jpg").write_text("hello")
    for name, what in (
        ("cut_a.jpg", "truncated"),
        ("cut_a.png", "cannot be decoded"),
        ("text.jpg", "expected a jpg or png"),
        ("missing.png", "No such file"),
    ):
        with pytest.raises(InputError, match=f"{name}: .*{what}"):
            read_picture(tmp_path / name)


# folders ------------------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sound,picture", [(".wav", ".jpg"), (".flac", ".png"), (".WAV", ".JPEG")])
def test_layout_is_read(tmp_path, sound, picture):
    pairs = open_pairs(make(tmp_path / "x", sound=sound, picture=picture))
    assert (len(pairs.train), len(pairs.tune), len(pairs.validation)) == (8, 4, 4)
    assert pairs.instruments == INSTRUMENTS and pairs.name == "x" and pairs.root == tmp_path / "x"
    first = pairs.all_train[1]
    assert (first.source, first.take, first.seconds, first.performer) == (
        "train/flute/flute00_500",
        "flute00",
        0.5,
        "flute00",
    )
    file = tmp_path / "x" / "chunk" / f"{first.source}{sound}"
    assert sound != ".wav" or torch.allclose(first.sound.values, read_sound(file).values, atol=1e-3)
    assert (
        first.image.values - read_picture(tmp_path / "x" / "img" / f"{first.source}{picture}").values
    ).abs().max() < 1e-6
    assert sound == ".WAV" or torch.equal(first.sound.waveform, read_waveform(file)[0])


def test_sources_are_sorted_by_time_not_by_name(tmp_path):
    for ms in (1000, 500, 1500, 200):
        write_pair(tmp_path, "train", "horn", f"horn00_{ms}")
    write_pair(tmp_path, "validation", "horn", "horn01_500")
    assert open_pairs(tmp_path).train.milliseconds.tolist() == [200, 500, 1000, 1500]


def test_table_gives_performers_and_factors(band):
    rows = ["split,instrument,stem,performer,take,milliseconds,f0_hz,midi,notes,bow"]
    rows += [
        f"train,flute,flute0{t}_{m},Ada,flute0{t},{m},{440.5 + t},{60 + t},0.1-0.2:440;0.3-0.4:220,"
        for t in range(3)
        for m in (0, 500)
    ]
    rows += ["train,flute,flute99_0,Nobody,flute99,0,1,1,,"]
    (band / "pairs.csv").write_text("\n".join(rows))
    with pytest.warns(UserWarning) as said:
        pairs = open_pairs(band, tune_share=0)
    assert [str(w.message).split(": ", 2)[2] for w in said] == [
        "1 rows of pairs.csv have no usable pair, the first train/flute/flute99_0",
        "10 pairs are not in pairs.csv, the first train/tuba/tuba00_0: performer and factors unknown",
    ]
    assert list(pairs.train.factors) == ["f0_hz", "midi", "notes", "bow"]
    assert pairs.train[5].performer == "Ada" and pairs.train[5].factors == {
        "f0_hz": 442.5,
        "midi": 62,
        "notes": "0.1-0.2:440;0.3-0.4:220",
        "bow": None,
    }
    assert pairs.train[6].performer == "tuba00" and pairs.train[6].factors["f0_hz"] is None
    (band / "pairs.csv").write_text("split,stem\ntrain,flute00_0")
    with pytest.raises(
        InputError, match="pairs.csv: found the columns split, stem; expected also instrument, performer; add them"
    ):
        open_pairs(band)


def test_decibel_arrays_win_over_sounds(band):
    for file in (band / "chunk").rglob("*.wav"):
        target = band / "lms" / file.relative_to(band / "chunk").with_suffix(".npy")
        target.parent.mkdir(parents=True, exist_ok=True)
        np.save(target, np.full((128, 44), -17.5, np.float16))
    pairs = open_pairs(band)
    assert (pairs.train.sounds == 0).all() and pairs.train[0].sound.waveform.abs().max() > 0.3
    with pytest.raises(InputError, match="lms/: found log-mels made with f_max=8000.0; expected 9000.0"):
        open_pairs(band, SpectrogramConfig(f_max=9000))
    (band / "lms" / "config.json").write_text(json.dumps(SpectrogramConfig(f_max=9000).to_dict()))
    assert open_pairs(band, SpectrogramConfig(f_max=9000)).config.f_max == 9000
    (band / "lms" / "config.json").unlink()
    shutil.rmtree(band / "chunk")
    assert (open_pairs(band).train.sounds == 0).all() and open_pairs(band).train[0].sound.waveform is None
    for bad, what in (
        (np.zeros((64, 44)), r"shape \(64, 44\); expected \(128, 44\)"),
        (np.full((128, 44), np.nan), "NaN"),
        (np.array([{}]), "no plain array"),
    ):
        np.save(band / "lms" / f"{FLUTE}.npy", bad, allow_pickle=True)
        with pytest.raises(InputError, match=f"lms/{FLUTE}.npy: .*{what}"):
            open_pairs(band)


@pytest.mark.parametrize(
    "there,what", [(False, "found no such folder"), (True, "found an empty folder; expected img/")]
)
def test_missing_and_empty_folder(tmp_path, there, what):
    if there:
        (tmp_path / "x").mkdir()
    for function in (open_pairs, check):
        with pytest.raises(InputError, match=f"{tmp_path / 'x'}: {what}"):
            function(tmp_path / "x")


def test_folder_above_is_recognised(band):
    with pytest.raises(InputError, match=f"did you mean {band}"):
        open_pairs(band.parent)


@pytest.mark.parametrize(
    "folder,what", [("chunk", r"chunk/: found pictures only"), ("img", r"img/: found sounds only")]
)
def test_one_modality_without_the_other(band, folder, what):
    shutil.rmtree(band / folder)
    with pytest.raises(InputError, match=what):
        open_pairs(band)
    with pytest.raises(InputError, match="problems"):
        open_pairs(band, skip_bad=True)
    assert len(check(band).problems) == 16 + 3


def break_sound(root):
    (root / "chunk" / f"{FLUTE}.wav").write_text("this is not a wav file")


def break_picture(root):
    (root / "img" / f"{FLUTE}.jpg").write_bytes((root / "img" / f"{FLUTE}.jpg").read_bytes()[:500])


def lose_sound(root):
    (root / "chunk" / f"{FLUTE}.wav").unlink()


def lose_picture(root):
    (root / "img" / f"{FLUTE}.jpg").unlink()


def poison(root):
    soundfile.write(root / "chunk" / f"{FLUTE}.wav", np.full(SAMPLES, np.nan), RATE, "FLOAT")


def double(root):
    shutil.copy(root / "img" / f"{FLUTE}.jpg", root / "img" / f"{FLUTE}.png")


def misname(root):
    for folder, ending in (("img", "jpg"), ("chunk", "wav")):
        (root / folder / f"{FLUTE}.{ending}").rename(root / folder / f"train/flute/oboe00_0.{ending}")


@pytest.mark.parametrize(
    "damage,file,what,left",
    [
        (
            break_sound,
            f"chunk/{FLUTE}.wav",
            "begin with b'this is not '; expected a wav or flac file; fetch it again",
            11,
        ),
        (
            break_picture,
            f"img/{FLUTE}.jpg",
            "found a picture that cannot be decoded .*; expected a whole jpg or png; fetch it again",
            11,
        ),
        (lose_sound, f"img/{FLUTE}.jpg", f"found a picture without a sound; expected chunk/{FLUTE}.wav; add it", 11),
        (lose_picture, f"chunk/{FLUTE}.wav", f"found a sound without a picture; expected img/{FLUTE}.jpg; add it", 11),
        (poison, f"chunk/{FLUTE}.wav", "22050 samples of 22050 that are NaN", 11),
        (double, f"img/{FLUTE}.png", f"found a second file beside img/{FLUTE}.jpg; expected one", 12),
        (
            misname,
            "img/train/flute/oboe00_0.jpg",
            "found the name 'oboe00_0'; expected <instrument>.* such as flute00_500; rename",
            11,
        ),
    ],
)
def test_one_bad_file_is_named_and_can_be_left_out(band, damage, file, what, left):
    damage(band)
    report = check(band)
    assert (
        not report.ok
        and [f for f, _ in report.problems] == [file]
        and file in report.text
        and sum(report.pairs.values()) == left + 4
    )
    for _ in range(2):
        with pytest.raises(InputError, match=f"band: {file}: .*{what}") as e:
            open_pairs(band)
        assert "\n" not in str(e.value) and "skip_bad=True" in str(e.value)
    with pytest.warns(UserWarning, match=f"1 problem, left out .the first: {file}"):
        rest = open_pairs(band, skip_bad=True)
    assert len(rest.all_train) == left and len(rest.validation) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_pairs(band, skip_bad=True).hash == rest.hash
    with pytest.raises(InputError, match=file):
        open_pairs(band)


def test_check_lists_every_problem(band):
    for damage in (break_sound, break_picture):
        damage(band)
    write_pair(band, "validation", "Tuba", "Tuba00_0")
    write_pair(band, "test", "tuba", "tuba00_0")
    (band / "img/train/flute/Thumbs.db").write_bytes(b"x")
    (band / "img/train/flute/.hidden").write_bytes(b"x")
    report = check(band)
    places = {file for file, _ in report.problems}
    assert places == {
        f"chunk/{FLUTE}.wav",
        f"img/{FLUTE}.jpg",
        "img/validation/Tuba",
        "chunk/validation/Tuba",
        "img/test",
        "chunk/test",
    }
    assert (
        report.notes == ["img/train/flute/Thumbs.db is not one of .jpg .jpeg .png: passed over"]
        and "did you mean 'tuba'" in report.text
    )
    with pytest.raises(InputError, match="found 4 problems, the first .*check.*lists all"):
        open_pairs(band)
    with pytest.warns(UserWarning):
        rest = open_pairs(band, skip_bad=True)
    assert len(rest.all_train) == 11


def test_unknown_instrument(band):
    for folder in ("img", "chunk"):
        (band / folder / "train" / "flute").rename(band / folder / "train" / "recorder")
    with pytest.raises(
        InputError, match="train/recorder: found an unknown instrument 'recorder'; expected one of bassoon, cello"
    ):
        open_pairs(band)


def test_instruments_of_the_user(tmp_path):
    pairs = open_pairs(make(tmp_path / "x", ("piano", "drum")), instruments=("drum", "piano"))
    assert (
        pairs.instruments == ("drum", "piano")
        and pairs.train.counts() == {"drum": 4, "piano": 4}
        and pairs.train.instrument[-1] == 1
    )


def test_a_split_is_missing(band):
    for folder in ("img", "chunk"):
        shutil.rmtree(band / folder / "validation")
    with pytest.raises(InputError, match="img/validation/: found no pair in 'validation'"):
        open_pairs(band)
    with pytest.warns(UserWarning, match="found no pair in 'validation'"):
        rest = open_pairs(band, skip_bad=True)
    assert len(rest.validation) == 0 and len(rest.all_train) == 12 and rest._still_()[:4] == b"\x89PNG"


def test_takes_in_both_splits_are_said_once(band):
    write_pair(band, "validation", "tuba", "tuba01_900")
    with pytest.warns(UserWarning, match="1 of the 3 validation takes are also in train: scores on validation flatter"):
        pairs = open_pairs(band)
    assert any("flatter" in note for note in pairs.notes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_pairs(band)


def test_repairs_of_a_folder_are_said_once_each(band):
    for t in range(3):
        soundfile.write(band / f"chunk/train/tuba/tuba0{t}_0.wav", np.stack([tone(300, 48000, 24000)] * 2, 1), 48000)
    with pytest.warns(UserWarning) as said:
        pairs = open_pairs(band)
    text = sorted(str(w.message).split("band: ")[1] for w in said)
    assert text == [
        f"3 sounds: {what} (the first: chunk/train/tuba/tuba00_0.wav)"
        for what in ("2 channels, mixed to one", "48000 Hz, resampled to 44100 Hz")
    ]
    assert np.isfinite(pairs.train.sounds).all()


def test_silence_in_a_folder_is_the_floor(band):
    soundfile.write(band / "chunk" / f"{FLUTE}.wav", np.zeros(SAMPLES), RATE)
    assert (open_pairs(band).all_train.sounds[0] == -1).all()


@pytest.mark.parametrize(
    "settings", [dict(image_size=0), dict(image_size="64"), dict(skip_bad="False"), dict(tune_share=0.7)]
)
def test_settings_are_checked(band, settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        open_pairs(band, **settings)


# the cache ----------------------------------------------------------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr("avgen.data.corpora.read_all", None)
    monkeypatch.setattr("avgen.data.corpora.read_bytes", None)
    again = open_pairs(band)
    assert np.array_equal(first.train.images, again.train.images) and np.array_equal(
        first.train.sounds, again.train.sounds
    )


def cut_array(folder):
    (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:-100])


def flip_bit(folder):
    (lambda d: (d.__setitem__(5000, d[5000] ^ 1), (folder / "sounds.npy").write_bytes(d)))(
        bytearray((folder / "sounds.npy").read_bytes())
    )


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
    import avgen.data.corpora as corpora

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(corpora, "_write_tables", interrupted)
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
    with pytest.raises(InputError, match=f"cannot write '{tmp_path}/file/cache/pairs/"):
        open_pairs(band, cache=tmp_path / "file" / "cache")


def test_read_only_cache_serves_what_is_prepared(band, cache, monkeypatch):
    first = open_pairs(band)
    shutil.rmtree(cache / "listings")
    monkeypatch.setattr(
        "avgen.data.corpora.write_atomically", lambda *a: (_ for _ in ()).throw(InputError("read-only"))
    )
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


def test_opening_imports_no_audio_library(band, cache):
    import subprocess
    import sys

    code = f"""
import sys
for name in ('soundfile', 'librosa', 'soxr', 'av'): sys.modules[name] = None
from avgen.data.corpora import open_pairs
pairs = open_pairs({str(band)!r})
assert pairs.train[0].sound.waveform is not None
assert not {{'scipy', 'sklearn', 'pandas'}} & set(sys.modules), 'too much is imported'
print(len(pairs.train))"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"AVGEN_CACHE": str(cache)}
    )
    assert done.stdout.strip() == "8", done.stderr


# real pairs ---------------------------------------------------------------------------------------------------------------------------------------------------

REAL = os.environ.get("AVGEN_REAL_DATA")


@pytest.mark.real
@pytest.mark.skipif(not REAL, reason="AVGEN_REAL_DATA is not set: no real Sub-URMP pairs to open")
def test_real_pairs():
    root = Path(REAL) / "Sub-URMP"
    with pytest.warns(UserWarning, match="validation takes are also in train"):
        pairs = open_pairs(root)
    assert (len(pairs.train), len(pairs.tune), len(pairs.validation)) == (
        318,
        0,
        79,
    ) and "tune split is empty" in " ".join(pairs.notes)
    assert set(pairs.instruments) == {pairs.instruments[i] for i in pairs.train.instrument.unique()}
    pair = pairs.train[100]
    decibels = np.load(root / "lms" / f"{pair.source}.npy").astype(np.float32)
    shown = pairs.config.to_decibels(pair.sound.values)
    assert abs(float(shown.mean()) - decibels.mean()) < 0.5
    heard = pairs.config.to_decibels(read_sound(root / "chunk" / f"{pair.source}.wav").values)
    assert float((heard - shown).abs().median()) < 6
    assert check(root).ok and len({p.performer for p in pairs.train}) >= 13
