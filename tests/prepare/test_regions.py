"""Regions: boxes in shares or pixels, squares, what moves, and faces that are gone."""

import numpy as np
import pytest

from avgen.core import InputError
from avgen.prepare.films import write_film
from avgen.prepare.regions import FITS, Box, blur, moving_box, pick_box, square


def test_boxes_are_read_in_shares_and_in_pixels():
    assert Box.parse("0.5;0;0.5;1") == Box(0.5, 0, 0.5, 1) == Box.parse("960,0,960,1080", (1920, 1080))
    for text in ("1,2,3", "left", "0.5,0,0.6,1", "-1,0,1,1", "0,0,0,1", "10,10,20,20", ""):
        with pytest.raises(InputError, match="box"):
            Box.parse(text)


@pytest.mark.parametrize("shape", [(20, 300), (300, 20), (1, 1), (128, 128)])
def test_everything_becomes_square(shape):
    picture = np.full((*shape, 3), 100, np.uint8)
    for fit in FITS:
        assert square(picture, None, 32, fit).shape == (32, 32, 3)
    assert square(picture, Box(0.4, 0.4, 0.01, 0.01), 32).mean() == 100


def test_motion_finds_the_place(tmp_path):
    pictures = np.full((20, 90, 160, 3), 60, np.uint8)
    for k in range(20):
        pictures[k, 30:70, 100 + k : 130 + k] = 220
    box = moving_box(write_film(tmp_path / "film.mp4", pictures, 10))
    assert 0.5 < box.x < 0.65 and 0.85 < box.x + box.width <= 1 and 0.2 < box.y < 0.4


def test_a_blurred_face_is_gone_and_the_rest_stays():
    picture = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    before, hidden = picture.copy(), blur(picture, [Box(0.2, 0.2, 0.3, 0.3)])
    assert (picture == before).all() and (hidden[60:] == picture[60:]).all()
    assert hidden[20:50, 20:50].std() < 0.3 * picture[20:50, 20:50].std()


def test_a_box_is_drawn_on_a_frame(tmp_path):
    path = write_film(tmp_path / "film.mp4", np.full((5, 90, 160, 3), 60, np.uint8), 10)
    picker = pick_box(path, 0.2)
    assert picker.region == Box()
    picker.box = [0.25, 0.5, 0.5, 0.25]
    assert Box.parse(picker.text) == picker.region == Box(0.25, 0.5, 0.5, 0.25)
    with pytest.raises(InputError, match="no picture at 3 s"):
        pick_box(path, 3)
