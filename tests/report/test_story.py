"""Contract of avgen.report.story: what is known and what is not, and values that are refused."""

import pytest
from small_data import run_config

from avgen.core import InputError
from avgen.report.story import DIRECTION_NAMES, STATES, Chapter, Story, Task


def test_only_what_is_over_is_finished():
    for state in STATES:
        assert Story(tasks=[Task("data", state)]).finished == (state in ("done", "failed"))
    assert Story().finished


def test_a_chapter_without_a_run_is_not_trained():
    story = Story(chapters={"S2I": Chapter("S2I", run_config()), "I2S": Chapter("I2S")})
    assert [c.direction for c in story.trained()] == ["S2I"] and story.evaluations() == []
    assert {Chapter(d).products for d in DIRECTION_NAMES} == {"pictures", "sounds"}


def test_what_is_refused():
    with pytest.raises(InputError, match="'state'"):
        Task("data", "perhaps")
    with pytest.raises(InputError, match="'direction'"):
        Chapter("both")
