"""Contract of avgen.judge.spread: known sets have known figures, with fewer samples than features too."""

import pytest
import torch
from avgen.core import InputError, stream
from avgen.judge.spread import (
    effective_numbers,
    frechet_distance,
    shrunk_covariance,
    vendi_score,
)


def gaussian(n, d, name="g", spread=1.0, shift=0.0):
    return spread * torch.randn(n, d, generator=stream(0, name, n, d)) + shift


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
