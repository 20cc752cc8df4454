"""Short runs of the system 'tiny' (see conftest.py), and what the tests of training do to them and ask of them."""

import signal
from pathlib import Path

import torch

from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.run import Run
from avgen.training.runner import train
from avgen.training.trainer import Trainer

TOTAL = 18  # steps of a tiny run
CLOCK = {"pairs_per_second", "seconds", "peak_memory_mb"}  # columns of metrics that differ from run to run


def run_tiny(toys, folder, **more) -> Run:
    """Train the tiny system to its end, quietly."""
    return train("tiny", toys, run=folder, quiet=True, device="cpu", sample_every=1000, tick_every=5, **more)


def interrupt_at(monkeypatch, step: int, hard: bool = False) -> None:
    """Press Ctrl-C while step number `step` (from 0) is being done; `hard`: as a second Ctrl-C would."""
    original = Trainer.one_step

    def one_step(self):
        if self.position.step == step:
            monkeypatch.setattr(Trainer, "one_step", original)
            if hard:
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)
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
