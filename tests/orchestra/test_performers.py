"""Contract of avgen.orchestra.performers: clothes, limbs, and parts that an instrument can come between."""

import numpy as np
import pytest
from PIL import Image

from avgen.orchestra.canvas import CREAM, Canvas, tone
from avgen.orchestra.figures import Skeleton
from avgen.orchestra.looks import OUTFITS, Look, Pose, look_of
from avgen.orchestra.performers import Performer, draw_arm, draw_hand, draw_torso


def paper():
    return Image.new("RGB", (200, 200), CREAM)


def test_every_outfit_is_drawn_and_differs():
    pictures = []
    for outfit in OUTFITS:
        image, look = paper(), Look(outfit=outfit, accent="#d9a441")
        draw_torso(Canvas(image), Skeleton(look, Pose()), look)
        pictures.append(image.tobytes())
    assert len(set(pictures)) == len(OUTFITS)


@pytest.mark.parametrize("side, target", [("left", (20, 60)), ("right", (80, 45))])
def test_a_hand_is_where_it_was_sent(side, target):
    image, look = paper(), look_of(1)
    bones = Skeleton(look, Pose())
    draw_arm(Canvas(image), bones, look, side, target)
    draw_hand(Canvas(image), bones, look, target, fingers=90)
    palm = np.subtract(image.getpixel((2 * target[0], 2 * target[1])), tone(look.skin).base)
    assert np.abs(palm).max() < 16  # the skin, or the slightly darker fingers


def test_an_arm_starts_at_its_shoulder():
    look = Look(outfit="sweater", clothes="#8e2f3a")
    bones, image = Skeleton(look, Pose()), paper()
    draw_arm(Canvas(image), bones, look, "left", (20, 70))
    x, y = (2 * bones.shoulders["left"]).round().astype(int).tolist()
    assert image.getpixel((x, y)) != CREAM and image.getpixel((150, y)) == CREAM


def test_the_parts_make_the_whole():
    whole, parts = paper(), paper()
    Performer(Canvas(whole), look_of(5), Pose()).draw_standing()
    person = Performer(Canvas(parts), look_of(5), Pose())
    person.draw_legs()
    person.draw_torso()
    assert parts.tobytes() != whole.tobytes()
    person.draw_head()
    assert parts.tobytes() == whole.tobytes()


def test_somebody_seated_has_knees_where_they_were_put():
    image = paper()
    look = Look(trousers="#2f4a5c")
    Performer(Canvas(image), look, Pose(), head=(50, 20)).draw_seated(
        knees=((20, 70), (80, 70)), feet=((20, 95), (80, 95))
    )
    assert all(image.getpixel((x, 140)) != CREAM for x in (40, 160)) and image.getpixel((100, 180)) == CREAM


def test_fingers_are_drawn_only_when_they_are_asked_for():
    with_hand, without = paper(), paper()
    for image, fingers in ((with_hand, 45), (without, None)):
        Performer(Canvas(image), look_of(3), Pose()).draw_arm("right", (75, 70), fingers)
    difference = (np.asarray(with_hand) != np.asarray(without)).any(2)
    rows, columns = np.nonzero(difference)
    assert len(rows) and abs(rows.mean() - 140) < 20 and abs(columns.mean() - 150) < 20
