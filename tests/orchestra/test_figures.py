"""Contract of avgen.orchestra.figures: where joints are, and that a head is drawn where the skeleton says."""

import numpy as np
import pytest
from PIL import Image

from avgen.orchestra.canvas import CREAM, Canvas
from avgen.orchestra.figures import HAIR_BEHIND, HAIRLINE, Skeleton, draw_head, find_elbow
from avgen.orchestra.looks import HAIR_STYLES, Look, Pose, look_of


def test_arms():
    elbow = find_elbow((0, 0), (8, 0), 5, 5, toward=(0, -1))
    assert np.allclose(elbow, (4, -3))
    assert np.isfinite(find_elbow((1, 1), (1, 1), 5, 5, toward=(0, 1))).all()


def test_both_bones_keep_their_lengths_within_reach():
    rng = np.random.default_rng(0)
    for _ in range(50):
        shoulder, hand = rng.uniform(-3, 3, 2), rng.uniform(-3, 3, 2)
        elbow = find_elbow(shoulder, hand, 6, 6, toward=rng.normal(size=2))
        assert np.isclose(np.hypot(*(elbow - shoulder)), 6) and np.isclose(np.hypot(*(elbow - hand)), 6)


def test_every_joint_follows_look_and_pose():
    slim, broad = (Skeleton(Look(breadth=b), Pose()) for b in (0.85, 1.15))
    assert broad.shoulders["right"][0] > slim.shoulders["right"][0] and broad.half_width > slim.half_width
    calm, busy = (Skeleton(Look(), Pose(effort=e, lean=e)) for e in (0.0, 1.0))
    assert busy.shoulders["left"][1] < calm.shoulders["left"][1] and busy.head[0] > calm.head[0]
    left, right = (Skeleton(Look(), Pose(), turn=t) for t in (-1, 1))
    assert left.mouth[0] < left.head[0] < right.mouth[0]


def test_a_skeleton_grows_with_its_size():
    small, large = (Skeleton(Look(), Pose(), head=(50, 26), size=s) for s in (1.0, 2.0))
    assert np.allclose(large.hips - large.head, 2 * (small.hips - small.head))
    assert np.allclose(large.chin - large.head, 2 * (small.chin - small.head))


def test_every_hair_style_has_its_data():
    assert {*HAIRLINE, "bald"} == set(HAIR_STYLES) and set(HAIR_BEHIND) < set(HAIR_STYLES)


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_a_head_is_drawn_where_the_skeleton_says_and_every_style_differs(style):
    def head(**changes):
        image = Image.new("RGB", (200, 200), CREAM)
        look = Look(hair_style=style, **changes)
        draw_head(Canvas(image), Skeleton(look, Pose(), head=(50, 50)), look)
        return np.asarray(image, float)

    drawn = (head() != CREAM).any(2)
    assert drawn[100, 100] and not drawn[:30].any() and not drawn[180:].any()
    assert np.abs(head() - head(glasses=True)).max() > 40 and np.abs(head() - head(beard=True)).max() > 40
    other = Look(hair_style="crop" if style != "crop" else "bob")
    image = Image.new("RGB", (200, 200), CREAM)
    draw_head(Canvas(image), Skeleton(other, Pose(), head=(50, 50)), other)
    assert np.abs(head() - np.asarray(image, float)).max() > 40


def test_a_skeleton_draws_nothing_and_is_not_changed_by_drawing():
    look = look_of(2)
    bones = Skeleton(look, Pose())
    before = {k: np.copy(v) for k, v in vars(bones).items() if isinstance(v, np.ndarray)}
    draw_head(Canvas(Image.new("RGB", (200, 200), CREAM)), bones, look)
    assert all((before[k] == getattr(bones, k)).all() for k in before)
