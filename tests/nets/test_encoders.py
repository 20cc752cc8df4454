"Contract of avgen.nets.encoders: shapes, the published layer table, attention at its four places, refusals."

import pytest
import torch

from avgen.nets.attention import SelfAttention
from avgen.core import InputError
from avgen.nets.encoders import ATTENTION_GRIDS, Conv4, ConvStack, Encoder, layer_table


def test_stride_one_keeps_the_size_and_pads_as_tensorflow_same():
    conv = Conv4(1, 1, stride=1)
    torch.nn.init.ones_(conv.weight)
    out = conv(torch.ones(1, 1, 6, 6))
    assert out.shape == (1, 1, 6, 6)
    assert out[0, 0, 0].tolist() == [9, 12, 12, 12, 9, 6]  # one pixel of padding before, two after


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["sa-cmgan", "sagan"])
@pytest.mark.parametrize("grid", [*ATTENTION_GRIDS, None])
def test_shapes_at_every_place(channels, form, grid):
    encoder = Encoder(channels, 5, width=2, attention=grid, form=form)
    logits, code = encoder(torch.randn(3, channels, 64, 64))
    assert logits.shape == (3, 5) and code.shape == (3, 64)
    seen = []
    for m in encoder.modules():
        if isinstance(m, SelfAttention):
            m.register_forward_hook(lambda m, i, o: seen.append((o.shape[-1], o.shape[1])))
    encoder(torch.randn(2, channels, 64, 64))
    assert seen == ([] if grid is None else [(grid, {32: 2, 16: 4, 8: 8, 4: 16}[grid])])


def test_the_layers_are_the_published_ones():
    "The authors' program: 64-128-256-256-512 channels at 32-16-8-8-4, then 1024, 128, 64; no bias before batch norm."
    table = {name: (shape, n) for name, shape, n in layer_table(Encoder(3, 13), torch.zeros(1, 3, 64, 64))}
    shapes = [table[f"stack.layers.{g}.0"] for g in ("grid32", "grid16", "grid8", "grid8b", "grid4")]
    assert shapes == [
        ("64x32x32", 16 * 3 * 64),
        ("128x16x16", 16 * 64 * 128),
        ("256x8x8", 16 * 128 * 256),
        ("256x8x8", 16 * 256 * 256),
        ("512x4x4", 16 * 256 * 512),
    ]
    assert [table[n] for n in ("hidden.0.0", "hidden.1.0", "to_code.0")] == [
        ("1024", 8192 * 1024),
        ("128", 1024 * 128),
        ("64", 128 * 64),
    ]
    assert "stack.layers.grid32.1" not in table  # no batch normalisation after the first convolution


def test_the_code_layer_learns_only_when_asked():
    for train_code in (True, False):
        encoder = Encoder(1, 3, width=2, train_code=train_code)
        encoder.loss(torch.randn(4, 1, 64, 64), torch.tensor([0, 1, 2, 0]))["loss"].backward()
        assert (encoder.to_code[0].weight.grad is not None) == train_code


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match=r"\(2, 1, 128, 44\)"):
        Encoder(1, 3, width=2)(torch.zeros(2, 1, 128, 44))
    with pytest.raises(InputError, match="attention"):
        ConvStack(1, 2, attention=12)
    with pytest.raises(InputError, match="width"):
        ConvStack(1, 0)
