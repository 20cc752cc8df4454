"""Every lesson as a page of its own, and the report: they open well in both themes and widths, from disk, offline."""

import nbformat
import pytest
from chrome import opened_offline, shoot
from looks import EVERY, WIDE, dead_maps, looked_at, watched

from avgen.lessons.editions import lesson_names, lesson_page, read_lesson
from avgen.lessons.quiz import Quiz
from avgen.lessons.slow_motion import SlowMotion
from avgen.show.live import inline

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser):
    """One page for all, with the network refused."""
    context = browser.new_context(offline=True, viewport=WIDE)
    page = watched(context.new_page())
    yield page
    context.close()


def attention(lesson):
    """The view that the lesson on attention opens with."""
    from avgen.data.corpora import open_pairs
    from avgen.runs.run import Run
    from avgen.show.inspector import AttentionInspector, look_inside

    data = lesson.path.parent.parent.parent / "data"
    toy, pairs = Run.open(data / "toy", device="cpu"), open_pairs(data / "sample")
    pair = next(p for p in pairs.validation if p.instrument == "trumpet")
    maps = {name: m for name, m in look_inside(toy, pair).items() if name.startswith("encoder")}
    return AttentionInspector(maps, sound=pair.sound, rate=22050)


def alive(lesson):
    """A lesson as it is committed, with the views alive that need no training: quiz, game, attention."""
    notebook = nbformat.read(lesson.path, 4)
    for number, cell in enumerate(notebook.cells):
        view = None
        if cell.cell_type == "code" and cell.source.startswith("Quiz("):
            language = [lesson.language] if lesson.language != "en" else []
            view = Quiz(lesson.path.parent / f"quiz/{lesson.path.stem}.md", *language)
        elif cell.cell_type == "code" and cell.source.strip().endswith("SlowMotion()"):
            view = SlowMotion()
        elif lesson.path.stem == "05_reading_attention" and number == 3:
            view = attention(lesson)
        if view is not None:
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": inline(view)})]
    return notebook


@pytest.mark.parametrize("name", lesson_names())
def test_a_lesson_opens_well_as_a_page(page, tmp_path, name):
    lesson, path = read_lesson(name), tmp_path / f"{name}.html"
    path.write_text(lesson_page(lesson, alive(lesson)))
    wrong = looked_at(page, path, EVERY)
    assert not wrong, "\n".join(wrong)
    assert page.locator(".avgen-quiz-option").count() >= 2, "the quiz works without a kernel"
    assert dead_maps(page) == [] and (name != "05_reading_attention" or page.locator(".avgen-inspector").count())


BEFORE = """() => {
  const first = (selector) => document.querySelector(selector)?.getBoundingClientRect().top + scrollY;
  return [first(".hero img"), first(".lead"), first(".result .figure"), first(".avgen-grid")];
}"""
BROKEN = """() => {
  const bad = [], walk = document.createTreeWalker(document.querySelector("main").parentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest("script, style, svg")) continue;
    for (const found of node.data.matchAll(/\\d[\\d.,]*\\s%/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      if (range.getClientRects().length > 1) bad.push(found[0]);
    }
  }
  return bad;
}"""
ALONE = """() => [...document.querySelectorAll(".stacked .avgen-cards")].filter((cards) => {
  const rows = new Map();
  for (const card of cards.children) rows.set(card.offsetTop, (rows.get(card.offsetTop) ?? 0) + 1);
  return rows.size > 1 && [...rows.values()].includes(1);
}).length"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of one direction that was judged, while the evaluator goes on."""
    from report_examples import evaluation

    from avgen.data.pairs import toy_pairs
    from avgen.report.report import write_report
    from avgen.report.story import Task
    from avgen.training.runner import train

    pairs = toy_pairs(n=2, instruments=tuple(f"instrument_{letter}" for letter in "abcdefghi"))
    folder = tmp_path_factory.mktemp("report")
    options = dict(preset="toy", steps=4, sample_every=2, quiet=True)
    run = train("sa-cmgan", pairs, "S2I", run=folder / "S2I", **options)
    tasks = [Task("data", "done", 61), Task("evaluator", "running", note="40 % of its steps"), Task("judging")]
    return write_report(folder / "report.html", [run], [evaluation(pairs.instruments)], pairs, tasks=tasks)


def test_a_report_shows_pictures_before_numbers_and_breaks_none(page, report):
    assert looked_at(page, report, EVERY) == []
    for window, _ in EVERY[1:3]:
        page.set_viewport_size(window)
        picture, lead, figure, samples = page.evaluate(BEFORE)
        assert picture < lead < figure and samples > 0
        assert page.evaluate(BROKEN) == [] and page.evaluate(ALONE) == 0
    assert page.locator(".result").count() == 1, "no card for what was not judged"
    assert "evaluator, 40\u00a0% of its steps" in page.locator(".progress").inner_text()
    assert page.locator(".avgen-tile-picture + * + .avgen-ear").count() == 0, "no button lies on a picture"
    captions = page.locator(".film figcaption").all_inner_texts()
    assert captions[0] == "given" and captions[-1] == "real" and len(captions) >= 3
    shoot(page, "report", full_page=True)


def test_half_a_second_can_be_heard(browser, report):
    """It is repeated, and a soft sound is as loud as the others."""
    page = opened_offline(browser, report)
    grid = page.locator(".stacked .avgen-grid").first
    grid.locator("button.avgen-tile").first.click()
    page.wait_for_function("window.heard.length === 1")
    page.wait_for_timeout(900)  # longer than the sound itself
    assert grid.get_attribute("data-playing") == "true" and float(grid.get_attribute("data-gain")) > 0
    page.wait_for_function("document.querySelector('.stacked .avgen-grid').dataset.playing === 'false'")
    assert page.errors == [] and page.outside == []
    page.context.close()
