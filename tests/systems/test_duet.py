"""Contract of avgen.systems.duet: both trainings, both directions, any size, and an exact resume."""

import dataclasses
from pathlib import Path

import pytest
import torch

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.systems import StepContext, build_system
from avgen.systems.duet import DuetSettings
from avgen.training.runner import resume, train

CPU = torch.device("cpu")
TRAININGS = [dict(), dict(training="game"), dict(finish_steps=3), dict(encoder_learns=True)]


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs()


@pytest.mark.parametrize("direction, source, target", [("S2I", 1, 3), ("I2S", 3, 1)])
@pytest.mark.parametrize("changes", TRAININGS)
def test_generation_depends_on_the_seed_alone(pairs, direction, source, target, changes):
    system = build_system("duet", direction, pairs.instruments, preset="toy", **changes)
    system.latents.fit(torch.randn(4, target, 64, 64).clamp(-1, 1))
    x = torch.randn(3, source, 64, 64)
    made = system.generate(x, seed=3)
    assert made.shape == (3, target, 64, 64) and made.abs().max() <= 1
    assert torch.equal(made, system.generate(x, seed=3)) and not torch.equal(made, system.generate(x, seed=4))
    torch.testing.assert_close(system.generate(x[:1], seed=3), made[:1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("changes", TRAININGS)
def test_every_phase_moves_its_networks(pairs, changes):
    system = build_system("duet", "S2I", pairs.instruments, pairs.config, preset="toy", **changes)
    if hasattr(system, "critic"):  # a fresh one scores everything 0 and has nothing to teach yet
        torch.nn.init.normal_(system.critic.output.weight)
    for stage in system.stages():
        if stage.begin is not None:
            stage.begin(pairs.train, CPU)
        batch = Batches(pairs.train, stage.batch_size, stage.mismatched).at(0)
        context = StepContext(0, stage.name, 0, CPU)
        for phase in stage.phases:
            system.zero_grad()
            reported = phase.loss(batch, context)
            reported["loss"].backward()
            assert all(torch.isfinite(value) for value in reported.values())
            trained = [p for name in phase.modules for p in system.get_submodule(name).parameters()]
            assert any(p.grad is not None and p.grad.any() for p in trained)
            others = [p for name, p in system.named_parameters() if name.split(".")[0] not in phase.modules]
            assert not any(p.grad is not None and p.grad.any() for p in others if phase.name != "G")


def test_native_spectrograms_and_larger_pictures(pairs):
    config = SpectrogramConfig(size=(128, 44))
    for direction, shape in {"S2I": (3, 128, 128), "I2S": (1, 128, 44)}.items():
        system = build_system("duet", direction, pairs.instruments, config, preset="toy", image_size=128)
        source = torch.randn(2, 1, 128, 44) if direction == "S2I" else torch.randn(2, 3, 128, 128)
        assert system.generate(source).shape == (2, *shape)


@pytest.mark.parametrize("changes", TRAININGS)
def test_an_interrupted_run_resumes_exactly(pairs, tmp_path, changes):
    options = dict(direction="S2I", preset="toy", quiet=True, device="cpu", threads=1, checkpoint_every=6, keep=9)
    whole = train("duet", pairs, run=tmp_path / "whole", **options, **changes)
    cut = train("duet", pairs, run=tmp_path / "cut", **options, **changes)
    for path in list_checkpoints(Path(cut.folder) / "checkpoints")[1:]:
        path.unlink()
    again = resume(tmp_path / "cut", pairs, quiet=True)
    a, b = (read_checkpoint(list_checkpoints(Path(r.folder) / "checkpoints")[-1]).tensors for r in (whole, again))
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_where_it_looked(pairs):
    system = build_system("duet", "I2S", pairs.instruments, preset="toy")
    found = system.attend(torch.randn(2, 3, 64, 64))
    assert found.weights.shape == (2, 64, 64) and found.query_grid == (8, 8) and found.config is None
    torch.testing.assert_close(found.weights.sum(2), torch.ones(2, 64))


@pytest.mark.parametrize("wrong", [dict(training="vae"), dict(guidance=-1.0), dict(width=0), dict(finish_time=1.0)])
def test_wrong_settings(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        DuetSettings(**wrong)


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DuetSettings().width = 3


def test_an_encoder_that_learns_on_is_trained_and_averaged(pairs, tmp_path):
    def last(name, **changes):
        options = dict(direction="S2I", preset="toy", quiet=True, device="cpu", threads=1)
        run = train("duet", pairs, run=tmp_path / name, **options, **changes)
        return read_checkpoint(list_checkpoints(Path(run.folder) / "checkpoints")[-1]).tensors

    learns, frozen = last("learns", encoder_learns=True), last("frozen")
    weight = "encoder.tokens.layers.0.weight"
    assert f"average.{weight}" in learns and f"average.{weight}" not in frozen
    trained, kept = (next(t[n] for n in t if n.endswith(weight) and "average" not in n) for t in (learns, frozen))
    assert not torch.equal(trained, kept)
    with pytest.raises(InputError, match="encoder_learns"):
        DuetSettings(training="game", encoder_learns=True)
