"The drawn performers: what is promised about determinism, sizes, instruments, poses and bad input."

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.drawing import camera, draw, framing_of, look_of, random_pose, scene_of
from avgen.orchestra.instruments import FINISHES, PLAYERS, finish_of
from avgen.orchestra.performers import CLOTHES, DRESS, STYLES, Look, Pose, lightness, reach, rgb, spline
from avgen.orchestra.scenes import KINDS, PALETTES, Scene, background

ONE = dict(look=look_of(3), pose=Pose(), scene=scene_of(5))


def pixels(instrument, size=64, **changes):
    return np.asarray(draw(instrument, **{**ONE, **changes}, size=size), float)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_every_instrument_is_drawn_and_differs_from_the_empty_scene(instrument):
    picture = draw(instrument, **ONE)
    assert picture.mode == "RGB" and picture.size == (128, 128)
    empty = np.asarray(background(ONE["scene"], 384).reduce(3), float)
    assert (np.abs(np.asarray(picture, float) - empty).max(2) > 8).mean() > 0.15


def test_same_arguments_same_bytes_in_another_process():
    code = "from avgen.orchestra.drawing import *; from avgen.orchestra.drawing import look_of, scene_of, Pose; import hashlib; print(hashlib.sha256(draw('tuba', look_of(8), Pose(lean=0.3, hand=0.8), scene_of(77)).tobytes()).hexdigest())"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1


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
    x = lambda pose: camera(pose, 100) @ (80, 56, 1)
    assert (
        np.allclose(x(Pose(mirror=True)), (20, 56))
        and np.allclose(x(Pose(x=0.1)), (90, 56))
        and np.allclose(x(Pose(scale=1.1)), (83, 56))
    )


def test_people_and_scenes_are_for_ever_and_many():
    assert look_of(11) == look_of(11) and scene_of(11) == scene_of(11)
    people = [look_of(i) for i in range(100)]
    assert (
        len(set(people)) == 100
        and {p.hair_style for p in people} == set(STYLES)
        and {p.dress for p in people} == set(DRESS)
        and {p.clothes for p in people} == set(CLOTHES)
    )
    scenes = [scene_of(i) for i in range(300)]
    assert {s.kind for s in scenes} == set(KINDS) and {s.colours for s in scenes} == set(PALETTES)
    assert scene_of(2**60).seed == 2**60


def test_instruments_stand_off_from_clothes_and_come_in_several_finishes():
    assert set(PLAYERS) == set(FINISHES) == set(INSTRUMENTS)
    for n in INSTRUMENTS:
        tones = [finish_of(n, look_of(i), scene_of(i)) for i in range(80)]
        assert len({t.base for t in tones}) >= 5
        assert min(abs(lightness(t.base) - lightness(rgb(look_of(i).clothes))) for i, t in enumerate(tones)) > 0.05


def test_framing_is_kept_by_the_poses_of_a_take():
    take = framing_of(np.random.default_rng(0))
    for i in range(50):
        pose = random_pose(np.random.default_rng(i), take)
        assert (pose.mirror, pose.x, pose.y, pose.scale) == (take.mirror, take.x, take.y, take.scale)
        assert abs(pose.lean - take.lean) <= 0.4 + 1e-9
    assert random_pose(np.random.default_rng(1)) == random_pose(np.random.default_rng(1))


def test_curves_and_arms():
    points = np.array([(0, 0), (4, 1), (5, 6), (-2, 3)], float)
    assert np.allclose(spline(points, closed=True)[::8], points) and np.allclose(spline(points)[::8], points)
    elbow = reach((0, 0), (8, 0), 5, 5, toward=(0, -1))
    assert np.allclose(elbow, (4, -3))
    assert np.isfinite(reach((1, 1), (1, 1), 5, 5, toward=(0, 1))).all()


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
        (lambda: Pose(bow=1.5), "bow"),
        (lambda: Pose(slide=-0.1), "slide"),
        (lambda: Pose(lean=float("nan")), "lean"),
        (lambda: Pose(mirror=1), "mirror"),
        (lambda: Pose(mirror="False"), "mirror"),
        (lambda: Pose(scale=3), "scale"),
        (lambda: Look(hair_style="mohawk"), "hair_style"),
        (lambda: Look(dress="toga"), "dress"),
        (lambda: Look(build=2.0), "build"),
        (lambda: Look(clothes="red"), "clothes"),
        (lambda: Look(skin="#12345g"), "skin"),
        (lambda: Scene(kind="beach"), "kind"),
        (lambda: Scene(colours=("#ffffff",)), "colours"),
        (lambda: Scene(seed=-1), "seed"),
        (lambda: Scene(colours=("#fff", "#000", "#111", "#222")), "colours"),
        (lambda: look_of(-1), "index"),
        (lambda: look_of(1.5), "index"),
        (lambda: scene_of(-3), "seed"),
        (lambda: finish_of("kazoo", look_of(0), scene_of(0)), "kazoo"),
    ],
)
def test_bad_input_is_refused_in_one_line_that_names_it(make, says):
    with pytest.raises(InputError) as refusal:
        make()
    assert says in str(refusal.value) and "\n" not in str(refusal.value) and "expected" in str(refusal.value)
