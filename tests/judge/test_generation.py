"""Contract of avgen.judge.generation: one sample for every pair, in order; a score on tune; what is refused."""

import pytest
import torch
from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.judge.classifier import EvaluatorSettings, samples
from avgen.judge.evaluator import train_evaluator
from avgen.judge.generation import generate_split, modalities, phrase, system_of, tune_scorer
from avgen.training.runner import train
from judging import FakeRun, FakeSystem, oracle
from tiny_runs import run_tiny


def test_every_split_whole_and_in_order(pairs):
    for split in ("train", "tune", "validation"):
        echo = oracle(pairs, "S2I", split)
        assert torch.equal(generate_split(echo, pairs.split(split), batch_size=5), samples(pairs.split(split), "image"))


def test_each_block_has_noise_of_its_own(pairs):
    def noise(source, seed):
        return torch.rand(len(source), 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1

    made = generate_split(FakeSystem("S2I", noise), pairs.validation, seed=1, batch_size=5)
    assert not torch.equal(made[:5], made[5:10])
    assert torch.equal(made, generate_split(FakeSystem("S2I", noise), pairs.validation, seed=1, batch_size=5))


def test_a_run_is_asked_for_its_system():
    system = FakeSystem("I2S", None)
    assert system_of(FakeRun(system)) is system_of(system) is system
    assert modalities("S2I") == ("sound", "image") and modalities("I2S") == ("image", "sound")


def test_what_is_refused(pairs):
    with pytest.raises(InputError, match="expected a run"):
        generate_split(None, pairs.validation)
    with pytest.raises(InputError, match="diverged"):
        generate_split(FakeSystem("S2I", lambda x, seed: x.repeat(1, 3, 1, 1) * float("nan")), pairs.validation)
    with pytest.raises(InputError, match="no pairs"):
        generate_split(oracle(pairs, "S2I"), pairs.validation.subset([]))
    with pytest.raises(InputError, match="one at a time"):
        modalities("both")
    with pytest.raises(InputError, match="direction"):
        modalities("A2B")


class TwoWays:
    """A run whose directions generate what they are told."""

    def __init__(self, *systems):
        self.systems = systems

    def each_direction(self):
        return self.systems


def test_real_samples_of_tune_score_as_the_evaluator_does(evaluator, pairs):
    score = tune_scorer(pairs, evaluator)
    real = TwoWays(oracle(pairs, "S2I", "tune"), oracle(pairs, "I2S", "tune"))
    right = []
    for modality in ("image", "sound"):
        seen = evaluator.classify(modality, samples(pairs.tune, modality)).argmax(1)
        right.append(seen == pairs.tune.instrument)
    assert score(real) == pytest.approx(float(torch.cat(right).float().mean())) and score(real) == score(real)


def test_a_grey_picture_scores_one_instrument(evaluator, pairs):
    grey = TwoWays(FakeSystem("S2I", lambda x, seed: torch.zeros(len(x), 3, 64, 64)))
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

    monkeypatch.setattr("avgen.judge.generation.generate_split", generate)
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


def a_band_that_the_picture_and_the_noise_decide(source, seed):
    """Play one band: higher for a brighter picture, and moved by the noise."""
    played = torch.full((len(source), 1, 64, 64), -0.6)
    for i, picture in enumerate(source):
        played[i, 0, int(20 + 10 * picture.mean()) + seed % 7] = 0.5
    return played


def test_a_phrase_has_noises_along_one_picture_and_one_noise_along_a_film(pairs):
    system = FakeSystem("I2S", a_band_that_the_picture_and_the_noise_decide)
    system.config = pairs.config
    still, bright = torch.zeros(3, 64, 64), torch.ones(3, 64, 64)
    sound = phrase(system, still, 2.0)
    assert sound.config.clip_seconds == 2 and sound.values.shape == (1, 128, sound.config.frames)
    assert torch.equal(sound.values, phrase(system, still, 2.0).values)

    def bands(found):
        return found.values[0].argmax(0) // 2

    assert len(bands(sound).unique()) > 1 and len(bands(phrase(system, still, 2.0, one_noise=True)).unique()) == 1
    film = bands(phrase(system, torch.stack([still, bright]), 2.0))
    assert film[-10:].float().mean() - film[:10].float().mean() > 5 and len(film.unique()) == 2
    with pytest.raises(InputError, match="expected I2S"):
        phrase(FakeSystem("S2I", None), still)
    with pytest.raises(InputError, match="seconds"):
        phrase(system, still, 0.1)
