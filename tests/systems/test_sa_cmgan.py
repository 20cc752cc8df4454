"""Contract of avgen.systems.sa_cmgan: phases, gradients, codes, and presets against the paper."""

import dataclasses

import pytest
import torch

from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.nets.attention import gammas
from avgen.systems import (
    Stage,
    StepContext,
    build_system,
    settings_of,
)
from avgen.systems.sa_cmgan import SACMGANSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs()


@pytest.mark.parametrize("direction, source, target", [("S2I", 1, 3), ("I2S", 3, 1)])
def test_generation_in_both_directions(pairs, direction, source, target):
    system = build_system("sa-cmgan", direction, pairs.instruments, preset="toy")
    out = system.generate(torch.zeros(2, source, 64, 64), seed=3)
    assert out.shape == (2, target, 64, 64) and out.abs().max() <= 1
    assert torch.equal(out, system.generate(torch.zeros(2, source, 64, 64), seed=3)) and not torch.equal(
        out, system.generate(torch.zeros(2, source, 64, 64), seed=4)
    )


def prepared(pairs, direction="S2I", **changes):
    system = build_system("sa-cmgan", direction, pairs.instruments, pairs.config, preset="toy", seed=1, **changes)
    system.freeze_encoder(pairs.train, CPU)
    stage = system.stages()[1]
    return system, stage, Batches(pairs.train, stage.batch_size, stage.mismatched)


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(attention=None),
        dict(form="sa-cmgan", discriminator_batch_norm=True),
        dict(loss="bce", mismatched=None, augment=False),
        dict(mismatched="pose", loss="least-squares"),
    ],
)
def test_each_phase_moves_its_own_networks_only(pairs, direction, changes):
    system, stage, batches = prepared(pairs, direction, **changes)
    assert isinstance(stage, Stage) and [p.name for p in stage.phases] == ["D", "G"]
    system.train()
    for phase in stage.phases:
        before = {n: p.detach().clone() for n, p in system.named_parameters()}
        weights = [p for m in phase.modules for p in getattr(system, m).parameters()]
        adam = torch.optim.Adam(weights, 1e-2)
        out = phase.loss(batches.at(0), StepContext(0, stage.name, 0, CPU))
        out["loss"].backward()
        adam.step()
        assert all(v.ndim == 0 for v in out.values())
        moved = {n.split(".")[0] for n, p in system.named_parameters() if not torch.equal(p, before[n])}
        assert moved == set(phase.modules)
        for p in system.parameters():
            p.grad = None


def test_the_classifier_stage_learns(pairs):
    system = build_system("sa-cmgan", "S2I", pairs.instruments, preset="toy", seed=0)
    stage = system.stages()[0]
    batches = Batches(pairs.train, stage.batch_size, stage.mismatched)
    adam = torch.optim.Adam(system.encoder.parameters(), 3e-3)
    losses = []
    for step in range(60):
        loss = stage.phases[0].loss(batches.at(step), StepContext(0, stage.name, step, CPU))["loss"]
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_one_generator_pass_serves_both_players(pairs):
    system, stage, batches = prepared(pairs)
    calls, context = [], StepContext(0, stage.name, 0, CPU)
    system.generator.register_forward_hook(lambda *a: calls.append(1))
    for phase in stage.phases:
        phase.loss(batches.at(0), context)["loss"].backward()
    assert len(calls) == 1


def test_codes_are_those_of_the_frozen_encoder(pairs):
    system, _, _ = prepared(pairs)
    _, sound = pairs.train.tensors()
    torch.testing.assert_close(system.codes, system.encoder(sound)[1].detach())
    assert not any(p.requires_grad for p in system.encoder.parameters())


def test_a_sample_does_not_depend_on_its_batch(pairs):
    system = build_system("sa-cmgan", "S2I", pairs.instruments, preset="toy").eval()
    _, sound = pairs.validation.tensors()
    torch.testing.assert_close(
        system.generate(sound[:2], seed=1), system.generate(sound[:5], seed=1)[:2], atol=1e-5, rtol=1e-4
    )


def test_paper_preset_is_the_published_one():
    """The authors' program: 4 and 6 times 2000 batches; D is updated every second step."""
    s = settings_of("sa-cmgan", "paper")
    published = dict(
        width=64,
        encoder_width=64,
        noise_size=62,
        code_size=64,
        batch_size=64,
        loss="hinge",
        form="sa-cmgan",
        attention=32,
        classifier_learning_rate=1e-4,
        discriminator_learning_rate=1e-4,
        generator_learning_rate=5e-4,
        beta1=0.5,
        discriminator_every=2,
        classifier_steps=8000,
        adversarial_steps=12000,
        activation="sigmoid",
        discriminator_batch_norm=True,
    )
    assert {name: getattr(s, name) for name in published} == published


def test_attention_where_it_is_asked_for():
    assert len(gammas(build_system("sa-cmgan", preset="toy"))) == 3 and not gammas(
        build_system("sa-cmgan", preset="toy", attention=None, game_attention="same")
    )
    assert list(gammas(build_system("sa-cmgan", preset="toy", attend_in=("generator",)))) == [
        "generator.layers.attention"
    ]


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SACMGANSettings().width = 3
