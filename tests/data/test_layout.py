"""The contract of avgen.data.layout: which files are pairs, and what is said of the rest."""

import os
import shutil
import warnings

import numpy as np
import pytest
from small_data import write_pair
from remarks import nothing_said, said

from avgen.core import INSTRUMENTS, InputError
from avgen.data.corpora import open_pairs
from avgen.data.layout import instruments_of, list_files, pair_files, read_layout
from avgen.data.loading import check_folder, find_file

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


def test_a_quote_that_never_closes_is_named_by_its_line(band):
    rows = ["split,instrument,stem,performer", "train,flute,flute00_0,Ada", 'train,flute,flute00_500,"Bea']
    (band / "pairs.csv").write_text("\n".join([*rows, "train,flute,flute01_0,Cy", ""]))
    with pytest.raises(InputError, match="pairs.csv: found a row that begins in line 3"):
        open_pairs(band)
    with said(""):
        assert open_pairs(band, skip_bad=True).all_train[0].performer == "Ada"
    (band / "pairs.csv").write_text("\n".join([*rows[:2], "x" * 200_000]))
    assert "line 3" in check_folder(band).problems[0][1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_a_table_out_of_a_spreadsheet(band, encoding, comma):
    rows = ["split,instrument,stem,performer", "train,flute,flute00_0,Jürgen"]
    (band / "pairs.csv").write_bytes("\r\n".join(rows).replace(",", comma).encode(encoding))
    layout = read_layout(band)
    assert layout.table["train/flute/flute00_0"]["performer"] == "Jürgen" and not layout.problems
    assert any("Latin-1" in note for note in layout.notes) == (encoding == "latin-1")


def test_mutants_of_a_table_cost_a_sentence_each(band):
    random = np.random.default_rng(0)
    rows = ["split,instrument,stem,performer,f0"] + [f'train,flute,flute00_{n},"A, ""B""",{n}.5' for n in range(9)]
    files, whole = list_files(band) | {"pairs.csv": (1, 1, 1)}, "\n".join(rows).encode()
    for n in range(300):
        data = bytearray(whole)
        for at in random.integers(0, len(data), random.integers(1, 9)):
            data[at] = random.choice([0, 255, 34, 44, 10, 13, random.integers(256)])
        (band / "pairs.csv").write_bytes(bytes(data[: random.integers(len(data))] if n % 3 == 0 else data))
        layout = read_layout(band, files=files)
        assert len(layout.entries) == 16 and {file for file, _ in layout.problems} <= {"pairs.csv"}


def test_a_folder_that_cannot_be_listed_is_a_problem(band, monkeypatch):
    scan = os.scandir

    def refuse(folder):
        if str(folder).endswith("chunk/train/tuba"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    problems = dict(check_folder(band).problems)
    assert "cannot be listed" in problems["chunk/train/tuba/"] and len(problems) == 1 + 6
    with said(""):
        assert len(open_pairs(band, skip_bad=True).all_train) == 6


def test_a_file_is_found_again_in_any_spelling(band):
    (band / "chunk/train/flute/flute00_0.wav").rename(band / "chunk/train/flute/flute00_0.WaV")
    assert find_file(band, "chunk", "train/flute/flute00_0").suffix == ".WaV"
    assert find_file(band, "img", "train/flute/flute00_0").suffix == ".jpg"
    assert find_file(band, "img", "train/flute/flute99_0") is None and find_file(band, "img", "a/b/c") is None


def test_numbers_in_a_name_are_bounded(band):
    for folder, ending in (("img", "jpg"), ("chunk", "wav")):
        place = band / folder / "train/flute"
        (place / f"flute00_0.{ending}").rename(place / f"flute00_{'9' * 30}.{ending}")
    assert "expected <instrument>" in check_folder(band).problems[0][1]
