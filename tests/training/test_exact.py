"""Exactness and safety of a run: killed, resumed, its folder taken away or locked, on a full disk, forked, scored."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_runs import TOTAL, final, interrupt_at, log, run_tiny, same

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.config import RunConfig
from avgen.runs.lock import RunLock, is_held
from avgen.runs.run import Run
from avgen.training.remote import launch
from avgen.training.runner import fork, resume, start
from avgen.training.trainer import Trainer

HERE = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def whole(toys, tiny, tmp_path_factory):
    return run_tiny(toys, tmp_path_factory.mktemp("runs") / "whole")


def test_killed_four_times_in_the_middle_and_still_the_same():
    command = [
        sys.executable,
        str(HERE / "kill_and_resume.py"),
        "--times",
        "4",
        "--steps",
        "24",
        "--systems",
        "sa-cmgan:S2I",
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert told.returncode == 0, told.stdout + told.stderr
    found = json.loads(told.stdout)
    assert found["kills"] == 4 and found["same"] == "to the bit" and found["while_a_checkpoint_was_written"] >= 2


@pytest.mark.parametrize("k", [1, 4, 7, 12])
def test_a_stop_leaves_no_trace_in_the_log(whole, toys, tmp_path, monkeypatch, k):
    interrupt_at(monkeypatch, k)
    assert run_tiny(toys, tmp_path / "run").interrupted
    again = resume(tmp_path / "run", toys, quiet=True)
    assert log(again) == log(whole)
    same(final(whole), final(again))


def test_a_batch_follows_from_its_step_alone(toys):
    "Whatever fetches them, in whatever order and how many at once: so the number of loader workers cannot matter."
    from concurrent.futures import ThreadPoolExecutor

    how = dict(batch_size=8, mismatched="instrument", seed=5, balanced=True)
    one = [Batches(toys.train, **how).at(s) for s in range(12)]
    with ThreadPoolExecutor(4) as pool:
        other = dict(pool.map(lambda s: (s, Batches(toys.train, **how).at(s)), reversed(range(12))))
    for s, batch in enumerate(one):
        assert (
            torch.equal(batch.index, other[s].index)
            and torch.equal(batch.image, other[s].image)
            and torch.equal(batch.mismatched_sound, other[s].mismatched_sound)
        )


def test_a_folder_that_is_taken_away_and_put_back(whole, toys, tmp_path, monkeypatch):
    original, folder = Trainer.one_step, tmp_path / "run"

    def one_step(self):
        original(self)
        if self.position.step == 11:
            folder.rename(tmp_path / "elsewhere")

    monkeypatch.setattr(Trainer, "one_step", one_step)
    with pytest.raises(InputError, match="no longer there: .*put it back, then resume"):
        run_tiny(toys, folder, checkpoint_every=4)
    assert not folder.exists()  # nothing is put in its place
    monkeypatch.undo()
    (tmp_path / "elsewhere").rename(folder)
    again = resume(folder, toys, quiet=True)
    same(final(whole), final(again))


@pytest.mark.parametrize("name", ["step_00000008.safetensors", "step_00000008.json", "metrics.jsonl"])
def test_an_interrupt_in_the_middle_of_a_write(whole, toys, tmp_path, monkeypatch, name):
    real_open = open

    class Torn:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, what):
            return getattr(self.file, what)

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            self.file.flush()
            raise KeyboardInterrupt

    def torn(path, mode="r", *a, **k):
        file = real_open(path, mode, *a, **k)
        hit = name in str(path) and ("w" in mode or ("a" in mode and Path(path).stat().st_size > 600))
        return Torn(file) if hit else file

    monkeypatch.setattr("builtins.open", torn)
    run = run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    monkeypatch.undo()
    assert (
        run.interrupted
        and not list(tmp_path.rglob("*.tmp"))
        and read_checkpoint(list_checkpoints(run.folder / "checkpoints")[-1]).step == run.step
    )
    again = resume(tmp_path / "run", toys, quiet=True)
    same(final(whole), final(again))
    assert again.metrics[-1]["step"] == TOTAL


def test_a_file_that_may_grow_no_further(tmp_path):
    "A limit of the system, met in the middle of a checkpoint: one line, and everything before it stands."
    code = """
import resource, signal, sys
from avgen.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
from avgen.data.pairs import toy_pairs
from avgen.training.runner import train
from avgen.core import InputError
try: train("sa-cmgan", toy_pairs(n=24), preset="toy", run=sys.argv[1], device="cpu", quiet=True, threads=1)
except InputError as e: print(e)
"""
    told = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True, timeout=200)
    assert (
        told.returncode == 0
        and told.stdout.count("\n") == 1
        and "cannot write" in told.stdout
        and "File too large" in told.stdout
    ), told.stdout + told.stderr
    assert not list(tmp_path.rglob("*.tmp"))


HOLDER = """
import sys, time
from avgen.runs.lock import RunLock
lock = RunLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(100)
"""


def test_the_second_is_told_who_holds_a_run(whole, toys, tmp_path):
    interrupted = tmp_path / "run"
    run_tiny(toys, interrupted, steps=2)
    (interrupted / "checkpoints").rename(tmp_path / "kept")  # else it would be finished
    with subprocess.Popen([sys.executable, "-c", HOLDER, interrupted], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        for action in (
            lambda: resume(interrupted, toys, quiet=True),
            lambda: launch(interrupted),
            lambda: RunLock(interrupted).acquire(),
        ):
            with pytest.raises(
                InputError,
                match=rf"being trained already, by process {other.pid} on {socket.gethostname()} since 20\d\d-",
            ):
                action()
        other.kill()
        other.wait()
    said = []
    assert not is_held(interrupted)
    RunLock(interrupted).acquire(said.append).release()
    assert len(said) == 1 and f"process {other.pid} on" in said[0] and "ended without a word" in said[0]
    RunLock(interrupted).acquire(said.append).release()
    assert len(said) == 1


def test_two_that_begin_in_the_same_folder(toys, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    hold = RunLock(folder).acquire()
    for action in (
        lambda: run_tiny(toys, folder),
        lambda: start("sa-cmgan", toys, preset="toy", run=folder, device="cpu"),
    ):
        with pytest.raises(InputError, match=f"being trained already, by process {os.getpid()}"):
            action()
    hold.release()
    assert run_tiny(toys, folder).finished


def test_without_locks_the_number_of_the_process_has_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("avgen.runs.lock._is_free", lambda path: None)
    path = tmp_path / "training.lock"
    path.write_text(json.dumps({"process": 1, "host": socket.gethostname(), "since": 0}))
    assert is_held(tmp_path)
    with pytest.raises(InputError, match="by process 1 on"):
        RunLock(tmp_path).acquire()
    path.write_text(json.dumps({"process": 2**22 + 1, "host": socket.gethostname(), "since": 0}))
    said = []
    RunLock(tmp_path).acquire(said.append).release()
    assert len(said) == 1 and not is_held(tmp_path)


def test_a_folder_without_the_right_to_write(whole, toys, tmp_path, monkeypatch):
    run_tiny(toys, tmp_path / "run", steps=2)
    (tmp_path / "run" / "checkpoints").rename(tmp_path / "kept")
    real_open = open

    def denied(path, mode="r", *a, **k):
        if str(path).startswith(str(tmp_path)) and mode[0] in "wa":
            raise PermissionError(13, "Permission denied")
        return real_open(path, mode, *a, **k)

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(InputError, match="cannot be written to: Permission denied; ask for the right"):
        resume(tmp_path / "run", toys, quiet=True)
    with pytest.raises(InputError, match="cannot be written to|cannot write"):
        run_tiny(toys, tmp_path / "other")


def test_a_fork_begins_anew_from_the_weights(whole, toys, tmp_path):
    forked = fork(
        whole.folder, toys, tmp_path / "fork", quiet=True, device="cpu", sample_every=1000, learning_rate=1e-9
    )
    assert forked.finished and forked.config.fork["step"] == TOTAL and forked.config.settings["learning_rate"] == 1e-9
    assert {row["stage"] for row in forked.metrics} == {"adversarial"} and forked.metrics[0]["step"] == 7
    mine, its = final(forked), final(whole)
    assert torch.allclose(
        mine["model.generator.0.weight"], its["model.generator.0.weight"], atol=1e-6
    )  # so small a rate moves nothing
    assert torch.allclose(mine["average.generator.0.weight"], its["average.generator.0.weight"], atol=2e-2)
    with pytest.raises(InputError, match="has shape .*expected"):
        fork(whole.folder, toys, tmp_path / "wide", quiet=True, device="cpu", width=16)
    with pytest.raises(InputError, match="colour"):
        fork(whole.folder, toys, tmp_path / "wide", quiet=True, device="cpu", colour=16)
    assert not (tmp_path / "wide").exists()
    with pytest.raises(InputError, match="begin a new run from its weights with fork"):
        resume(whole.folder, toys, width=16)


def test_a_fork_that_is_killed_goes_on_from_its_own_folder(whole, toys, tmp_path, monkeypatch):
    more = dict(quiet=True, device="cpu", sample_every=1000, seed=4)
    once = fork(whole.folder, toys, tmp_path / "once", **more)
    interrupt_at(monkeypatch, 9)
    assert fork(whole.folder, toys, tmp_path / "twice", **more).interrupted
    same(final(once), final(resume(tmp_path / "twice", toys, quiet=True)))


def test_the_last_k_and_the_best_are_kept(toys, tmp_path, monkeypatch):
    scores = {4: 0.2, 6: 0.9, 8: 0.5, 12: 0.7, 16: 0.1, 18: 0.3}
    scored = []

    def scorer(run):
        scored.append(run.step)
        return scores[run.step]

    run = run_tiny(toys, tmp_path / "run", checkpoint_every=4, keep=3, scorer=scorer)
    kept = [int(p.stem[5:]) for p in list_checkpoints(run.folder / "checkpoints")]
    assert kept == [6, 12, 16, 18] and scored == [4, 6, 8, 12, 16, 18] and run.best == {"step": 6, "score": 0.9}
    assert Run.open(run.folder, toys, device="cpu").at("best").step == 6
    interrupt_at(monkeypatch, 12)
    assert run_tiny(toys, tmp_path / "cut", checkpoint_every=4, keep=3, scorer=scorer).interrupted
    with pytest.raises(InputError, match="was begun with a scorer"):
        resume(tmp_path / "cut", toys, quiet=True)
    again = resume(tmp_path / "cut", toys, quiet=True, scorer=scorer)
    assert again.best == run.best and log(again) == log(run)
    same(final(run), final(again))
    with pytest.raises(InputError, match="found no best"):
        Run.open(run_tiny(toys, tmp_path / "plain", steps=1).folder, device="cpu").at("best")
    with pytest.raises(InputError, match="no checkpoint of step 5; expected one of 6, 12, 16, 18"):
        run.at(5)
    with pytest.raises(InputError, match="scorer: found nan"):
        run_tiny(toys, tmp_path / "odd", scorer=lambda run: float("nan"))


def test_raw_and_averaged_weights(whole, toys):
    run = Run.open(whole.folder, toys, device="cpu")
    its = final(whole)
    assert torch.equal(run.system.generator[0].weight, its["average.generator.0.weight"])
    assert torch.equal(run.raw().system.generator[0].weight, its["model.generator.0.weight"])


def test_tensorboard_holds_what_the_log_holds(toys, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    interrupt_at(monkeypatch, 9)
    run_tiny(toys, tmp_path / "run", tensorboard=True)
    run = resume(tmp_path / "run", toys, quiet=True)
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    assert [(e.step, round(e.value, 5)) for e in events.Scalars("D/loss")] == [
        (m["step"], round(m["D/loss"], 5)) for m in run.metrics if "D/loss" in m
    ]
    assert events.Images("samples")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="tensorboard is not installed.*pip install tensorboard"):
        run_tiny(toys, tmp_path / "without", tensorboard=True)
    assert not (tmp_path / "without").exists()


@pytest.mark.parametrize(("change", "words"), [
    ({"format": "avgen run 2"}, "written by a newer avgen .'avgen run 2'.*update avgen"),
    ({"format": "avgen run x"}, "not written by avgen"),
    ({"steps": "many"}, "found steps 'many'; expected int"),
    ({"settings": None}, "found settings None; expected dict"),
    ({"system": "sa-cmgam"}, "'sa-cmgam'.*did you mean 'sa-cmgan'"),
    ({"device": "cuda:7"}, "'cuda:7' is not in this machine"),
    ({"precision": "float8"}, "'precision': found 'float8'"),
])  # fmt: skip
def test_a_config_that_was_changed_by_hand(whole, toys, tmp_path, change, words):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(RunConfig.read(whole.folder).to_dict() | change))
    with pytest.raises(InputError, match=words) as caught:
        resume(folder, toys, quiet=True)
    assert "\n" not in str(caught.value)
    for text in ("[" * 200_000, "\x00\xff", '{"format": '):
        (folder / "config.json").write_text(text)
        with pytest.raises(InputError, match="config.json cannot be read"):
            resume(folder, toys, quiet=True)
