"""Contract of avgen.studies.workplace: one judge for a folder, runs found again, answers kept beside the run."""

import json
from pathlib import Path

import pytest
from avgen.data.pairs import toy_pairs
from avgen.studies.jobs import Job
from avgen.studies.workplace import StudyJudge, StudySettings, Workplace
from avgen.runs.lock import RunLocked
from avgen.training.runner import train


def workplace(pairs, folder):
    return Workplace(StudySettings(pairs, folder, "toy", quick=True, quiet=True, device="cpu"))


def test_a_run_that_begins_between_two_looks_is_taken_and_not_in_use_by_something_else(tmp_path, monkeypatch):
    "The listing of the folder shows a run's files, though there was no config.json when it was looked at first."
    run, listing = tmp_path / "run", Path.iterdir
    run.mkdir()

    def begins(self):
        if self == run:
            (run / "config.json").write_text("{}")
            (run / "state.json").write_text("{}")
        return listing(self)

    monkeypatch.setattr(Path, "iterdir", begins)
    with pytest.raises(RunLocked, match="holds a run already"):
        train("sa-cmgan", toy_pairs(n=8), run=run, preset="toy", quiet=True)


def test_one_judge_for_all_who_work_in_a_folder(tmp_path, monkeypatch):
    pairs = toy_pairs(n=8)
    first = workplace(pairs, tmp_path / "study").judge
    accuracy = first.evaluator.accuracy
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "another machine's"))
    monkeypatch.setattr("avgen.judge.evaluator.train_classifier", lambda *a, **k: pytest.fail("trained again"))
    second = workplace(pairs, tmp_path / "study").judge
    assert second.evaluator.accuracy == accuracy and second.key == first.key
    assert len(list((tmp_path / "study" / "judge").rglob("*.safetensors"))) == 1


def test_what_was_judged_is_kept_beside_the_run(judged, tmp_path, monkeypatch):
    work, job = workplace(toy_pairs(n=8), judged(tmp_path)), Job("a", "cmcgan", "both")
    found = {d: work.judged(job, d) for d in ("S2I", "I2S")}
    assert all(sum(n for _, n in f.values()) == len(work.settings.pairs.validation) for f in found.values())
    monkeypatch.setattr(StudyJudge, "count_right", lambda *a, **k: pytest.fail("judged again"))
    assert {d: work.judged(Job("b", "cmcgan", "both"), d) for d in found} == found
    config = json.loads((work.runner.folder_of(job) / "config.json").read_text())
    assert config["hardware"] and config["threads"] >= 1


def test_a_run_is_trained_once(judged, tmp_path, monkeypatch):
    work, job = workplace(toy_pairs(n=8), judged(tmp_path)), Job("a", "sa-cmgan", "S2I")
    assert not work.runner.is_done(job)
    work.runner.run_all([job])
    assert work.runner.is_done(job) and (work.runner.folder_of(job) / "curve.json").exists()
    monkeypatch.setattr("avgen.studies.workplace.train", lambda *a, **k: pytest.fail("trained again"))
    work.runner.run_all([job, Job("b", "sa-cmgan", "S2I")])
