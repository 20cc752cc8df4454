"Contract of avgen.report.rating: votes that last, blindness, analysis, refusals; and forty clicks with a kernel killed among them in a real JupyterLab."

import csv
import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from lab import idle, installed, run_again, served
from test_widgets import browser, missing, opened

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.report.rating import (
    REAL,
    RUBRIC,
    Item,
    RatingStudy,
    RatingWidget,
    analyse,
    check_rater,
    krippendorff_alpha,
    rating_items,
)


def pictures(n=4, systems=("real", "secret-a", "secret-b"), audio=b"\x01\x00" * 400) -> list[Item]:
    def png(seed):
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    return [
        Item(s, "double_bass", f"validation/double_bass/double_bass{i:02d}_500", png((k, i)), audio)
        for k, s in enumerate(systems)
        for i in range(n)
    ]


@pytest.fixture
def study(tmp_path):
    return RatingStudy.create(tmp_path / "study.sqlite", pictures())


def test_a_vote_is_on_the_disk_when_the_call_returns(study):
    "Another process, killed without warning right after the call, has lost nothing."
    code = f"import os; from avgen.report.rating import RatingStudy; s = RatingStudy({str(study.path)!r}); i = s.order('Ada')[0]; s.vote('Ada', i, 3, 1.5); os.kill(os.getpid(), 9)"
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


def test_the_browser_is_never_told_the_source(study):
    widget = RatingWidget(study, "Ada")
    while not widget.item.get("done"):
        sent = {n: getattr(widget, n) for n in widget.trait_names(sync=True) if n not in ("_esm", "_css")}
        assert "secret" not in repr(sent) and "validation/" not in repr(sent) and set(widget.item) == {"id", "asked"}
        widget.act = {"act": "rate", "item": widget.item["id"], "score": 1}
    assert widget.done == widget.total == 12 and widget.picture == b""


def test_the_widget_goes_on_where_it_stopped_and_takes_no_late_or_strange_click(study):
    widget = RatingWidget(study, "Ada")
    first = widget.item["id"]
    widget.act = {"act": "rate", "item": first, "score": 2, "seconds": 0.7}
    widget.act = {"act": "rate", "item": first, "score": 3, "again": 1}
    for strange in ({"score": 7}, {"score": "3"}, {"score": None}, {"score": True}):
        widget.act = {"act": "rate", "item": widget.item["id"], **strange}
    assert [v["score"] for v in study.votes()] == [2] and "Not saved" in widget.says
    again = RatingWidget(RatingStudy(study.path), "Ada")
    assert again.done == 1 and again.item == widget.item
    again.act = {"act": "undo"}
    assert again.done == 0 and again.item["id"] == first
    again.act = {"act": "leave"}
    again.act = {"act": "enter", "rater": "  Ben   Bee "}
    assert again.rater == "Ben Bee" and again.done == 0
    again.act = {"act": "enter", "rater": ""}
    assert again.rater == "Ben Bee" and "1 to 40" in again.says


def test_when_the_file_cannot_be_written_the_rater_is_told(study, monkeypatch):
    widget = RatingWidget(study, "Ada")
    before = widget.item
    with sqlite3.connect(study.path) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON votes BEGIN SELECT RAISE(ABORT, 'no'); END")
    widget.act = {"act": "rate", "item": before["id"], "score": 2}
    assert "Not saved" in widget.says and widget.item == before and widget.answer == 1
    study.path.unlink()
    with pytest.raises(InputError, match="no such file"):
        RatingStudy(study.path)


@pytest.mark.parametrize("make, words", [
    (lambda p: RatingStudy.create(p, pictures(3)), ["another one", "12 pictures", "these 9"]),
    (lambda p: RatingStudy.create(p, pictures(4, ("real", "other"))), ["another one", "secret-a", "other"]),
    (lambda p: RatingStudy.create(p.with_name("new"), []), ["none"]), (lambda p: RatingStudy.create(p.with_name("new"), pictures() * 2), ["the same"]),
    (lambda p: (p.write_bytes(b"text"), RatingStudy(p)), ["not a study", "not a database"]), (lambda p: (sqlite3.connect(p.with_name("x")).execute("CREATE TABLE about (key, value)"), RatingStudy(p.with_name("x"))), ["format None"]),
    (lambda p: RatingStudy(p).vote("Ada", "nothing", 1), ["not in this study"]), (lambda p: RatingStudy(p).vote("Ada", RatingStudy(p).order("")[0], 4), ["'score'", "0 to 3"]),
    (lambda p: RatingStudy(p).vote("a\x00b", RatingStudy(p).order("")[0], 1), ["rater"]), (lambda p: RatingStudy(p).analyse(), ["no votes"]),
])  # fmt: skip
def test_what_is_refused(study, make, words):
    with pytest.raises(InputError) as e:
        make(study.path)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_the_same_study_is_opened_again(study):
    study.vote("Ada", study.order("Ada")[0], 1)
    assert len(RatingStudy.create(study.path, pictures()).votes()) == 1


def test_csv(study, tmp_path):
    study.vote('=cmd|"x"', study.order("")[0], 3, 2.0)
    study.vote("Ada, the first", study.order("")[0], 1)
    rows = list(csv.DictReader(study.to_csv(tmp_path / "votes.csv").open()))
    assert (
        [r["rater"] for r in rows] == ['\'=cmd|"x"', "Ada, the first"]
        and rows[0]["score"] == "3"
        and rows[0]["system"] in ("real", "secret-a", "secret-b")
    )


def test_items_come_from_the_same_pairs():
    class Fake:
        config, direction = {"system": "fake"}, "S2I"

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


def test_alpha_on_the_published_example_and_at_its_ends():
    "Krippendorff 2011, example C: nominal 0.743, ordinal 0.815, interval 0.849."
    rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    votes = [(r, i, int(s)) for r, row in enumerate(rows) for i, s in enumerate(row) if s != "."]
    assert [round(krippendorff_alpha(votes, k), 3) for k in ("nominal", "ordinal", "interval")] == [0.743, 0.815, 0.849]
    assert krippendorff_alpha([(r, i, i % 4) for r in "ab" for i in range(20)]) == pytest.approx(1)
    rng = np.random.default_rng(0)
    assert abs(krippendorff_alpha([(r, i, int(rng.integers(4))) for r in "abc" for i in range(400)])) < 0.08
    assert krippendorff_alpha([("a", 1, 2), ("b", 2, 2)]) is None


def made_up(means, n, raters, seed=0):
    rng = np.random.default_rng(seed)
    return [
        dict(
            rater=f"r{r}",
            item=f"{s}{i}",
            source=f"p{i}",
            system=s,
            score=int(np.clip(round(m + rng.normal(0, 0.7)), 0, 3)),
        )
        for s, m in means.items()
        for i in range(n)
        for r in range(raters)
    ]


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


def test_names_of_raters():
    assert check_rater("  <b>Eve</b> ") == "<b>Eve</b>"  # kept as it is: it is shown as text
    for bad in ("", " ", "x" * 41, "a\u0000"):
        with pytest.raises(InputError, match="rater"):
            check_rater(bad)


NOTEBOOK = """
from avgen.report.rating import RatingStudy, RatingWidget
import os; open("kernel.pid", "w").write(str(os.getpid()))
study = RatingStudy("study.sqlite")
RatingWidget(study)
"""


@pytest.fixture
def lab(tmp_path):
    "A JupyterLab of our own on the loopback, with a study of 48 pictures."
    if not installed():
        missing("jupyterlab is not installed")
    RatingStudy.create(tmp_path / "study.sqlite", pictures(16))
    with served(tmp_path, rate=NOTEBOOK) as address:
        yield address, tmp_path


@pytest.mark.browser
def test_forty_clicks_and_a_killed_kernel_in_jupyterlab(browser, lab):
    address, folder = lab
    study, shots = RatingStudy(folder / "study.sqlite"), os.environ.get("AVGEN_SCREENSHOTS")
    page = opened(browser, "about:blank", wait=90_000, viewport={"width": 1100, "height": 900})
    shoot = lambda name: page.screenshot(path=str(Path(shots) / f"rating-{name}.png")) if shots else None
    idle(page, address, "rate")
    run_again(page)
    widget = page.locator(".avgen-rating")
    name = "<b onclick=alert(1)>Eve</b>"
    widget.locator(".avgen-rating-name").fill(name)
    shoot("name")
    widget.locator(".avgen-rating-begin").click()
    page.wait_for_selector(".avgen-rating[data-item]:not([data-item=''])")
    assert widget.locator(".avgen-rating-rater").inner_text() == f"Rater: {name}" and widget.locator("b").count() == 0
    given, asked = [], 0

    def rate(score, by):
        "One answer by mouse or key; returns when Python has said that it is saved."
        nonlocal asked
        asked += 1
        item = widget.get_attribute("data-item")
        if by == "mouse":
            widget.locator(f"[data-score='{score}']").click()
        else:
            widget.press(str(score))
        given.append((item, score))
        page.wait_for_function(
            "n => document.querySelector('.avgen-rating').dataset.done === String(n)", arg=len(given)
        )

    def undo(by):
        nonlocal asked
        asked += 1
        if by == "mouse":
            widget.locator(".avgen-rating-undo:has(kbd)").click()
        else:
            widget.press("u")
        given.pop()
        page.wait_for_function(
            "n => document.querySelector('.avgen-rating').dataset.done === String(n)", arg=len(given)
        )

    for i in range(20):
        rate(i % 4, "mouse" if i % 3 else "key")
    shoot("light")
    undo("mouse")
    undo("key")
    rate(0, "key")
    saved = lambda: [(v["item"], v["score"]) for v in study.votes(name)]
    assert saved() == given
    os.kill(int((folder / "kernel.pid").read_text()), signal.SIGKILL)  # a crash right after a click
    assert saved() == given
    (folder / "kernel.pid").unlink()
    page.wait_for_timeout(4000)  # the server notices and starts a new one
    page.wait_for_selector(".jp-StatusBar-TextItem:has-text('| Idle')")
    for _ in range(3):
        run_again(page)
        deadline = time.monotonic() + 40
        while not (folder / "kernel.pid").exists() and time.monotonic() < deadline:
            page.wait_for_timeout(500)
        if (folder / "kernel.pid").exists():
            break
    assert (folder / "kernel.pid").exists(), "the cell ran again in a new kernel"
    page.wait_for_selector(".avgen-rating[data-done='0'] .avgen-rating-form:not([hidden])")
    shoot("again")
    widget.locator(".avgen-rating-name").fill(name)
    widget.locator(".avgen-rating-name").press("Enter")
    page.wait_for_function("n => document.querySelector('.avgen-rating').dataset.done === String(n)", arg=len(given))
    order = study.order(name)
    assert [item for item, _ in given] == order[: len(given)] and widget.get_attribute("data-item") == order[
        len(given)
    ]  # it goes on with the next one
    while len(given) < 48:
        rate(len(given) % 4, "mouse" if len(given) % 2 else "key")
    page.wait_for_selector(".avgen-rating-end:not([hidden])")
    shoot("end")
    assert saved() == given and [item for item, _ in given] == order and asked >= 40 and page.errors == []
    assert {v["system"] for v in study.votes()} == {"real", "secret-a", "secret-b"} and not any(
        s in page.content() for s in ("secret-a", "secret-b")
    )
    page.close()
