"""Contract of avgen.training.watching: an interrupt is deferred once, and TensorBoard holds what the log holds."""

import signal
import sys

import pytest
from tiny_runs import interrupt_at, run_tiny

from avgen.core import InputError
from avgen.training.runner import resume
from avgen.training.watching import InterruptHandler

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def interruptible():
    "SIGINT raises KeyboardInterrupt, also where whoever started the tests has it ignored."
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupt_is_deferred_once_then_immediate():
    with pytest.raises(KeyboardInterrupt), InterruptHandler() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.wanted
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


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
