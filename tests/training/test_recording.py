"""Contract of avgen.training.recording: a log without gaps or repeats, and runs that diverge."""

import errno
import os

import pytest
import torch
from tiny_runs import TOTAL, final, interrupt_at, log, run_tiny, same

from avgen.core import InputError
from avgen.runs.run import Run
from avgen.training.recording import Diverged
from avgen.training.runner import resume

pytestmark = pytest.mark.usefixtures("tiny")


def test_metrics_go_on_without_gaps_or_repeats(whole, toys, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 10, hard=True)
    run = run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    assert run.interrupted and run.step == 8  # torn in the middle of a step: the checkpoint before it stands
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write('{"step": 9, "stage": "adversarial", "seconds": 1.0}\n{"step": 10, "sta')
    again = resume(tmp_path / "run", toys, quiet=True)
    steps = [m["step"] for m in again.metrics]
    assert steps == sorted(set(steps)) and steps[-1] == TOTAL and 9 not in steps
    same(final(whole), final(again))


@pytest.mark.parametrize("k", [1, 4, 7, 12])
def test_a_stop_leaves_no_trace_in_the_log(whole, toys, tmp_path, monkeypatch, k):
    interrupt_at(monkeypatch, k)
    assert run_tiny(toys, tmp_path / "run").interrupted
    again = resume(tmp_path / "run", toys, quiet=True)
    assert log(again) == log(whole)
    same(final(whole), final(again))


def test_a_loss_that_is_no_number_stops_the_run(toys, tmp_path):
    with pytest.raises(Diverged, match="stopped at step 10: .*G/loss became nan.*checkpoint of step 8 is kept"):
        run_tiny(toys, tmp_path / "run", poison=2, checkpoint_every=8)
    run = Run.open(tmp_path / "run", toys, device="cpu")
    assert run.step == 8 and not run.finished and torch.isfinite(run.generate(toys.validation)).all()
    assert "became nan" in run.metrics[-1]["stopped"] and run.metrics[-1]["G/loss"] is None
    assert "stopped" in repr(run)


def test_a_full_disk_under_the_metrics(toys, tmp_path, monkeypatch):
    real_open = open

    def no_room(path, mode="r", *a, **k):
        if str(path).endswith("metrics.jsonl") and mode == "a" and os.path.exists(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_open(path, mode, *a, **k)

    monkeypatch.setattr("builtins.open", no_room)
    with pytest.raises(InputError, match="metrics.jsonl.*No space left"):
        run_tiny(toys, tmp_path / "run")
    assert len(Run.open(tmp_path / "run").metrics) == 1
