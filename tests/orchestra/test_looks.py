"""Contract of avgen.orchestra.looks: people for ever the same, poses in range, takes that keep their camera."""

import numpy as np
import pytest

from avgen.core import InputError
from avgen.orchestra.looks import CLOTHES, HAIR_STYLES, OUTFITS, Look, Pose, look_of, random_framing, random_pose


def test_people_are_for_ever_and_many():
    assert look_of(11) == look_of(11)
    people = [look_of(i) for i in range(100)]
    assert len(set(people)) == 100 and {p.hair_style for p in people} == set(HAIR_STYLES)
    assert {p.outfit for p in people} == set(OUTFITS) and {p.clothes for p in people} == set(CLOTHES)


def test_framing_is_kept_by_the_poses_of_a_take():
    take = random_framing(np.random.default_rng(0))
    for i in range(50):
        pose = random_pose(np.random.default_rng(i), take)
        assert (pose.mirror, pose.x, pose.y, pose.scale) == (take.mirror, take.x, take.y, take.scale)
        assert abs(pose.lean - take.lean) <= 0.4 + 1e-9
    assert random_pose(np.random.default_rng(1)) == random_pose(np.random.default_rng(1))


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Pose(bow=1.5), "bow"),
        (lambda: Pose(slide=-0.1), "slide"),
        (lambda: Pose(lean=float("nan")), "lean"),
        (lambda: Pose(mirror=1), "mirror"),
        (lambda: Pose(mirror="False"), "mirror"),
        (lambda: Pose(scale=3), "scale"),
        (lambda: Look(hair_style="mohawk"), "hair_style"),
        (lambda: Look(outfit="toga"), "outfit"),
        (lambda: Look(breadth=2.0), "breadth"),
        (lambda: Look(clothes="red"), "clothes"),
        (lambda: Look(skin="#12345g"), "skin"),
        (lambda: look_of(-1), "index"),
        (lambda: look_of(1.5), "index"),
    ],
)
def test_bad_input_is_refused_in_one_line_that_names_it(make, says):
    with pytest.raises(InputError) as refusal:
        make()
    assert says in str(refusal.value) and "\n" not in str(refusal.value) and "expected" in str(refusal.value)
