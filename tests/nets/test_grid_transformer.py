"""Contract of avgen.nets.grid_transformer: shapes, who hears what, and where it starts."""

import pytest
import torch
from torch import nn

from avgen.core import InputError
from avgen.nets.grid_transformer import GridTransformer, TokenAttention, record_weights

SIZES = dict(positions=10, feature_size=6, raw_size=4, pooled_size=6, width=16, heads=2)


def heard(n: int):
    """Return what is heard in n sources."""
    return torch.randn(n, 10, 6), torch.randn(n, 10, 4), torch.randn(n, 6)


def awake(network: GridTransformer) -> GridTransformer:
    """Give the layers that start at zero some weight."""
    for p in network.parameters():
        if not p.any():
            nn.init.normal_(p, std=0.2)
    return network


@pytest.mark.parametrize("grid", [(8, 8), (8, 11), (2, 3)])
def test_shapes_on_any_grid(grid):
    network = GridTransformer(5, grid, depth=2, **SIZES)
    z = torch.randn(3, 5, *grid)
    assert network(z, torch.rand(3), heard(3)).shape == z.shape
    assert GridTransformer(5, grid, out=1, depth=1, **SIZES)(z, torch.rand(3), heard(3)).shape == (3, 1, *grid)


def test_it_starts_at_zero_and_every_parameter_is_reached_once_awake():
    torch.manual_seed(0)
    network = GridTransformer(5, (2, 3), depth=2, **SIZES)
    z, time, keep = torch.randn(4, 5, 2, 3), torch.rand(4), torch.tensor([True, True, False, True])
    assert not network(z, time, heard(4)).any()
    awake(network)(z, time, heard(4), keep).square().sum().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]


def test_who_is_not_told_hears_nothing():
    torch.manual_seed(0)
    network = awake(GridTransformer(5, (2, 3), depth=2, **SIZES))
    z, time = torch.randn(2, 5, 2, 3), torch.rand(2)
    nobody = torch.zeros(2, dtype=torch.bool)
    assert torch.equal(network(z, time, heard(2), nobody), network(z, time, heard(2), nobody))
    assert not torch.allclose(network(z, time, heard(2)), network(z, time, heard(2)))


def test_even_blocks_look_at_the_source_and_odd_ones_at_the_grid():
    network = GridTransformer(5, (2, 3), depth=3, **SIZES)
    with record_weights(network) as found:
        network(torch.randn(1, 5, 2, 3), torch.rand(1), heard(1))
    assert [w[0].shape[-1] for w in found.values()] == [10, 6, 10]


def test_another_grid_is_refused():
    with pytest.raises(InputError, match="4, 4"):
        GridTransformer(5, (2, 3), depth=1, **SIZES)(torch.zeros(1, 5, 4, 4), torch.rand(1), heard(1))


def test_its_matrices_are_those_of_the_blocks():
    network = GridTransformer(5, (2, 3), depth=2, **SIZES)
    inside = {id(p) for p in network.blocks.parameters()}
    assert network.matrices() and all(p.ndim == 2 and id(p) in inside for p in network.matrices())


def test_it_is_the_textbook_formula():
    torch.manual_seed(0)
    layer = TokenAttention(16, heads=2)
    nn.init.normal_(layer.output.weight)
    x, c = torch.randn(3, 5, 16), torch.randn(3, 7, 16)
    q = layer.query(x).reshape(3, 5, 2, 8)
    k, v = (t.reshape(3, 7, 2, 8) for t in layer.key_value(c).chunk(2, -1))
    q, k = (t / t.square().mean(-1, keepdim=True).sqrt() for t in (q, k))
    weights = (torch.einsum("bnhd,bmhd->bhnm", q, k) * layer.temperature).softmax(-1)
    expected = layer.output(torch.einsum("bhnm,bmhd->bnhd", weights, v).reshape(3, 5, 16))
    torch.testing.assert_close(layer(x, c), expected, atol=1e-4, rtol=1e-4)


def test_a_fresh_layer_adds_nothing():
    assert not TokenAttention(16)(torch.randn(1, 4, 16), torch.randn(1, 9, 16)).any()


def test_weights_are_recorded_only_on_request():
    network = nn.ModuleDict({"a": TokenAttention(8, 2), "b": TokenAttention(8, 2)})
    x, c = torch.randn(2, 4, 8), torch.randn(2, 6, 8)
    with record_weights(network) as found:
        network["a"](x, c)
        network["a"](x, c)
    network["a"](x, c)
    assert {path: len(weights) for path, weights in found.items()} == {"a": 2, "b": 0}
    assert found["a"][0].shape == (2, 2, 4, 6) and not found["a"][0].requires_grad
    torch.testing.assert_close(found["a"][0].sum(-1), torch.ones(2, 2, 4))


def test_recording_ends_when_the_block_fails():
    layer = TokenAttention(8, 2)
    with pytest.raises(ZeroDivisionError), record_weights(layer):
        raise ZeroDivisionError
    assert layer.recorded is None


def test_errors_of_the_layer_say_what_is_wrong():
    with pytest.raises(InputError, match="divisor of the width, 10"):
        TokenAttention(10, heads=4)
    with pytest.raises(InputError, match="Linear has no TokenAttention"), record_weights(nn.Linear(2, 2)):
        pass
