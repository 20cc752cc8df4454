"""Contract of avgen.report.rating_study: votes that last, an order that stays, refusals."""

import csv
import sqlite3
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rating_examples import pictures

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.report.rating_analysis import REAL
from avgen.report.rating_study import RatingStudy, check_rater, create_study, rating_items, votes_to_csv


@pytest.fixture
def study(tmp_path):
    return create_study(tmp_path / "study.sqlite", pictures())


def test_a_vote_is_on_the_disk_when_the_call_returns(study):
    "Another process, killed without warning right after the call, has lost nothing."
    code = f"""
import os
from avgen.report.rating_study import RatingStudy

study = RatingStudy({str(study.path)!r})
study.vote("Ada", study.order("Ada")[0], 3, 1.5)
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert [(v["rater"], v["item"], v["score"]) for v in RatingStudy(study.path).votes()] == [
        ("Ada", study.order("Ada")[0], 3)
    ]


def test_undo_takes_back_and_keeps_a_record(study):
    a, b = study.order("Ada")[:2]
    study.vote("Ada", a, 1)
    study.vote("Ada", b, 2)
    study.vote("Ben", a, 0)
    assert study.undo("Ada") == b and [v["item"] for v in study.votes("Ada")] == [a] and len(study.votes("Ben")) == 1
    study.vote("Ada", b, 3)
    with sqlite3.connect(study.path) as db:
        assert db.execute("SELECT count(*), count(taken_back) FROM votes").fetchone() == (4, 1)


def test_every_rater_has_an_order_of_their_own_that_stays(study):
    assert study.order("Ada") == RatingStudy(study.path).order("Ada") != study.order("Ben") and sorted(
        study.order("Ada")
    ) == sorted(study.order("Ben"))


def open_text(path):
    path.write_bytes(b"text")
    return RatingStudy(path)


def open_other_database(path):
    with sqlite3.connect(path.with_name("x")) as db:
        db.execute("CREATE TABLE about (key, value)")
    return RatingStudy(path.with_name("x"))


def vote(rater, score):
    return lambda path: RatingStudy(path).vote(rater, RatingStudy(path).order("")[0], score)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda p: create_study(p, pictures(3)), ["another one", "12 pictures", "these 9"]),
        (lambda p: create_study(p, pictures(4, ("real", "other"))), ["another one", "secret-a", "other"]),
        (lambda p: create_study(p.with_name("new"), []), ["none"]),
        (lambda p: create_study(p.with_name("new"), pictures() * 2), ["the same"]),
        (open_text, ["not a study", "not a database"]),
        (open_other_database, ["format None"]),
        (lambda p: RatingStudy(p).vote("Ada", "nothing", 1), ["not in this study"]),
        (vote("Ada", 4), ["'score'", "0 to 3"]),
        (vote("a\x00b", 1), ["rater"]),
        (lambda p: RatingStudy(p).analyse(), ["no votes"]),
    ],
)
def test_what_is_refused(study, make, words):
    with pytest.raises(InputError) as e:
        make(study.path)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_the_same_study_is_opened_again(study):
    study.vote("Ada", study.order("Ada")[0], 1)
    assert len(create_study(study.path, pictures()).votes()) == 1


def test_csv(study, tmp_path):
    study.vote('=cmd|"x"', study.order("")[0], 3, 2.0)
    study.vote("Ada, the first", study.order("")[0], 1)
    rows = list(csv.DictReader(votes_to_csv(study, tmp_path / "votes.csv").open()))
    assert (
        [r["rater"] for r in rows] == ['\'=cmd|"x"', "Ada, the first"]
        and rows[0]["score"] == "3"
        and rows[0]["system"] in ("real", "secret-a", "secret-b")
    )


def test_items_come_from_the_same_pairs():
    class Fake:
        config, direction = SimpleNamespace(system="fake"), "S2I"

        def generate(self, pairset, seed):
            return pairset.tensors()[0] * 0.5

    pairs = toy_pairs(n=8)
    items = rating_items([Fake()], pairs.validation, n=6, seed=3)
    assert (
        {i.system for i in items} == {"fake", REAL}
        and {i.source for i in items if i.system == REAL} == {i.source for i in items if i.system == "fake"}
        and len({i.instrument for i in items}) == 3
    )
    assert items == rating_items([Fake()], pairs.validation, n=6, seed=3)
    Fake.direction = "I2S"
    with pytest.raises(InputError, match="S2I"):
        rating_items([Fake()], pairs.validation, n=6)


def test_names_of_raters():
    assert check_rater("  <b>Eve</b> ") == "<b>Eve</b>"  # kept as it is: it is shown as text
    for bad in ("", " ", "x" * 41, "a\u0000"):
        with pytest.raises(InputError, match="rater"):
            check_rater(bad)


def test_which_instrument_is_this(tmp_path):
    items = [replace(item, instrument=("cello", "tuba")[i % 2]) for i, item in enumerate(pictures())]
    study = create_study(tmp_path / "names.sqlite", items, question="instrument")
    assert (
        study.asks_for_names
        and not RatingStudy(create_study(tmp_path / "marks.sqlite", pictures()).path).asks_for_names
    )
    for identity in study.order("Ada"):
        shown = study.item(identity)
        right = study.rubric.index(shown.instrument)
        study.vote("Ada", identity, right if shown.system == REAL else (right + 1) % len(study.rubric))
    found = study.analyse()
    assert found.systems[REAL]["share"] == 1 and list(found.systems)[0] == REAL
    assert all(s["share"] == 0 for name, s in found.systems.items() if name != REAL)
    assert all(d["first"] == REAL and d["difference"] == 1 for d in found.differences)
    with pytest.raises(InputError, match="score"):
        study.vote("Ben", study.order("Ben")[0], len(study.rubric))
