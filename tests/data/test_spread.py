"""Contract of avgen.data.spread: known sets have known figures; noise of single pixels hardly counts."""

import pytest
import torch
from avgen.core import InputError, stream
from avgen.data.spread import mean_ratio, noise_moves, spread_within, thumbnails


def test_spread_by_hand():
    x = torch.tensor([[0.0, 0], [2, 2], [5, 5], [5, 5], [9, 9]])
    found = spread_within(x, [0, 0, 1, 1, 2], 4)
    assert found[:2].tolist() == pytest.approx([2**0.5, 0]) and found[2:].isnan().all()
    assert mean_ratio(found, 2 * found)["ratio"] == pytest.approx(0.5)


def test_thumbnails_forget_pixel_noise():
    flat = torch.zeros(4, 3, 64, 64)
    noisy = flat + torch.randn(flat.shape, generator=stream(0, "noise"))
    assert thumbnails(noisy).shape == (4, 3 * 32 * 32) and thumbnails(noisy).std() < 0.6
    assert thumbnails(torch.zeros(2, 1, 128, 20), 16).shape == (2, 256)


def test_another_noise():
    a = torch.zeros(5, 1, 32, 32)
    assert noise_moves(a, a, 1.0)["ratio"] == 0
    assert noise_moves(a, a + 2**0.5, 0.5)["ratio"] == pytest.approx(2)
    with pytest.raises(InputError, match="two noises"):
        noise_moves(a, a[:1], 1.0)
