"""Contract of avgen.studies.representation_classifier: five representations of a split, and a classifier of them."""

from pathlib import Path

import pytest
import torch
from avgen.core import InputError
from avgen.data.corpora import open_pairs
from avgen.studies.representation_classifier import RepresentationClassifier, represent_split, train_and_predict
from avgen.data.pairs import toy_pairs

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.mark.parametrize("kind", ["MS", "LMS", "CQT", "MFCC", "STFT"])
def test_every_sound_of_a_split_in_one_form(kind):
    some = open_pairs(SAMPLE, tune_share=0).all_train[:3]
    forms = represent_split(some, kind)
    assert forms.shape[:2] == (3, 1) and forms.isfinite().all() and forms.flatten(1).std(1).min() > 0
    assert torch.equal(forms[1:2], represent_split(some[1:2], kind))  # one by one the same


@pytest.mark.parametrize("layers, maps", [(3, (1, 4, 8, 16)), (4, (1, 4, 8, 16, 16))])
def test_a_form_with_more_rows_gets_no_larger_classifier(layers, maps):
    network = RepresentationClassifier(layers, 13)
    convs = [m for m in network.body if isinstance(m, torch.nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convs] == [
        (a, b, (3, 3)) for a, b in zip(maps, maps[1:])
    ]
    assert network(torch.randn(2, 1, 128, 44)).shape == network(torch.randn(2, 1, 1025, 44)).shape == (2, 13)


@pytest.fixture(scope="module")
def sounds():
    pairs = toy_pairs(n=60, tune_share=0.0, size=32)
    return [(s.tensors()[1], s.instrument) for s in (pairs.train, pairs.validation)]


def test_it_learns(sounds):
    (train, labels), (test, truth) = sounds
    said = train_and_predict(train, labels, test, layers=3, n_classes=3, steps=300, batch_size=32)
    assert (said == truth).float().mean() > 0.7  # 1.0 with three seeds on every machine that was tried; chance is 1/3


def test_it_repeats_itself_and_leaves_the_global_generator_alone(sounds):
    (train, labels), (test, _) = sounds
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    said, again = (train_and_predict(train, labels, test, layers=3, n_classes=3, steps=20) for _ in range(2))
    assert torch.equal(said, again) and torch.equal(before, torch.random.get_rng_state())
    other = train_and_predict(train, labels, test, layers=3, n_classes=3, steps=2, seed=1)
    assert not torch.equal(said, other)


def test_what_is_refused():
    with pytest.raises(InputError, match="waveforms"):
        represent_split(toy_pairs(n=4).train, "LMS")
    with pytest.raises(InputError, match="'layers'.*3, 4"):
        RepresentationClassifier(5, 3)
