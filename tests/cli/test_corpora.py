"""The contract of avgen.cli.corpora, and of any classes under any names from the command line."""

import json

import numpy as np
import pytest
import remarks
from command_line import refused, run
from small_data import make_folder

from avgen.data.corpora import open_pairs
from avgen.runs.run import Run

ODD = ("tr808", "grand piano", "鋼琴", "🥁", "TROMBONE", "cash$ & $more", "<b>")


def test_the_list_says_what_a_reader_must_know():
    result = run("corpora")
    assert result.exit_code == 0
    for words in ("71,230", "14,333", "doi:10.5061/dryad.ng3r749", "licence", "INIS", "FOLDER/instruments.txt"):
        assert words in result.stdout


def test_check_counts_and_ends_with_one_where_it_finds_damage(tmp_path):
    root = make_folder(tmp_path / "mine", ("drum", "grand piano"), takes=1)
    result = run("corpora", "check", "folders", root, "--json", tmp_path / "found.json")
    assert result.exit_code == 0 and "grand piano" in result.stdout and "corrupt: none" in result.stdout
    assert json.loads((tmp_path / "found.json").read_text())["counts"]["train"] == {"drum": 2, "grand piano": 2}
    (root / "img/train/drum/drum00_0.jpg").write_bytes(b"nothing")
    result = run("corpora", "check", "folders", root)
    assert result.exit_code == 1 and "img/train/drum/drum00_0.jpg" in result.stdout
    assert "did you mean 'urmp'" in refused("corpora", "check", "urpm", root)
    assert "found no such folder" in refused("corpora", "check", "folders", tmp_path / "nowhere")


def test_shards_are_written_by_shares_and_opened(tmp_path):
    pytest.importorskip("datasets")
    root = make_folder(tmp_path / "mine", ("drum", "grand piano"), takes=1)
    for i in (0, 1):
        result = run("shards", root, "--out", tmp_path / "shards", "--rows", 2, "--shard", f"{i}/2", "--quiet")
        assert result.exit_code == 0 and "2 shards written and 0 kept" in result.stdout
    assert open_pairs(tmp_path / "shards").hash == open_pairs(root).hash
    assert "--shard" in refused("shards", root, "--out", tmp_path / "shards", "--shard", "2/2")
    assert "--licence" in refused("shards", root, "--out", tmp_path / "shards", "--rows", 2, "--push", "ada/band")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    "Pairs of classes whose names are anything but instruments of an orchestra."
    return make_folder(tmp_path_factory.mktemp("odd") / "my data", ODD, takes=2)


@pytest.fixture(scope="module")
def taught(odd, tiny, tmp_path_factory):
    "A run on them, from the command line, without a word about names."
    folder = tmp_path_factory.mktemp("runs") / "odd"
    options = (
        "--system",
        "tiny",
        "--direction",
        "S2I",
        "--data",
        odd,
        "--run",
        folder,
        "--device",
        "cpu",
        "--steps",
        2,
    )
    result = run("train", *options, "--quiet")
    assert result.exit_code == 0, (result.output, result.exception)
    return folder


def test_any_names_are_trained_on(taught, odd):
    known = Run.open(taught, device="cpu")
    assert known.instruments == tuple(sorted(ODD)) == known.pairs.instruments
    assert run("runs", "show", taught).exit_code == 0


def test_any_names_are_judged(taught, odd, hurried, tmp_path):
    result = run("evaluate", "--run", taught, "--data", odd, "--json", tmp_path / "report.json", "--quiet")
    assert result.exit_code == 0, (result.output, result.exception)
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    found = found.get("evaluations", found)
    assert all(name in json.dumps(found, ensure_ascii=False) for name in ODD)


def test_any_names_are_generated_and_laid_out(taught, odd, tmp_path):
    assert run("generate", "--run", taught, "--data", odd, "--out", tmp_path, "--quiet").exit_code == 0
    arrays = np.load(tmp_path / "generated.npz")
    assert tuple(arrays["instruments"]) == tuple(sorted(ODD)) and len(arrays["generated"]) == 2 * len(ODD)
    assert (tmp_path / "validation/鋼琴/鋼琴02_0.png").is_file() and (tmp_path / "validation/🥁/🥁02_500.png").is_file()
    assert run("sheet", "--run", taught, "--data", odd, "--out", tmp_path / "sheet.html").exit_code == 0
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "鋼琴" in page and "&lt;b&gt;" in page and "<b></" not in page


def test_one_sound_of_any_name_will_do(taught, odd, tmp_path):
    sound = odd / "chunk/validation/grand piano/grand piano02_0.wav"
    assert run("generate", "--run", taught, "--sound", sound, "--out", tmp_path / "g").exit_code == 0
    assert run("attend", "--run", taught, "--sound", sound, "--out", tmp_path / "a").exit_code == 0


def test_the_report_and_the_widgets_show_any_names(taught, odd, tmp_path):
    from avgen.report.rating_study import create_study, rating_items
    from avgen.report.rating_widget import RatingWidget
    from avgen.report.report import write_report
    from avgen.show.gallery import PairGallery
    from avgen.show.pair_grid import PairGrid

    known = Run.open(taught, device="cpu")
    page = write_report(tmp_path / "report.html", [known]).read_text(encoding="utf-8")
    assert "鋼琴" in page and "grand piano" in page and "<b>:" not in page
    study = create_study(
        tmp_path / "votes.db", rating_items([known], known.pairs.validation, n=7), question="instrument"
    )
    assert set(study.rubric) == set(ODD) and RatingWidget(study, "Ada") is not None
    assert {card["instrument"] for card in PairGallery([known]).cards} <= set(ODD) | {n.replace("_", " ") for n in ODD}
    assert len(PairGrid(known.pairs.validation).cards) > 0


def test_strangers_are_told_what_the_run_knows(taught, data):
    said = refused("evaluate", "--run", taught, "--data", data)
    assert "found cello, flute" in said and f"avgen train --data {data}" in said


def test_a_misspelt_folder_gets_advice_that_can_be_followed(tmp_path, tiny):
    root = make_folder(tmp_path / "x", ("drum", "piano", "guitar"), takes=2)
    options = (
        "--system",
        "tiny",
        "--data",
        root,
        "--run",
        tmp_path / "run",
        "--device",
        "cpu",
        "--steps",
        1,
        "--quiet",
    )
    for folder in ("img", "chunk"):
        (root / folder / "validation/piano").rename(root / folder / "validation/Piano")
    said = refused("train", *options)
    assert "did you mean 'piano'" in said and "instruments=(" not in said
    checked = run("corpora", "check", "folders", root)  # as the message says
    assert "avgen corpora check folders" in said and checked.exit_code == 1 and "'Piano'" in checked.stdout
    (root / "instruments.txt").write_text("drum\nguitar\npiano\nPiano\n")  # and the other thing that it says
    with remarks.said("Piano"):
        assert run("train", *options).exit_code == 0
    assert Run.open(tmp_path / "run", device="cpu").instruments == ("drum", "guitar", "piano", "Piano")


def test_bad_pairs_are_left_out_from_the_command_line(tmp_path, tiny, hurried):
    root = make_folder(tmp_path / "x", ("drum", "piano"), takes=3)
    (root / "img/train/drum/drum00_0.jpg").write_bytes(b"nothing")
    named = ("--system", "tiny", "--data", root, "--run", tmp_path / "run")
    options = (*named, "--device", "cpu", "--set", "batch_size=4", "--quiet")
    assert "--skip-bad" in refused("train", *options)
    with remarks.said("1 problem, left out"):
        assert run("train", *options, "--skip-bad", "--steps", 2).exit_code == 0
    assert run("runs", "show", tmp_path / "run").exit_code == 0
    assert len(Run.open(tmp_path / "run", device="cpu").pairs.all_train) == 11, "a run remembers"
    for command in ("evaluate", "sheet"):
        known = (command, "--run", tmp_path / "run", "--data", root)
        assert "--skip-bad" in refused(*known)
        more = ("--out", tmp_path / "s.html") if command == "sheet" else ("--quiet",)
        assert run(*known, "--skip-bad", *more).exit_code == 0


def test_too_few_pairs_and_a_single_class_get_advice_that_can_be_followed(tmp_path, tiny):
    root = make_folder(tmp_path / "x", ("drum", "piano"), takes=1)
    options = (
        "--system",
        "tiny",
        "--data",
        root,
        "--run",
        tmp_path / "run",
        "--device",
        "cpu",
        "--steps",
        1,
        "--quiet",
    )
    assert "--set batch_size=2" in refused("train", *options)
    assert run("train", *options, "--set", "batch_size=2").exit_code == 0
    root = make_folder(tmp_path / "y", ("drum",), takes=3, clips=4)
    options = (
        "--system",
        "tiny",
        "--data",
        root,
        "--run",
        tmp_path / "one",
        "--device",
        "cpu",
        "--steps",
        1,
        "--quiet",
    )
    assert "add another" in refused("train", *options)


@pytest.mark.parametrize("count", [2, 40])
def test_few_classes_and_many(tmp_path, tiny, count):
    names = tuple(f"bird {i}" for i in range(count))
    root = make_folder(tmp_path / "x", names, takes=1, clips=4 if count == 2 else 1)
    options = (
        "--system",
        "tiny",
        "--data",
        root,
        "--run",
        tmp_path / "run",
        "--device",
        "cpu",
        "--steps",
        1,
        "--quiet",
    )
    assert run("train", *options).exit_code == 0
    assert run("generate", "--run", tmp_path / "run", "--data", root, "--out", tmp_path / "g", "--quiet").exit_code == 0
