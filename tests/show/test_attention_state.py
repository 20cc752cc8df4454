"What travels of attention maps: weights as bytes, shares on harmonics, maps of any origin, what is drawn for a point."

import numpy as np
import pytest
import torch
from attention_examples import CONFIG, five_partials, map_of, weights_of

from avgen.core import InputError
from avgen.judge.questions import find_questions, read_notes
from avgen.judge.questions import attention_shares, harmonic_shares
from avgen.nets.attention_maps import AttentionMap
from avgen.show.attention_state import gather_maps, heard_sound, heat_of, pack_map, placed_map, unpack_map


@pytest.fixture(scope="module")
def sound():
    return five_partials()


@pytest.mark.parametrize("sharp", [1e-7, 1e-3, 1.0, 30.0, 300.0])
def test_rows_travel_with_their_own_ruler(sharp):
    weights = (
        (torch.randn(128, 1024, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * sharp)
        .softmax(1)
        .float()
    )
    codes, floors, steps = pack_map(weights)
    assert len(codes) == 2 * weights.numel() and len(floors) == len(steps) == 4 * 128
    back, true = unpack_map(codes, floors, steps), weights.numpy()
    assert (np.abs(back - true).max(1) / true.max(1)).max() < 0.001
    order = np.argsort(-back, axis=1, kind="stable")[:, :10]
    assert (np.take_along_axis(true, order, 1) == -np.sort(-true, axis=1)[:, :10]).all()


def test_uniform_and_single_keys_survive():
    uniform = unpack_map(*pack_map(torch.full((2, 9), 1 / 9)))
    assert np.allclose(uniform, 1 / 9)
    assert np.allclose(unpack_map(*pack_map(torch.eye(12))), np.eye(12))
    assert np.allclose(unpack_map(*pack_map(torch.ones(3, 1))), 1)


def test_shares_are_those_of_the_structure_report(sound):
    m = AttentionMap(weights_of(1024, 1024, 1), (32, 32), (32, 32), config=CONFIG, sound=sound.values)
    hertz = float(CONFIG.frequencies(32)[CONFIG.row_of(440, 32)])
    asked = find_questions(read_notes(f"0.000-0.500:{hertz}"), sound.values, CONFIG, (32, 32), (32, 32))
    level = torch.nn.functional.adaptive_avg_pool2d(sound.values, (32, 32)).flatten()
    theirs = attention_shares(m.weights[0, asked.queries], level, asked)["partials"]
    first = [i for i, q in enumerate(asked.queries.tolist()) if q // 32 == CONFIG.row_of(440, 32)]
    ours = harmonic_shares(m)[asked.queries[first]]
    columns = len([t for t in CONFIG.times(32) if 0 <= t <= 0.5]) / 32  # the note ends before the last column does
    for i, rival in enumerate(("attention", "uniform", "equally_loud")):
        assert np.allclose(ours[:, i] * columns, theirs[rival][first], rtol=0.08)
    assert np.isfinite(ours).all() and np.allclose(ours[:, 1], ours[0, 1])


def test_shares_of_maps_without_an_answer(sound):
    assert np.isnan(harmonic_shares(map_of(sound, config=None, sound=None))).all()
    assert np.isnan(harmonic_shares(map_of(sound))[-8:]).all()  # the highest row has no harmonic
    few = AttentionMap(
        weights_of(3, 1024),
        (32, 32),
        (32, 32),
        config=CONFIG,
        sound=sound.values,
        queries=torch.tensor([40, 200, 1000]),
    )
    every = AttentionMap(few.weights[:, [0] * 1024], (32, 32), (32, 32), config=CONFIG, sound=sound.values)
    assert np.allclose(harmonic_shares(few)[0], harmonic_shares(every)[40], equal_nan=True)


def test_both_directions_are_rows_and_columns(sound):
    m = map_of(sound)
    assert torch.equal(heat_of(m, (0.3, 2000.0), "where", 1), m.at(0.3, 2000.0, sample=1))
    key = CONFIG.row_of(2000.0, 4) * 4 + CONFIG.column_of(0.3, 4)
    assert torch.equal(heat_of(m, (0.3, 2000.0), "who", 1).flatten(), m.weights[1, :, key])
    some = AttentionMap(m.weights[:, :2], (8, 8), (4, 4), config=CONFIG, queries=torch.tensor([5, 9]))
    given = heat_of(some, (0.3, 2000.0), "who").flatten()
    assert given.isfinite().nonzero().flatten().tolist() == [5, 9]


def test_maps_have_names():
    m = map_of(five_partials())
    assert list(gather_maps(m)) == ["encoder.attention"] and list(gather_maps({"a": m, "b": m})) == ["a", "b"]
    assert list(gather_maps([m, m])) == ["encoder.attention", "encoder.attention′"]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_row_is_as_exact_as_its_bits(bits):
    weights = weights_of()[0]
    back = unpack_map(*pack_map(weights, ordered=0, bits=bits), bits=bits)
    assert np.abs(back - weights.numpy()).max() < 0.51 * weights.max().item() / (2**bits - 17)
    with pytest.raises(InputError, match="bits"):
        pack_map(weights, bits=4)


def test_a_bare_map_is_laid_over_what_is_at_hand(sound):
    bare, picture = AttentionMap(weights_of(), (8, 8), (4, 4)), torch.zeros(3, 32, 32)
    over = placed_map("a", bare, sound)
    assert over.config == CONFIG and over.sound is sound.values and bare.sound is None
    assert placed_map("a", bare, picture=picture).sound is picture and placed_map("a", bare).sound is None
    own = map_of(sound)
    assert placed_map("a", own, picture=picture) is own  # it has a ground already
    with pytest.raises(InputError, match="layer 'a': found a sound and a picture"):
        placed_map("a", bare, sound, picture)
    with pytest.raises(InputError, match="layer 'a': found a query grid of 8 x 8 on a picture of 4 x 4"):
        placed_map("a", bare, picture=picture[:, :4, :4])
    own.weights[0, 0] = 7.0  # changed since it was made
    with pytest.raises(InputError, match="sum to 1"):
        placed_map("a", own, sound)


def test_the_sound_that_is_heard(sound):
    assert heard_sound(sound, {}) is sound and heard_sound(None, {"ground": sound}) is sound
    assert heard_sound(None, {"ground": ["flute"]}) is None
    assert torch.equal(heard_sound(sound.values[None], {}).values, sound.values)
