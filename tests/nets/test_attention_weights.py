"Contract of avgen.nets.attention_weights: weights of any library become tables, and a model is heard while it runs."

import math
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from avgen.core import InputError
from avgen.nets.attention_weights import (
    as_weights,
    check_rows,
    fused_weights,
    grid_of,
    layers_of,
    listen,
    one_is_pooled,
    relative_entropy,
    row_tolerance,
    table_of,
)


def tables(*shape, sharp=2.0, seed=0):
    "Random weights of a shape, each row a distribution."
    return (sharp * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))).softmax(-1)


@pytest.mark.parametrize("keys", [100, 256, 1213])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_softmax_of_any_precision_is_attention(keys, dtype):
    weights = torch.randn(1, 2, 64, keys, generator=torch.Generator().manual_seed(1)).to(dtype).softmax(-1)
    check_rows(weights)
    check_rows(weights.float())  # as it must be on its way to NumPy
    rows, _ = table_of(weights)
    assert rows.dtype == torch.float32 and (rows.sum(2) - 1).abs().max() < 1e-5
    with pytest.raises(InputError, match="do not sum to 1"):
        check_rows(weights * 1.02)


def test_the_worst_row_is_named():
    weights = tables(2, 3, 8, 8)
    weights[1, 2, 5] *= 0.7
    with pytest.raises(
        InputError, match=r"layer 'block 3': .*sample 1, head 2, query 5 .* with 0\.7; .*normalise=True"
    ):
        table_of(weights, layer="block 3")
    assert table_of(weights, normalise=True)[0].shape == (2, 8, 8)
    weights[0, 1, 3, 2] = math.nan
    with pytest.raises(InputError, match="NaN or infinity in sample 0, head 1, query 3"):
        table_of(weights)


def test_what_was_done_is_not_advised():
    weights = tables(1, 8, 8) - 0.2
    with pytest.raises(InputError) as refused:
        table_of(weights, normalise=True)
    assert "normalise" not in str(refused.value) and "linear attention" in str(refused.value)
    with pytest.raises(InputError) as refused:
        table_of(torch.zeros(1, 4, 4), normalise=True)
    assert "all zeros" in str(refused.value) and "normalise" not in str(refused.value)


@pytest.mark.parametrize("mark", [0.0, math.nan])
def test_masked_queries_are_rows_of_zeros_in_their_own_sample(mark):
    weights = tables(2, 6, 6)
    weights[0, 4:] = mark
    rows, _ = table_of(weights)
    assert [int((r.sum(1) > 0).sum()) for r in rows] == [4, 6]
    assert relative_entropy(rows)[0, 4:].isnan().all() and relative_entropy(rows)[1].isfinite().all()


def test_leading_tokens_are_left_out_and_what_they_took_is_told():
    weights = tables(1, 3, 10, 10)
    rows, taken = table_of(weights, skip=2)
    mean = weights.mean(1)
    torch.testing.assert_close(rows, mean[:, 2:, 2:] / mean[:, 2:, 2:].sum(2, keepdim=True))
    assert taken == pytest.approx(float(mean[:, 2:, :2].sum(2).mean()))
    rows, _ = table_of(weights, head=1, skip=(0, 1))
    torch.testing.assert_close(rows, weights[:, 1, :, 1:] / weights[:, 1, :, 1:].sum(2, keepdim=True))
    assert torch.equal(table_of(weights, skip=np.array(2))[0], table_of(weights, skip=np.int64(2))[0])
    for wrong in (-1, 10, "1", (1, 2, 3), 1.5):
        with pytest.raises(InputError, match="skip"):
            table_of(weights, skip=wrong)


def test_arrays_of_many_libraries():
    class Foreign:  # what JAX and TensorFlow arrays answer to
        def __array__(self, dtype=None, copy=None):
            return tables(4, 4).numpy()

        def __len__(self):
            return 4

    assert as_weights(Foreign()).shape == (4, 4) and as_weights(tables(4, 4).requires_grad_()).requires_grad is False
    assert as_weights(np.eye(3, dtype=np.int8)).dtype == torch.float32
    assert as_weights(tables(4, 4).numpy()[::-1]).shape == (4, 4)  # negative strides
    for wrong in ("weights", [["a"]], [[1, 2], [3]], object(), np.array(["x"])):
        with pytest.raises(InputError, match="no array of numbers"):
            as_weights(wrong)


def test_layers_have_names():
    layers = tables(3, 1, 2, 4, 4)
    assert list(layers_of(layers)) == list(layers_of(tuple(layers))) == ["layer 0", "layer 1", "layer 2"]
    assert list(layers_of(layers[:1], "encoder", each_head=True)) == ["encoder 0, head 0", "encoder 0, head 1"]
    for wrong, words in (((None, None), "eager"), ([], "no layer"), (((layers[0],), (layers[1],)), "attentions")):
        with pytest.raises(InputError, match=words):
            layers_of(wrong)
    with pytest.raises(InputError, match="'all'"):
        layers_of(tables(2, 4, 4), each_head=True)


def test_grids():
    assert one_is_pooled((32, 32), (32, 32)) and one_is_pooled((32, 32), (8, 16)) and one_is_pooled((5, 5), (9, 10))
    assert not one_is_pooled((14, 14), (8, 32)) and not one_is_pooled((13, 1), (8, 32))
    for grid, count in ((None, 12), ((3,), 3), ((0, 3), 0), ("ab", 4), (7, 49)):
        with pytest.raises(InputError, match="grid"):
            grid_of("grid", grid, count)


@pytest.mark.parametrize("kind", ["plain", "causal", "bool", "float", "grouped", "three axes"])
def test_fused_attention_is_written_down(kind):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 4, 5, 8), torch.randn(2, 4, 7, 8), torch.randn(2, 4, 7, 3)
    more = {}
    if kind == "causal":
        more = {"is_causal": True}
    if kind == "bool":
        more = {"attn_mask": torch.rand(2, 1, 5, 7) > 0.3}
    if kind == "float":
        more = {"attn_mask": torch.randn(5, 7), "scale": 0.7}
    if kind == "grouped":
        k, v, more = k[:, :2], v[:, :2], {"enable_gqa": True}
    if kind == "three axes":
        q, k, v = q[:, 0], k[:, 0], v[:, 0]
    weights = fused_weights(q, k, **more)
    values = v.repeat_interleave(2, 1) if kind == "grouped" else v
    out = weights[:, 0] @ values if kind == "three axes" else weights @ values
    torch.testing.assert_close(out, F.scaled_dot_product_attention(q, k, v, **more), atol=1e-5, rtol=1e-4)


class Eager(nn.Module):
    "Attention with the softmax written out."

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x):
        q, k, v = (t.unflatten(2, (2, 4)).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        return (F.softmax(q @ k.transpose(2, 3), dim=-1) @ v).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("training", [False, True])
def test_listening_changes_nothing(training):
    layers = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True, dropout=0.1), 1)
    network, x, memory = layers.train(training), torch.randn(2, 5, 8), torch.randn(2, 7, 8)
    torch.manual_seed(0)
    before = network(x, memory)
    torch.manual_seed(0)
    with listen(network) as heard:
        during = network(x, memory)
    torch.testing.assert_close(before, during)
    shapes = {path: tuple(runs[0].shape) for path, runs in heard.items()}
    assert shapes == {"layers.0.self_attn": (2, 2, 5, 5), "layers.0.multihead_attn": (2, 2, 5, 7)}
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_a_softmax_that_is_written_out_is_heard_and_a_classifier_is_not():
    network = nn.Sequential(Eager(), nn.Linear(8, 4), nn.Softmax(-1))
    with listen(network) as heard:
        network(torch.randn(3, 6, 8))
        network(torch.randn(3, 6, 8))
    assert list(heard) == ["0"] and len(heard["0"]) == 2 and heard["0"][0].shape == (3, 2, 6, 6)


def test_only_this_network_is_heard_in_this_thread_and_only_in_the_block():
    one, other = Eager(), Eager()
    with listen(one) as heard:
        thread = threading.Thread(target=lambda: other(torch.randn(1, 4, 8)))
        thread.start()
        thread.join()
        other(torch.randn(1, 4, 8))
        one(torch.randn(1, 4, 8))
    one(torch.randn(1, 4, 8))
    assert len(heard[""]) == 1


def test_an_error_in_the_network_leaves_nothing_behind():
    class Broken(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    network = nn.Sequential(Eager(), Broken())
    with pytest.raises(ZeroDivisionError), listen(network):
        network(torch.randn(1, 4, 8))
    assert not any(m._forward_hooks for m in network.modules())


def test_what_has_no_weights_says_why():
    class Linear(nn.Module):
        def forward(self, x):
            return x @ (x.transpose(1, 2) @ x)

    network = Linear()
    with pytest.raises(InputError, match="Linear attention has no weights"), listen(network):
        network(torch.randn(1, 4, 8))
    with pytest.raises(InputError, match="more than the limit"), listen(Eager(), limit=10) as heard:
        layer = Eager()
        with listen(layer, limit=10):
            layer(torch.randn(1, 4, 8))
    assert not heard


def test_tolerance_is_that_of_the_numbers():
    weights = tables(1, 4, 200)
    assert row_tolerance(weights) < row_tolerance(weights.half()) < row_tolerance(weights.bfloat16())
    assert row_tolerance(weights.half().float()) == row_tolerance(weights.half())


@pytest.mark.parametrize(
    "path, said",
    [
        ("encoder.stack.layers.attention", "encoder, attention at 32 x 32, keys 16 x 16"),
        ("stack.layers.attention", "attention at 32 x 32, keys 16 x 16"),
        ("painter.blocks.4", "painter, block 5, attention at 32 x 32, keys 16 x 16"),
        ("layers.1.attention, head 2", "layer 2, attention at 32 x 32, keys 16 x 16, head 2"),
        ("cross-attention at time 0.5", "cross-attention at time 0.5"),
        ("a comb", "a comb"),
        ("", ""),
    ],
)
def test_a_layer_is_named_as_a_person_would(path, said):
    from avgen.nets.attention_weights import layer_words

    assert layer_words(path, (32, 32), (16, 16)) == said
