"Two sets of maps under one question."

import pytest
import torch
from attention_examples import CONFIG, five_partials, map_of, weights_of

from avgen.core import InputError
from avgen.nets.attention_maps import AttentionMap
from avgen.show.compare import Compare
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
