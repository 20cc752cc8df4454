"""Contract of avgen.judge.rivals: rivals are weightings, and occlusion has a fair control."""

import numpy as np
import torch
from avgen.judge.rivals import energy_weighted, equally_loud, occlude, occlusion_masks


def test_rivals_are_weightings():
    generator = torch.Generator().manual_seed(0)
    weights, level = torch.rand(5, 256, generator=generator).softmax(1), torch.randn(256, generator=generator)
    for rival in (energy_weighted(weights, level), equally_loud(weights, level)):
        torch.testing.assert_close(rival.sum(1), torch.ones(5))
        assert torch.allclose(rival @ level, weights @ level, atol=0.02)
    quiet = (-3 * level).softmax(0)[None]
    torch.testing.assert_close(energy_weighted(quiet, level), quiet, atol=1e-5, rtol=1e-3)  # it may prefer silence
    assert energy_weighted(weights, torch.zeros(256)).std() < 1e-6  # all alike: uniform


def test_occlusion_is_matched_in_number_and_loudness():
    generator = torch.Generator().manual_seed(0)
    level, received = torch.randn(256, generator=generator), torch.rand(256, generator=generator)
    attended, random = occlusion_masks(received, level, 0.1, draws=4, generator=np.random.default_rng(0))
    assert attended.sum() == 26 and random.sum(1).eq(26).all() and not (random & attended).any()
    assert all(abs(level[r].mean() - level[attended].mean()) < 0.15 for r in random)
    silenced = occlude(torch.zeros(1, 64, 64), attended[None], (16, 16))
    assert silenced.shape == (1, 1, 64, 64) and (silenced == -1).sum() == 26 * 16
