"""Contract of avgen.orchestra.drawing: what is promised about determinism, sizes, instruments, poses and bad input."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.drawing import INSTRUMENT_PAINTERS, camera, draw
from avgen.orchestra.looks import Pose, look_of
from avgen.orchestra.scenes import background, scene_of

ONE = dict(look=look_of(3), pose=Pose(), scene=scene_of(5))


def pixels(instrument, size=64, **changes):
    return np.asarray(draw(instrument, **{**ONE, **changes}, size=size), float)


def test_every_instrument_has_its_painter():
    assert set(INSTRUMENT_PAINTERS) == set(INSTRUMENTS)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_every_instrument_is_drawn_and_differs_from_the_empty_scene(instrument):
    picture = draw(instrument, **ONE)
    assert picture.mode == "RGB" and picture.size == (128, 128)
    empty = np.asarray(background(ONE["scene"], 384).reduce(3), float)
    assert (np.abs(np.asarray(picture, float) - empty).max(2) > 8).mean() > 0.15


def test_same_arguments_same_bytes_in_another_process():
    code = """
import hashlib
from avgen.orchestra.drawing import draw
from avgen.orchestra.looks import Pose, look_of
from avgen.orchestra.scenes import scene_of
picture = draw("tuba", look_of(8), Pose(lean=0.3, hand=0.8), scene_of(77))
print(hashlib.sha256(picture.tobytes()).hexdigest())
"""
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1] != ""


def test_nothing_global_moves_a_picture():
    before = draw("viola", **ONE).tobytes()
    np.random.seed(1)  # noqa: NPY002
    for i in range(40):
        background(scene_of(i), 48)  # pushes the kept backgrounds out
    draw("horn", look_of(1), Pose(mirror=True), scene_of(9))
    assert draw("viola", **ONE).tobytes() == before


@pytest.mark.parametrize("size", (16, 64, 100, 128, 256))
def test_any_size(size):
    assert draw("oboe", **ONE, size=size).size == (size, size)


def test_a_smaller_picture_shows_the_same():
    large = np.asarray(draw("cello", **ONE, size=128).resize((64, 64), 4), float)
    assert np.abs(large - pixels("cello")).mean() < 12


def test_instruments_differ_for_the_same_person_and_place():
    pictures = {n: pixels(n) for n in INSTRUMENTS}
    for i, a in enumerate(INSTRUMENTS):
        for b in INSTRUMENTS[i + 1 :]:
            assert np.abs(pictures[a] - pictures[b]).mean() > 4, (a, b)


@pytest.mark.parametrize(
    "instrument, factor, low, high",
    [
        ("violin", "bow", -1.0, 1.0),
        ("viola", "bow", -1.0, 1.0),
        ("cello", "bow", -1.0, 1.0),
        ("double_bass", "bow", -1.0, 1.0),
        ("trombone", "slide", 0.0, 1.0),
        *[(n, "lean", -1.0, 1.0) for n in INSTRUMENTS],
        *[(n, "hand", 0.0, 1.0) for n in INSTRUMENTS if n != "trombone"],
    ],
)
def test_the_picture_follows_the_music(instrument, factor, low, high):
    a, b = (pixels(instrument, pose=replace(Pose(), **{factor: v})) for v in (low, high))
    assert np.abs(a - b).max() > 40


def test_mirror_shift_and_scale_move_the_figure():
    matrix = camera(Pose(), 100)
    assert np.allclose(matrix, [[1, 0, 0], [0, 1, 0]])

    def x(pose):
        return camera(pose, 100) @ (80, 56, 1)

    assert (
        np.allclose(x(Pose(mirror=True)), (20, 56))
        and np.allclose(x(Pose(x=0.1)), (90, 56))
        and np.allclose(x(Pose(scale=1.1)), (83, 56))
    )


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: draw("kazoo", **ONE), "kazoo"),
        (lambda: draw(None, **ONE), "instrument"),
        (lambda: draw("horn", **ONE, size=8), "size"),
        (lambda: draw("horn", **ONE, size=128.0), "size"),
        (lambda: draw("horn", **{**ONE, "look": 3}), "look"),
        (lambda: draw("horn", **{**ONE, "pose": None}), "pose"),
        (lambda: draw("horn", **{**ONE, "scene": "hall"}), "scene"),
    ],
)
def test_bad_input_is_refused_in_one_line_that_names_it(make, says):
    with pytest.raises(InputError) as refusal:
        make()
    assert says in str(refusal.value) and "\n" not in str(refusal.value) and "expected" in str(refusal.value)
