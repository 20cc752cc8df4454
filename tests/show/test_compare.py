"Two sets of maps under one question."

import pytest
import torch
from attention_examples import CONFIG, five_partials, map_of, weights_of

from avgen.core import InputError
from avgen.nets.attention_maps import AttentionMap
from avgen.show.compare import SIDE_TRAITS, Compare, shared_attention, side_of
from avgen.show.inspector import AttentionInspector
from avgen.signal.spectrogram import SpectrogramConfig


@pytest.fixture(scope="module")
def sound():
    return five_partials()


def test_compare_shares_its_questions(sound):
    a, b = (
        map_of(sound),
        AttentionMap(weights_of(seed=2), (8, 8), (4, 4), config=CONFIG, sound=sound.values, layer="other.attention"),
    )
    both = Compare(a, AttentionInspector(b), labels=("step 1", "step 2"), sound=sound, query=(0.2, 1000.0))
    assert len(both.sides) == 2 and both.recorded == ("encoder.attention", "other.attention")
    expected = torch.minimum(a.at(0.2, 1000.0), b.at(0.2, 1000.0)).sum()
    assert both.overlap == pytest.approx(float(expected)) and Compare(
        a, a, query=(0.2, 1000.0)
    ).overlap == pytest.approx(1)
    both.layer = "other.attention"
    assert both.map_of(0) is both.maps[0]["encoder.attention"] and both.map is both.maps[1]["other.attention"]
    with pytest.raises(InputError, match="recorded"):
        both.layer = "none"
    with pytest.raises(InputError, match="floor_db"):
        Compare(a, AttentionMap(weights_of(), (8, 8), (4, 4), config=SpectrogramConfig(floor_db=-60)))
    with pytest.raises(InputError, match="same kind"):
        Compare(a, weights_of())


def test_a_side_is_made_or_taken_from_an_inspector(sound):
    m = map_of(sound)
    made, taken = side_of(m, sound, 1), side_of(AttentionInspector(m, 1, sound=sound))
    assert made.maps == taken.maps and made.sample == taken.sample == 1 and set(taken.state) == set(SIDE_TRAITS)
    assert all(taken.state[name] == value for name, value in made.state.items())
    assert side_of(m, sound, arrays={"skip": 1}).maps == made.maps  # settings of plain weights are for those alone


def test_shared_attention():
    one, other = torch.eye(4)[:2].reshape(2, 2, 2)
    assert shared_attention(one, one) == 1 and shared_attention(one, other) == 0
    assert shared_attention(one * torch.nan, one) == 0 and shared_attention(one, torch.ones(3, 3)) is None
    assert shared_attention(3 * one, torch.ones(2, 2)) == 0.25  # rows need not sum to 1
