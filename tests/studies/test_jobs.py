"Contract of avgen.studies.jobs: what a run is found by, intervals over takes and seeds, tasks made once by several workers, one judge for a folder."

import json
import threading
import time

import numpy as np
import pytest
from avgen.core import InputError
from avgen.studies.jobs import Job, Shared, Work, counted, judge_key
from avgen.data.pairs import toy_pairs
from avgen.training.remote import RunLock, RunLocked
from avgen.training.runner import train


def test_a_line_counts_takes_and_seeds():
    even = {f"t{i}": [2, 4] for i in range(50)}
    mixed = {f"t{i}": [4 * (i % 2), 4] for i in range(50)}
    width = lambda *j: (c := counted(*j))["high"] - c["low"]
    assert width(even) == 0 < width(mixed) and counted(mixed)["accuracy"] == 0.5
    best, worst = {t: [4, 4] for t in even}, {t: [1, 4] for t in even}
    assert counted(best, worst)["low"] == pytest.approx(0.25) and counted(best, worst)["high"] == pytest.approx(1.0)
    assert 0.8 < counted({f"t{i}": [4, 4] for i in range(20)})["low"] < 1
    rng = np.random.default_rng(0)
    held = [
        (lambda c: c["low"] <= 0.6 <= c["high"])(
            counted({f"t{i}": [int(rng.binomial(4, 0.6)), 4] for i in range(60)}, seed=k)
        )
        for k in range(60)
    ]
    assert sum(held) >= 50


def test_the_key_of_a_run_follows_from_everything_that_matters():
    plain = Job("a", "sa-cmgan", "S2I")
    key = lambda job=plain, preset="toy", data="d", steps=None: job.key(preset, data, steps)
    assert key() == key(Job("b", "sa-cmgan", "S2I", (("width", 4),)))
    assert (
        len(
            {
                key(),
                key(preset="small"),
                key(data="e"),
                key(steps=3),
                key(Job("a", "sa-cmgan", "S2I", seed=1)),
                key(Job("a", "sa-cmgan", "I2S")),
                key(Job("a", "sa-cmgan", "S2I", (("width", 8),))),
            }
        )
        == 7
    )


def tasks(folder, make, count: int = 8, **more):
    "`make` of every task, by a worker in `folder`."
    mine = Shared()
    mine.folder, mine.every, mine.quiet = folder, 0.01, True
    for name, value in more.items():
        setattr(mine, name, value)
    mine.share({folder / str(i): i for i in range(count)}, lambda i: (folder / str(i) / "done").exists(), make)


def held(folder, i, then):
    "Make task i as a run is made: under a hold, looked at again once it is ours."
    (folder / str(i)).mkdir(parents=True, exist_ok=True)
    hold = RunLock(folder / str(i)).take(say=lambda text: None)
    try:
        if not (folder / str(i) / "done").exists():
            then(i)
    finally:
        hold.give_back()


def test_workers_make_every_task_once(tmp_path):
    made = []

    def then(i):
        time.sleep(0.01)
        made.append((i, threading.get_ident()))
        (tmp_path / str(i) / "done").write_text("")

    workers = [threading.Thread(target=tasks, args=(tmp_path, lambda i: held(tmp_path, i, then))) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert sorted(i for i, _ in made) == list(range(8)) and len({w for _, w in made}) > 1


def test_whoever_was_slower_goes_on_and_what_is_really_wrong_is_said_at_once(tmp_path):
    calls = []

    def slower(i):
        calls.append(i)
        (tmp_path / str(i)).mkdir(exist_ok=True)
        (tmp_path / str(i) / "done").write_text("")
        raise RunLocked("somebody was faster")

    tasks(tmp_path, slower, 3)
    assert calls == [0, 1, 2]

    def wrong(i):
        calls.append(i)
        raise InputError("the data are gone")

    with pytest.raises(InputError, match="data are gone"):
        tasks(tmp_path / "other", wrong)
    assert calls == [0, 1, 2, 0]


def test_a_holder_that_does_nothing_is_not_waited_for_for_ever(tmp_path):
    (tmp_path / "0").mkdir()
    hold = RunLock(tmp_path / "0").take()
    try:
        with pytest.raises(InputError, match="is held by process .* delete .*training.lock"):
            tasks(tmp_path, lambda i: pytest.fail("it is held"), 1, patience=-1.0)
    finally:
        hold.give_back()


def test_a_run_that_begins_between_two_looks_is_taken_and_not_in_use_by_something_else(tmp_path, monkeypatch):
    "The listing of the folder shows a run's files, though there was no config.json when it was looked at first."
    from pathlib import Path

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
    work = lambda: Work(pairs, tmp_path / "study", "toy", quick=True, quiet=True, device="cpu")
    first = work().evaluator
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "another machine's"))
    monkeypatch.setattr(
        "avgen.judge.evaluator.EvaluatorNetwork", lambda *a, **k: pytest.fail("trained again"), raising=False
    )
    begun = time.perf_counter()
    second = work().evaluator
    assert (
        first.accuracy == second.accuracy
        and judge_key(first) == judge_key(second)
        and len(list((tmp_path / "study" / "judge").rglob("*.safetensors"))) == 1
    ), time.perf_counter() - begun


def test_what_was_judged_is_kept_beside_the_run(tmp_path, monkeypatch):
    work, job = Work(toy_pairs(n=8), tmp_path, "toy", quick=True, quiet=True, device="cpu"), Job("a", "cmcgan", "both")
    found = {d: work.judged(job, d) for d in ("S2I", "I2S")}
    assert all(sum(n for _, n in f.values()) == len(work.pairs.validation) for f in found.values())
    monkeypatch.setattr(Work, "judge", lambda *a, **k: pytest.fail("judged again"))
    assert {d: work.judged(Job("b", "cmcgan", "both"), d) for d in found} == found
    config = json.loads((work.place(job) / "config.json").read_text())
    assert config["hardware"] and config["threads"] >= 1
