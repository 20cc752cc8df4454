"""Contract of avgen.orchestra.instruments: finishes that give nothing away, and the shapes that several share."""

import numpy as np
import pytest
from PIL import Image

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.canvas import CREAM, Canvas, lightness, rgb, tone
from avgen.orchestra.instruments import (
    FIDDLES,
    FINISHES,
    arc,
    draw_bell,
    draw_bow,
    draw_fiddle,
    draw_keys,
    fiddle_outline,
    finish_of,
    key_metal,
)
from avgen.orchestra.looks import look_of
from avgen.orchestra.scenes import scene_of


def paper():
    return Image.new("RGB", (300, 300), CREAM)


def test_instruments_stand_off_from_clothes_and_come_in_several_finishes():
    assert set(FINISHES) == set(INSTRUMENTS)
    for n in INSTRUMENTS:
        tones = [finish_of(n, look_of(i), scene_of(i)) for i in range(80)]
        assert len({t.base for t in tones}) >= 5
        assert min(abs(lightness(t.base) - lightness(rgb(look_of(i).clothes))) for i, t in enumerate(tones)) > 0.05


def test_a_bell_flares_towards_its_mouth_and_is_dark_inside():
    image, brass = paper(), tone("#d9a53a")
    draw_bell(Canvas(image), (20, 50), (70, 50), narrow=2, wide=20, tone=brass)
    height = (np.asarray(image) != CREAM).any(2).sum(0)
    assert height[3 * 25] < height[3 * 50] < height[3 * 68]
    assert image.getpixel((3 * 69, 150)) == brass.deep


def test_a_bow_moves_the_hand_with_the_stroke():
    hands = [draw_bow(Canvas(paper()), (50, 50), angle=0, length=40, stroke=s) for s in (-1, 0, 1)]
    assert hands[0][0] > hands[1][0] > hands[2][0] and np.allclose([h[1] for h in hands], hands[0][1])
    turned = draw_bow(Canvas(paper()), (50, 50), angle=90, length=40, stroke=0)
    assert np.isclose(np.hypot(*(turned - 50)), np.hypot(*(hands[1] - 50)))


def test_keys_stand_off_from_their_pipe():
    for colour in ("#26232b", "#b9c0ca"):
        pipe = tone(colour)
        assert abs(lightness(key_metal(pipe)) - lightness(pipe.base)) > 0.15
    image = paper()
    draw_keys(Canvas(image), [(20, 20), (60, 20)], 4, tone("#26232b"))
    assert (
        image.getpixel((62, 64)) != CREAM and image.getpixel((182, 64)) != CREAM and image.getpixel((120, 60)) == CREAM
    )


def test_an_arc_keeps_its_radii():
    points = np.array(arc(6, 3, -90, 200, n=9))
    assert points.shape == (9, 2) and np.allclose((points / (6, 3)) ** 2 @ (1, 1), 1)


@pytest.mark.parametrize("name", FIDDLES)
def test_the_outline_of_a_fiddle_is_symmetric_and_of_its_size(name):
    shape, outline = FIDDLES[name], fiddle_outline(FIDDLES[name])
    assert np.allclose(outline, outline[::-1] * (1, -1))
    assert np.isclose(np.ptp(outline[:, 1]), 2 * shape.lower * shape.length)
    image = paper()
    draw_fiddle(Canvas(image).placed((5, 50)), shape, tone("#8e3f26"))
    drawn = (np.asarray(image) != CREAM).any(2)
    end = 5 + (1 + shape.neck) * shape.length
    assert (
        drawn[150, 3 * 10] and drawn[150, 3 * int(end) - 6] and not drawn[:, 3 * int(end + 0.3 * shape.length) :].any()
    )


def test_a_viola_is_broader_than_a_violin_and_a_bass_has_no_shoulders():
    assert FIDDLES["viola"].lower > FIDDLES["violin"].lower and FIDDLES["double_bass"].sloping


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: finish_of("kazoo", look_of(0), scene_of(0)), "kazoo"),
    ],
)
def test_bad_input_is_refused_in_one_line_that_names_it(make, says):
    with pytest.raises(InputError) as refusal:
        make()
    assert says in str(refusal.value) and "\n" not in str(refusal.value) and "expected" in str(refusal.value)
