"""Contract of avgen.systems.duet: both trainings, both directions, any size, and an exact resume."""

import copy
import dataclasses
import math
from pathlib import Path

import pytest
import torch

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.systems import StepContext, build_system
from avgen.systems.duet import DuetSettings, LatentGame, duet_networks, weights_at
from avgen.systems.flow import Flow, Jump, LastStretch
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


@pytest.mark.parametrize("changes", TRAININGS)
def test_the_names_of_the_weights_are_those_of_old_checkpoints(pairs, changes):
    system = build_system("duet", "S2I", pairs.instruments, preset="toy", **changes)
    names = ["encoder", "latents", "painter"]
    names += ["finisher"] if "finish_steps" in changes else []
    names += ["critic"] if changes.get("training") == "game" or "finish_steps" in changes else []
    assert [name for name, _ in system.named_children()] == names
    assert {name.split(".")[0] for name in system.state_dict()} == set(names)
    networks = duet_networks(system.settings, ("sound", "image"), (64, 64), len(pairs.instruments))
    assert list(networks) == names


def test_a_copy_paints_with_its_own_networks(pairs):
    system = build_system("duet", "S2I", pairs.instruments, preset="toy", finish_steps=3)
    twin = copy.deepcopy(system)  # as the moving averages are made
    assert twin.flow.network is twin.painter is twin.way.flow.network is not system.painter
    assert twin.way.network is twin.finisher and twin.game.critic is twin.critic and twin.work.encoder is twin.encoder


@pytest.mark.parametrize(
    "changes, way", [(dict(), Flow), (dict(training="game"), Jump), (dict(finish_steps=3), LastStretch)]
)
def test_each_training_has_its_way_to_paint(pairs, changes, way):
    system = build_system("duet", "I2S", pairs.instruments, preset="toy", **changes)
    assert type(system.way) is way and hasattr(system, "game") == (way is not Flow)


def test_the_game_pays_for_slopes_and_for_leaving_the_aim(pairs):
    system = build_system("duet", "S2I", pairs.instruments, pairs.config, preset="toy", finish_steps=3)
    system.begin_finish(pairs.train, CPU)
    batch = Batches(pairs.train, 6, "instrument").at(0)
    rules = dict(penalty=1.0, penalty_every=2, likeness=10.0)
    game = LatentGame(system.critic, system.work, system.way, **rules)
    born = game.critic_loss(batch, StepContext(0, "finish", 1, CPU))
    assert born["loss"].item() == pytest.approx(1.5 * math.log(2), abs=1e-5) and not born["D(real)"]
    torch.nn.init.normal_(system.critic.output.weight)
    torch.nn.init.normal_(system.finisher.output.weight)  # it has left what the flow would have painted
    free = LatentGame(system.critic, system.work, system.way, **rules | dict(penalty=0.0))
    for step, more in ((1, 0.0), (2, 1e-3)):
        context = StepContext(0, "finish", step, CPU)
        costs = [g.critic_loss(batch, StepContext(0, "finish", step, CPU))["loss"].item() for g in (game, free)]
        assert costs[0] >= costs[1] + more and (more or costs[0] == pytest.approx(costs[1]))
    reported = game.player_loss(batch, context)
    assert reported["loss"] >= 10 * reported["distance"] > 0
    assert not any(p.requires_grad for p in system.critic.parameters())


def test_a_moment_of_what_was_looked_at():
    found = {path: [torch.full((4, 2, 9, 5), float(k + 10 * step)) for step in range(3)] for k, path in enumerate("ab")}
    assert torch.equal(weights_at(found, ["a", "b"], n=2, step=1), torch.full((2, 9, 5), 10.5))
    assert torch.equal(weights_at(found, ["b"], n=1, step=99), torch.full((1, 9, 5), 21.0))
