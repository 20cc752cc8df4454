"""Contract of avgen.judge.comparison: copies and collapse are seen, counts agree, few samples are said to be few."""

import numpy as np
import pytest
import torch
from avgen.judge.classifier import samples
from avgen.judge.comparison import compare_with_real, count_correct, diversity_ratios
from avgen.judge.evaluation import evaluate
from judging import FakeSystem, oracle


def test_counts_agree(pairs):
    split = pairs.validation
    seen = split.instrument.clone()
    seen[:3] = (seen[:3] + 1) % 3
    found = count_correct(seen, split)
    assert found["n"] == len(split) == np.sum(found["confusion"]) and found["correct"] == len(split) - 3
    assert found["correct"] == np.trace(found["confusion"])
    assert found["correct"] == sum(f["correct"] for f in found["by_instrument"].values())
    assert found["low"] <= found["accuracy"] <= found["high"] and found["takes"] == len(split.take.unique())


def test_copies_collapse_and_chance(evaluator, pairs):
    train = oracle(pairs, "S2I", "train")
    copied = evaluate(train, pairs, evaluator=evaluator, device="cpu", quiet=True)
    assert copied.nearest["features"]["copies"] == copied.nearest["pixels"]["copies"] == 1
    one = samples(pairs.train, "image", [0])
    collapsed = evaluate(
        FakeSystem("S2I", lambda x, seed: one.repeat(len(x), 1, 1, 1)),
        pairs,
        evaluator=evaluator,
        device="cpu",
        quiet=True,
    )
    assert collapsed.diversity["ratio"] == pytest.approx(0, abs=1e-3) and collapsed.recall < 0.5
    assert collapsed.accuracy in (0, pytest.approx(1 / 3)) and collapsed.kid["mean"] > copied.kid["mean"]


def test_diversity_within_classes_by_hand():
    made = torch.tensor([[0.0, 0], [0, 1], [0, 0], [0, 4]])
    views = {"features": {"made": made, "real": 2 * made}, "pixels": {"made": made, "real": made}}
    label, right = torch.tensor([0, 0, 1, 1]), torch.tensor([True, True, False, False])
    found = diversity_ratios(views, label, right, ("cello", "violin"))
    assert found["ratio"] == pytest.approx(0.5) and found["pixels"]["ratio"] == pytest.approx(1)
    assert found["generated"] == pytest.approx(2.5) and found["ratio_of_correct"] == pytest.approx(0.5)
    assert found["by_instrument"] == pytest.approx({"cello": 0.5, "violin": 0.5})
    assert diversity_ratios(views, torch.arange(4), right, tuple("abcd")) == {}


def test_what_could_not_be_measured_is_said(evaluator, pairs):
    made, right = samples(pairs.tune, "image"), torch.ones(len(pairs.tune), dtype=torch.bool)
    found = compare_with_real(made, pairs, "tune", "image", evaluator, right)
    takes = len(pairs.tune.take.unique())
    assert ("recall" in found) == (takes > 3) and len(found["notes"]) == (takes <= 3)
