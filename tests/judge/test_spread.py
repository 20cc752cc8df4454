"""Contract of avgen.judge.spread: known sets have known figures, with fewer samples than features too."""

import pytest
import torch
from avgen.core import InputError, stream
from avgen.judge.spread import (
    effective_numbers,
    frechet_distance,
    mean_ratio,
    noise_moves,
    shrunk_covariance,
    spread_within,
    thumbnails,
    vendi_score,
)


def gaussian(n, d, name="g", spread=1.0, shift=0.0):
    return spread * torch.randn(n, d, generator=stream(0, name, n, d)) + shift


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


@pytest.mark.parametrize("k", [1, 2, 5])
def test_effective_number_counts_clusters(k):
    x = 100 * torch.eye(k).repeat(6, 1)
    assert vendi_score(x, 1.0) == pytest.approx(k, abs=1e-6)


def test_effective_numbers_see_collapse():
    real, label = gaussian(60, 12), torch.arange(60) % 2
    same = effective_numbers(real, real, label, 3)
    assert torch.equal(same[0][:2], same[1][:2]) and same[0][2].isnan()
    collapsed = effective_numbers(real[label] + 0.01 * real, real, label, 2)
    assert (collapsed[0] < 0.5 * collapsed[1]).all()


def test_another_noise():
    a = torch.zeros(5, 1, 32, 32)
    assert noise_moves(a, a, 1.0)["ratio"] == 0
    assert noise_moves(a, a + 2**0.5, 0.5)["ratio"] == pytest.approx(2)
    with pytest.raises(InputError, match="two noises"):
        noise_moves(a, a[:1], 1.0)


def test_frechet_distance_of_known_clouds():
    "A shift by s in each of d features adds d s^2; the rest is the floor."
    a, b = gaussian(4000, 4), gaussian(4000, 4, "h")
    assert frechet_distance(a, b) < 0.05
    assert frechet_distance(a, b + 1) == pytest.approx(4, abs=0.4)
    assert frechet_distance(a, 2 * b) == pytest.approx(4, abs=0.4)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, b + 1) == pytest.approx(frechet_distance(b + 1, a), rel=1e-6)


def test_frechet_distance_with_fewer_samples_than_features():
    real, again = gaussian(40, 100), gaussian(40, 100, "h")
    floor = frechet_distance(real, again)
    assert 0 <= floor < frechet_distance(real, again + 1) and floor < frechet_distance(real, again[:1].repeat(40, 1))
    assert torch.linalg.eigvalsh(shrunk_covariance(real)).min() > 0
    for bad in (real[:1], real[:, :5]):
        with pytest.raises(InputError, match="Fréchet"):
            frechet_distance(real, bad)
