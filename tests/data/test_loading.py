"""The contract of avgen.data.loading: every bad file is named, every repair reported once."""

import json
import os
import shutil
import time
import unicodedata
import warnings

import numpy as np
import pytest
from PIL import Image
from remarks import nothing_said, said
from small_data import FLUTE, RATE, SAMPLES, make_folder, tone, write_pair

from avgen.core import InputError
from avgen.data.corpora import open_pairs
from avgen.data.layout import read_layout
from avgen.data.loading import check_folder, load_all, load_pair
from avgen.signal.spectrogram import SpectrogramConfig

soundfile = pytest.importorskip("soundfile")


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
    report = check_folder(band)
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
    with said(f"1 problem, left out .the first: {file}"):
        rest = open_pairs(band, skip_bad=True)
    assert len(rest.all_train) == left and len(rest.validation) == 4
    with nothing_said():
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
    report = check_folder(band)
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
    with said():
        rest = open_pairs(band, skip_bad=True)
    assert len(rest.all_train) == 11


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


def test_repairs_of_a_folder_are_said_once_each(band):
    for t in range(3):
        soundfile.write(band / f"chunk/train/tuba/tuba0{t}_0.wav", np.stack([tone(300, 48000, 24000)] * 2, 1), 48000)
    with said() as texts:
        pairs = open_pairs(band)
    text = sorted(t.split("band: ")[1] for t in texts)
    assert text == [
        f"3 sounds: {what} (the first: chunk/train/tuba/tuba00_0.wav)"
        for what in ("2 channels, mixed to one", "48000 Hz, resampled to 44100 Hz")
    ]
    assert np.isfinite(pairs.train.sounds).all()


def test_silence_in_a_folder_is_the_floor(band):
    soundfile.write(band / "chunk" / f"{FLUTE}.wav", np.zeros(SAMPLES), RATE)
    assert (open_pairs(band).all_train.sounds[0] == -1).all()


def test_a_bad_pair_does_not_stop_the_others(band):
    break_sound(band)
    layout = read_layout(band)
    loaded = list(load_all(layout, SpectrogramConfig(), size=16))
    assert [pair.entry for pair in loaded] == layout.entries
    assert [bool(pair.problems) for pair in loaded] == [True] + [False] * 15
    assert loaded[1].image.shape == (3, 16, 16) and loaded[1].sound.shape == (SAMPLES,)
    assert load_pair(layout, layout.entries[0], SpectrogramConfig()).problems[0][0] == f"chunk/{FLUTE}.wav"


def hang(root):
    (root / "chunk" / f"{FLUTE}.wav").unlink()
    os.mkfifo(root / "chunk" / f"{FLUTE}.wav")


def dangle(root):
    lose_sound(root)
    (root / "chunk" / f"{FLUTE}.wav").symlink_to("nowhere.wav")


def make_folder_of(root):
    lose_sound(root)
    (root / "chunk" / f"{FLUTE}.wav").mkdir()


@pytest.mark.parametrize("damage", [hang, dangle, make_folder_of])
def test_what_is_no_file_is_one_problem(band, damage):
    damage(band)
    report = check_folder(band)
    assert [file for file, _ in report.problems] == [f"chunk/{FLUTE}.wav"]
    with pytest.raises(InputError, match=f"chunk/{FLUTE}.wav"):
        open_pairs(band)
    with said("left out"):
        assert len(open_pairs(band, skip_bad=True).all_train) == 11


def test_a_decoder_that_dies_or_hangs_costs_its_file(band, monkeypatch):
    from avgen.data import loading

    read = loading.read_file

    def deadly(file, kind, *more):
        if str(file).endswith("tuba00_0.jpg"):
            os.abort()
        if str(file).endswith("tuba01_0.wav"):
            time.sleep(60)
        return read(file, kind, *more)

    monkeypatch.setattr(loading, "read_file", deadly)
    loaded = list(load_all(read_layout(band), SpectrogramConfig(), seconds=1.0))
    problems = dict(problem for pair in loaded for problem in pair.problems)
    assert set(problems) == {"img/train/tuba/tuba00_0.jpg", "chunk/train/tuba/tuba01_0.wav"}
    assert "SIGABRT" in problems["img/train/tuba/tuba00_0.jpg"]
    assert "longer than 1 s" in problems["chunk/train/tuba/tuba01_0.wav"]
    assert sum(pair.image is not None for pair in loaded) == 14


def test_useless_classes_are_noted(band):
    for file in (band / "img").rglob("tuba*.jpg"):
        Image.new("RGB", (64, 48), "white").save(file)
    for file in (band / "chunk").rglob("flute*.wav"):
        soundfile.write(file, np.zeros(SAMPLES), RATE)
    shutil.rmtree(band / "img/validation/flute")
    shutil.rmtree(band / "chunk/validation/flute")
    notes = check_folder(band).notes
    assert "tuba: every picture (8) is white from edge to edge" in notes
    assert "flute: every sound (6) is near silent, nothing above -60 dB" in notes
    assert any("1 of 2 instruments have no pair in validation (flute)" in note for note in notes)
    with said(""):
        assert [note for note in open_pairs(band).notes if note in notes] == notes


@pytest.mark.parametrize(
    "change,words",
    [
        (np.flipud, "upside down"),
        (lambda x: x * np.log(10) / 10, "natural log"),
        (lambda x: 10 ** (x / 10), "powers"),
        (lambda x: SpectrogramConfig().to_unit(__import__("torch").from_numpy(x)).numpy(), r"scaled to \[-1, 1\]"),
    ],
)
def test_log_mels_that_are_something_else_are_noted(band, change, words):
    from avgen.signal.spectrogram import LogMel

    config = SpectrogramConfig()
    for right in (True, False):
        for file in (band / "chunk").rglob("*.wav"):
            waveform = __import__("torch").from_numpy(soundfile.read(file, dtype="float32")[0])
            decibels = config.to_decibels(LogMel(config)(waveform[None])[0, 0]).numpy()
            target = band / "lms" / file.relative_to(band / "chunk").with_suffix(".npy")
            target.parent.mkdir(parents=True, exist_ok=True)
            np.save(target, decibels if right else change(decibels))
        report = check_folder(band)
        assert report.ok and bool(report.notes) != right
    (note,) = report.notes
    assert "16 of 16 log-mels" in note and __import__("re").search(words, note), note


def test_unicode_is_one_whatever_its_form(tmp_path):
    names = (unicodedata.normalize("NFD", "flöte"), "cello")
    root = make_folder(tmp_path / "x", names)
    file = root / "chunk/train" / names[0] / f"{names[0]}00_0.wav"
    file.rename(file.with_name(unicodedata.normalize("NFC", file.name)))
    for asked in (("flöte", "cello"), names):
        assert check_folder(root, instruments=asked).ok
        pairs = open_pairs(root, instruments=asked)
        assert len(pairs.all_train) == 12 and pairs.instruments == asked
        assert all(pair.sound.waveform.abs().max() > 0.3 for pair in pairs.all_train)


def test_a_name_that_is_not_utf8_is_a_problem(band):
    bad = os.fsdecode(b"fl\xf6te00_0.wav")
    try:
        (band / "chunk/train/flute" / bad).write_bytes(b"x")
    except OSError:
        pytest.skip("this disk knows UTF-8 only")
    ((file, what),) = check_folder(band).problems
    assert file.endswith("fl\\xf6te00_0.wav") and "not UTF-8" in what
    with pytest.raises(InputError, match="not UTF-8"):
        open_pairs(band)
    with said(""):
        assert len(open_pairs(band, skip_bad=True).all_train) == 12
