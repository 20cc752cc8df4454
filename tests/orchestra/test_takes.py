"""Contract of avgen.orchestra.takes: who plays what, poses that follow the notes, and what a take yields."""

import numpy as np
import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.looks import Pose
from avgen.orchestra.music import Note
from avgen.orchestra.takes import COLUMNS, LEVELS, level_of, make_take, person_of, plan_takes, pose_at, slide_of


def test_takes_never_cross_splits_and_have_the_asked_number_of_pairs():
    for train, validation in ((200, 50), (1, 1), (3, 1), (37, 11), (1000, 200)):
        takes = plan_takes(train, validation)
        by = {s: {t.name for t in takes if t.split == s} for s in ("train", "validation")}
        assert not by["train"] & by["validation"] and len({t.name for t in takes}) == len(takes)
        for i in INSTRUMENTS:
            assert sum(t.clips for t in takes if (t.instrument, t.split) == (i, "train")) == train
            assert sum(t.clips for t in takes if (t.instrument, t.split) == (i, "validation")) == validation


def test_performers_play_several_instruments_and_can_be_held_out():
    people = {}
    for t in plan_takes():
        people.setdefault(t.performer, set()).add(t.instrument)
    assert len(people) == 24 and min(len(v) for v in people.values()) >= 6
    held = plan_takes(hold_out_performers=True)
    train, validation = ({t.performer for t in held if t.split == s} for s in ("train", "validation"))
    assert not train & validation and len(validation) >= 8
    assert all(
        len({t.performer for t in held if (t.instrument, t.split) == (i, "validation")}) >= 4 for i in INSTRUMENTS
    )
    assert [t for t in held if t.split == "train"] == [t for t in plan_takes() if t.split == "train"]


def test_more_takes_are_other_music_by_the_same_people():
    usual, more = plan_takes(), plan_takes(120, 10, train_takes=60)
    train = [t for t in more if t.split == "train"]
    assert len(train) == 60 * len(INSTRUMENTS) and {t.clips for t in train} == {2}
    assert not {t.name for t in more} & {t.name for t in usual} and train[0].name == "bassoon000"
    assert {t.performer for t in more} == {t.performer for t in usual}
    for wrong in (0, 121, 901, 2.5, True):
        with pytest.raises(InputError, match="train_takes"):
            plan_takes(120, 10, train_takes=wrong)


def test_every_clip_sounds():
    for take in plan_takes(20, 5)[::11]:
        for clip, picture, row in make_take(take, seed=2):
            assert clip.shape == (22050,) and np.isfinite(clip).all() and row["loudness_db"] > -70
            assert picture.size == (128, 128) and picture.mode == "RGB"


def test_slide_positions():
    assert [round(6 * slide_of(m)) for m in (58, 57, 56, 55, 54, 53, 52, 46, 40)] == [
        0,
        1,
        2,
        3,
        4,
        0,
        1,
        0,
        6,
    ]


def test_unknown_performer():
    with pytest.raises(InputError, match="Zoe"):
        person_of("Zoe", "oboe", 0)


def test_the_pose_follows_the_notes():
    notes = [Note(0.0, 1.0, 40, 0.2), Note(1.0, 1.0, 58, 0.9)]
    framing = Pose(lean=0.3, x=0.1)
    low, high = (pose_at("trombone", notes, seconds, framing) for seconds in (0.5, 1.5))
    assert (low.slide, high.slide) == (1, 0) and low.hand < high.hand and (low.effort, high.effort) == (0.2, 0.9)
    assert low.bow == 0 and low.x == 0.1 and low.lean == 0.3
    early, late = (pose_at("cello", notes, seconds, framing, sway=1.0) for seconds in (0.1, 0.9))
    assert early.bow < late.bow and early.slide == 0 and np.isclose(early.lean, 0.8)


def test_a_row_has_the_columns_of_the_table():
    for _, _, row in make_take(plan_takes(2, 1)[0], seed=0):
        assert set(row) == set(COLUMNS)


def test_the_orchestra_is_the_level_that_nobody_has_to_name():
    assert plan_takes(3, 2) == plan_takes(3, 2, level="orchestra") and level_of("orchestra").instruments == INSTRUMENTS
    take = plan_takes(2, 1)[20]
    clip, picture, row = next(make_take(take, 1))
    clip_2, picture_2, row_2 = next(make_take(take, 1, level="orchestra"))
    assert (clip == clip_2).all() and picture.tobytes() == picture_2.tobytes() and row == row_2


def test_an_etude_has_few_instruments_few_players_plain_walls_and_a_camera_that_stands_still():
    etude = level_of("etude")
    takes = plan_takes(10, 4, level="etude")
    assert {t.instrument for t in takes} == set(etude.instruments) and len(etude.instruments) == 4
    assert {t.performer for t in takes} == set(etude.performers)
    held = plan_takes(10, 4, level="etude", hold_out_performers=True)
    train, validation = ({t.performer for t in held if t.split == s} for s in ("train", "validation"))
    assert not train & validation and validation == set(etude.held_out_performers)
    for take in takes[::14]:
        for clip, picture, row in make_take(take, seed=3, level="etude"):
            corners = {picture.getpixel(at) for at in ((0, 0), (0, 127))}
            assert len(corners) == 1 and set(row) == set(COLUMNS) and np.isfinite(clip).all()
            assert row["instrument"] == take.instrument and -1 <= row["lean"] <= 1


def test_levels_keep_to_the_orders_that_people_and_data_have():
    for level in LEVELS.values():
        assert list(level.instruments) == sorted(level.instruments) and set(level.instruments) <= set(INSTRUMENTS)
        assert len(level.finishes) in (0, len(level.instruments))
    with pytest.raises(InputError, match="level.*symphony.*etude"):
        level_of("symphony")
