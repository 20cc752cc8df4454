"Contract of avgen.nets.losses: the three published forms by hand, gradients, augmentation."

import pytest
import torch

from avgen.core import InputError, stream
from avgen.nets.losses import LOSS_KINDS, augment, discriminator_loss, generator_loss, gradient_penalty

R, F, M = torch.tensor([0.5, 2.0]), torch.tensor([-2.0, 0.5]), torch.tensor([0.2, -3.0])


def test_hinge_by_hand():
    assert discriminator_loss(R, F, M).item() == pytest.approx((0.5 + 0) / 2 + 0.5 * ((0 + 1.5) / 2 + (1.2 + 0) / 2))
    assert discriminator_loss(R, F).item() == pytest.approx(0.25 + 0.75) and generator_loss(F).item() == pytest.approx(
        0.75
    )


def test_bce_is_the_logarithm_of_the_papers_scores():
    s = torch.sigmoid
    assert discriminator_loss(R, F, M, "bce").item() == pytest.approx(
        -(s(R).log().mean() + 0.5 * ((1 - s(M)).log().mean() + (1 - s(F)).log().mean())).item(), rel=1e-5
    )
    assert generator_loss(F, "bce").item() == pytest.approx(-s(F).log().mean().item(), rel=1e-5)


def test_least_squares_by_hand():
    assert discriminator_loss(R, F, M, "least-squares").item() == pytest.approx(
        ((R - 1) ** 2).mean().item() + 0.5 * ((F**2).mean() + (M**2).mean()).item()
    )


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_each_player_pushes_the_right_way(kind):
    r, f, m = (torch.zeros(3, requires_grad=True) for _ in range(3))
    discriminator_loss(r, f, m, kind).backward()
    assert (r.grad < 0).all() and (f.grad >= 0).all() and (m.grad >= 0).all()
    if kind != "least-squares":
        assert torch.allclose(f.grad + m.grad, -r.grad)
    g = torch.zeros(3, requires_grad=True)
    generator_loss(g, kind).backward()
    assert (g.grad < 0).all()


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_pairing_looks_at_differences_only_and_pushes_apart(kind):
    r, f, m = (torch.zeros(3, requires_grad=True) for _ in range(3))
    loss = discriminator_loss(r, f, m, kind, pairing=True)
    assert torch.isclose(loss, discriminator_loss(r + 7, f + 7, m + 7, kind, pairing=True))
    loss.backward()
    assert (r.grad < 0).all() and (f.grad > 0).all() and (m.grad > 0).all()
    g = torch.zeros(3, requires_grad=True)
    generator_loss(g, kind, real=torch.zeros(3)).backward()
    assert (g.grad < 0).all()


def test_the_penalty_is_the_squared_slope_and_can_be_learned_from():
    x, slope = torch.randn(4, 2, 3, 3, requires_grad=True), torch.randn(2, 3, 3, requires_grad=True)
    penalty = gradient_penalty((x * slope).sum((1, 2, 3)), x)
    assert torch.isclose(penalty, slope.square().sum())
    penalty.backward()
    assert torch.allclose(slope.grad, 2 * slope)


def test_unknown_forms_are_refused():
    with pytest.raises(InputError, match="'hinge', 'bce', 'least-squares'"):
        generator_loss(F, "wasserstein")


def test_augmentation_is_seeded_differentiable_and_moves_whole_pixels():
    x = torch.rand(4, 1, 16, 16, requires_grad=True)
    seen = augment(x, stream(0, "a"), shift=(2, 3), level=0.0, contrast=0.0)
    assert torch.equal(seen, augment(x, stream(0, "a"), shift=(2, 3), level=0.0, contrast=0.0))
    seen.sum().backward()
    assert x.grad.abs().sum() > 0
    for one, moved in zip(x.detach(), seen.detach()):
        shifts = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-3, 4)
            if torch.allclose(torch.roll(one, (dy, dx), (1, 2))[:, 3:-3, 4:-4], moved[:, 3:-3, 4:-4], atol=1e-6)
        ]
        assert shifts


def test_samples_are_changed_each_in_its_own_way():
    x = torch.rand(1, 3, 8, 8).expand(16, -1, -1, -1)
    assert len({tuple(s.flatten().tolist()) for s in augment(x, stream(0, "b"))}) > 8
