"""Contract of avgen.training.checkpointer: what is saved, what is kept, and a write that is torn in the middle."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import TOTAL, final, interrupt_at, log, run_tiny, same

from avgen.core import InputError
from avgen.runs.checkpoints import list_checkpoints, newest_checkpoint, read_checkpoint
from avgen.runs.run import Run
from avgen.training.recording import Diverged
from avgen.training.runner import resume
from avgen.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("tiny")


def test_what_a_checkpoint_holds(whole):
    names = final(whole)
    assert {n.split(".")[0] for n in names} == {"model", "average", "optimiser"}
    assert {n.split(".")[1] for n in names if n.startswith("average.")} == {"generator"}
    assert any("running_var" in n for n in names) and any("parametrizations" in n and n.endswith("_u") for n in names)
    assert any(n.startswith("optimiser.D.discriminator.") and n.endswith("exp_avg_sq") for n in names)


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


def test_a_weight_that_is_no_number_is_never_saved(toys, tmp_path, monkeypatch):
    original = Trainer.one_step

    def one_step(self):
        original(self)
        if self.position.step == 9:
            next(iter(self.position.updates[0].names)).data.fill_(float("inf"))

    monkeypatch.setattr(Trainer, "one_step", one_step)
    with pytest.raises(Diverged):
        run_tiny(toys, tmp_path / "run", checkpoint_every=3)
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").step == 6


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


def fail_after(monkeypatch, n: int) -> None:
    "From the n-th file on, the disk is full."
    count, fsync = [0], os.fsync

    def full(descriptor):
        count[0] += 1
        if count[0] > n:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6])
def test_a_full_disk_leaves_nothing_half_written(whole, toys, tmp_path, monkeypatch, n):
    fail_after(monkeypatch, n)
    with pytest.raises(InputError, match="cannot write .*No space left.*free some space"):
        run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.tmp"))
    files = {p.name for p in (tmp_path / "run").rglob("step_*") if p.suffix in (".json", ".safetensors")}
    assert {Path(f).stem for f in files if f.endswith("json")} == {
        Path(f).stem for f in files if f.endswith("safetensors")
    }
    for path in list_checkpoints(tmp_path / "run" / "checkpoints"):
        read_checkpoint(path)
    if (tmp_path / "run" / "config.json").exists():
        same(final(whole), final(resume(tmp_path / "run", toys, quiet=True)))
