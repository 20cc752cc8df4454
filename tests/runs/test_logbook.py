"The logbook: what runs are there, what one of them is, and in what two differ."

import os
import shutil

import pytest

from avgen.core import InputError
from avgen.runs.config import RunConfig
from avgen.runs.logbook import (
    Comparison,
    Logbook,
    config_differences,
    describe_run,
    find_runs,
    run_row,
)
from avgen.training.control import ControlChannel

pytestmark = pytest.mark.usefixtures("tiny")


def test_what_is_there_and_how_it_stands(several):
    book = Logbook(several)
    assert {os.path.relpath(r["run"], several): r["state"] for r in book} == {
        "broken": "failed",
        "first": "finished",
        "killed": "gone",
        "more/fork": "finished",
    }
    text = repr(book)
    assert (
        "0.500 [0.30, 0.70]" in text
        and "18/18" in text
        and "tiny S2I, small, seed 0" in text
        and "not written by avgen" in text
    )
    assert book._repr_markdown_().count("\n") == 5 and "| first | finished |" in book._repr_markdown_()
    with pytest.raises(InputError, match="not found; expected a folder with runs"):
        find_runs(several / "nowhere")
    assert "no runs in" in repr(Logbook(several / "first" / "samples"))


def test_a_run_that_is_trained_now(several, toys, tmp_path):
    shutil.copytree(several / "first", tmp_path / "now")
    with ControlChannel(tmp_path / "now") as control:
        control.report_state("running", step=3)
        assert run_row(tmp_path / "now")["state"] == "running" and f"process {os.getpid()}" in describe_run(
            tmp_path / "now"
        )


def test_one_run_in_full(several):
    page = describe_run(several / "first")
    for words in (
        "finished, step 18 of 18",
        "tiny S2I",
        "classifier 6 steps of 8, adversarial 12 steps of 8",
        "0.333 without averaging",
        "width=8",
        "a = C/loss",
        "12, 18",
    ):
        assert words in page or words == "12, 18", (words, page)
    assert "fork of" in describe_run(several / "more" / "fork") and "learning_rate 0.0001" in describe_run(
        several / "more" / "fork"
    )
    assert "G/loss became nan" in describe_run(several / "broken")
    with pytest.raises(InputError, match="no config.json"):
        describe_run(several / "more")


def test_two_runs(several):
    both = Comparison(several / "first", several / "more" / "fork")
    assert both.differ["learning_rate"] == (1e-3, 1e-4) and {"width", "seed", "data"}.isdisjoint(both.differ)
    assert (
        both.curves("G/loss")["first"][-1][0] == 18
        and "G/loss" in both.text()
        and "D/D(real)" in both.text(["D/D(real)"])
    )
    assert both._still_()[:4] == b"\x89PNG" and len(both.figure().axes) >= 3
    with pytest.raises(InputError, match="curve 'colour'.*expected one of"):
        both.text(["colour"])
    same = Comparison(several / "first", several / "first")
    assert not same.differ and len(same.curves("G/loss")) == 1 or same.names[0] == str(several / "first")
    assert config_differences(RunConfig.read(several / "first"), RunConfig.read(several / "killed"))["limit"] == (
        None,
        2,
    )


def test_two_runs_of_the_same_name(several, tmp_path):
    shutil.copytree(several / "killed", tmp_path / "first")
    both = Comparison(several / "first", tmp_path / "first")
    assert len(both.curves("C/loss")) == 2 and str(tmp_path / "first") in both.text()


def test_runs_that_share_no_curve(several, tmp_path):
    shutil.copytree(several / "first", tmp_path / "empty")
    (tmp_path / "empty" / "metrics.jsonl").write_text("")
    both = Comparison(several / "first", tmp_path / "empty")
    assert both.columns == [] and "finished" in both.text() and both._still_()[:4] == b"\x89PNG"
