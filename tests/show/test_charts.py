"""Contract of avgen.show.charts: markup that escapes, and charts that say what they show."""

import math

import pytest
from report_examples import HOSTILE

from avgen.core import InputError
from avgen.show.charts import (
    bar_chart,
    h,
    histogram,
    interval_chart,
    line_chart,
    nice_ticks,
    percent,
    span,
    thin,
)


def test_elements_escape_what_is_not_markup():
    assert h("p", HOSTILE) == "<p>&lt;/script&gt;&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</p>"
    assert '"' not in h("p", "x", title='"><b>').removeprefix('<p title="').removesuffix('">x</p>')
    assert h("i", h("b", "x"), None) == "<i><b>x</b></i>"


def test_what_is_not_known_is_a_dash():
    assert percent(0.843) == "84.3 %" and percent(None) == percent(math.nan) == "–"
    assert span(0.801, 0.88) == "80.1 to 88.0 %" and span(None, 0.88) == "–"
    assert "not measured" in bar_chart({"tuba": [None]}, ["pictures"])
    assert "Nothing recorded yet" in line_chart({"loss": [(1, math.nan)]}) and "Nothing" in histogram({})


def test_a_chart_says_its_numbers_and_refuses_what_is_no_share():
    drawn = interval_chart(0.5, 0.4, 0.62, chance=0.1)
    assert 'aria-label="50.0 %, 95 % interval 40.0 to 62.0 %, chance 10.0 %"' in drawn
    assert HOSTILE not in line_chart({HOSTILE: [(1, 2.0)]}) and HOSTILE not in bar_chart({HOSTILE: [(0.5, "x")]}, ["x"])
    with pytest.raises(InputError, match="high: found 1.2"):
        interval_chart(0.5, 0.4, 1.2)


def test_a_thinned_curve_keeps_its_mean():
    points = [(x, float(x % 7)) for x in range(1000)]
    short = thin([*points, (1000, math.inf)], most=100)
    assert len(short) == 100 and sum(y for _, y in short) / 100 == pytest.approx(sum(y for _, y in points) / 1000)
    assert nice_ticks(0, 1) == [0, 0.25, 0.5, 0.75, 1] and nice_ticks(3, 3) == [3]
