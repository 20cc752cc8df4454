"""Contract of avgen.systems.source_encoder: patches for any source, and what is said of it."""

import pytest
import torch

from avgen.core import InputError
from avgen.systems.source_encoder import SourceEncoder, patch_for


@pytest.mark.parametrize(
    "size, rows, expected",
    [((64, 64), 8, (8, 8)), ((64, 64), 16, (4, 8)), ((128, 44), 8, (16, 4)), ((128, 44), 16, (8, 4))],
)
def test_patches(size, rows, expected):
    assert patch_for(size, rows) == expected


@pytest.mark.parametrize("size", [(60, 64), (64, 7), (64, 9)])
def test_sizes_without_a_patch(size):
    if size == (64, 9):
        assert patch_for(size) == (8, 1)
        return
    with pytest.raises(InputError, match=f"{size[0]} x {size[1]}"):
        patch_for(size)


@pytest.mark.parametrize(
    "channels, size, patch", [(1, (64, 64), (4, 8)), (1, (128, 44), (8, 4)), (3, (128, 128), (16, 16))]
)
def test_what_is_said_of_a_source(channels, size, patch):
    torch.manual_seed(0)
    encoder, x = SourceEncoder(channels, size, patch, 3, width=2), torch.randn(5, channels, *size)
    encoder.eval().fit_scale([x])
    tokens, raw, summary = encoder(x)
    positions = size[0] // patch[0] * (size[1] // patch[1])
    assert tokens.shape[:2] == raw.shape[:2] == (5, positions) and raw.shape[2] == channels * patch[0] * patch[1]
    assert summary.shape[0] == 5 and encoder.fitted
    torch.testing.assert_close(tokens.mean((0, 1)), torch.zeros(tokens.shape[2]), atol=1e-4, rtol=0)
    assert encoder.loss(x, torch.tensor([0, 1, 2, 0, 1]))["loss"] > 0
