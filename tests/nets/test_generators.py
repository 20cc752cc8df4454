"Contract of avgen.nets.generators: shapes, range, the published layer table, refusals."

import pytest
import torch

from avgen.core import InputError
from avgen.nets.encoders import ATTENTION_GRIDS, layer_table
from avgen.nets.generators import Deconv4, FiLM, Generator, NearestConv


def test_transposed_convolution_mirrors_the_padding_of_the_convolution():
    from avgen.nets.encoders import Conv4

    down, up = Conv4(1, 1, stride=1), Deconv4(1, 1, stride=1)
    up.weight.data = down.weight.data.clone()
    x, y = torch.randn(1, 1, 7, 7), torch.randn(1, 1, 7, 7)
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())  # the adjoint, as TensorFlow defines it


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("grid", [*ATTENTION_GRIDS, None])
def test_shapes_and_range(channels, activation, grid):
    out = Generator(channels, width=2, attention=grid, activation=activation)(
        torch.randn(3, 64) * 9, torch.randn(3, 62) * 9
    )
    assert out.shape == (3, channels, 64, 64) and out.abs().max() <= 1 and out.dtype == torch.float32


def test_the_layers_are_the_published_ones():
    table = {name: (shape, n) for name, shape, n in layer_table(Generator(3), torch.zeros(1, 64), torch.zeros(1, 62))}
    assert table["project"] == ("8192", 126 * 8192)
    assert [
        table[n] for n in ("layers.grid8.0", "layers.grid8b.0", "layers.grid16.0", "layers.grid32.0", "picture")
    ] == [
        ("256x8x8", 16 * 512 * 256),
        ("256x8x8", 16 * 256 * 256),
        ("128x16x16", 16 * 256 * 128),
        ("64x32x32", 16 * 128 * 64),
        ("3x64x64", 16 * 64 * 3),
    ]
    assert not any(
        n.startswith("layers.grid32.1") or n.startswith("layers.grid16.1") for n in table
    )  # sigmoids without batch normalisation


def test_wrong_sizes_are_refused():
    g = Generator(1, width=2, noise_size=10)
    with pytest.raises(InputError, match=r"noise \(B, 10\)"):
        g(torch.zeros(2, 64), torch.zeros(2, 62))
    with pytest.raises(InputError, match=r"\(2, 32\)"):
        g(torch.zeros(2, 32), torch.zeros(2, 10))
    with pytest.raises(InputError, match="activation"):
        Generator(1, width=2, activation="tanh")


def test_no_noise_is_allowed():
    assert Generator(1, width=2, noise_size=0)(torch.zeros(2, 64), torch.zeros(2, 0)).shape == (2, 1, 64, 64)


@pytest.mark.parametrize("modulate", [False, True])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_upsampling_and_modulation(upsampling, modulate):
    g = Generator(3, width=2, attention=16, form="sagan", activation="relu", upsampling=upsampling, modulate=modulate)
    picture = g(torch.randn(4, 64), torch.randn(4, 62))
    assert picture.shape == (4, 3, 64, 64) and picture.abs().max() <= 1
    picture.square().sum().backward()
    assert all(p.grad is not None for p in g.parameters())
    assert isinstance(g.picture, NearestConv) == (upsampling == "nearest")
    assert len([m for m in g.modules() if isinstance(m, FiLM)]) == 4 * modulate


def test_what_was_trained_before_there_were_these_settings_still_loads():
    assert not [name for name in Generator(1, width=2).state_dict() if "film" in name]


def test_a_nearest_layer_treats_all_pixels_alike():
    "On a constant map every inner pixel comes out the same; the transposed convolution has four kinds of them."
    flat = torch.ones(1, 3, 8, 8)
    inner = NearestConv(3, 5, 2)(flat)[..., 2:-2, 2:-2]
    assert inner.shape == (1, 5, 12, 12) and torch.allclose(inner, inner[..., :1, :1].expand_as(inner), atol=1e-6)
    grain = Deconv4(3, 5, 2)(flat)[..., 2:-2, 2:-2]
    assert not torch.allclose(grain, grain[..., :1, :1].expand_as(grain), atol=1e-3)


def test_unknown_upsampling_is_refused():
    with pytest.raises(InputError, match="upsampling.*nearest"):
        Generator(3, width=2, upsampling="bicubic")
