"""Contract of avgen.nets.latents: patches, a closed-form latent space, and its decoder."""

import pytest
import torch

from avgen.core import InputError
from avgen.nets.latents import PatchLatents, from_patches, to_patches


def smooth_pictures(n: int, channels: int, size: tuple[int, int]) -> torch.Tensor:
    """Return n random smooth pictures in [-1, 1]."""
    coarse = torch.randn(n, channels, 5, 5, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=True).clamp(-1, 1)


@pytest.mark.parametrize("size, patch", [((64, 64), (8, 8)), ((128, 44), (16, 4)), ((32, 32), (4, 8))])
def test_patches_come_back(size, patch):
    x = torch.randn(2, 3, *size)
    assert torch.equal(from_patches(to_patches(x, patch), patch), x)


def test_patches_must_tile():
    with pytest.raises(InputError, match="44"):
        to_patches(torch.zeros(1, 1, 128, 44), (16, 8))


@pytest.mark.parametrize("channels, size, patch", [(3, (64, 64), (8, 8)), (1, (128, 44), (16, 4))])
def test_latents_keep_most_and_have_unit_size(channels, size, patch):
    x = smooth_pictures(40, channels, size)
    latents = PatchLatents(channels, patch, kept=16).fit(x)
    z = latents.encode(x)
    assert z.shape == (40, 16, size[0] // patch[0], size[1] // patch[1])
    assert z.square().mean().item() == pytest.approx(1, abs=1e-3)
    assert (latents.decode(z) - x).square().mean() < 0.05 * x.var()


def test_the_basis_is_orthonormal_and_its_signs_are_fixed():
    x = smooth_pictures(30, 3, (64, 64))
    a, b = PatchLatents(3, kept=8).fit(x), PatchLatents(3, kept=8).fit(x.flip(0))
    torch.testing.assert_close(a.basis @ a.basis.T, torch.eye(8), atol=1e-4, rtol=0)
    largest = a.basis.gather(1, a.basis.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()
    torch.testing.assert_close(a.basis, b.basis, atol=1e-2, rtol=0)


def test_all_it_knows_travels_in_its_state():
    x = smooth_pictures(20, 3, (64, 64))
    latents, other = PatchLatents(3, kept=8).fit(x), PatchLatents(3, kept=8)
    other.load_state_dict(latents.state_dict())
    assert torch.equal(other.decode(other.encode(x)), latents.decode(latents.encode(x)))
    assert not list(latents.parameters())


def test_decoding_has_a_gradient_and_checks_its_input():
    latents = PatchLatents(3, kept=8).fit(smooth_pictures(20, 3, (64, 64)))
    z = torch.randn(1, 8, 8, 8).mul(0.1).requires_grad_()
    latents.decode(z).sum().backward()
    assert z.grad.abs().sum() > 0
    with pytest.raises(InputError, match="8, h, w"):
        latents.decode(torch.zeros(1, 9, 8, 8))
