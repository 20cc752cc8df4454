"""Contract of avgen.report.rating_analysis: agreement, intervals, and what cannot be told apart."""

import numpy as np
import pytest
from rating_examples import made_up

from avgen.core import InputError
from avgen.report.rating_analysis import RUBRIC, analyse, krippendorff_alpha


def test_alpha_on_the_published_example_and_at_its_ends():
    "Krippendorff 2011, example C: nominal 0.743, ordinal 0.815, interval 0.849."
    rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    votes = [(r, i, int(s)) for r, row in enumerate(rows) for i, s in enumerate(row) if s != "."]
    assert [round(krippendorff_alpha(votes, k), 3) for k in ("nominal", "ordinal", "interval")] == [0.743, 0.815, 0.849]
    assert krippendorff_alpha([(r, i, i % 4) for r in "ab" for i in range(20)]) == pytest.approx(1)
    rng = np.random.default_rng(0)
    assert abs(krippendorff_alpha([(r, i, int(rng.integers(4))) for r in "abc" for i in range(400)])) < 0.08
    assert krippendorff_alpha([("a", 1, 2), ("b", 2, 2)]) is None


def test_analysis_tells_apart_what_is_apart_and_says_what_is_not():
    result = analyse(made_up({"real": 2.6, "good": 1.9, "twin": 1.9, "bad": 0.8}, 60, 3))
    apart = {frozenset((d["first"], d["second"])): d["apart"] for d in result.differences}
    assert (
        list(result.systems)[0] == "real"
        and list(result.systems)[-1] == "bad"
        and not apart[frozenset(("good", "twin"))]
        and sum(apart.values()) == 5
    )
    for s in result.systems.values():
        assert (
            s["low"] <= s["mean"] <= s["high"] and sum(s["counts"]) == s["n"] == 180 and len(s["counts"]) == len(RUBRIC)
        )
    assert (
        any("twin" in w and "cannot be told apart" in w for w in result.warnings) and result._still_()[:4] == b"\x89PNG"
    )
    few = analyse(made_up({"good": 1.9, "bad": 1.0}, 5, 1))
    assert all(any(w in said for said in few.warnings) for w in ("too few", "one rater", "no real pictures"))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    means = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        votes = [
            dict(rater="a", item=f"x{i}", source=f"p{i}", system="x", score=int(rng.integers(4))) for i in range(60)
        ]
        s = analyse(votes, draws=400).systems["x"]
        means.append(s["low"] <= 1.5 <= s["high"])
    assert sum(means) >= 33


def test_no_votes_are_refused():
    with pytest.raises(InputError, match="no votes"):
        analyse([])
