"Contract of avgen.nets.generators: shapes, range, the published layer table, refusals."

import pytest
import torch

from avgen.core import InputError
from avgen.nets.encoders import ATTENTION_GRIDS, layer_table
from avgen.nets.generators import Deconv4, Generator


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
