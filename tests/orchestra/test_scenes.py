"""Contract of avgen.orchestra.scenes: scenes for ever the same, every kind and palette used, pictures of one's own."""

import numpy as np
import pytest

from avgen.core import InputError
from avgen.orchestra.scenes import PALETTES, PLAIN_KINDS, SCENE_KINDS, Scene, background, scene_of, shades_of


def test_scenes_are_for_ever_and_many():
    assert scene_of(11) == scene_of(11)
    scenes = [scene_of(i) for i in range(300)]
    assert {s.kind for s in scenes} == set(SCENE_KINDS) and {s.colours for s in scenes} == set(PALETTES)
    assert scene_of(2**60).seed == 2**60


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_every_kind_is_painted_and_quiet(kind):
    for wall_seed in range(4):
        picture = background(Scene(kind, PALETTES[3], wall_seed), 96)
        assert picture.size == (96, 96) and picture.mode == "RGB"
        assert 1 < np.asarray(picture, float).std(axis=(0, 1)).max() < 70
    first, second = (background(Scene(kind, PALETTES[3], s), 96).tobytes() for s in (1, 2))
    assert first != second


def test_plain_walls_have_one_colour_and_are_drawn_only_when_asked_for():
    walls = [scene_of(i, kinds=PLAIN_KINDS) for i in range(200)]
    colours = {background(w, 64).getcolors()[0][1] for w in walls}
    assert {w.kind for w in walls} == {"plain"} and len(colours) == 20
    assert all(len(background(w, 64).getcolors()) == 1 for w in walls[:20])
    assert "plain" not in {scene_of(i).kind for i in range(300)}


@pytest.mark.parametrize("wall", range(4))
def test_shades_keep_near_their_wall(wall):
    shades = shades_of(PALETTES[0], wall)
    distance = [np.abs(np.subtract(getattr(shades, name), shades.wall)).sum() for name in ("soft", "mid")]
    assert 0 < distance[0] < distance[1]


def test_a_background_is_the_callers_own():
    mine = background(scene_of(3), 64)
    before = mine.tobytes()
    mine.paste((255, 0, 0), (0, 0, 64, 64))
    assert background(scene_of(3), 64).tobytes() == before != mine.tobytes()


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Scene(kind="beach"), "kind"),
        (lambda: Scene(colours=("#ffffff",)), "colours"),
        (lambda: Scene(seed=-1), "seed"),
        (lambda: Scene(colours=("#fff", "#000", "#111", "#222")), "colours"),
        (lambda: scene_of(-3), "seed"),
        (lambda: scene_of(3, kinds=("beach",)), "kind"),
    ],
)
def test_bad_input_is_refused_in_one_line_that_names_it(make, says):
    with pytest.raises(InputError) as refusal:
        make()
    assert says in str(refusal.value) and "\n" not in str(refusal.value) and "expected" in str(refusal.value)
