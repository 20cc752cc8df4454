"""Contract of avgen.nets.cross_attention: the layer, its maps, and that they cost nothing when nobody asks."""

import pytest
import torch
from torch import nn

from avgen.core import InputError
from avgen.nets.cross_attention import TokenAttention, record_weights


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


def test_errors_say_what_is_wrong():
    with pytest.raises(InputError, match="divisor of the width, 10"):
        TokenAttention(10, heads=4)
    with pytest.raises(InputError, match="Linear has no TokenAttention"), record_weights(nn.Linear(2, 2)):
        pass
