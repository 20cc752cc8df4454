"""Contract of avgen.orchestra.canvas: colours, curves, frames inside frames, and what a canvas fills."""

import numpy as np
import pytest
from PIL import Image

from avgen.core import InputError
from avgen.orchestra.canvas import CREAM, INK, Canvas, Frame, check_colour, lightness, mix, rgb, spline, sweep, tone


def page(size=200):
    return Image.new("RGB", (size, size), CREAM)


def test_colours():
    assert rgb("#0a0b0c") == (10, 11, 12) and mix(INK, CREAM, 0) == INK and mix(INK, CREAM, 1) == CREAM
    assert lightness((0, 0, 0)) == 0 and abs(lightness((255, 255, 255)) - 1) < 1e-9
    for colour in ("#d9a53a", "#262329", "#f0e9dc"):
        t = tone(colour)
        assert lightness(t.light) > lightness(t.base) > lightness(t.dark) > lightness(t.deep)
        assert t == tone(rgb(colour)) and abs(lightness(t.rim) - lightness(t.base)) > 0.15


@pytest.mark.parametrize("colour", ["red", "#12345", "#12345g", "1234567", None, 5, (1, 2, 3)])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(InputError, match="skin.*expected a colour"):
        check_colour("skin", colour)


@pytest.mark.parametrize("steps", [4, 6, 8, 12])
def test_curves_pass_through_their_points(steps):
    points = np.array([(0, 0), (4, 1), (5, 6), (-2, 3)], float)
    assert np.allclose(spline(points, closed=True, steps=steps)[::steps], points)
    assert np.allclose(spline(points, steps=steps)[::steps], points)


def test_frames_inside_frames():
    outer = Frame.from_matrix(2 * np.eye(2, 3)).placed(at=(10, 20), angle=90, scale=3)
    inner = outer.placed(at=(5, 0), angle=-90, mirror=True)
    point = np.array((1.0, 2.0))
    assert np.allclose(inner.out(point), (5 - 2, -1))  # a quarter turn back to (2, -1), then mirrored
    assert np.allclose(inner.pixels([point]), outer.pixels([inner.out(point)]))
    assert np.allclose(inner.pixels([point])[0], 2 * outer.out(inner.out(point)))
    assert outer.pixels_per_unit == inner.pixels_per_unit == 6


def test_a_stroke_keeps_its_widths_and_stands_upright_on_its_curve():
    stroke = sweep(Frame.from_matrix(2 * np.eye(2, 3)), [(0, 0), (10, 0), (20, 0)], [2, 4, 6])
    assert np.allclose(stroke.half[[0, 6, 12], 0], (2, 4, 6)) and np.allclose(np.abs(stroke.normal), (0, 1))
    straight = sweep(Frame.from_matrix(np.eye(2, 3)), [(0, 0), (3, 4), (6, 0)], 1, smooth=False)
    assert len(straight.path) == 3 and np.allclose(np.hypot(*straight.normal.T), 1)


def test_placing_a_canvas_leaves_it_as_it_was():
    canvas = Canvas(page())
    frame = canvas.frame
    placed = canvas.placed((50, 50), 30, 2)
    assert canvas.frame is frame and placed.image is canvas.image and not np.allclose(placed.out((1, 0)), (1, 0))


def test_forms_are_filled_where_they_are_and_nowhere_else():
    image = page()
    canvas = Canvas(image)
    canvas.disc((25, 25), 10, (255, 0, 0))
    canvas.polygon([(60, 10), (90, 10), (90, 40), (60, 40)], (0, 255, 0))
    canvas.ellipse((25, 75), 15, 5, (0, 0, 255))
    canvas.tube([(60, 75), (90, 75)], 8, INK)

    def at(x, y):
        return image.getpixel((2 * x, 2 * y))

    assert at(25, 25) == at(25, 17) == (255, 0, 0) and at(75, 25) == (0, 255, 0)
    assert at(25, 75) == at(37, 75) == (0, 0, 255) and at(25, 82) == CREAM
    assert at(75, 75) == at(75, 78) == INK and at(75, 81) == at(50, 50) == CREAM


def test_an_opaque_fill_hides_and_a_glaze_tints():
    image = page()
    canvas = Canvas(image)
    canvas.blob([(20, 20), (80, 20), (80, 80), (20, 80)], (*INK, 128))
    tinted = np.array(image.getpixel((100, 100)))
    assert (np.array(INK) < tinted).all() and (tinted < CREAM).all()


def test_the_light_stays_at_the_upper_left_however_a_pipe_is_turned():
    for angle in (0, 90, 180, 270):
        image = page(400)
        Canvas(image).placed((50, 50), angle).pipe([(-30, 0), (30, 0)], 20, tone("#a4612f"), smooth=False)
        grey = np.asarray(image.convert("L"), float)
        rows, columns = np.nonzero(grey >= grey[grey < 230].max())
        assert rows.mean() + columns.mean() < 400, angle  # the brightest part lies above or left of the middle
