"""Contract of avgen.studies.study: every table in quick form, runs shared by tables and workers, what is refused."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.runs.files import read_metrics
from avgen.studies.jobs import Job
from avgen.studies.study import STUDIES, estimate, estimate_seconds, read_study, run_study
from avgen.studies.workplace import JobRunner, StudyInterrupted, StudySettings, Workplace
from avgen.runs.lock import is_held
from warm_python import Process, warm


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("studies")


@pytest.mark.parametrize("name", [n for n in STUDIES if n != "poster-3"])
def test_every_table_in_its_quick_form(orchestra, chamber_orchestra, place, name):
    pairs = chamber_orchestra if name == "representations" else orchestra  # ten classifiers of large arrays
    result = run_study(name, pairs, folder=place, quick=True, quiet=True, device="cpu")
    assert result.rows and all(
        {"n", "takes", "seeds", "accuracy", "low", "high", "published", "seconds", "device"} <= set(r)
        for r in result.rows
    )
    assert all(0 <= r["low"] <= r["high"] <= 1 and r["takes"] <= r["n"] for r in result.rows)
    if name in ("cmav", "poster-1", "poster-2"):
        for r in result.rows:
            assert set(r["by_instrument"]) == set(orchestra.instruments) and all(
                len(v) == r["seeds"] for v in r["by_instrument"].values()
            )
            each = np.mean(
                list(r["by_instrument"].values()), 0
            )  # as many of each instrument: their mean is the accuracy
            assert np.allclose(each, r["by_seed"], atol=2e-3)
    assert (
        "QUICK" in result.markdown()
        and "published (other data)" in result.markdown()
        and result._still_()[:4] == b"\x89PNG"
    )
    again = read_study(place / f"{name}.json")
    assert again.rows == json.loads(json.dumps(result.rows)) and (place / f"{name}.md").read_text() == result.markdown()
    if name == "cmav":
        assert all(r["best_epoch"] >= r["last_epoch"] for r in result.rows)  # on train too
    extras = {
        "cmav": ["best_epoch", "last_epoch"],
        "pose": ["pose R2", "real performer"],
        "protocols": ["batch low", "ahead of the best in"],
    }.get(name, [])
    assert all(any(e in r for r in result.rows) for e in extras)


def test_poster_3_shows_effect_and_gamma_0(judged, tmp_path):
    result = run_study("poster-3", toy_pairs(n=8), folder=judged(tmp_path), quick=True, quiet=True, device="cpu")
    lines = [r for r in result.rows if r["split"] == "validation"]
    assert len(lines) == 8 and all(
        {"gamma 0", "effect encoder", "effect generator", "effect discriminator"} <= set(r) for r in lines
    )


def test_runs_are_shared_between_studies_and_a_second_call_trains_nothing(orchestra, place, monkeypatch):
    work = Workplace(StudySettings(orchestra, place, "toy", quick=True))

    def keys(name):
        return {work.runner.folder_of(job) for job in STUDIES[name].jobs(work)}

    assert (
        keys("protocols") == keys("poster-1") == keys("performers")
        and keys("poster-1") & keys("poster-2")
        and keys("poster-1") & keys("cmav")
        and keys("pose") & keys("poster-1")
    )
    assert len(keys("cmcgan") & keys("poster-1")) == 1
    for name in ("poster-1", "cmav"):
        run_study(name, orchestra, folder=place, quick=True, quiet=True, device="cpu")
    monkeypatch.setattr("avgen.studies.workplace.train", lambda *a, **k: pytest.fail("trained again"))
    run_study("poster-1", orchestra, folder=place, quick=True, quiet=True, device="cpu")
    assert estimate("poster-1", work) == {"jobs": 5, "left": 0, "seconds": 0}


def workers(data, folder, count: int) -> list[Process]:
    "The same command, started several times at once."
    env = os.environ | {
        "OMP_NUM_THREADS": "1",
        "AVGEN_THREADS": "1",
        "AVGEN_CACHE": str(folder.parent / "cache"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
    }
    command = ["-m", "avgen.cli", "study", "poster-2", "--data", data, "--out", folder, "--quick", "--device", "cpu"]
    return [warm.popen(command, env=env, stdout=subprocess.PIPE) for _ in range(count)]


def table(folder):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read_study(folder / "poster-2.json").rows]


def printed(text: str) -> list:
    return [line.rsplit("|", 2)[0] for line in text.splitlines() if line.startswith("| ")]  # without the time


@pytest.fixture(scope="module")
def by_one(chamber_orchestra, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "study"
    (one,) = workers(chamber_orchestra.root, folder, 1)
    said, wrong = one.communicate(timeout=300)
    assert one.returncode == 0, wrong
    return folder


@pytest.mark.parametrize("killed", [False, True])
def test_two_workers_share_the_runs_and_make_the_table_of_one(chamber_orchestra, by_one, tmp_path, killed):
    folder = tmp_path / "study"
    both = workers(chamber_orchestra.root, folder, 2)

    def trained():
        return {s.parent.name: json.loads(s.read_text())["process"] for s in folder.glob("runs/*/state.json")}

    try:
        end = time.monotonic() + 200
        while len(set(trained().values())) < 2 and time.monotonic() < end and all(p.poll() is None for p in both):
            time.sleep(0.005)
        assert set(trained().values()) == {p.pid for p in both}  # each has one of its own
        if killed:
            both[0].kill()
        said = [p.communicate(timeout=300) for p in both]
    finally:
        for p in both:
            p.kill()
    assert [p.returncode for p in both] == [-signal.SIGKILL if killed else 0, 0], said
    assert table(folder) == table(by_one) and (folder / "poster-2.md").read_text().count("|") == (
        by_one / "poster-2.md"
    ).read_text().count("|")
    assert all(
        printed(text[0]) == printed((by_one / "poster-2.md").read_text())
        for p, text in zip(both, said)
        if p.returncode == 0
    )
    for run in sorted((folder / "runs").iterdir()):  # no step twice, nobody holds it
        steps = [m["step"] for m in read_metrics(run)]
        assert steps == sorted(set(steps)) and not is_held(run) and not list(run.rglob("*.tmp"))
    assert len(trained()) == 4 and not is_held(folder)


def test_an_interrupted_study_goes_on(judged, tmp_path, monkeypatch):
    pairs, calls = toy_pairs(n=8), []
    whole = run_study("poster-2", pairs, folder=judged(tmp_path / "whole"), quick=True, quiet=True, device="cpu")
    original = JobRunner.run

    def run(self, job):
        if not self.is_done(job):
            calls.append(job)
        if len(calls) == 3:
            raise StudyInterrupted("stopped")
        return original(self, job)

    monkeypatch.setattr(JobRunner, "run", run)
    assert (
        run_study("poster-2", pairs, folder=judged(tmp_path / "cut"), quick=True, quiet=True, device="cpu") is None
        and not (tmp_path / "cut" / "poster-2.json").exists()
    )
    monkeypatch.setattr(JobRunner, "run", original)
    again = run_study("poster-2", pairs, folder=tmp_path / "cut", quick=True, quiet=True, device="cpu")
    assert [(r["label"], r["accuracy"], r["low"]) for r in again.rows] == [
        (r["label"], r["accuracy"], r["low"]) for r in whole.rows
    ]


QUICK = dict(quick=True, quiet=True)


@pytest.mark.parametrize(
    "name, settings, words",
    [
        ("poster1", {}, ["'poster1'", "did you mean 'poster-1'"]),
        ("cmav", {"seeds": 0}, ["'seeds'", "from 1"]),
        ("cmav", {"preset": "huge"}, ["'huge'", "'paper'"]),
        ("pose", QUICK, ["pose", "orchestra"]),
        ("performers", QUICK, ["performers", "orchestra"]),
        ("representations", QUICK, ["waveforms"]),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, name, settings, words):
    monkeypatch.setattr(JobRunner, "run", lambda self, job: pytest.fail("trained what cannot be answered"))
    with pytest.raises(InputError) as e:
        run_study(name, toy_pairs(), folder=tmp_path, **settings)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "other.json").write_text('{"name": "another", "rows": [], "about": {}}')
    for name, words in (("nothing", "nothing.json.*cannot be read"), ("other", "no study is called 'another'")):
        with pytest.raises(InputError, match=words):
            read_study(tmp_path / f"{name}.json")


def test_results_of_other_settings_are_refused_with_the_difference(tmp_path):
    (tmp_path / "cmav.json").write_text(
        json.dumps(
            {
                "name": "cmav",
                "rows": [],
                "about": {
                    "settings": {"study": "cmav", "data": "other", "preset": "small", "seeds": 3, "quick": False}
                },
            }
        )
    )
    with pytest.raises(InputError, match=r"data was 'other'.*seeds was 3, is 1 now"):
        run_study("cmav", toy_pairs(), folder=tmp_path, quiet=True)
    (tmp_path / "cmav.json").write_text("half a fi")
    with pytest.raises(InputError, match="cannot be read"):
        run_study("cmav", toy_pairs(), folder=tmp_path, quiet=True)


def test_the_estimate_counts_the_steps_that_are_trained(tmp_path, monkeypatch):
    now = iter(range(10**6))
    monkeypatch.setattr(
        "avgen.studies.study.time.perf_counter", lambda: float(next(now))
    )  # two steps of each stage take one second
    monkeypatch.setattr(JobRunner, "record_curve", lambda self, run, step: None)  # it would train a whole judge
    work = Workplace(StudySettings(toy_pairs(n=8), tmp_path, "toy", limit=4, quiet=True))
    job = Job("a", "missing-modality", "both")
    steps = work.runner.run(job).config.steps
    monkeypatch.setattr(JobRunner, "is_done", lambda self, job: False)
    assert estimate_seconds(job, work) == pytest.approx(steps / 2)
