"""Short runs of the system 'tiny' (see conftest.py), and what the tests of training do to them and ask of them."""

import signal
import socket
from pathlib import Path

import pytest
import torch

from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.files import write_json
from avgen.runs.run import Run
from avgen.training.control import ControlChannel, send_command
from avgen.training.recording import Diverged
from avgen.training.runner import fork, train
from avgen.training.trainer import Trainer

TOTAL = 18  # steps of a tiny run
CLOCK = {"pairs_per_second", "seconds", "peak_memory_mb"}  # columns of metrics that differ from run to run


def run_tiny(toys, folder, **more) -> Run:
    """Train the tiny system to its end, quietly."""
    return train("tiny", toys, run=folder, quiet=True, device="cpu", sample_every=1000, tick_every=5, **more)


def interrupt_at(monkeypatch, step: int, hard: bool = False, number: int = signal.SIGINT) -> None:
    """Press Ctrl-C while step number `step` (from 0) is being done; `hard`: as a second Ctrl-C would.

    `number` is the signal that is sent, if it is another.
    """
    original = Trainer.one_step

    def one_step(self):
        if self.position.step == step:
            monkeypatch.setattr(Trainer, "one_step", original)
            if hard:
                raise KeyboardInterrupt
            signal.raise_signal(number)
        original(self)

    monkeypatch.setattr(Trainer, "one_step", one_step)


def final(run) -> dict:
    """Return all tensors of a run's newest checkpoint."""
    return read_checkpoint(list_checkpoints(Path(run.folder) / "checkpoints")[-1]).tensors


def same(a: dict, b: dict) -> None:
    """Assert that two tables of tensors are equal, to the last bit."""
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def log(run) -> list[dict]:
    """Return the metrics of a run without the columns of clock and memory."""
    return [{k: v for k, v in row.items() if k not in CLOCK} for row in run.metrics]


def wish_at(monkeypatch, wishes: dict) -> None:
    """While step number k (from 0) is done, somebody sends `wishes[k]`, a list of (act, more)."""
    original = Trainer.one_step
    monkeypatch.setattr(ControlChannel, "every", 0.0)

    def one_step(self):
        for act, more in wishes.pop(self.position.step, ()):
            send_command(self.recorder.log.folder, act, **more)
        original(self)

    monkeypatch.setattr(Trainer, "one_step", one_step)


def several_runs(toys, folder: Path) -> Path:
    """Make a folder of runs: one, a fork, one that diverged, one that was killed, and things that are no runs."""
    run_tiny(toys, folder / "first")
    fork(folder / "first", toys, folder / "more" / "fork", quiet=True, device="cpu", learning_rate=1e-4)
    with pytest.raises(Diverged):
        run_tiny(toys, folder / "broken", poison=2)
    run_tiny(toys, folder / "killed", steps=2)
    killed = {"state": "running", "process": 2**22 + 1, "host": socket.gethostname(), "since": 0}
    write_json(folder / "killed" / "state.json", killed)
    raw = {"n": 36, "correct": 12, "accuracy": 1 / 3, "low": 0.2, "high": 0.5, "takes": 6}
    judged = {"split": "validation", "accuracy": 0.5, "low": 0.3, "high": 0.7, "raw": raw}
    write_json(folder / "first" / "report.json", {"S2I": judged})
    (folder / "notes").mkdir()
    (folder / "notes" / "config.json").write_text('{"format": "something else"}')
    return folder
