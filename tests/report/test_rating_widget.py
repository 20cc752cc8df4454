"""Contract of avgen.report.rating_widget: blindness, no late click; forty clicks and a killed kernel in JupyterLab."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from lab import idle, installed, run_again, served
from rating_examples import pictures
from chrome import missing, opened

from avgen.core import InputError
from avgen.report.rating_study import RatingStudy, create_study
from avgen.report.rating_widget import RatingWidget


@pytest.fixture
def study(tmp_path):
    return create_study(tmp_path / "study.sqlite", pictures())


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


# what was given is counted, and the widget is ready for the next mark
SAVED = """n => {
  const { done, waiting } = document.querySelector('.avgen-rating').dataset;
  return done === String(n) && waiting !== 'true';
}"""
NOTEBOOK = """
from avgen.report.rating_study import RatingStudy
from avgen.report.rating_widget import RatingWidget
import os; open("kernel.pid", "w").write(str(os.getpid()))
study = RatingStudy("study.sqlite")
RatingWidget(study)
"""


@pytest.fixture
def lab(tmp_path):
    "A JupyterLab of our own on the loopback, with a study of 48 pictures."
    if not installed():
        missing("jupyterlab is not installed")
    create_study(tmp_path / "study.sqlite", pictures(16))
    with served(tmp_path, rate=NOTEBOOK) as address:
        yield address, tmp_path


@pytest.mark.browser
def test_forty_clicks_and_a_killed_kernel_in_jupyterlab(browser, lab):
    address, folder = lab
    study, shots = RatingStudy(folder / "study.sqlite"), os.environ.get("AVGEN_SCREENSHOTS")
    page = opened(browser, "about:blank", wait=90_000, viewport={"width": 1100, "height": 900})

    def shoot(name):
        if shots:
            page.screenshot(path=str(Path(shots) / f"rating-{name}.png"))

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
        page.wait_for_function(SAVED, arg=len(given))

    def undo(by):
        nonlocal asked
        asked += 1
        if by == "mouse":
            widget.locator(".avgen-rating-undo:has(kbd)").click()
        else:
            widget.press("u")
        given.pop()
        page.wait_for_function(SAVED, arg=len(given))

    for i in range(20):
        rate(i % 4, "mouse" if i % 3 else "key")
    shoot("light")
    undo("mouse")
    undo("key")
    rate(0, "key")

    def saved():
        return [(v["item"], v["score"]) for v in study.votes(name)]

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
    page.wait_for_function(SAVED, arg=len(given))
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
