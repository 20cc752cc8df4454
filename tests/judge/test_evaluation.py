"Measures, the evaluator of real pairs, and the evaluation of a split: what they promise, and what bad input gets."

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from avgen.judge import evaluator as evaluator_module
from avgen.core import InputError, stream
from avgen.judge.evaluation import (
    Evaluation,
    evaluate,
    evaluation_figure,
    generate_split,
    judge,
    modalities,
    read_evaluations,
    write_evaluations,
)
from avgen.judge.evaluator import (
    Classifier,
    EvaluatorSettings,
    TrainingData,
    load_evaluator,
    own_accuracy,
    samples,
    save_evaluator,
    train_evaluator,
    vary_images,
    vary_sounds,
)
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
from avgen.data.pairs import PairSet, Pairs, toy_pairs
from avgen.signal.spectrogram import SpectrogramConfig

QUICK = EvaluatorSettings(image_steps=40, sound_steps=40, batch_size=32)
KEYS = "direction split n takes correct accuracy low high by_instrument evaluator_accuracy".split()


def cloud(n, d, name="cloud"):
    return torch.randn(n, d, generator=stream(0, name))


# measures


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


# the evaluator


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(16, tune_share=0.25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluators")


@pytest.fixture(scope="module")
def evaluator(pairs, folder):
    return train_evaluator(pairs, device="cpu", cache=folder, settings=QUICK, quiet=True)


@pytest.mark.parametrize("vary, channels", [(vary_images, 3), (vary_sounds, 1)])
def test_variations(vary, channels):
    x = torch.rand(6, channels, 64, 64, generator=stream(0, "x")) * 2 - 1
    y = vary(x, stream(0, "vary"))
    assert y.shape == x.shape and y.abs().max() <= 1 and y.isfinite().all() and not torch.equal(x, y)
    assert torch.equal(y, vary(x, stream(0, "vary")))


def test_sounds_are_never_turned_round():
    "A tone low in the picture stays low; what sounds early stays early."
    x = torch.full((64, 1, 64, 64), -1.0)
    x[:, :, 8:11, 2:20] = 1.0
    y = vary_sounds(x, stream(0, "turn")) + 1
    rows = torch.arange(64.0)
    loud = y.clamp_min(0.5) - 0.5
    keep = loud.sum((1, 2, 3)) > 10
    assert ((loud.sum((1, 3)) @ rows) / loud.sum((1, 2, 3)))[keep].max() < 32


@pytest.mark.parametrize("size", [32, 64, 96])
def test_classifier_takes_any_size(size):
    assert Classifier(1, 5, height_channel=True).eval()(torch.zeros(2, 1, size, size)).shape == (2, 5)


@pytest.mark.parametrize(
    "name, value",
    [
        ("image_steps", 0),
        ("sound_steps", 2.5),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("smoothing", 1.0),
        ("precision", "half"),
        ("batch_size", True),
    ],
)
def test_settings_out_of_range(name, value):
    with pytest.raises(InputError, match=name):
        EvaluatorSettings(**{name: value})


def test_evaluator_learns_and_reports_itself(evaluator, pairs):
    assert min(evaluator.accuracy.values()) > 0.4
    for modality, own in evaluator.own.items():
        assert own == own_accuracy(evaluator, pairs.validation, modality)
        assert own["n"] == len(pairs.validation) == sum(b["n"] for b in own["by_instrument"].values())
        assert own["low"] <= own["accuracy"] <= own["high"]
    assert "real validation pairs" in repr(evaluator) and evaluator._still_()[:4] == b"\x89PNG"
    f = evaluator.features_image(samples(pairs.all_train, "image"))
    assert f.mean(0).abs().max() < 1e-2 and f.std(0).max() < 1.1  # scaled by its spread on training pairs


def test_same_seed_same_evaluator_and_global_chance_untouched(pairs):
    short = replace(QUICK, image_steps=4, sound_steps=4)
    torch.manual_seed(5)
    first = train_evaluator(pairs, seed=1, device="cpu", cache=False, settings=short, quiet=True)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    second = train_evaluator(pairs, seed=1, device="cpu", cache=False, settings=short, quiet=True)
    other = train_evaluator(pairs, seed=2, device="cpu", cache=False, settings=short, quiet=True)
    x = samples(pairs.validation, "sound")
    assert torch.equal(first.classify_sound(x), second.classify_sound(x)) and not torch.equal(
        first.classify_sound(x), other.classify_sound(x)
    )


def test_trained_on_training_pairs_only(pairs):
    "Other validation pairs, and the same evaluator; tune belongs to train."
    other = Pairs(pairs.all_train, toy_pairs(4, seed=9).validation, tune_share=0)
    short, x = replace(QUICK, image_steps=3, sound_steps=3), samples(pairs.train, "image")
    a, b = (train_evaluator(p, device="cpu", cache=False, settings=short, quiet=True) for p in (pairs, other))
    assert torch.equal(a.classify_image(x), b.classify_image(x))
    assert len(TrainingData(pairs)) == len(pairs.train) + len(pairs.tune) and len(pairs.tune)


def test_further_data_is_matched_by_name(pairs):
    more = toy_pairs(5, instruments=("violin", "cello"), seed=3)
    data = TrainingData(pairs, more)
    assert len(data) == len(pairs.all_train) + 5
    assert data.label[-5:].tolist() == [pairs.instruments.index("cello")] * 5
    own = samples(more.all_train, "image", (more.all_train.instrument == 1).nonzero().flatten())
    index = torch.tensor([len(data) - 1, 0, len(data) - 5])
    assert torch.equal(
        data.tensors("image", index), torch.stack([own[4], samples(pairs.all_train, "image", [0])[0], own[0]])
    )
    with pytest.raises(InputError, match="found none of"):
        TrainingData(Pairs(*(s.subset([]) for s in (pairs.all_train, pairs.validation))))


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


def test_cache_is_used_and_torn_files_are_not(evaluator, pairs, folder, monkeypatch):
    (path,), trained = list((folder / "evaluators").glob("*.safetensors")), []
    fit = evaluator_module._fit
    monkeypatch.setattr(evaluator_module, "_fit", lambda *a: trained.append(a[1]) or fit(*a))
    x = samples(pairs.validation, "image")
    again = lambda: train_evaluator(pairs, device="cpu", cache=folder, settings=QUICK, quiet=True)
    assert torch.equal(again().classify_image(x), evaluator.classify_image(x)) and not trained
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
        assert torch.equal(again().classify_image(x), evaluator.classify_image(x)) and trained == ["image", "sound"]
        assert path.read_bytes() == whole and not [p for p in path.parent.iterdir() if "tmp" in p.name]
    for tensors, text in torn[1:]:
        path.write_bytes(tensors)
        path.with_suffix(".json").write_text(text)
        assert evaluator_module._read(path, json.loads(facts)["record"]) is None
    path.write_bytes(whole)
    path.with_suffix(".json").write_text(facts)


def test_saved_and_read_again(evaluator, pairs, tmp_path):
    path = save_evaluator(evaluator, tmp_path / "judge")
    found, x = load_evaluator(path), samples(pairs.validation, "sound")
    assert (
        torch.equal(found.features_sound(x), evaluator.features_sound(x))
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
        evaluator.classify_image(bad)


# the evaluation


class Fake:
    "Generates what `function(source, seed)` says."

    name = "fake"

    def __init__(self, direction, function, config=None):
        self.direction, self.function, self.config = direction, function, config

    def generate(self, source, seed=0):
        return self.function(source, seed)


class FakeRun:
    def __init__(self, system):
        self.system = system


def oracle(pairs, direction, split="validation"):
    "Gives back the real target of each source of a split."
    source, target = modalities(direction)
    sources, targets = (
        samples(pairs.split(split), m).flatten(1) if m == source else samples(pairs.split(split), m)
        for m in (source, target)
    )
    return Fake(direction, lambda x, seed: targets[torch.cdist(x.flatten(1), sources).argmin(1)], pairs.config)


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


def test_copies_collapse_and_chance(evaluator, pairs):
    train = oracle(pairs, "S2I", "train")
    copied = evaluate(train, pairs, evaluator=evaluator, device="cpu", quiet=True)
    assert copied.nearest["features"]["copies"] == copied.nearest["pixels"]["copies"] == 1
    one = samples(pairs.train, "image", [0])
    collapsed = evaluate(
        Fake("S2I", lambda x, seed: one.repeat(len(x), 1, 1, 1)), pairs, evaluator=evaluator, device="cpu", quiet=True
    )
    assert collapsed.diversity["ratio"] == pytest.approx(0, abs=1e-3) and collapsed.recall < 0.5
    assert collapsed.accuracy in (0, pytest.approx(1 / 3)) and collapsed.kid["mean"] > copied.kid["mean"]


def test_same_seed_same_numbers(evaluator, pairs):
    noisy = Fake(
        "S2I", lambda x, seed: torch.rand(len(x), 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    )
    a, b, c = (
        evaluate(noisy, pairs, evaluator=evaluator, seed=s, device="cpu", quiet=True).to_json() for s in (1, 1, 2)
    )
    assert a == b != c
    made = generate_split(noisy, pairs.validation, seed=1, batch_size=5)
    assert not torch.equal(made[:5], made[5:10])  # each block has noise of its own


def test_every_split_whole_and_in_order(evaluator, pairs):
    for split in ("train", "tune", "validation"):
        echo = oracle(pairs, "S2I", split)
        assert torch.equal(generate_split(echo, pairs.split(split), batch_size=5), samples(pairs.split(split), "image"))
        assert evaluate(echo, pairs, split, evaluator=evaluator, device="cpu", quiet=True).n == len(pairs.split(split))


def test_evaluator_trained_on_the_way(pairs, folder, evaluator, monkeypatch):
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
    found = judge(samples(small.validation, "image"), small, "S2I", evaluator)
    assert (
        found.n == 3 and found.kid is None and found.precision is None and not found.diversity and len(found.notes) == 3
    )
    json.dumps(found.to_json(), allow_nan=False)
    assert found._still_()[:4] == b"\x89PNG"
    alone = tiny(pairs, one_each[:1])
    assert "one take only" in judge(samples(alone.validation, "image"), alone, "S2I", evaluator).interval


@pytest.mark.parametrize("n", [2, 4, 5, 7])
def test_few_samples(evaluator, pairs, n):
    small = tiny(pairs, range(n))
    found = judge(samples(small.validation, "image"), small, "S2I", evaluator)
    json.dumps(found.to_json(), allow_nan=False)
    assert found.n == len(small.validation) and 0 <= found.low <= found.accuracy <= found.high <= 1


def test_bad_input(evaluator, pairs):
    real = samples(pairs.validation, "image")
    with pytest.raises(InputError, match="found shape"):
        judge(real[:-1], pairs, "S2I", evaluator)
    with pytest.raises(InputError, match="found shape"):
        judge(real, pairs, "I2S", evaluator)
    with pytest.raises(InputError, match="direction"):
        judge(real, pairs, "A2B", evaluator)
    with pytest.raises(InputError, match="split"):
        evaluate(oracle(pairs, "S2I"), pairs, split="test")
    with pytest.raises(InputError, match="expected a run"):
        evaluate(None, pairs, evaluator=evaluator)
    with pytest.raises(InputError, match="diverged"):
        generate_split(Fake("S2I", lambda x, seed: x.repeat(1, 3, 1, 1) * float("nan")), pairs.validation)
    with pytest.raises(InputError, match="no pairs"):
        generate_split(oracle(pairs, "S2I"), pairs.validation.subset([]))
    with pytest.raises(InputError, match="f_max"):
        evaluate(Fake("S2I", None, SpectrogramConfig(f_max=4000.0)), pairs, evaluator=evaluator)
    others = toy_pairs(4, instruments=("tuba", "viola", "violin"))
    with pytest.raises(InputError, match="expected tuba, viola, violin"):
        judge(samples(others.validation, "image"), others, "S2I", evaluator)


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
