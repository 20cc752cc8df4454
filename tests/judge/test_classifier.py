"""Contract of avgen.judge.classifier: augmentation, the network, its settings, and training data from several sets."""

import pytest
import torch
from avgen.core import InputError, stream
from avgen.data.pairs import Pairs, toy_pairs
from avgen.judge.classifier import Classifier, EvaluatorSettings, TrainingData, augment_images, augment_sounds, samples


@pytest.mark.parametrize("augment, channels", [(augment_images, 3), (augment_sounds, 1)])
def test_variations(augment, channels):
    x = torch.rand(6, channels, 64, 64, generator=stream(0, "x")) * 2 - 1
    y = augment(x, stream(0, "vary"))
    assert y.shape == x.shape and y.abs().max() <= 1 and y.isfinite().all() and not torch.equal(x, y)
    assert torch.equal(y, augment(x, stream(0, "vary")))


def test_sounds_are_never_turned_round():
    "A tone low in the picture stays low; what sounds early stays early."
    x = torch.full((64, 1, 64, 64), -1.0)
    x[:, :, 8:11, 2:20] = 1.0
    y = augment_sounds(x, stream(0, "turn")) + 1
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
        ("garbage", 0.95),
        ("precision", "half"),
        ("batch_size", True),
    ],
)
def test_settings_out_of_range(name, value):
    with pytest.raises(InputError, match=name):
        EvaluatorSettings(**{name: value})


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


def test_mates_are_others_of_the_same_instrument(pairs):
    data = TrainingData(pairs)
    index = torch.tensor([0, len(data) - 1, 5])
    mates = data.mates(index, 7, stream(0, "mates"))
    assert (data.label[mates] == data.label[index][:, None]).all() and not (mates == index[:, None]).any()
