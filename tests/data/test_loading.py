"""The contract of avgen.data.loading: every bad file is named, every repair reported once."""

import json
import shutil
import warnings

import numpy as np
import pytest
from small_data import FLUTE, RATE, SAMPLES, tone, write_pair
from remarks import nothing_said, said

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
