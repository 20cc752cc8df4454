"""Contract of avgen.runs.weights: raw and averaged weights, and checkpoints of another system."""

import pytest
import torch
from tiny_runs import final, interrupt_at, run_tiny

from avgen.core import InputError
from avgen.runs.run import Run
from avgen.training.runner import resume

pytestmark = pytest.mark.usefixtures("tiny")


def test_raw_and_averaged_weights(whole, toys):
    run = Run.open(whole.folder, toys, device="cpu")
    its = final(whole)
    assert torch.equal(run.system.generator[0].weight, its["average.generator.0.weight"])
    assert torch.equal(run.raw().system.generator[0].weight, its["model.generator.0.weight"])


def test_without_averages_the_live_weights_are_shown(toys, tmp_path):
    run = run_tiny(toys, tmp_path / "run", preset="plain")
    assert not [n for n in final(run) if n.startswith("average.")]
    assert torch.equal(run.system.generator[0].weight, final(run)["model.generator.0.weight"])


def test_a_checkpoint_of_another_system_is_refused(whole, toys, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 8)
    other = run_tiny(toys, tmp_path / "run", direction="I2S")
    folder = other.folder / "checkpoints"
    for path in folder.iterdir():
        path.unlink()
    for path in (whole.folder / "checkpoints").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for action in (lambda: Run.open(other.folder, toys).system, lambda: resume(other.folder, toys, quiet=True)):
        with pytest.raises(InputError, match="is of direction 'S2I'; expected 'I2S'"):
            action()
