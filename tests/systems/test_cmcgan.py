"""Contract of avgen.systems.cmcgan: the printed losses, the second pass, running statistics, ablations."""

import pytest
import torch
import torch.nn.functional as F

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.systems import StepContext, build_system
from avgen.systems.cmcgan import ABLATIONS, JointDiscriminator, frozen_running_statistics

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs()


def game(pairs, **changes):
    system = build_system("cmcgan", "both", pairs.instruments, pairs.config, preset="toy", augment=False, **changes)
    (stage,) = system.stages()
    return system, Batches(pairs.train, 8, stage.mismatched).at(0), StepContext(0, stage.name, 0, CPU)


def test_the_discriminators_loss_is_the_printed_one(pairs):
    system, b, context = game(pairs, discriminator_batch_norm=False)
    found = system.discriminator_step(b, context)["loss"]
    made = system.paths.crossing_pass(b, context)[1]

    def S(v, a):
        return system.discriminator(v, a).sigmoid()

    def log(x):
        return x.clamp_min(1e-12).log().mean()

    def half(v, a):
        return 0.5 * (log(1 - S(b.image, a)) + log(1 - S(v, b.sound)))

    real = log(S(b.image, b.sound))
    printed = (real + half(b.mismatched_image, b.mismatched_sound)) + (real + half(made["image"], made["sound"]))
    torch.testing.assert_close(found, -printed, atol=1e-4, rtol=1e-4)


def test_the_generators_loss_is_the_printed_one(pairs):
    system, b, context = game(pairs, discriminator_batch_norm=False, cycle=False)
    found = system.generator_step(b, context)["loss"]
    made = system.paths.crossing_pass(b, context)[1]

    def S(v, a):
        return system.discriminator(v, a).sigmoid().log().mean()

    torch.testing.assert_close(found, -(S(b.image, made["sound"]) + S(made["image"], b.sound)), atol=1e-4, rtol=1e-4)


def test_the_second_pass_compares_four_outputs_with_what_is_real(pairs, monkeypatch):
    system, b, context = game(pairs)
    seen = []
    monkeypatch.setattr("avgen.systems.cmcgan.F.l1_loss", lambda x, y: seen.append((x, y)) or torch.zeros(()))
    system.paths.second_pass(b, context)
    targets = [any(torch.equal(y, t) for t in (b.image, b.sound)) for _, y in seen]
    assert (
        len(seen) == 4
        and all(targets)
        and sum(torch.equal(y, b.image) for _, y in seen if y.shape == b.image.shape) == 2
    )
    assert F.l1_loss is not None


def test_only_the_crossing_pass_is_remembered(pairs):
    system, b, context = game(pairs)
    system.train().paths.crossing_pass(b, context)
    before = {n: x.clone() for n, x in system.named_buffers() if "running" in n}
    system.paths.second_pass(b, context)
    assert all(torch.equal(x, before[n]) for n, x in system.named_buffers() if n in before)
    norm = torch.nn.BatchNorm2d(2)
    with pytest.raises(KeyError), frozen_running_statistics(norm):
        raise KeyError
    assert norm.momentum == 0.1  # given back, whatever happened


def test_codes_and_made_things_are_worked_out_once_a_step(pairs):
    system, b, context = game(pairs, cycle=False)
    calls = []
    system.sound_encoder.register_forward_hook(lambda *a: calls.append(1))
    for phase in system.stages()[0].phases:
        phase.loss(b, context)["loss"].backward()
    assert len(calls) == 1


def test_ablations(pairs):
    assert set(ABLATIONS) == {"full", "no cycle", "no latent", "separate losses"}
    system, b, context = game(pairs, **ABLATIONS["separate losses"])
    assert (
        system.stages()[0].mismatched is None
        and set(system.discriminator) == {"image", "sound"}
        and "D(mismatched)" not in system.discriminator_step(b, context)
    )
    assert "second pass" not in game(pairs, **ABLATIONS["no cycle"])[0].generator_step(
        b, StepContext(0, "adversarial", 0, CPU)
    )
    still = game(pairs, **ABLATIONS["no latent"])[0].towards("S2I")
    assert torch.equal(still.generate(b.sound, seed=1), still.generate(b.sound, seed=2))


def test_joint_scores_depend_on_both(pairs):
    judge = JointDiscriminator(2).eval()
    v, a = torch.randn(2, 3, 64, 64), torch.randn(2, 1, 64, 64)
    assert not torch.allclose(judge(v, a), judge(v, -a)) and not torch.allclose(judge(v, a), judge(-v, a))
    with pytest.raises(InputError, match="1 sounds for 2 images"):
        judge(v, a[:1])


def test_the_view_of_a_direction_shares_its_networks(pairs):
    system, b, _ = game(pairs)
    view = system.towards("I2S")
    assert (
        view.image_encoder is system.image_encoder
        and view.encoder is system.image_encoder
        and view.channels == {"source": 3, "target": 1}
        and system.direction == "both"
    )
    with pytest.raises(InputError, match="I2S system reads 3 channels"):
        view.generate(b.sound)
    with pytest.raises(InputError):
        view.towards("S2I")
