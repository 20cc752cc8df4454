"A run from outside: wishes, states, single steps, the film, and a process of its own."

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from tiny_runs import TOTAL, final, run_tiny, same

from avgen.core import InputError
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.files import JsonlTail, read_small_json
from avgen.runs.film import read_film, save_frame
from avgen.runs.lock import is_held
from avgen.runs.run import Run
from avgen.runs.status import run_status
from avgen.training.control import ControlChannel, send_command
from avgen.training.recording import Diverged
from avgen.training.remote import RemoteRun, launch
from avgen.training.runner import resume, start, train
from avgen.training.trainer import SingleStepper, Trainer

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def whole(toys, tiny, tmp_path_factory):
    return run_tiny(toys, tmp_path_factory.mktemp("runs") / "whole")


def wish_at(monkeypatch, wishes: dict) -> None:
    "While step number k (from 0) is done, somebody sends `wishes[k]`, a list of (act, more)."
    original = Trainer.one_step
    monkeypatch.setattr(ControlChannel, "every", 0.0)

    def one_step(self):
        for act, more in wishes.pop(self.position.step, ()):
            send_command(self.recorder.log.folder, act, **more)
        original(self)

    monkeypatch.setattr(Trainer, "one_step", one_step)


@pytest.mark.parametrize("k", [0, 5, 9, 16])
def test_pause_and_resume_change_no_number(whole, toys, tmp_path, monkeypatch, k):
    wish_at(monkeypatch, {k: [("pause", {}), ("resume", {})]})
    run = run_tiny(toys, tmp_path / "run")
    assert run.finished and not run.interrupted and run_status(run.folder)["state"] == "finished"
    assert (run.folder / "samples" / f"step_{k + 1:08d}.npy").exists()
    same(final(whole), final(run))


@pytest.mark.parametrize("k", [0, 5, 6, 16])
def test_a_stop_leaves_a_checkpoint_that_goes_on_exactly(whole, toys, tmp_path, monkeypatch, k):
    wish_at(monkeypatch, {k: [("stop", {})]})
    run = run_tiny(toys, tmp_path / "run")
    assert (
        run.interrupted
        and run.step == k + 1
        and run_status(run.folder) | {"since": 0}
        == run_status(run.folder) | {"since": 0, "state": "stopped", "alive": False}
    )
    same(final(whole), final(resume(tmp_path / "run", toys, quiet=True)))


def test_a_stop_while_it_waits(whole, toys, tmp_path, monkeypatch):
    wish_at(monkeypatch, {7: [("pause", {}), ("stop", {})]})
    assert run_tiny(toys, tmp_path / "run").step == 8
    same(final(whole), final(resume(tmp_path / "run", toys, quiet=True)))


def test_what_was_wished_before_the_run_is_not_meant_for_it(toys, tmp_path, monkeypatch):
    wish_at(monkeypatch, {8: [("stop", {})]})
    run_tiny(toys, tmp_path / "run")
    send_command(tmp_path / "run", "stop")
    assert resume(tmp_path / "run", toys, quiet=True).finished


def test_single_steps_move_one_player_and_are_resumed_exactly(whole, toys, tmp_path, monkeypatch):
    steps = [("step", {"phase": "D"}), ("step", {"phase": "G"}), ("step", {"phase": "D"})]
    original, moved, one_step = SingleStepper.step, [], Trainer.one_step

    def single(self, phase):
        system = self.stepper.position.system
        before = {k: v.detach().clone() for k, v in system.named_parameters()}
        row = original(self, phase)
        now = dict(system.named_parameters())
        moved.append((phase, {k.split(".")[0] for k in before if not torch.equal(before[k], now[k])}))
        return row

    monkeypatch.setattr(SingleStepper, "step", single)
    ends = []
    for name, wishes in (("once", {9: [*steps, ("resume", {})]}), ("twice", {9: [*steps, ("stop", {})]})):
        monkeypatch.setattr(Trainer, "one_step", one_step)
        wish_at(monkeypatch, wishes)
        run = run_tiny(toys, tmp_path / name)
        if name == "twice":
            facts = read_checkpoint(list_checkpoints(run.folder / "checkpoints")[-1]).facts
            assert run.step == 10 and facts["single_steps"] == 3 and run_status(run.folder)["taken"] == 3
            run = resume(tmp_path / name, toys, quiet=True)
        ends.append(final(run))
    assert moved[:3] == [("D", {"discriminator"}), ("G", {"generator"}), ("D", {"discriminator"})]
    same(*ends)
    assert any(not torch.equal(a, b) for a, b in zip(ends[0].values(), final(whole).values()))
    told = RemoteRun.open(tmp_path / "once", toys, device="cpu").single_steps()
    assert [row["phase"] for row in told] == ["D", "G", "D"] and told[0]["after"]["D/loss"] < told[0]["before"][
        "D/loss"
    ]
    assert (
        told[0]["after"]["D/D(real)"] != told[0]["before"]["D/D(real)"]
        and told[1]["after"]["G/loss"] < told[1]["before"]["G/loss"]
    )


def test_a_phase_that_is_not_there_is_ignored(whole, toys, tmp_path, monkeypatch):
    wish_at(monkeypatch, {9: [("step", {"phase": "nobody"}), ("step", {}), ("resume", {})]})
    same(final(whole), final(run_tiny(toys, tmp_path / "run")))


def test_nobody_trains_a_run_that_is_being_trained(toys, tmp_path):
    run = run_tiny(toys, tmp_path / "run", steps=1)
    with ControlChannel(run.folder):
        assert is_held(run.folder) and run_status(run.folder)["state"] == "running"
        (run.folder / "checkpoints").rename(run.folder / "gone")
        with pytest.raises(InputError, match="being trained already"):
            resume(run.folder, toys, quiet=True)
        with pytest.raises(InputError, match="being trained already"):
            launch(run.folder)


def test_the_state_tells_a_failure(toys, tmp_path):
    with pytest.raises(Diverged):
        run_tiny(toys, tmp_path / "run", poison=2)
    now = run_status(tmp_path / "run")
    assert now["state"] == "failed" and "became nan" in now["message"] and not now["alive"]


def test_tail_reads_what_is_new(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = JsonlTail(path)
    assert tail.read() == ([], False)
    path.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert tail.read() == ([{"step": 1}, {"step": 2}], False)
    with open(path, "a") as file:
        file.write('p": 3}\n[]\n')
    assert tail.read() == ([{"step": 3}], False)
    (tmp_path / "new").write_text('{"step": 1}\n')
    os.replace(tmp_path / "new", path)
    assert tail.read() == ([{"step": 1}], True) and JsonlTail(path, end=True).read() == ([], False)


def test_the_film_is_what_was_generated(whole, toys, tmp_path):
    film, grid = read_film(whole.folder), whole.samples()
    assert (
        film.steps[-1] == TOTAL
        and (film.frames[-1] - grid.generated).abs().max() < 0.005
        and film.instruments == grid.instruments
    )
    (whole.folder / "samples" / "step_00000001.npy").write_bytes(b"torn")
    assert read_film(whole.folder).steps == film.steps and read_film(tmp_path) is None
    (whole.folder / "samples" / "step_00000001.npy").unlink()
    with pytest.raises(InputError, match="cannot write"):
        save_frame(whole.folder / "config.json", 1, grid)


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
