"""Contract of avgen.judge.evaluator: it learns, reports itself, repeats itself, and trusts no torn file."""

import json
import os
from dataclasses import replace

import pytest
import torch
from avgen.core import InputError
from avgen.data.pairs import Pairs, toy_pairs
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.judge import evaluator as evaluator_module
from avgen.judge.classifier import EvaluatorSettings, TrainingData, samples
from avgen.judge.evaluator import load_evaluator, own_accuracy, save_evaluator, train_evaluator
from judging import QUICK


def test_evaluator_learns_and_reports_itself(evaluator, pairs):
    assert min(evaluator.accuracy.values()) > 0.7  # easy pairs: 1.0 on every machine that was tried; chance is 1/3
    for modality, own in evaluator.own.items():
        assert own == own_accuracy(evaluator, pairs.validation, modality)
        assert own["n"] == len(pairs.validation) == sum(b["n"] for b in own["by_instrument"].values())
        assert own["low"] <= own["accuracy"] <= own["high"]
    assert "real validation pairs" in repr(evaluator) and evaluator._still_()[:4] == b"\x89PNG"
    f = evaluator.features("image", samples(pairs.all_train, "image"))
    assert f.mean(0).abs().max() < 1e-2 and f.std(0).max() < 1.1  # scaled by its spread on training pairs


def test_same_seed_same_evaluator_and_global_chance_untouched(pairs):
    short = replace(QUICK, image_steps=4, sound_steps=4)
    torch.manual_seed(5)
    first = train_evaluator(pairs, seed=1, device="cpu", cache=False, settings=short, quiet=True)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    shares = []
    second = train_evaluator(pairs, seed=1, device="cpu", cache=False, settings=short, quiet=True, told=shares.append)
    assert shares == [i / 8 for i in range(8)], "it tells how far it has come, and learns the same"
    other = train_evaluator(pairs, seed=2, device="cpu", cache=False, settings=short, quiet=True)
    x = samples(pairs.validation, "sound")
    assert torch.equal(first.classify("sound", x), second.classify("sound", x)) and not torch.equal(
        first.classify("sound", x), other.classify("sound", x)
    )


def test_trained_on_training_pairs_only(pairs):
    "Other validation pairs, and the same evaluator; tune belongs to train."
    other = Pairs(pairs.all_train, toy_pairs(4, seed=9).validation, tune_share=0)
    short, x = replace(QUICK, image_steps=3, sound_steps=3), samples(pairs.train, "image")
    a, b = (train_evaluator(p, device="cpu", cache=False, settings=short, quiet=True) for p in (pairs, other))
    assert torch.equal(a.classify("image", x), b.classify("image", x))
    assert len(TrainingData(pairs)) == len(pairs.train) + len(pairs.tune) and len(pairs.tune)


def test_data_of_another_configuration(pairs):
    other = toy_pairs(4)
    for s in (other.all_train, other.validation):
        s.config = replace(s.config, f_max=4000.0)
    other.config = other.all_train.config
    with pytest.raises(InputError, match="f_max.*(4000|8000)"):
        train_evaluator([pairs, other], cache=False, settings=QUICK)
    with pytest.raises(InputError, match="no data set"):
        train_evaluator([])
    with pytest.raises(InputError, match="device"):
        train_evaluator(pairs, device="cuda:99", cache=False)


def test_cache_is_used_and_torn_files_are_not(pairs, tmp_path, monkeypatch):
    short, trained = replace(QUICK, image_steps=4, sound_steps=4), []

    def again():
        return train_evaluator(pairs, device="cpu", cache=tmp_path, settings=short, quiet=True)

    evaluator, x = again(), samples(pairs.validation, "image")
    (path,) = list((tmp_path / "evaluators").glob("*.safetensors"))
    fit = evaluator_module.train_classifier
    monkeypatch.setattr(evaluator_module, "train_classifier", lambda *a: trained.append(a[1]) or fit(*a))
    assert torch.equal(again().classify("image", x), evaluator.classify("image", x)) and not trained
    whole, facts = path.read_bytes(), path.with_suffix(".json").read_text()
    foreign = json.dumps({**json.loads(facts), "record": {}})
    torn = [
        (whole[:-100], facts),
        (whole, facts[: len(facts) // 2]),
        (whole, "[]"),
        (b"\x80\x04." + whole, facts),
        (whole, foreign),
    ]
    for tensors, text in torn[:1]:
        path.write_bytes(tensors)
        path.with_suffix(".json").write_text(text)
        assert torch.equal(again().classify("image", x), evaluator.classify("image", x)) and trained == [
            "image",
            "sound",
        ]
        assert path.read_bytes() == whole and not [p for p in path.parent.iterdir() if "tmp" in p.name]
    for tensors, text in torn[1:]:
        path.write_bytes(tensors)
        path.with_suffix(".json").write_text(text)
        assert evaluator_module._read_cached(path, json.loads(facts)["record"]) is None
    path.write_bytes(whole)
    path.with_suffix(".json").write_text(facts)


def test_saved_and_read_again(evaluator, pairs, tmp_path):
    path = save_evaluator(evaluator, tmp_path / "judge")
    found, x = load_evaluator(path), samples(pairs.validation, "sound")
    assert (
        torch.equal(found.features("sound", x), evaluator.features("sound", x))
        and found.own == evaluator.own
        and found.config == evaluator.config
    )
    path.with_suffix(".json").unlink()
    with pytest.raises(InputError, match="judge.safetensors"):
        load_evaluator(path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"):
        save_evaluator(evaluator, tmp_path / "file" / "judge")


@pytest.mark.parametrize(
    "bad, words",
    [
        (torch.zeros(2, 1, 64, 64), "expected"),
        (torch.zeros(3, 64, 64), "expected"),
        (torch.full((1, 3, 64, 64), float("nan")), "NaN"),
    ],
)
def test_samples_that_cannot_be_judged(evaluator, bad, words):
    with pytest.raises(InputError, match=words):
        evaluator.classify("image", bad)


@pytest.mark.real
@pytest.mark.slow
def test_evaluator_of_real_pairs():
    root = os.environ.get("AVGEN_REAL_DATA")
    if not root:
        pytest.skip("AVGEN_REAL_DATA is not set: no real pairs here")
    from avgen.data.corpora import open_pairs

    settings = EvaluatorSettings(image_steps=150, sound_steps=250)
    found = train_evaluator(open_pairs(f"{root}/Sub-URMP", tune_share=0), device="cpu", settings=settings, quiet=True)
    assert found.accuracy["image"] > 0.9 and found.accuracy["sound"] > 0.75


def test_evaluators_from_before_garbage_are_refused(evaluator, tmp_path):
    path = save_evaluator(evaluator, tmp_path / "judge").with_suffix(".json")
    facts = json.loads(path.read_text())
    facts["record"]["format"] = "avgen evaluator 1"
    path.write_text(json.dumps(facts))
    with pytest.raises(InputError, match="before judges knew garbage"):
        load_evaluator(path)


def test_an_evaluator_is_at_hand_for_its_own_data_only(tmp_path, monkeypatch):
    from avgen.judge.evaluator import evaluator_at_hand
    from avgen.runs.run import shipped

    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path))
    run = shipped("S2I")
    known = dict(instruments=run.instruments, data=run.judged_data, config=run.spectrogram)
    found = evaluator_at_hand(**known)  # it came with the kit
    assert found.instruments == run.instruments and min(found.accuracy.values()) > 0.9
    assert evaluator_at_hand(**known) is found, "it is read once"
    for other in (dict(data="other"), dict(instruments=("a", "b")), dict(config=SpectrogramConfig(f_max=4000.0))):
        assert evaluator_at_hand(**known | other) is None
