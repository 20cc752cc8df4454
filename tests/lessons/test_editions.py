"Editions of lessons, and what every lesson must have: goals, minutes, a quiz, answers, translations in step."

import json
import re

import nbformat
import pytest
from chrome import opened_offline, shoot

from avgen.core import InputError
from avgen.lessons import editions
from avgen.lessons.editions import (
    Lesson,
    executed,
    formula,
    lesson_names,
    lesson_page,
    lessons_folder,
    prose,
    read_lesson,
    student_edition,
    teacher_page,
)
from avgen.lessons.quiz import Quiz

NAMES = lesson_names()
ENGLISH = [name for name in NAMES if "." not in name]
CODE = """
import torch
from avgen.lessons.answers import beside
from avgen.lessons.quiz import Quiz
from avgen.lessons.slow_motion import SlowMotion
from avgen.show.sound_player import SoundPlayer
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

sound = Sound.from_waveform(torch.sin(torch.arange(22050) * 0.1), SpectrogramConfig(), "a tone")
display(sound)
display(SlowMotion())
display(beside("none", figure=1))
print("said")
yes, no = dict(text="yes", right=True, why="So."), dict(text="no", right=False, why="No.")
Quiz([dict(text="Yes?", options=[yes, no])])
"""
PROSE = (
    "# Small\n\n- see\n- hear\n",
    "## One (3 min)\n\n$x^2$ and\n\n$$L_D = 1$$\n\n"
    "<details><summary>Solution</summary>\n\nSECRET\n\n</details>\n\nafter",
    "## Two (4 min)\n\n[next](02_b.ipynb)\n\n## Quiz (1 min)",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    "A small lesson with every kind of view."
    folder = tmp_path_factory.mktemp("lessons")
    first, second, third = map(nbformat.v4.new_markdown_cell, PROSE)
    code = nbformat.v4.new_code_cell(CODE.strip())
    nbformat.write(nbformat.v4.new_notebook(cells=[first, second, code, third]), folder / "01_small.ipynb")
    (folder / "teacher").mkdir()
    (folder / "teacher/01_small.md").write_text("## Where students stumble\n\nEverywhere.")
    (folder / "teacher/everywhere.md").write_text("## Thirty people, offline\n\nTake a stick.")
    return read_lesson(folder / "01_small.ipynb")


@pytest.fixture(scope="module")
def ran(small):
    "The small lesson, run once."
    return executed(small, quick=True, seconds=240)


def test_a_lesson_is_read(small):
    assert (small.title, small.goals, small.minutes, small.language) == ("Small", ("see", "hear"), 8, "en")
    with pytest.raises(InputError, match="02_first_light"):
        read_lesson("02_first_lihgt")


def test_the_students_edition_has_no_solution_and_no_output(small, ran):
    notebook = student_edition(small)
    text = nbformat.writes(notebook)
    assert "SECRET" not in text and "Your solution" in text and "after" in text
    assert not any(c.get("outputs") for c in notebook.cells)
    nbformat.validate(notebook)


def test_the_teachers_page_has_everything_in_one(small):
    text = teacher_page(small)
    for part in ("- see", "Plan: 8 minutes", "| 0:03 | 4 min | Two |", "Everywhere.", "Take a stick.", "1. SECRET"):
        assert part in text, part


def test_formulas_and_prose_need_no_network():
    assert formula(r"\frac{1}{2}\,\mathbb{E}[\max(0, 1 - D(\hat x, c))]").startswith("<svg")
    assert formula("\\what{").startswith("<code>")
    made = prose("`a$b$c` and $x$\n\n```\n$no$\n```\n\n| a |\n|---|\n| $y$ |\n")
    assert made.count("<svg") == 2 and "a$b$c" in made and "$no$" in made and "<table>" in made
    assert "\x02" not in made


@pytest.mark.parametrize("name", NAMES)
def test_every_formula_of_a_lesson_can_be_drawn(name):
    text = "\n".join(c.source for c in nbformat.read(read_lesson(name).path, 4).cells if c.cell_type == "markdown")
    text = re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.S)
    for tex in re.findall(r"\$\$(.+?)\$\$", text, re.S) + re.findall(r"(?<![\\$])\$([^$\n]+?)\$", text):
        assert formula(tex).startswith("<svg"), tex


@pytest.mark.browser
@pytest.mark.parametrize("scheme, width", [("light", 1600), ("dark", 600)])
def test_a_page_lives_from_disk_without_a_network(browser, small, ran, tmp_path, scheme, width):
    path = tmp_path / "small.html"
    path.write_text(lesson_page(small, ran))
    page = opened_offline(browser, path, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.get_by_role("button", name="D step").click()
    assert page.locator(".avgen-toy").get_attribute("data-steps") == "1,0"
    page.locator(".avgen-quiz-option").first.click()
    assert "So." in page.locator(".avgen-quiz-why").inner_text()
    page.locator(".avgen-play").first.click()
    page.wait_for_function("window.heard.length > 0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, f"lesson-{scheme}", full_page=True)
    assert not page.errors and not page.outside
    page.context.close()


@pytest.mark.browser
def test_slides_are_turned_with_keys(browser, small, ran, tmp_path):
    path = tmp_path / "small.slides.html"
    path.write_text(lesson_page(small, ran, slides=True))
    page = opened_offline(browser, path)
    shown = page.locator("section.now")
    assert "Small" in shown.inner_text() and page.locator("nav span").inner_text() == "1 / 3"
    page.keyboard.press("ArrowRight")
    assert "One" in shown.inner_text() and shown.locator("[data-widget]").count() == 3
    page.locator("#on").click()
    page.keyboard.press("ArrowRight")
    assert "Two" in shown.inner_text() and page.locator("nav span").inner_text() == "3 / 3"
    page.keyboard.press("ArrowLeft")
    assert "One" in shown.inner_text() and not page.errors and not page.outside
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_goals_minutes_a_quiz_and_a_next(name):
    lesson = read_lesson(name)
    assert 3 <= len(lesson.goals) <= 6, lesson.goals
    assert len(lesson.sections) >= 4 and 25 <= lesson.minutes <= 90, (lesson.minutes, lesson.sections)
    text = "\n".join(c.source for c in nbformat.read(lesson.path, 4).cells)
    headings = re.findall(r"^## (?:\d|Quiz|小).*$", text, re.M)
    assert len(headings) == len(lesson.sections), f"a section without minutes: {headings}"
    assert f'Quiz("quiz/{name}.md"' in text and re.search(r"^(Next|下一课|次へ)[:：]", text, re.M)
    assert "beside(" in text, "our figures stand beside the reader's"


def test_the_second_lesson_fills_ninety_minutes():
    assert read_lesson("02_first_light").minutes == 90


@pytest.mark.parametrize("name", ENGLISH)
def test_the_teacher_has_a_page_for_each_lesson(name):
    text = teacher_page(read_lesson(name))
    for part in ("Goals", "Plan: ", "Prerequisites", "Where students stumble", "Thirty people, offline", "filmed"):
        assert part in text, part


@pytest.mark.parametrize("language", editions.LANGUAGES)
def test_a_translation_is_in_step(language):
    "The same cells in the same order, the same code, the same figures, formulas and outputs."

    def read(name):
        return nbformat.read(lessons_folder() / f"{name}.ipynb", 4).cells

    def figures(text):
        return sorted(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"\([\w./]+\.\w+\)", "", text)))

    english, other = read("02_first_light"), read(f"02_first_light.{language}")
    assert [c.cell_type for c in english] == [c.cell_type for c in other]
    for a, b in zip(english, other):
        if a.cell_type == "code" and "Quiz(" in a.source:
            assert b.source == f'Quiz("quiz/02_first_light.{language}.md", "{language}")' or "import" in a.source
        elif a.cell_type == "code":
            assert a.source == b.source and json.dumps(a.outputs) == json.dumps(b.outputs)
        else:
            for pattern in (r"\$\$.+?\$\$", r"^#+ ", r"^- ", r"<details>", r"!\[", r"`[^`\n]+`"):
                found = [re.findall(pattern, c.source, re.M | re.S) for c in (a, b)]
                assert found[0] == found[1] or sorted(found[0]) == sorted(found[1]), (pattern, a.source[:60])
            digits = [figures(re.sub(r"^## .*$", "", c.source, flags=re.M)) for c in (a, b)]
            missing = set(digits[0]) - set(digits[1])
            assert not missing, (missing, a.source[:60])
    spans = [read_lesson(n).sections for n in ("02_first_light", f"02_first_light.{language}")]
    assert [m for _, m in spans[0]] == [m for _, m in spans[1]]


def test_the_twelve_questions_are_answered_by_sentences_that_stand_there():
    text = (lessons_folder() / "twelve_questions.md").read_text()
    questions = re.split(r"^\d+\. ", text, flags=re.M)[1:]
    assert len(questions) == 12
    for question in questions:
        pages = re.findall(r"\]\((\w+)\.ipynb\)", question)
        sentences = re.findall(r"^ *> (.+)$", question, re.M)
        assert pages and sentences, question
        students = [student_edition(read_lesson(page)) for page in pages]  # solutions are not counted
        told = "\n".join(c.source for s in students for c in s.cells if c.cell_type == "markdown")
        for sentence in sentences:
            assert sentence in told, f"not in {pages}: {sentence}"


def test_a_translation_runs_the_cells_of_the_lesson():
    """`make test` runs a lesson in its first language only: in another one every cell of code is the same."""
    translations = sorted(p for p in lessons_folder().glob("*.ipynb") if re.search(r"\.(ja|zh)\.", p.name))
    assert len(translations) == 2
    for path in translations:
        language = path.stem.rpartition(".")[2]
        lesson = path.with_name(path.name.replace(f".{language}.", "."))
        ours, theirs = ([c.source for c in nbformat.read(p, 4).cells if c.cell_type == "code"] for p in (lesson, path))
        assert [s.replace(f'.{language}.md", "{language}")', '.md")') for s in theirs] == ours
        assert Quiz(path.parent / "quiz" / f"{path.stem}.md", language)


def test_a_lesson_knows_its_language():
    assert Lesson(lessons_folder() / "02_first_light.zh.ipynb", "", (), ()).language == "zh"


def test_the_exercises_of_the_other_pages_have_folded_solutions():
    from house import cells, page_order

    asking = 0
    for page in page_order():
        text = "\n".join(source for kind, source in cells(page) if kind == "markdown")
        if re.search(r"\*\*Exercises?\.?\*\*", text):
            asking += 1
            assert re.search(r"<details>\s*<summary>", text), f"{page.name}: an exercise without a folded solution"
    assert asking > 60
