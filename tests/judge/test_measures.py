"""Contract of avgen.judge.measures: intervals over takes, distances, diversity and copies, by definition."""

import numpy as np
import pytest
import torch
from avgen.core import InputError, stream
from avgen.judge.measures import (
    bootstrap_interval,
    class_diversity,
    interval_method,
    kernel_distance,
    memorisation,
    nearest_distances,
    one_batch,
    precision_recall,
    wilson_interval,
)


def cloud(n, d, name="cloud"):
    return torch.randn(n, d, generator=stream(0, name))


def test_one_batch_of_64():
    found = one_batch(455, 650)
    assert found == one_batch(455, 650) != one_batch(455, 650, seed=1)
    assert sum(found["counts"].values()) == found["draws"] == 1000 and found["size"] == 64
    expected = np.sqrt(0.7 * 0.3 / 64 * (650 - 64) / 649)  # hypergeometric
    assert found["mean"] == pytest.approx(0.7, abs=0.01) and found["sd"] == pytest.approx(expected, rel=0.1)
    small = one_batch(7, 10)  # fewer than 64: the batch is the whole split
    assert small["size"] == 10 and small["sd"] < 1e-9 and small["mean"] == pytest.approx(0.7)


@pytest.mark.parametrize("arguments", [(5, 4), (-1, 4), (0, 0), (0.5, 4), (True, 4)])
def test_one_batch_refuses(arguments):
    with pytest.raises(InputError, match="correct|setting 'n'"):
        one_batch(*arguments)


def test_wilson_interval():
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_interval(0, 20)[0] == 0 and wilson_interval(20, 20)[1] == 1
    assert wilson_interval(20, 20)[0] == pytest.approx(0.8389, abs=1e-4)
    with pytest.raises(InputError, match="found 3 right of 2"):
        wilson_interval(3, 2)


def test_bootstrap_counts_takes():
    fate = np.repeat(np.random.default_rng(0).random(60) < 0.7, 10)
    takes = np.repeat(np.arange(60), 10)
    low, high = bootstrap_interval(fate, takes)
    assert low < fate.mean() < high and (low, high) == bootstrap_interval(fate, takes)
    uneven = fate * np.random.default_rng(1).random(600)
    assert bootstrap_interval(uneven, takes) != bootstrap_interval(uneven, takes, seed=1)
    clip_low, clip_high = bootstrap_interval(fate, np.arange(600))
    assert high - low > 2.5 * (clip_high - clip_low)
    assert bootstrap_interval(fate, takes * 7 + 3) == (low, high)  # only which clips belong together matters


def test_intervals_at_the_edge_have_width():
    takes = np.repeat(np.arange(10), 5)
    assert bootstrap_interval(np.ones(50), takes) == wilson_interval(10, 10)
    assert bootstrap_interval(np.zeros(50), takes) == wilson_interval(0, 10)
    nearly = np.ones(50)
    nearly[0] = 0
    assert "over takes" in interval_method(nearly, takes) and bootstrap_interval(nearly, takes)[0] < 0.75
    one = bootstrap_interval(np.array([1, 1, 0, 1]), np.zeros(4))
    assert one == wilson_interval(3, 4) and "one take only" in interval_method([1, 1, 0, 1], np.zeros(4))


@pytest.mark.parametrize("correct, takes", [([], []), ([1, 0], [0]), ([[1]], [[0]]), ([np.nan, 1], [0, 1])])
def test_bootstrap_refuses(correct, takes):
    with pytest.raises(InputError, match="answers"):
        bootstrap_interval(correct, takes)


def test_kernel_distance_is_torchmetrics_kid():
    import warnings

    from torchmetrics.image.kid import KernelInceptionDistance

    real, made = cloud(60, 24), cloud(60, 24, "other") * 0.8 + 0.2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = KernelInceptionDistance(feature=torch.nn.Identity(), subsets=1, subset_size=60)
        theirs.update(real, real=True)
        theirs.update(made, real=False)
        value = theirs.compute()[0].item()
    assert kernel_distance(real, made, subsets=1, subset_size=60)["mean"] == pytest.approx(value, rel=1e-3)
    assert kernel_distance(real, made, seed=4) == kernel_distance(real, made, seed=4)


def test_kernel_distance_is_unbiased():
    values = [
        kernel_distance(cloud(50, 16, f"a{i}"), cloud(50, 16, f"b{i}"), subsets=1, subset_size=50)["mean"]
        for i in range(60)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60) and min(values) < 0


def test_precision_recall_against_the_definition():
    real, made, k = cloud(40, 3), cloud(50, 3, "made") * 1.5, 3

    def share(points, centres):
        d = torch.cdist(centres, centres).sort(1).values[:, k]
        return np.mean([any(torch.dist(p, c) <= r for c, r in zip(centres, d)) for p in points])

    assert precision_recall(real, made) == pytest.approx((share(made, real), share(real, made)))
    assert precision_recall(real, real) == (1, 1)
    assert precision_recall(real, real + 100) == (0, 0)
    with pytest.raises(InputError, match="at least 4"):
        precision_recall(real[:3], made)
    with pytest.raises(InputError, match="found 2 takes"):
        precision_recall(real, made, takes=(torch.arange(40) % 2, None))


def test_precision_reaches_to_other_takes():
    "Sisters of a take do not count as neighbours: repeated clips change nothing."
    real, made = cloud(30, 4), cloud(30, 4, "made")
    takes = torch.arange(30).repeat(5)
    assert precision_recall(real.repeat(5, 1), made.repeat(5, 1), takes=(takes, takes)) == pytest.approx(
        precision_recall(real, made)
    )
    assert precision_recall(real, made, most=12, seed=1) == precision_recall(real, made, most=12, seed=1)


def test_nearest_distances_in_blocks():
    a, b = cloud(30, 8), cloud(70, 8, "b")
    assert torch.allclose(nearest_distances(a, b, chunk=7), torch.cdist(a, b).min(1).values)
    with pytest.raises(InputError, match="NaN"):
        nearest_distances(a * float("nan"), b)
    with pytest.raises(InputError, match="same D"):
        nearest_distances(a, b[:, :4])


def test_class_diversity_by_hand():
    f = torch.tensor([[0.0, 0], [3, 4], [0, 0], [0, 2], [0, 1]])
    found = class_diversity(f, torch.tensor([0, 0, 1, 1, 1]), 3)
    assert found[:2].tolist() == pytest.approx([5, 4 / 3]) and found[2].isnan()


def test_memorisation_by_hand():
    real = torch.arange(1.0, 101)
    assert memorisation(real, real)["closer"] == pytest.approx(0.5)
    copied = memorisation(torch.zeros(10), real)
    assert copied["closer"] == 1 and copied["copies"] == 1 and copied["ratio"] == 0
    assert memorisation(real + 1000, real)["closer"] == 0
    with pytest.raises(InputError, match="0 generated"):
        memorisation(torch.zeros(0), real)


def test_the_site_says_what_each_measure_asks():
    from pathlib import Path

    from avgen.judge.measures import MEASURES

    page = (Path(__file__).resolve().parents[2] / "docs/measures.md").read_text()
    for m in MEASURES.values():
        assert m.sentence in page and (f"**{m.title}**" in page) == m.headline
