"""The contract of avgen.data.layout: which files are pairs, and what is said of the rest."""

import shutil
import warnings

import pytest
from small_data import write_pair
from remarks import nothing_said, said

from avgen.core import INSTRUMENTS, InputError
from avgen.data.corpora import open_pairs
from avgen.data.layout import instruments_of, list_files, pair_files, read_layout
from avgen.data.loading import check_folder

pytest.importorskip("soundfile")


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
    with said() as texts:
        pairs = open_pairs(band, tune_share=0)
    assert [text.split(": ", 1)[1] for text in texts] == [
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


@pytest.mark.parametrize(
    "there,what", [(False, "found no such folder"), (True, "found an empty folder; expected img/")]
)
def test_missing_and_empty_folder(tmp_path, there, what):
    if there:
        (tmp_path / "x").mkdir()
    for function in (open_pairs, check_folder):
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
    assert len(check_folder(band).problems) == 16 + 3


def test_unknown_instrument(band):
    for folder in ("img", "chunk"):
        (band / folder / "train" / "flute").rename(band / folder / "train" / "recorder")
    with pytest.raises(
        InputError, match="train/recorder: found an unknown instrument 'recorder'; expected one of bassoon, cello"
    ):
        open_pairs(band, instruments=INSTRUMENTS)
    (band / "instruments.txt").write_text("flute\ntuba\n")
    with pytest.raises(InputError, match="expected one of flute, tuba; .*list its name in instruments.txt"):
        open_pairs(band)


@pytest.mark.parametrize("folders,places", [(("chunk",), ("train",)), (("img", "chunk"), ("validation",))])
@pytest.mark.parametrize("spelt", ["Tuba", "TUBA", "tu ba", "tuba_"])
def test_two_spellings_are_not_two_instruments(band, folders, places, spelt):
    for folder in folders:
        for split in places:
            (band / folder / split / "tuba").rename(band / folder / split / spelt)
    assert instruments_of(band) == ("flute", "tuba")
    with pytest.raises(InputError, match=f"unknown instrument '{spelt}'.*did you mean 'tuba'"):
        open_pairs(band)


def test_a_typing_error_in_one_modality_is_no_instrument(band):
    (band / "img/train/tuba").rename(band / "img/train/tubba")
    assert instruments_of(band) == ("flute", "tuba")
    assert "did you mean 'tuba'" in read_layout(band).problems[0][1]


def test_validation_without_train_is_noted(band):
    write_pair(band, "validation", "recorder", "recorder00_0")
    assert read_layout(band).notes == ["1 of 3 instruments have no pair in train (recorder)"]
    assert instruments_of(band) == ("flute", "recorder", "tuba")


@pytest.mark.parametrize(
    "names",
    [
        ("drum", "piano", "guitar"),
        ("robin", "wren"),
        ("tr80", "tr808", "808"),
        ("鋼琴", "大提琴", "笛子"),
        ("grand piano", "Grand Organ", " lead"),
        ("🥁", "🎸", "🎻🎻"),
        ("fl\u00f6te", "F\u00e9e", "стол"),
        ("a_b", "a_b_1", "_"),
        ("it's", 'a "b", c', "50%", "{x}", "$x$", "<b>"),
    ],
)
def test_any_names(tmp_path, names):
    for name in names:
        for split, take in (("train", 0), ("train", 11), ("validation", 800)):
            write_pair(tmp_path, split, name, f"{name}{take:02d}_500")
    layout = read_layout(tmp_path)
    assert instruments_of(tmp_path) == tuple(sorted(names))
    assert not layout.problems and len(layout.entries) == 3 * len(names)
    assert len({entry.take for entry in layout.entries}) == 3 * len(names), "no two recordings share a name"
    pairs = open_pairs(tmp_path)
    assert pairs.train.counts() == dict.fromkeys(sorted(names), 2) and not pairs.notes[1:]
    assert pairs.train[0].sound.waveform is not None


def test_decomposed_names_are_one_name(tmp_path):
    composed, decomposed = "fl\u00f6te", "flo\u0308te"
    write_pair(tmp_path, "train", decomposed, f"{decomposed}00_0")
    write_pair(tmp_path, "validation", composed, f"{composed}01_0")
    assert instruments_of(tmp_path) == (composed,) and not read_layout(tmp_path).problems


def test_three_hundred_names_are_not_all_written_out(tmp_path):
    names = tuple(f"bird {i}" for i in range(300))
    layout = pair_files(tmp_path, dict.fromkeys(["img/train/cat/cat00_0.jpg"]), names)
    assert len(layout.problems[0][1]) < 400 and "(300 in all)" in layout.problems[0][1]


def test_empty_and_hidden_class_folders_do_not_count(band):
    (band / "img/train/piano").mkdir()
    (band / "img/train/guitar").mkdir()
    (band / "img/train/guitar/.DS_Store").write_bytes(b"")
    (band / "img/train/.cache").mkdir()
    assert instruments_of(band) == ("flute", "tuba") and not read_layout(band).problems


def test_a_split_is_missing(band):
    for folder in ("img", "chunk"):
        shutil.rmtree(band / folder / "validation")
    with pytest.raises(InputError, match="img/validation/: found no pair in 'validation'"):
        open_pairs(band)
    with said("found no pair in 'validation'"):
        rest = open_pairs(band, skip_bad=True)
    assert len(rest.validation) == 0 and len(rest.all_train) == 12 and rest._still_()[:4] == b"\x89PNG"


def test_takes_in_both_splits_are_said_once(band):
    write_pair(band, "validation", "tuba", "tuba01_900")
    with said("1 of the 3 validation takes are also in train: scores on validation flatter"):
        pairs = open_pairs(band)
    assert any("flatter" in note for note in pairs.notes)
    with nothing_said():
        open_pairs(band)


def test_files_are_listed_without_hidden_ones(band):
    (band / "img/train/flute/.hidden.jpg").write_bytes(b"x")
    (band / "notes.txt").write_text("not part of the layout")
    files = list_files(band)
    assert len(files) == 2 * 16 and all(len(stamps) == 3 for stamps in files.values())
    assert [entry.source for entry in read_layout(band).entries] == [
        entry.source for entry in pair_files(band, dict(reversed(files.items())), INSTRUMENTS).entries
    ]
