"Contract of avgen.spectral: PyTorch's own numbers, gradients and names, with fewer passes."

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from avgen.spectral import SpectralNorm, normalise_spectrally

LAYERS = {"linear": lambda: nn.Linear(24, 10), "wide": lambda: nn.Linear(5, 40), "convolution": lambda: nn.Conv2d(3, 8, 4, bias=False), "one row": lambda: nn.Linear(16, 1)}


def twins(make):
    torch.manual_seed(0)
    ours, theirs = make(), make()
    theirs.load_state_dict(ours.state_dict())
    for normalise, layer in ((normalise_spectrally, ours), (spectral_norm, theirs)):
        torch.manual_seed(1)
        normalise(layer)
    return ours, theirs


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_numbers_and_gradients_are_pytorchs(make, mode):
    ours, theirs = twins(make)
    for _ in range(4):
        grads = []
        for layer in (ours, theirs):
            getattr(layer, mode)().zero_grad()
            weight = layer.weight
            (weight * torch.linspace(-1, 1, weight.numel()).view_as(weight)).sum().backward()
            grads.append((weight.detach(), layer.parametrizations.weight.original.grad))
        for got, want in zip(*grads): torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)


def test_it_is_saved_under_pytorchs_names():
    ours, theirs = twins(LAYERS["linear"])
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    ours.load_state_dict(theirs.state_dict())


def test_the_estimate_comes_to_the_largest_singular_value_and_stays():
    layer = normalise_spectrally(nn.Linear(12, 20))
    for _ in range(60): layer(torch.zeros(1, 12))
    layer.eval()
    kept = layer.parametrizations.weight[0]._u.clone()
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-3)
    assert torch.equal(kept, layer.parametrizations.weight[0]._u)


def test_frozen_weights_get_no_gradient_and_let_it_through():
    layer = normalise_spectrally(nn.Linear(6, 3)).requires_grad_(False)
    x = torch.randn(2, 6, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None and layer.parametrizations.weight.original.grad is None


def test_bfloat16_around_it_changes_nothing_inside():
    layer = normalise_spectrally(nn.Linear(6, 3)).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer.weight.dtype == torch.float32 and layer(torch.randn(2, 6)).dtype == torch.bfloat16


def test_power_iteration_runs_in_training_only():
    norm = SpectralNorm(torch.randn(4, 5))
    before = norm._u.clone()
    norm.eval()(torch.randn(4, 5))
    assert torch.equal(before, norm._u)
    norm.train()(torch.randn(4, 5))
    assert not torch.equal(before, norm._u)
