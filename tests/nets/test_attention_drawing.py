"""Contract of avgen.nets.attention_drawing: cells lie where they belong, nothing is drawn below the scale."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.nets.attention_drawing import Ground, check_given, draw_background, draw_grid, draw_ring, heat_colours
from avgen.nets.attention_drawing import ground_of, lay_grid, one_of
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_the_cells_of_a_sound_lie_at_their_seconds_and_hertz(ax):
    draw_background(ax, torch.zeros(1, 16, 16), CONFIG, muted=True)
    corners = draw_grid(ax, torch.rand(8, 4), CONFIG).get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], CONFIG.time_edges(4))
    np.testing.assert_allclose(corners[:, 0, 1], CONFIG.frequency_edges(8))


def test_the_cells_of_a_picture_lie_at_its_pixels_with_the_first_row_at_the_top(ax):
    draw_background(ax, torch.zeros(3, 32, 48))
    corners = draw_grid(ax, torch.rand(4, 8)).get_coordinates()
    assert corners[0, 0].tolist() == [0, 0] and corners[-1, -1].tolist() == [48, 32]
    assert ax.get_ylim() == (32, 0)


def test_without_sound_or_picture_there_is_a_dark_field_of_the_given_size(ax):
    draw_background(ax, None, size=(6, 9))
    assert ax.get_xlim() == (0, 9) and ax.get_facecolor()[:3] == (0.12, 0.12, 0.12) and not ax.images


def test_a_muted_picture_is_darker(ax):
    draw_background(ax, torch.ones(3, 4, 4))
    draw_background(ax, torch.ones(3, 4, 4), muted=True)
    assert [float(image.get_array().max()) for image in ax.images] == [1.0, 0.5]


def test_heat_begins_transparent_and_rings_carry_their_label(ax):
    colours = heat_colours()
    assert colours(0.0)[3] == 0 and colours(1.0)[3] > 0.9
    draw_ring(ax, (0.2, 440.0), 3)
    assert ax.texts[0].get_text() == "3" and ax.lines[0].get_xydata().tolist() == [[0.2, 440.0]]


def test_a_ground_knows_its_points_on_a_sound_and_on_a_picture(ax):
    for ground, words in (
        (Ground(torch.zeros(1, 16, 16), CONFIG), "Hz"),
        (Ground(torch.zeros(3, 32, 48)), "column"),
        (Ground(None, grid=(8, 8)), "column"),
    ):
        assert [ground.index(ground.point(i, (4, 8)), (4, 8)) for i in range(32)] == list(range(32))
        assert words in ground.say(ground.point(3, (4, 8)))
        ground.draw(ax)
    assert Ground(torch.zeros(3, 32, 48)).size == (32, 48) and Ground(None, grid=(8, 8)).size == (8, 8)


def test_a_point_outside_a_ground_is_refused():
    with pytest.raises(InputError, match="within 0..47, 0..31"):
        Ground(torch.zeros(3, 32, 48)).index((48, 0), (4, 4))
    with pytest.raises(InputError, match="hertz"):
        Ground(None, CONFIG).index((0.1, 1e6), (4, 4))


def test_points_to_ask_say_something():
    """A loud point that looks everywhere alike gives way to one that chooses; where none does, the loud ones stay."""
    from avgen.nets.attention_drawing import plot_attention, strongest_points, telling_points
    from avgen.nets.attention_maps import AttentionMap

    loud = torch.full((1, 16, 16), -1.0)
    loud[0, 5, 3] = loud[0, 12, 8] = loud[0, 9, 14] = 1
    m = AttentionMap(torch.full((1, 256, 16), 1 / 16), (16, 16), (4, 4), sound=loud, config=SpectrogramConfig())
    assert telling_points(m) == strongest_points(m)
    m.weights[0, 7 * 16 + 9] = torch.eye(16)[3]
    asked = [m.query_index(*point) for point in telling_points(m)]
    assert 7 * 16 + 9 in asked and len(set(asked)) == 3
    titles = [ax.get_title() for ax in plot_attention(m).axes]
    assert sum("entropy 0.00" in title for title in titles) == 1 and sum("entropy 1.00" in t for t in titles) == 2


def test_a_ground_is_what_people_bring():
    sound, picture = torch.zeros(1, 64, 64), np.zeros((48, 32, 3), np.uint8)
    values, config, names = ground_of(sound)
    assert torch.equal(values, sound) and config == CONFIG and names is None
    assert ground_of(picture)[0].shape == (3, 48, 32) and ground_of(picture)[1:] == (None, None)
    assert ground_of(np.array(["flute", "horn"])) == (None, None, ("flute", "horn"))
    assert ground_of(None, CONFIG) == (None, CONFIG, None)
    for wrong in ("cello.wav", 3, []):
        with pytest.raises(InputError, match="query_ground: found"):
            ground_of(wrong, name="query_ground")


def test_places_are_laid_on_a_ground():
    sound = torch.zeros(1, 64, 64)
    assert lay_grid("key", 64, sound).grid == (8, 8) and lay_grid("key", 64, sound, grid=(4, 16)).grid == (4, 16)
    assert lay_grid("key", 7).grid == (1, 7)  # nothing is known of them: a line
    assert lay_grid("key", 64, torch.zeros(1, 3, 48, 48)).given.shape == (3, 48, 48)  # a batch of one
    patched = lay_grid("key", 40, sound, grid=(5, 8), patch=16, stride=(12, 7))
    assert patched.grid == (5, 8) and patched.config == CONFIG
    assert patched.field == (2 / 64, 4.5 / 65, 62 / 64, 60.5 / 65)
    assert lay_grid("key", 16, sound, patch=16).field is None  # side by side they cover everything
    named = lay_grid("query", 2, ["flute", "horn"])
    assert named.grid == (2, 1) and named.kind == "names" and named.given is None
    with pytest.raises(InputError, match="key_grid: found 17 positions"):
        lay_grid("key", 17, sound)
    with pytest.raises(InputError, match="query_ground: found 2 names; expected 3, one for each query"):
        lay_grid("query", 3, ["flute", "horn"])
    with pytest.raises(InputError, match="patch"):
        lay_grid("key", 64, sound, patch="16")


def test_what_is_given_is_one_for_all_samples_or_one_for_each():
    one, several = torch.zeros(1, 8, 8), torch.rand(2, 3, 8, 8)
    check_given("sound", None, 2)
    check_given("sound", one, 2)
    check_given("target", several, 2)
    assert one_of(one, 1) is one and one_of(None, 1) is None and torch.equal(one_of(several, 1), several[1])
    for wrong in (several[:, :2], several.int(), several[[0, 1, 1]], "a sound"):
        with pytest.raises(InputError, match="target: found .*the 2 samples"):
            check_given("target", wrong, 2)
    with pytest.raises(InputError, match="sound: found NaN"):
        check_given("sound", one / 0, 2)
