"Contract of avgen.systems: the registry, settings, both directions of sa-cmgan, its phases, its presets against the paper."

import dataclasses

import pytest
import torch

from avgen.nets.attention import gammas
from avgen.core import InputError
from avgen.data.pairs import Batches, toy_pairs
from avgen.systems import Stage, StepContext, System, build_system, register, settings_of, systems
from avgen.systems.sa_cmgan import SACMGANSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs()


def prepared(pairs, direction="S2I", **changes):
    system = build_system("sa-cmgan", direction, pairs.instruments, pairs.config, preset="toy", seed=1, **changes)
    system.freeze_encoder(pairs.train, CPU)
    stage = system.stages()[1]
    return system, stage, Batches(pairs.train, stage.batch_size, stage.mismatched)


@pytest.mark.parametrize("direction, source, target", [("S2I", 1, 3), ("I2S", 3, 1)])
def test_generation_in_both_directions(pairs, direction, source, target):
    system = build_system("sa-cmgan", direction, pairs.instruments, preset="toy")
    out = system.generate(torch.zeros(2, source, 64, 64), seed=3)
    assert out.shape == (2, target, 64, 64) and out.abs().max() <= 1
    assert torch.equal(out, system.generate(torch.zeros(2, source, 64, 64), seed=3)) and not torch.equal(
        out, system.generate(torch.zeros(2, source, 64, 64), seed=4)
    )


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
    for step in range(25):
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
    "The authors' program: widths 64, z 62, batch 64, hinge, Adam (0.5, 0.999), D and classifiers 1e-4, G 5e-4, D every second step, 4 and 6 times 2000 batches."
    s = settings_of("sa-cmgan", "paper")
    assert (s.width, s.encoder_width, s.noise_size, s.code_size, s.batch_size, s.loss, s.form, s.attention) == (
        64,
        64,
        62,
        64,
        64,
        "hinge",
        "sa-cmgan",
        32,
    )
    assert (
        s.classifier_learning_rate,
        s.discriminator_learning_rate,
        s.generator_learning_rate,
        s.beta1,
        s.discriminator_every,
    ) == (1e-4, 1e-4, 5e-4, 0.5, 2)
    assert (s.classifier_steps, s.adversarial_steps, s.activation, s.discriminator_batch_norm) == (
        8000,
        12000,
        "sigmoid",
        True,
    )


def test_same_seed_same_weights():
    weights = lambda seed: torch.cat(
        [p.flatten() for p in build_system("sa-cmgan", preset="toy", seed=seed).parameters()]
    )
    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))


def test_attention_where_it_is_asked_for():
    assert len(gammas(build_system("sa-cmgan", preset="toy"))) == 3 and not gammas(
        build_system("sa-cmgan", preset="toy", attention=None, game_attention="same")
    )
    assert list(gammas(build_system("sa-cmgan", preset="toy", attend_in=("generator",)))) == [
        "generator.layers.attention"
    ]


@pytest.mark.parametrize("call, words", [
    (lambda: build_system("sa-gan"), ["'sa-gan'", "'sa-cmgan'"]), (lambda: build_system("sa-cmgan", preset="huge"), ["'huge'", "'paper', 'small', 'toy'"]),
    (lambda: build_system("sa-cmgan", "A2V"), ["'A2V'", "'S2I', 'I2S'"]), (lambda: build_system("sa-cmgan", widht=3), ["'widht'", "width"]),
    (lambda: build_system("sa-cmgan", width=0), ["'width'", "from 1"]), (lambda: build_system("sa-cmgan", augment="False"), ["'augment'", "bool"]),
    (lambda: build_system("sa-cmgan", attend_in=("decoder",)), ["'decoder'", "'encoder'"]), (lambda: build_system("sa-cmgan", mismatched="other"), ["'other'", "'pose'"]),
])  # fmt: skip
def test_wrong_names_and_settings_are_refused(call, words):
    with pytest.raises(InputError) as e:
        call()
    assert all(w in str(e.value) for w in words), str(e.value)


def test_a_name_is_registered_once():
    assert "sa-cmgan" in systems()
    with pytest.raises(InputError, match="sa-cmgan"):
        register("sa-cmgan")(type("Other", (System,), {}))


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SACMGANSettings().width = 3
