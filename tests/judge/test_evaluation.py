"""Contract of avgen.judge.evaluation: real samples score like real ones, files keep what they hold, refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from avgen.core import INSTRUMENTS, InputError
from avgen.data.pairs import Pairs, toy_pairs
from avgen.judge.classifier import samples
from avgen.judge.evaluation import (
    Evaluation,
    Reading,
    check_collapse,
    evaluate,
    evaluation_figure,
    read_evaluations,
    write_evaluations,
)
from avgen.judge.evaluator import train_evaluator
from avgen.signal.spectrogram import SpectrogramConfig
from judging import QUICK, FakeRun, FakeSystem, oracle

KEYS = "direction split n takes correct accuracy low high by_instrument evaluator_accuracy".split()


@pytest.mark.parametrize("direction, target", [("S2I", "image"), ("I2S", "sound")])
def test_real_samples_score_like_real_samples(evaluator, pairs, direction, target):
    found = evaluate(FakeRun(oracle(pairs, direction)), pairs, evaluator=evaluator, device="cpu", quiet=True)
    own = evaluator.own[target]
    assert (found.correct, found.accuracy, found.low, found.high) == (
        own["correct"],
        own["accuracy"],
        own["low"],
        own["high"],
    )
    assert (
        found.accuracy == found.evaluator_accuracy
        and found.precision == found.recall == 1
        and max(found.real_precision_recall) <= 1
    )
    assert found.diversity["ratio"] == pytest.approx(1) and found.diversity["pixels"]["ratio"] == pytest.approx(1)
    for view in found.nearest.values():
        assert view["closer"] == pytest.approx(0.5) and view["copies"] <= 0.1


def test_json_has_the_promised_keys(evaluator, pairs):
    found = evaluate(oracle(pairs, "S2I"), pairs, evaluator=evaluator, device="cpu", quiet=True)
    data = found.to_json()
    assert list(data)[:10] == KEYS and json.loads(json.dumps(data, allow_nan=False)) == json.loads(json.dumps(data))
    assert (
        data["n"]
        == len(pairs.validation)
        == sum(b["n"] for b in data["by_instrument"].values())
        == np.sum(data["confusion"])
    )
    assert data["correct"] == np.trace(data["confusion"]) == sum(b["correct"] for b in data["by_instrument"].values())
    assert data["takes"] == len(pairs.validation.take.unique()) and data["accuracy"] == data["correct"] / data["n"]
    assert {"mean", "sd", "low", "high", "draws"} <= data["one_batch_of_64"].keys()
    assert (
        found._still_()[:4] == b"\x89PNG" and "image/png" in found._repr_mimebundle_()[0] and "accuracy" in repr(found)
    )


def test_evaluator_trained_on_the_way(pairs, evaluator, monkeypatch):
    monkeypatch.setattr(
        "avgen.judge.evaluation.train_evaluator",
        lambda sets, **k: train_evaluator(sets, settings=replace(QUICK, image_steps=5, sound_steps=5), **k),
    )
    found = evaluate(
        oracle(pairs, "S2I"), pairs, evaluator_data=[toy_pairs(4, seed=2)], device="cpu", cache=False, quiet=True
    )
    assert found.evaluator["n"] == len(pairs.all_train) + 12 and len(found.evaluator["data"]) == 2


def tiny(pairs, indices):
    return Pairs(pairs.all_train, pairs.validation.subset(indices), tune_share=0)


def test_a_class_with_one_sample(evaluator, pairs):
    one_each = [int((pairs.validation.instrument == c).nonzero()[0]) for c in range(3)]
    small = tiny(pairs, one_each)
    found = check_collapse(samples(small.validation, "image"), small, "S2I", evaluator)
    assert (
        found.n == 3 and found.kid is None and found.precision is None and not found.diversity and len(found.notes) == 3
    )
    json.dumps(found.to_json(), allow_nan=False)
    assert found._still_()[:4] == b"\x89PNG"
    alone = tiny(pairs, one_each[:1])
    assert "one take only" in check_collapse(samples(alone.validation, "image"), alone, "S2I", evaluator).interval


@pytest.mark.parametrize("n", [2, 4, 5, 7])
def test_few_samples(evaluator, pairs, n):
    small = tiny(pairs, range(n))
    found = check_collapse(samples(small.validation, "image"), small, "S2I", evaluator)
    json.dumps(found.to_json(), allow_nan=False)
    assert found.n == len(small.validation) and 0 <= found.low <= found.accuracy <= found.high <= 1


def test_written_and_read(evaluator, pairs, tmp_path):
    found = {
        d: evaluate(oracle(pairs, d), pairs, evaluator=evaluator, device="cpu", quiet=True) for d in ("S2I", "I2S")
    }
    path = tmp_path / "deep" / "report.json"
    write_evaluations(path, found["S2I"])
    assert list(write_evaluations(path, found["I2S"], add=True)) == ["S2I", "I2S"]
    again = read_evaluations(path)
    assert json.dumps(again["S2I"].to_json()) == json.dumps(found["S2I"].to_json()) and isinstance(
        again["I2S"], Evaluation
    )
    assert again["I2S"]._still_() and evaluation_figure(again["S2I"]).get_suptitle()
    assert list(write_evaluations(path, found["I2S"])) == ["I2S"]
    for text in ("[]", "{", '{"S2I": {"direction": "S2I"}}', '{"S2I": 3}'):
        path.write_text(text)
        with pytest.raises(InputError, match="report.json"):
            read_evaluations(path)
    with pytest.raises(InputError, match="missing.json"):
        read_evaluations(tmp_path / "missing.json")


def test_same_seed_same_numbers(evaluator, pairs):
    noisy = FakeSystem(
        "S2I", lambda x, seed: torch.rand(len(x), 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    )
    a, b, c = (
        evaluate(noisy, pairs, evaluator=evaluator, seed=s, device="cpu", quiet=True).to_json() for s in (1, 1, 2)
    )
    assert a == b != c


def test_every_split_can_be_judged(evaluator, pairs):
    for split in ("train", "tune", "validation"):
        echo = oracle(pairs, "S2I", split)
        assert evaluate(echo, pairs, split, evaluator=evaluator, device="cpu", quiet=True).n == len(pairs.split(split))


def test_bad_input(evaluator, pairs):
    real = samples(pairs.validation, "image")
    with pytest.raises(InputError, match="found shape"):
        check_collapse(real[:-1], pairs, "S2I", evaluator)
    with pytest.raises(InputError, match="found shape"):
        check_collapse(real, pairs, "I2S", evaluator)
    with pytest.raises(InputError, match="direction"):
        check_collapse(real, pairs, "A2B", evaluator)
    with pytest.raises(InputError, match="split"):
        evaluate(oracle(pairs, "S2I"), pairs, split="test")
    with pytest.raises(InputError, match="expected a run"):
        evaluate(None, pairs, evaluator=evaluator)
    with pytest.raises(InputError, match="f_max"):
        evaluate(FakeSystem("S2I", None, SpectrogramConfig(f_max=4000.0)), pairs, evaluator=evaluator)
    others = toy_pairs(4, instruments=("tuba", "viola", "violin"))
    with pytest.raises(InputError, match="expected tuba, viola, violin"):
        check_collapse(samples(others.validation, "image"), others, "S2I", evaluator)


def alone(part):
    "The same pairs, each a take of its own: neighbours are others, not sisters."
    return replace(part, take=torch.arange(len(part)), takes=[f"take {i}" for i in range(len(part))])


def test_every_cheat_is_caught_by_the_headline():
    from avgen.judge.hardening import CHEATS, make_cheat
    from avgen.judge.measures import MEASURES

    toys = toy_pairs(36, INSTRUMENTS[:3])
    pairs = Pairs(alone(toys.all_train), alone(toys.validation), tune_share=0.0, name="toys")
    judge = train_evaluator(
        pairs, device="cpu", cache=False, quiet=True, settings=replace(QUICK, image_steps=120, sound_steps=2)
    )
    train, label = pairs.all_train.tensors()[0], pairs.all_train.instrument
    headline = {name for name, m in MEASURES.items() if m.headline}
    for name in CHEATS:
        made = make_cheat(name, train, label, pairs.validation.instrument)
        found = check_collapse(made, pairs, "S2I", judge)
        assert headline & set(found.objections()), (name, found.text())
        if name != "shuffled patches":
            assert found.pixel_spread["ratio"] < 0.4 and found.recall < 0.5
    real = check_collapse(samples(pairs.validation, "image"), pairs, "S2I", judge)
    assert not headline & set(real.objections())


def test_another_noise_and_what_was_not_measured(evaluator, pairs):
    def noisy(source, seed):
        return torch.rand(len(source), 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1

    options = dict(evaluator=evaluator, device="cpu", quiet=True)
    found = evaluate(FakeSystem("S2I", noisy), pairs, **options)
    assert found.noise_moves["ratio"] > 0.05 and 0 <= found.garbage <= 1
    still = evaluate(oracle(pairs, "S2I"), pairs, **options)
    assert still.noise_moves["ratio"] == 0 and still.said("follows") == "not measured"
    assert evaluate(oracle(pairs, "S2I"), pairs, twice=0, **options).measured("noise_moves") == (None, None)
    with pytest.raises(InputError, match="measure"):
        still.measured("beauty")


def test_reports_from_before_these_measures_still_open():
    from pathlib import Path

    found = read_evaluations(Path(__file__).resolve().parents[2] / "data/results/small-orchestra-seed-0.json")
    for e in found.values():
        assert e.said("frechet") == e.said("follows") == e.said("pixel_spread") == "not measured"
        assert "not hardened" in e.said("accuracy") and "recall" in e.objections()
        assert "not measured" in e.text() and len(evaluation_figure(e).axes) == 3


@pytest.mark.parametrize(
    ("name", "value", "real", "far"),
    [
        ("recall", 0.29, 1.0, True),
        ("recall", 0.31, 1.0, False),
        ("frechet", 41.0, 10.0, True),
        ("frechet", 39.0, 10.0, False),
        ("pixel_spread", 0.39, 1.0, True),
        ("noise_moves", 0.09, None, True),  # below a number: nothing real is needed
        ("copies", 0.22, 0.01, True),
        ("copies", 0.2, 0.01, False),
        ("recall", None, 1.0, False),
        ("recall", 0.0, None, False),
        ("kid", 9.0, 0.0, False),  # no limit is set for it
    ],
)
def test_a_reading_is_far_by_the_rule_of_its_measure(name, value, real, far):
    assert Reading(name, value, real).is_far is far


def test_a_reading_is_said_with_what_real_samples_score():
    assert Reading("recall", 0.014, 0.87).text() == "0.01 (real 0.87)"
    assert Reading("frechet", 177.74, 9.66).text() == "177.7 (floor 9.7)"
    assert Reading("accuracy", 0.5, 0.9).text(" [0.400, 0.600]") == "0.500 [0.400, 0.600] (real 0.900)"
    assert Reading("noise_moves", 0.5, None).text() == "0.50" and Reading("kid", None, 0.1).text() == "not measured"
