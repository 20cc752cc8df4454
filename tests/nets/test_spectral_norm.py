"Contract of avgen.nets.spectral_norm: PyTorch's own numbers, gradients and names, with fewer passes."

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from avgen.nets.spectral_norm import SpectralNorm, add_spectral_norm

LAYERS = {
    "linear": lambda: nn.Linear(24, 10),
    "wide": lambda: nn.Linear(5, 40),
    "convolution": lambda: nn.Conv2d(3, 8, 4, bias=False),
    "one row": lambda: nn.Linear(16, 1),
}


def twins(make):
    torch.manual_seed(0)
    ours, theirs = make(), make()
    theirs.load_state_dict(ours.state_dict())
    for normalise, layer in ((add_spectral_norm, ours), (spectral_norm, theirs)):
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
        for got, want in zip(*grads):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)


def test_it_is_saved_under_pytorchs_names():
    ours, theirs = twins(LAYERS["linear"])
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    ours.load_state_dict(theirs.state_dict())


def test_the_estimate_comes_to_the_largest_singular_value_and_stays():
    layer = add_spectral_norm(nn.Linear(12, 20))
    for _ in range(60):
        layer(torch.zeros(1, 12))
    layer.eval()
    kept = layer.parametrizations.weight[0]._u.clone()
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-3)
    assert torch.equal(kept, layer.parametrizations.weight[0]._u)


def test_frozen_weights_get_no_gradient_and_let_it_through():
    layer = add_spectral_norm(nn.Linear(6, 3)).requires_grad_(False)
    x = torch.randn(2, 6, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None and layer.parametrizations.weight.original.grad is None


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_around_it_changes_nothing_inside(make, layout):
    # Under autocast the weight is the float32 one, rounded once at the end; everything before is float32.
    layer, twin = twins(make)
    for module in (layer, twin):
        for p in module.parameters():
            if p.ndim == 4:
                p.data = p.data.contiguous(memory_format=layout)
    for _ in range(3):
        want = layer.eval().weight.detach().bfloat16()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert layer.weight.dtype == torch.bfloat16 and torch.equal(layer.weight, want)
        cotangent = torch.linspace(-1, 1, want.numel()).view_as(want).bfloat16()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = layer.train().weight
        theirs = twin.weight
        for weight, c in ((got, cotangent), (theirs, cotangent.float())):
            weight.backward(c)
        grads = [m.parametrizations.weight.original.grad for m in (layer, twin)]
        assert grads[0].dtype == torch.float32
        torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-5)
        for module in (layer, twin):
            module.zero_grad()


def test_large_weights_are_worked_out_few_rows_at_a_time_with_the_same_numbers():
    layer = add_spectral_norm(nn.Linear(5000, 130))
    weight = layer.parametrizations.weight.original
    want = layer.eval().weight.detach().bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer.weight
    assert torch.equal(out, want)
    c = torch.randn(out.shape).bfloat16()
    out.backward(c)
    got, weight.grad = weight.grad, None
    layer.weight.backward(c.float())
    torch.testing.assert_close(got, weight.grad, rtol=1e-5, atol=1e-6)


def test_power_iteration_runs_in_training_only():
    norm = SpectralNorm(torch.randn(4, 5))
    before = norm._u.clone()
    norm.eval()(torch.randn(4, 5))
    assert torch.equal(before, norm._u)
    norm.train()(torch.randn(4, 5))
    assert not torch.equal(before, norm._u)
