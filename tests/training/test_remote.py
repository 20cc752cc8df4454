"""Contract of avgen.training.remote: a run in a process of its own, paused, stopped and resumed from outside."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from tiny_runs import final, same

from avgen.core import InputError
from avgen.runs.files import read_small_json
from avgen.runs.lock import is_held
from avgen.runs.run import Run
from avgen.runs.status import run_status
from avgen.training.control import send_command
from avgen.training.remote import RemoteRun, launch
from avgen.training.runner import start, train

pytestmark = pytest.mark.usefixtures("tiny")


def test_bad_wishes_are_refused(whole, tmp_path):
    with pytest.raises(InputError, match="'explode'.*'pause'"):
        send_command(whole.folder, "explode")
    with pytest.raises(InputError, match="cannot write"):
        send_command(tmp_path / "nowhere", "stop")
    run = RemoteRun.open(whole.folder, device="cpu")
    for action in (run.pause, run.stop, lambda: run.single("D")):
        with pytest.raises(InputError, match="it is finished"):
            action()
    with pytest.raises(InputError, match="is finished: step 18 of 18"):
        run.resume()
    with pytest.raises(InputError, match="no config.json"):
        RemoteRun.open(tmp_path)


def test_a_system_of_the_notebook_cannot_be_sent_away(toys, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny, "__module__", "__main__")
    with pytest.raises(InputError, match="defined in this notebook"):
        start("tiny", toys, run=tmp_path / "run", device="cpu")


@pytest.fixture(autouse=True)
def _nothing_is_left_running(tmp_path):
    "A test that fails must not leave a process that trains on."
    yield
    for told in tmp_path.rglob("state.json"):
        process = read_small_json(told).get("process")
        if process != os.getpid() and run_status(told.parent)["alive"]:
            os.kill(process, signal.SIGKILL)


def test_a_process_of_its_own(toys, tmp_path):
    """Started, paused, stopped and resumed to the end, a run is what `train` gives, but for the single step."""
    more = dict(preset="toy", steps=80, device="cpu", threads=1, sample_every=10_000, checkpoint_every=10_000)
    run = start("sa-cmgan", toys, run=tmp_path / "away", **more)
    assert isinstance(run, RemoteRun) and run.state in ("starting", "running")
    with pytest.raises(InputError, match="being trained already"):
        launch(run.folder)
    run.pause()
    with pytest.raises(InputError, match="expected one of the present stage"):
        run.single("nobody")
    assert run.state == "paused" and run.step >= 1
    run.stop()
    assert run.state == "stopped" and not is_held(run.folder)
    run.resume().wait(120)
    assert run.state == "finished" and run.finished, (run.folder / "log.txt").read_text()
    here = train("sa-cmgan", toys, run=tmp_path / "here", quiet=True, **more)
    same(final(here), final(run))
    assert torch.allclose(run.generate(toys.validation[:2]), here.generate(toys.validation[:2]), atol=1e-4)


def test_a_pause_asked_for_while_a_process_starts_is_waited_for(whole, monkeypatch):
    "It begins between any two looks at its state; whoever waits must see it paused."
    run, states = (
        RemoteRun.open(whole.folder, device="cpu"),
        iter(["starting", "starting", "running", "running", "paused"]),
    )
    last = []

    def standing_now(folder):
        last.append(next(states, "paused"))
        return {"state": last[-1], "alive": True}

    monkeypatch.setattr("avgen.training.remote.run_status", standing_now)
    monkeypatch.setattr("avgen.training.remote.send_command", lambda *a, **k: None)
    run.pause(5)
    assert last == ["starting", "starting", "running", "running", "paused"]


def test_a_killed_process_is_told_from_one_that_works(toys, tmp_path):
    run = start("sa-cmgan", toys, run=tmp_path / "away", preset="toy", steps=100_000, device="cpu", threads=1)
    run.pause()
    os.kill(read_small_json(run.folder / "state.json")["process"], signal.SIGKILL)
    end = time.monotonic() + 20
    while run.state != "gone" and time.monotonic() < end:
        time.sleep(0.05)
    assert run.state == "gone" and Run.open(run.folder, toys, device="cpu").step == run.step


def test_a_process_that_cannot_begin_says_why(toys, tmp_path):
    run = train("sa-cmgan", toys, run=tmp_path / "run", preset="toy", steps=2, device="cpu", quiet=True)
    for path in (run.folder / "checkpoints").iterdir():
        path.write_bytes(b"")
    launch(run.folder, toys)
    remote = RemoteRun.open(run.folder, toys, device="cpu")
    remote.wait(60)
    assert (
        remote.state == "failed"
        and "no checkpoint in" in json.loads((Path(run.folder) / "state.json").read_text())["message"]
    )
