"The logbook: what runs are there, what one of them is, in what two differ; the judge on tune; and their commands."

import json
import os
import shutil
import socket

import pytest
import torch
from tiny_runs import run_tiny
from typer.testing import CliRunner

from avgen import cli
from avgen.judge.generation import tune_scorer
from avgen.core import InputError
from avgen.judge.generation import generate_split
from avgen.judge.classifier import EvaluatorSettings
from avgen.judge.evaluator import train_evaluator
from avgen.runs.config import RunConfig
from avgen.runs.curves import text_curves
from avgen.runs.files import write_json
from avgen.runs.logbook import Comparison, Logbook, config_differences, describe_run, find_runs, run_row
from avgen.data.pairs import toy_pairs
from avgen.training.control import ControlChannel
from avgen.training.recording import Diverged
from avgen.training.runner import fork, train

pytestmark = pytest.mark.usefixtures("tiny")


def run(*arguments):
    return CliRunner().invoke(cli.app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def runs(toys, tiny, tmp_path_factory):
    "A folder of runs: one, a fork, one that diverged, one that was killed, and things that are no runs."
    folder = tmp_path_factory.mktemp("logbook") / "runs"
    run_tiny(toys, folder / "first")
    fork(folder / "first", toys, folder / "more" / "fork", quiet=True, device="cpu", learning_rate=1e-4)
    with pytest.raises(Diverged):
        run_tiny(toys, folder / "broken", poison=2)
    run_tiny(toys, folder / "killed", steps=2)
    write_json(
        folder / "killed" / "state.json",
        {"state": "running", "process": 2**22 + 1, "host": socket.gethostname(), "since": 0},
    )
    raw = {"n": 36, "correct": 12, "accuracy": 1 / 3, "low": 0.2, "high": 0.5, "takes": 6}
    write_json(
        folder / "first" / "report.json",
        {"S2I": {"split": "validation", "accuracy": 0.5, "low": 0.3, "high": 0.7, "raw": raw}},
    )
    (folder / "notes").mkdir()
    (folder / "notes" / "config.json").write_text('{"format": "something else"}')
    return folder


def test_what_is_there_and_how_it_stands(runs):
    book = Logbook(runs)
    assert {os.path.relpath(r["run"], runs): r["state"] for r in book} == {
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
        find_runs(runs / "nowhere")
    assert "no runs in" in repr(Logbook(runs / "first" / "samples"))


def test_a_run_that_is_trained_now(runs, toys, tmp_path):
    shutil.copytree(runs / "first", tmp_path / "now")
    with ControlChannel(tmp_path / "now") as control:
        control.report_state("running", step=3)
        assert run_row(tmp_path / "now")["state"] == "running" and f"process {os.getpid()}" in describe_run(
            tmp_path / "now"
        )


def test_one_run_in_full(runs):
    page = describe_run(runs / "first")
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
    assert "fork of" in describe_run(runs / "more" / "fork") and "learning_rate 0.0001" in describe_run(
        runs / "more" / "fork"
    )
    assert "G/loss became nan" in describe_run(runs / "broken")
    with pytest.raises(InputError, match="no config.json"):
        describe_run(runs / "more")


def test_two_runs(runs):
    both = Comparison(runs / "first", runs / "more" / "fork")
    assert both.differ["learning_rate"] == (1e-3, 1e-4) and {"width", "seed", "data"}.isdisjoint(both.differ)
    assert (
        both.curves("G/loss")["first"][-1][0] == 18
        and "G/loss" in both.text()
        and "D/D(real)" in both.text(["D/D(real)"])
    )
    assert both._still_()[:4] == b"\x89PNG" and len(both.figure().axes) >= 3
    with pytest.raises(InputError, match="curve 'colour'.*expected one of"):
        both.text(["colour"])
    same = Comparison(runs / "first", runs / "first")
    assert not same.differ and len(same.curves("G/loss")) == 1 or same.names[0] == str(runs / "first")
    assert config_differences(RunConfig.read(runs / "first"), RunConfig.read(runs / "killed"))["limit"] == (None, 2)


def test_two_runs_of_the_same_name(runs, tmp_path):
    shutil.copytree(runs / "killed", tmp_path / "first")
    both = Comparison(runs / "first", tmp_path / "first")
    assert len(both.curves("C/loss")) == 2 and str(tmp_path / "first") in both.text()


def test_runs_that_share_no_curve(runs, tmp_path):
    shutil.copytree(runs / "first", tmp_path / "empty")
    (tmp_path / "empty" / "metrics.jsonl").write_text("")
    both = Comparison(runs / "first", tmp_path / "empty")
    assert both.columns == [] and "finished" in both.text() and both._still_()[:4] == b"\x89PNG"


def test_curves_of_characters():
    lines = text_curves({"up": [(0, 0.0), (10, 1.0)], "down": [(0, 1.0), (10, 0.0)]}, width=11, height=3)
    assert [line.split("|")[1].ljust(11) for line in lines[:3]] == ["b         a", "           ", "a         b"]
    assert lines[0].startswith("        1") and "step 0 to 10: a = up, b = down" in lines[-1]
    assert text_curves({"one": [(5, 2.0)]})[0].endswith("a") and text_curves({"none": []}) == ["(nothing to draw)"]


def test_the_commands(runs, tmp_path, monkeypatch):
    listed = run("runs", "--folder", runs)
    assert listed.exit_code == 0 and "more/fork" in listed.stdout and "gone" in listed.stdout
    assert "finished, step 18" in run("runs", "show", runs / "first").stdout
    compared = run(
        "runs", "compare", runs / "first", runs / "more" / "fork", "--curve", "G/loss", "--out", tmp_path / "both.png"
    )
    assert (
        compared.exit_code == 0
        and "learning_rate" in compared.stdout
        and (tmp_path / "both.png").read_bytes()[:4] == b"\x89PNG"
    )
    for wrong in (
        ("runs", "show", runs / "more"),
        ("runs", "--folder", tmp_path / "nowhere"),
        ("runs", "compare", runs / "first", tmp_path),
        ("train",),
    ):
        refused = run(*wrong)
        assert refused.exit_code == 2 and refused.stderr.count("\n") == 1 and refused.stderr.startswith("avgen: "), (
            refused.output
        )
    monkeypatch.chdir(tmp_path)
    assert "expected a folder with runs" in run("runs").stderr
    for command in ("show", "compare"):
        assert f"avgen runs {command}" in run("runs", command, "--help").stdout


@pytest.fixture(scope="module")
def judge(toys):
    return tune_scorer(
        toys, train_evaluator(toys, settings=EvaluatorSettings(image_steps=10, sound_steps=10), cache=False, quiet=True)
    )


def test_the_judge_looks_at_tune_alone(toys, judge, tmp_path, monkeypatch):
    looked = []

    def generate(run, pairset, seed):
        looked.append(pairset.split)
        return generate_split(run, pairset, seed)

    monkeypatch.setattr("avgen.judge.generation.generate_split", generate)
    run = run_tiny(toys, tmp_path / "run", scorer=judge)
    assert set(looked) == {"tune"} and 0 <= run.best["score"] <= 1 and judge(run.at("best")) == run.best["score"]
    with pytest.raises(InputError, match="no pairs in tune"):
        tune_scorer(toy_pairs(n=24, tune_share=0.0))


def test_both_directions_are_judged(judge, tmp_path):
    toys = toy_pairs(n=24)
    run = train(
        "cmcgan",
        toys,
        preset="toy",
        run=tmp_path / "both",
        steps=2,
        scorer=judge,
        quiet=True,
        device="cpu",
        threads=1,
        sample_every=1000,
    )
    assert 0 <= run.best["score"] <= 1
