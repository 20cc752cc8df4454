"Contract of avgen.judge.forms: five forms of every sound of a split, and a small classifier that reads them."

from pathlib import Path

import pytest
import torch
from avgen.core import InputError
from avgen.data.corpora import open_pairs
from avgen.judge.forms import FormClassifier, forms_of, train_form
from avgen.data.pairs import toy_pairs

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.mark.parametrize("kind", ["MS", "LMS", "CQT", "MFCC", "STFT"])
def test_every_sound_of_a_split_in_one_form(kind):
    some = open_pairs(SAMPLE, tune_share=0).all_train[:3]
    forms = forms_of(some, kind)
    assert forms.shape[:2] == (3, 1) and forms.isfinite().all() and forms.flatten(1).std(1).min() > 0
    assert torch.equal(forms[1:2], forms_of(some[1:2], kind))  # one by one the same


@pytest.mark.parametrize("layers, maps", [(3, (1, 4, 8, 16)), (4, (1, 4, 8, 16, 16))])
def test_a_form_with_more_rows_gets_no_larger_classifier(layers, maps):
    network = FormClassifier(layers, 13)
    convs = [m for m in network.body if isinstance(m, torch.nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convs] == [
        (a, b, (3, 3)) for a, b in zip(maps, maps[1:])
    ]
    assert network(torch.randn(2, 1, 128, 44)).shape == network(torch.randn(2, 1, 1025, 44)).shape == (2, 13)


def test_it_learns_repeats_itself_and_leaves_the_global_generator_alone():
    pairs = toy_pairs(n=60, tune_share=0.0)
    (sounds, labels), (asked, truth) = [(s.tensors()[1], s.instrument) for s in (pairs.train, pairs.validation)]
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    said, again = (train_form(sounds, labels, asked, layers=3, n_classes=3, steps=60) for _ in range(2))
    assert torch.equal(said, again) and torch.equal(before, torch.random.get_rng_state())
    assert (said == truth).float().mean() > 0.5 and not torch.equal(
        said, train_form(sounds, labels, asked, layers=3, n_classes=3, steps=2, seed=1)
    )


def test_what_is_refused():
    with pytest.raises(InputError, match="waveforms"):
        forms_of(toy_pairs(n=4).train, "LMS")
    with pytest.raises(InputError, match="'layers'.*3, 4"):
        FormClassifier(5, 3)
