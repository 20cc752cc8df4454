"""Contract of avgen.training.trainer: pauses, stops and single steps change no other number."""

from pathlib import Path

import pytest
import torch
from tiny_runs import final, run_tiny, same, wish_at

from avgen.core import InputError
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.status import run_status
from avgen.training import checkpointer, position, recording, runner, trainer
from avgen.training.remote import RemoteRun
from avgen.training.runner import resume
from avgen.training.trainer import SingleStepper, Trainer

pytestmark = pytest.mark.usefixtures("tiny")


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


def test_training_names_no_system():
    source = "".join(
        Path(module.__file__).read_text().lower() for module in (runner, trainer, position, recording, checkpointer)
    )
    for word in ("cmgan", "cmav", "encoder", "generator", "discriminator"):
        lines = [
            line
            for line in source.splitlines()
            if word in line and 'system: str = "sa-cmgan"' not in line and not line.strip().startswith(("#", '"'))
        ]
        assert not lines, lines
