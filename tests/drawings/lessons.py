"""What a student sees: an answer that is answered, the course's exercises, a quiz, the editions of a lesson."""

import json
import math
import re
from pathlib import Path

from drawings.card import (
    BLUE,
    DEEP_BLUE,
    DEEP_GREEN,
    DEEP_RED,
    DIM,
    EDGE,
    GREEN,
    GREY,
    INK,
    MONO,
    ORANGE,
    PAPER,
    RED,
    SOFT,
    Card,
)

ROOT = Path(__file__).resolve().parent.parent.parent
STICK = "#c2410c"


def wrapped(text: str, letters: int) -> list[str]:
    """Break a text into lines of at most so many letters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def answered() -> Card:
    """Four answers to one exercise of the first lesson, and what it says to each."""
    from avgen.lessons.exercises import check_columns

    check_columns.wrong = 0
    card = Card(640, 436)
    y = 14
    for answer in (43, 10, 64, 44):
        verdict = check_columns(answer)
        colour = DEEP_GREEN if verdict else STICK
        said = wrapped(verdict.says, 80)
        hint = wrapped(f"Hint: {verdict.hint}", 80) if verdict.hint else []
        card.box(16, y, 608, 28, "", GREY)
        card.words(28, y + 19, f"check_columns({answer})", 13, INK, "start", family=MONO)
        y += 36
        tall = 30 + 18 * (len(said) + len(hint))
        card.bar(28, y, 4, tall, colour)
        card.words(44, y + 17, "✓ Right." if verdict else "✗ Not yet.", 13, colour, "start", "bold")
        for i, line in enumerate([*said, *hint]):
            card.words(44, y + 37 + 18 * i, line, 13, SOFT if i >= len(said) else INK, "start")
        y += tall + 10
    card.height = y + 4
    check_columns.wrong = 0
    return card


def all_exercises() -> Card:
    """Every lesson with its exercises, and how many slips each knows."""
    from avgen.lessons import exercises

    cells = json.loads((ROOT / "nbs/15_lessons/02_exercises.ipynb").read_text())["cells"]
    lessons, card = [], Card(640, 10)
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (title := re.search(r"^## (.+)$", source, re.M)):
            lessons.append((title.group(1), []))
        elif re.search(r"^#\| *export", source, re.M) and lessons:
            lessons[-1][1].extend(re.findall(r"^(check_\w+) = ", source, re.M))
    lessons = [(title, names) for title, names in lessons if names]
    for i, (title, names) in enumerate(lessons):
        y = 40 + 44 * i
        card.dot(28, y + 18, 12, BLUE, DEEP_BLUE)
        card.words(28, y + 23, str(i + 1), 13, INK, weight="bold")
        card.words(50, y + 23, title, 13, INK, "start")
        x = 250
        for name in names:
            known = getattr(exercises, name)
            wide = 28 + 7.4 * len(name.removeprefix("check_"))
            card.box(x, y, round(wide), 36, "", GREY)
            card.words(x + 10, y + 17, name.removeprefix("check_"), 12, INK, "start")
            for k in range(len(known.slips)):
                card.dot(x + 14 + 9 * k, y + 27, 3.2, STICK)
            x += round(wide) + 8
    card.words(16, 24, "lesson", 13, SOFT, "start")
    card.words(250, 24, "exercises: check_...(answer)", 13, SOFT, "start")
    y = 40 + 44 * len(lessons)
    card.dot(24, y + 14, 3.4, STICK)
    card.words(36, y + 18, "a slip that is recognised: the answer says what is wrong about it", 13, SOFT, "start")
    card.height = y + 34
    return card


def quiz_card() -> Card:
    """The first question of lesson one as text and as a student sees it, after one wrong answer."""
    from avgen.lessons.quiz import WORDS, read_quiz

    questions = read_quiz(ROOT / "nbs/tutorials/quiz/01_see_a_sound.md")
    question = questions[1]
    options = [question["options"][i] for i in (1, 0, 2)]  # a student's sight: the right one is not always first
    card = Card(640, 372)
    card.box(14, 14, 612, 344, "", PAPER)
    card.words(30, 42, "Quiz", 15, INK, "start", "bold")
    said = WORDS["en"]["score"].format(right=1, tried=2, all=len(questions))
    card.words(610, 42, said, 13, SOFT, "end")
    for i in range(len(questions)):
        fill = GREEN if i == 0 else RED if i == 1 else GREY
        card.dot(42 + 32 * i, 68, 12, fill, INK if i == 1 else EDGE, 2 if i == 1 else 1)
        card.words(42 + 32 * i, 73, str(i + 1), 13)
    card.words(30, 112, f"2. {question['text']}", 15, INK, "start", "bold")
    for i, option in enumerate(options):
        y = 128 + 46 * i
        card.box(30, y, 580, 38, "", RED if i == 0 else PAPER)
        card.words(50, y + 24, "✗" if i == 0 else "ABC"[i], 14, DEEP_RED if i == 0 else SOFT, weight="bold")
        card.words(70, y + 24, option["text"], 14, INK, "start")
    card.bar(30, 274, 4, 26, DEEP_RED)
    card.words(44, 292, options[0]["why"], 14, INK, "start")
    card.box(30, 314, 84, 32, WORDS["en"]["back"], GREY, 13)
    card.box(526, 314, 84, 32, WORDS["en"]["next"], GREY, 13)
    return card


def _cell(card: Card, x, y, w, h, kind: str) -> None:
    """A cell of a notebook in small: prose, code, a view, a solution, or room for one."""
    fill = {"prose": PAPER, "code": GREY, "view": BLUE, "solution": ORANGE, "room": PAPER, "goal": GREEN}[kind]
    card.bar(x, y, w, h, fill, EDGE)
    if kind in ("prose", "code", "solution", "goal"):
        for i in range(int((h - 6) // 6)):
            long = w - 10 if i % 2 == 0 else w - 26
            card.line((x + 5, y + 6 + 6 * i), (x + 5 + long, y + 6 + 6 * i), "#9aa6b2", 1.5)
    if kind == "view":
        wave = []
        for t in range(0, int(w) - 10, 2):
            wave.append((x + 5 + t, y + h / 2 - (h / 2 - 4) * math.exp(-2.2 * t / w) * math.sin(0.45 * t)))
        card.curve(wave, DEEP_BLUE, 1.5)
    if kind == "room":
        card.line((x + 5, y + h - 6), (x + w - 5, y + h - 6), "#9aa6b2", 1)


def editions() -> Card:
    card = Card(640, 372)
    card.words(86, 30, "the lesson", 15, INK, weight="bold")
    card.words(86, 50, "nbs/tutorials/*.ipynb", 12, SOFT, family=MONO)
    course = (("prose", 30), ("code", 22), ("view", 38), ("prose", 24), ("solution", 30), ("code", 22), ("view", 38))
    y = 64
    card.box(26, 58, 120, 246, "", PAPER)
    for kind, tall in course:
        _cell(card, 36, y + 4, 100, tall, kind)
        y += tall + 5
    card.words(86, 326, "kept once", 13, SOFT)
    targets = (
        (16, "for students", ".student.ipynb", "no solutions, no outputs"),
        (104, "slides", ".slides.html", "a paragraph and its cells"),
        (192, "a living page", ".html", "works without a kernel"),
        (280, "for the teacher", ".teacher.md", "goals, minutes, solutions"),
    )
    for i, (top, name, ending, told) in enumerate(targets):
        card.arrow((148, 180), (222, top + 38))
        card.box(224, top, 402, 78, "", PAPER)
        card.words(400, top + 26, name, 14, INK, "start", "bold")
        card.words(400, top + 46, ending, 13, DEEP_BLUE, "start", family=MONO)
        card.words(400, top + 66, told, 13, SOFT, "start")
        if i == 0:
            for k, kind in enumerate(("prose", "code", "room", "code")):
                _cell(card, 236 + 38 * k, top + 24, 34, 34, kind)
        elif i == 1:
            for k, pair in enumerate((("prose", "code"), ("prose", "view"), ("prose", "code"))):
                card.bar(236 + 51 * k, top + 14, 46, 52, PAPER, EDGE)
                _cell(card, 241 + 51 * k, top + 18, 36, 18, pair[0])
                _cell(card, 241 + 51 * k, top + 40, 36, 22, pair[1])
        elif i == 2:
            card.bar(236, top + 10, 150, 58, PAPER, EDGE)
            _cell(card, 244, top + 16, 56, 22, "prose")
            _cell(card, 244, top + 42, 56, 22, "solution")
            _cell(card, 308, top + 16, 70, 48, "view")
        else:
            _cell(card, 236, top + 16, 44, 46, "goal")
            for k, (minutes, share) in enumerate((("0:00", 34), ("0:12", 58), ("0:30", 26))):
                card.words(320, top + 28 + 17 * k, minutes, 12, SOFT, "end")
                card.bar(326, top + 18 + 17 * k, share, 11, "#a9cbe8")
    return card


def lesson_command() -> Card:
    """The list of the lessons, as the command prints it, and one edition made."""
    from avgen.lessons.editions import LANGUAGES, lesson_names, read_lesson

    rows = ["$ python -m avgen.lessons"]
    for name in lesson_names():
        if name.rpartition(".")[2] in LANGUAGES:
            continue  # fonts for them are not everywhere
        lesson = read_lesson(name)
        rows.append(f"{name:28}{lesson.minutes:4} min  {lesson.title}")
    rows += [("...", DIM), "", "$ python -m avgen.lessons 02_first_light --student"]
    rows.append("runs/lessons/02_first_light.student.ipynb")
    card = Card(640, 10)
    card.height = card.terminal(12, 12, 616, rows) + 24
    return card
