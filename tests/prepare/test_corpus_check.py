"""The contract of avgen.prepare.corpus_check: what each check counts, what it finds, and what it lets pass."""

import shutil

import numpy as np
import pytest
import torch
from small_data import RATE, make_folder, tone, write_pair

from avgen.core import InputError
from avgen.prepare.corpus_check import (
    CorpusCheck,
    check_by_class,
    check_class_folders,
    check_corpus,
    check_urmp,
    level_of,
)
from avgen.signal.spectrogram import LogMel, SpectrogramConfig

soundfile = pytest.importorskip("soundfile")


@pytest.fixture
def folder(tmp_path):
    "Three classes of the user's, two takes each."
    return make_folder(tmp_path / "mine", ("drum", "grand piano", "鋼琴"), takes=1)


def test_counts_by_class(folder):
    check = check_corpus("folders", folder)
    assert check.ok and check.counts["train"] == {"drum": 2, "grand piano": 2, "鋼琴": 2}
    assert check.classes == ["drum", "grand piano", "鋼琴"] and not check.silent and not check.notes
    assert "grand piano" in check.text and "corrupt: none" in check.text


@pytest.mark.parametrize("peak,silent", [(0.0, True), (0.003, True), (0.02, False)])
def test_near_silent_clips_are_named(folder, peak, silent):
    soundfile.write(folder / "chunk/train/drum/drum00_0.wav", peak * tone() / 0.4, RATE)
    check = check_class_folders("folders", folder)
    assert [file for file, _ in check.silent] == ["chunk/train/drum/drum00_0.wav"] * silent and check.ok
    assert not check_class_folders("folders", folder, silence=-200 if peak else -np.inf).silent


def test_two_silent_clips_are_no_copies(folder):
    for split, take in (("train", 0), ("validation", 1)):
        soundfile.write(folder / f"chunk/{split}/drum/drum0{take}_0.wav", np.zeros(22050), RATE)
    check = check_class_folders("folders", folder)
    assert len(check.silent) == 2 and not check.copies


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_a_sound_in_both_splits_is_found_in_any_lossless_format(folder, ending):
    samples, rate = soundfile.read(folder / "chunk/train/drum/drum00_0.wav", dtype="int16")
    write_pair(folder, "validation", "grand piano", "grand piano07_0", sound=ending)
    soundfile.write(folder / f"chunk/validation/grand piano/grand piano07_0{ending}", samples, rate)
    found = check_class_folders("folders", folder).copies
    assert found == [(f"chunk/validation/grand piano/grand piano07_0{ending}", "chunk/train/drum/drum00_0.wav")]


def test_a_picture_in_both_splits_is_found(folder):
    shutil.copy(folder / "img/train/drum/drum00_0.jpg", folder / "img/validation/drum/drum01_500.jpg")
    check = check_class_folders("folders", folder)
    assert check.copies == [("img/validation/drum/drum01_500.jpg", "img/train/drum/drum00_0.jpg")] and not check.ok


def test_corrupt_files_are_named_and_the_rest_is_counted(folder):
    (folder / "img/train/drum/drum00_0.jpg").write_bytes(b"nothing")
    (folder / "chunk/train/鋼琴/鋼琴00_500.wav").unlink()
    check = check_class_folders("folders", folder)
    assert {file for file, _ in check.corrupt} == {"img/train/drum/drum00_0.jpg", "img/train/鋼琴/鋼琴00_500.jpg"}
    assert sum(check.counts["train"].values()) == 4 and "corrupt: 2" in check.text


def test_a_class_without_validation_is_noted(folder):
    write_pair(folder, "train", "robin", "robin00_0")
    assert "1 classes without a validation pair: robin" in check_class_folders("folders", folder).notes


def test_sub_urmp_is_compared_with_its_archive(tmp_path):
    check = check_corpus("sub-urmp", make_folder(tmp_path / "x", takes=1))
    assert "4 of 71,230 train and 4 of 9,575 validation pairs; nothing of bassoon" in check.notes[-1]


def test_levels_of_samples_and_log_mels_agree_for_tones():
    config = SpectrogramConfig()
    for decibels in (-6, -30, -50):
        wave = torch.tensor(tone() / 0.4 * 10 ** (decibels / 20), dtype=torch.float32)
        assert abs(level_of(wave, config) - decibels) < 0.2
        assert abs(level_of(LogMel(config).prepared(wave[None])[0], config) - decibels) < 8


def _inis(root, classes=("drum", "piano"), each=3):
    from PIL import Image

    for c, name in enumerate(classes):
        for side in ("pictures", "sounds"):
            (root / side / name).mkdir(parents=True)
        for i in range(each):
            Image.new("RGB", (32, 32), (40 * i, 90 * c, 120)).save(root / f"pictures/{name}/{i}.jpg")
            soundfile.write(root / f"sounds/{name}/{i}.flac", tone(200 + 30 * i + 200 * c), RATE)
    return root


def test_inis_counts_both_sides_whatever_they_are_called(tmp_path):
    check = check_corpus("inis", _inis(tmp_path / "x"))
    assert check.ok and check.counts == {"photos": {"drum": 3, "piano": 3}, "recordings": {"drum": 3, "piano": 3}}
    assert "fewer than 20 photos: drum 3, piano 3" in check.notes


def test_inis_says_which_class_lacks_a_side(tmp_path):
    root = _inis(tmp_path / "x")
    shutil.rmtree(root / "pictures/piano")
    assert "no photos of piano" in check_by_class("inis", root, few=1).notes
    root = _inis(tmp_path / "y")
    shutil.rmtree(root / "sounds/drum")
    assert check_by_class("inis", root, few=1).notes == ["no recordings of drum"]


def test_inis_finds_one_file_in_two_classes_and_broken_ones(tmp_path):
    root = _inis(tmp_path / "x")
    shutil.copy(root / "pictures/drum/0.jpg", root / "pictures/piano/2.jpg")
    (root / "sounds/drum/1.flac").write_bytes(b"fLaC and no more")
    check = check_by_class("inis", root)
    assert check.copies == [("pictures/piano/2.jpg", "pictures/drum/0.jpg")]
    assert [file for file, _ in check.corrupt] == ["sounds/drum/1.flac"] and check.counts["recordings"]["drum"] == 2


@pytest.mark.parametrize("missing,says", [("pictures", "found no photos"), ("sounds", "found no recordings")])
def test_inis_needs_both_sides(tmp_path, missing, says):
    shutil.rmtree(_inis(tmp_path / "x") / missing)
    with pytest.raises(InputError, match=says):
        check_by_class("inis", tmp_path / "x")


def test_urmp_names_missing_broken_silent_and_reused_tracks(tmp_path):
    for piece, codes in (("01_Jupiter", "vn_vc"), ("02_Sonata", "vn_vn")):
        place = tmp_path / f"{piece}_{codes}"
        place.mkdir()
        (place / f"Vid_{piece}.mp4").write_bytes(b"a film")
        for i, code in enumerate(codes.split("_")):
            soundfile.write(place / f"AuSep_{i + 1}_{code}_{piece}.wav", tone(200 + 100 * i), RATE, subtype="PCM_24")
    check = check_urmp("urmp", tmp_path)
    assert check.ok and check.counts == {"tracks": {"violin": 3, "cello": 1}}
    assert len(check.notes) == 2 and "is the take of" in check.notes[0], "both takes of piece 2 are those of piece 1"
    (tmp_path / "01_Jupiter_vn_vc/AuSep_1_vn_01_Jupiter.wav").unlink()
    (tmp_path / "01_Jupiter_vn_vc/AuSep_2_vc_01_Jupiter.wav").write_bytes(b"RIFF")
    soundfile.write(tmp_path / "02_Sonata_vn_vn/AuSep_1_vn_02_Sonata.wav", np.zeros(9000), RATE)
    check = check_corpus("urmp", tmp_path)
    assert len(check.corrupt) == 2 and len(check.silent) == 1 and check.counts["tracks"] == {"violin": 2}


def test_many_findings_are_cut_short_in_text_only():
    check = CorpusCheck("folders", "x", {"train": {"a": 1}}, corrupt=[(f"{i}.wav", "torn") for i in range(50)])
    assert "... and 45 more" in check.text and len(check.corrupt) == 50


@pytest.mark.real
def test_real_data(real_data):
    check = check_corpus("sub-urmp", real_data / "Sub-URMP")
    assert not check.corrupt and sum(check.counts["train"].values()) == 318
    assert "318 of 71,230 train and 79 of 9,575 validation pairs" in check.notes[-1]
