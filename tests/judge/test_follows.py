"""Contract of avgen.judge.follows: true answers are in step, dealt out ones are not, and unknown factors are said."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from avgen.core import InputError, stream
from avgen.data.pairs import Pairs, toy_pairs
from avgen.judge.follows import (
    FACTORS,
    edge_histograms,
    follows,
    follows_figure,
    handed_round,
    in_step,
    train_reader,
    train_readers,
    true_factors,
)
from judging import oracle


def leaning(n=30):
    "Two instruments; a bar in each picture leans as the factor says; the level of each sound is its loudness."
    toys = toy_pairs(n, ("cello", "violin"))
    sets = []
    for part in (toys.all_train, toys.validation):
        lean = torch.rand(len(part), generator=stream(0, "lean", part.split)) * 2 - 1
        rows = torch.linspace(-1, 1, 64)
        near = (rows[None, None] - 0.8 * lean[:, None, None] * rows[None, :, None]).abs() < 0.15
        images = torch.where(near, 255, 60).to(torch.uint8)[:, None].repeat(1, 3, 1, 1)
        level = (lean / 2)[:, None, None, None].expand(-1, 1, 64, 64).half().contiguous()
        factors = {"lean": lean.tolist(), "loudness_db": (10 * lean).tolist(), "notes": [""] * len(part)}
        sets.append(replace(part, stored_images=images, stored_sounds=level, factors=factors))
    return Pairs(*sets, tune_share=0.2, name="leaning")


@pytest.fixture(scope="module")
def pairs():
    return leaning()


@pytest.mark.parametrize("modality, factor", [("image", "lean"), ("sound", "loudness")])
def test_the_truth_is_in_step_and_a_stranger_is_not(pairs, modality, factor):
    reader = train_reader(pairs, modality)
    real = pairs.validation.tensors()[0 if modality == "image" else 1]
    found = follows(real, pairs, reader)
    assert found.score == found.factors[factor]["score"] > 0.8 and abs(found.handed_round) < 0.2
    assert found.score == pytest.approx(found.real)
    assert all(f["score"] is None for name, f in found.factors.items() if name != factor)
    stranger = follows(real.flip(0), pairs, reader)
    assert stranger.score < 0.4
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["n"] == len(real)
    assert len(follows_figure(found).axes) == 1 and factor in repr(found)


def test_a_system_is_generated_from(pairs):
    readers = train_readers(pairs)
    assert set(readers) == set(FACTORS)
    found = follows(oracle(pairs, "S2I"), pairs, readers["image"])
    assert found.modality == "image" and found.score > 0.8


def test_always_the_same_answer_scores_nothing(pairs):
    one = pairs.validation.tensors()[0][:1].repeat(len(pairs.validation), 1, 1, 1)
    assert follows(one, pairs, train_reader(pairs, "image")).score == 0


def test_in_step():
    x = np.arange(10.0)
    assert in_step(x, 2 * x - 3) == pytest.approx(1) and in_step(x, -x) == pytest.approx(-1)
    assert in_step(np.append(x, np.nan), np.append(x, 5)) == pytest.approx(1)
    assert np.isnan(in_step(x[:3], x[:3])) and abs(handed_round(x, x)) < 0.3


def test_factors_that_nobody_knows(pairs):
    with pytest.raises(InputError, match="true factors"):
        true_factors(toy_pairs(4).validation, "image")
    with pytest.raises(InputError, match="one for each"):
        follows(torch.zeros(2, 3, 64, 64), pairs, train_reader(pairs, "image"))
    assert train_readers(toy_pairs(8)).keys() == {"sound"}


def test_edges_do_not_mind_light_or_size():
    x = torch.rand(3, 3, 16, 16, generator=stream(0, "x")).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(edge_histograms(x), edge_histograms(0.5 * x + 0.2), atol=1e-4, rtol=1e-3)
    assert edge_histograms(x.repeat_interleave(2, 2).repeat_interleave(2, 3)).shape == edge_histograms(x).shape
