"""Contract of avgen.judge.scoring: a score on tune alone, over both directions, the same every time."""

import pytest
import torch
from judging import FakeSystem, oracle
from tiny_runs import run_tiny

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.judge.classifier import EvaluatorSettings, samples
from avgen.judge.evaluator import train_evaluator
from avgen.judge.generation import generate_split
from avgen.judge.scoring import tune_scorer
from avgen.training.runner import train


class FakeRun:
    """A run whose directions generate what they are told."""

    def __init__(self, *systems):
        self.systems = systems

    def each_direction(self):
        return self.systems


def test_real_samples_of_tune_score_as_the_evaluator_does(evaluator, pairs):
    score = tune_scorer(pairs, evaluator)
    real = FakeRun(oracle(pairs, "S2I", "tune"), oracle(pairs, "I2S", "tune"))
    right = []
    for modality in ("image", "sound"):
        seen = evaluator.classify(modality, samples(pairs.tune, modality)).argmax(1)
        right.append(seen == pairs.tune.instrument)
    assert score(real) == pytest.approx(float(torch.cat(right).float().mean())) and score(real) == score(real)


def test_a_grey_picture_scores_one_instrument(evaluator, pairs):
    grey = FakeRun(FakeSystem("S2I", lambda x, seed: torch.zeros(len(x), 3, 64, 64)))
    assert tune_scorer(pairs, evaluator, most=6)(grey) < 1


def test_data_without_tune_are_refused(evaluator):
    with pytest.raises(InputError, match="no pairs in tune"):
        tune_scorer(toy_pairs(n=8, tune_share=0.0), evaluator)
    with pytest.raises(InputError, match="most"):
        tune_scorer(toy_pairs(n=24), evaluator, most=0)


@pytest.fixture(scope="module")
def judge(toys):
    return tune_scorer(
        toys, train_evaluator(toys, settings=EvaluatorSettings(image_steps=10, sound_steps=10), cache=False, quiet=True)
    )


@pytest.mark.usefixtures("tiny")
def test_the_judge_looks_at_tune_alone(toys, judge, tmp_path, monkeypatch):
    looked = []

    def generate(run, pairset, seed):
        looked.append(pairset.split)
        return generate_split(run, pairset, seed)

    monkeypatch.setattr("avgen.judge.scoring.generate_split", generate)
    run = run_tiny(toys, tmp_path / "run", scorer=judge)
    assert set(looked) == {"tune"} and 0 <= run.best["score"] <= 1 and judge(run.at("best")) == run.best["score"]
    with pytest.raises(InputError, match="no pairs in tune"):
        tune_scorer(toy_pairs(n=24, tune_share=0.0))


def test_both_directions_are_judged(judge, tmp_path):
    toys = toy_pairs(n=24)
    run = train(
        "cmcgan",
        toys,
        preset="toy",
        run=tmp_path / "both",
        steps=2,
        scorer=judge,
        quiet=True,
        device="cpu",
        threads=1,
        sample_every=1000,
    )
    assert 0 <= run.best["score"] <= 1
