"""Contract of avgen.training.watching: an interrupt is deferred once, and TensorBoard holds what the log holds."""

import io
import os
import signal
import sys

import pytest
from tiny_runs import interrupt_at, run_tiny

from avgen.core import InputError
from avgen.training.runner import resume
from avgen.training.watching import InterruptHandler, Terminal, progress_line

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


@pytest.mark.parametrize("encoding", ["cp932", "ascii", "cp852"])
def test_any_terminal_shows_the_end_of_a_run(encoding):
    class Screen(io.TextIOWrapper):
        def isatty(self):
            return True

    for kind in (Screen, io.TextIOWrapper):
        screen = kind(io.BytesIO(), encoding=encoding, errors="strict")
        shown = Terminal(screen)
        shown.tick("step 3 · fast")
        shown.end("done: duet · 18 of 18")
        assert b"done: duet - 18 of 18" in screen.buffer.getvalue()


def test_a_stream_that_is_gone_does_not_stop_a_run():
    closed = io.StringIO()
    closed.close()
    read, write = os.pipe()
    os.close(read)
    for file in (closed, object(), open(write, "w")):
        shown = Terminal(file)
        shown.tick("step 3")
        shown.end("done")


def test_a_line_says_that_there_are_more_scores():
    scores = {f"G/part{i}": float(i) for i in range(9)}
    line = progress_line({"step": 1, "stage": "game", "pairs_per_second": 3.0, **scores}, 10, 1.0)
    assert "part5 5" in line and "part6" not in line and "and 3 more" in line


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
