"""What the command line takes and gives: files, exit codes, and what each subcommand prints."""

import json
from pathlib import Path

from drawings.card import (
    BLUE,
    DAY,
    DIM,
    DEEP_BLUE,
    DEEP_GREEN,
    DEEP_ORANGE,
    DEEP_RED,
    EDGE,
    GREEN,
    GREY,
    INK,
    MONO,
    ORANGE,
    PAPER,
    RED,
    ROSE,
    SOFT,
    Card,
)

ROOT = Path(__file__).resolve().parent.parent.parent


def printed(page: str, word: str) -> list[str]:
    """The lines that a page's cell prints in which a word stands first."""
    for cell in json.loads((ROOT / f"nbs/{page}.ipynb").read_text())["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("text", []))
            if word in text:
                return text.strip().splitlines()
    raise SystemExit(f"{page}: found no output with {word!r}; run the page")


def exit_codes() -> Card:
    card = Card(640, 300)
    card.box(14, 116, 104, 60, "$ avgen ...", GREY, 13, family=MONO)
    card.box(146, 116, 100, 60, "parse, call,\nprint", BLUE, 13)
    card.arrow((118, 146), (144, 146))
    rows = (
        ("0", "done: the result on stdout", GREEN),
        ("2", "bad input: one line that says what to do", ORANGE),
        ("1", "a run that diverged", RED),
        ("130", "Ctrl-C: a checkpoint is kept", ORANGE),
        ("143", "SIGTERM, as a cluster sends it: the same", ORANGE),
        ("...", "a mistake of ours: the whole traceback", GREY),
    )
    for i, (code, text, fill) in enumerate(rows):
        y = 16 + 46 * i
        card.arrow((246, 146), (282, y + 18))
        card.box(284, y, 46, 36, code, fill, 14, weight="bold", family=MONO)
        card.words(340, y + 23, text, 13, INK, "start")
    card.words(18, 206, "PyTorch is loaded only\nby a command that\nneeds it", 13, SOFT, "start")
    return card


def _folder(card: Card, x, y, w, h, name, lines, fill) -> None:
    """A folder with a tab: its name, and what lies in it."""
    card.area([(x, y + 6), (x, y - 8), (x + 46, y - 8), (x + 54, y + 2), (x + 54, y + 6)], EDGE)
    card.box(x, y, w, h, "", fill)
    card.words(x + 12, y + 22, name, 13, INK, "start", "bold", MONO)
    for i, line in enumerate(lines):
        code = "/" in line or "." in line or "--" in line
        card.words(x + 12, y + 44 + 19 * i, line, 13, SOFT, "start", family=MONO if code else "sans-serif")


def make_train_resume() -> Card:
    card = Card(640, 306)
    card.words(110, 34, "avgen orchestra", 14, DEEP_BLUE, weight="bold", family=MONO)
    card.arrow((110, 44), (110, 76))
    made = ("img/  pictures", "chunk/  sounds", "3,250 pairs,", "13 instruments")
    _folder(card, 16, 88, 188, 112, "data/orchestra", made, BLUE)
    card.words(272, 118, "avgen train", 14, DEEP_BLUE, weight="bold", family=MONO)
    card.arrow((206, 130), (338, 130))
    kept = ("config.json", "metrics.jsonl", "samples/", "checkpoints/")
    _folder(card, 340, 88, 180, 112, "runs/first", kept, GREEN)
    card.arrow((360, 200), (360, 240), colour=DEEP_RED)
    card.words(370, 226, "Ctrl-C: exit code 130", 13, DEEP_RED, "start")
    card.box(340, 242, 180, 46, "stopped,\nwith a checkpoint", ORANGE, 13)
    card.arrow((520, 265), (554, 265), (554, 140), (522, 140))
    card.words(564, 196, "avgen\nresume", 14, DEEP_BLUE, "start", "bold", MONO)
    card.words(16, 250, "avgen demo", 14, DEEP_BLUE, "start", "bold", MONO)
    card.words(16, 270, "does all of it, judges both", 13, SOFT, "start")
    card.words(16, 288, "directions, writes report.html", 13, SOFT, "start")
    return card


def five_questions() -> Card:
    card = Card(640, 350)
    rows = (
        ("How often is it right?", "evaluate", "counts and\nintervals"),
        ("Which run is better?", "runs compare", "curves, side\nby side"),
        ("Do the tables hold?", "study", "a paper's table,\nyour figures"),
        ("What does a person see?", "sheet", "a page with\nno names"),
        ("How do I pass it on?", "ship", "a small copy\nof a run"),
    )
    x = 422
    for i, (asked, command, gives) in enumerate(rows):
        y = 14 + 66 * i
        card.box(14, y, 612, 56, "", PAPER)
        card.words(28, y + 33, asked, 13, INK, "start", "bold")
        card.words(230, y + 33, f"avgen {command}", 13, DEEP_BLUE, "start", family=MONO)
        card.arrow((382, y + 28), (412, y + 28))
        card.words(522, y + 25, gives, 12, SOFT, "start")
        if command == "evaluate":
            card.line((x, y + 28), (x + 90, y + 28), "#d5dbe1", 6)
            card.line((x + 52, y + 28), (x + 76, y + 28), DEEP_BLUE, 6)
            card.dot(x + 64, y + 28, 5, PAPER, DEEP_BLUE, 2)
        elif command == "runs compare":
            for k, colour in enumerate((DEEP_BLUE, DEEP_ORANGE)):
                falls = [y + 12 + (24 + 7 * k) * (1 - (0.95 - 0.02 * k) ** t) for t in range(61)]
                card.curve([(x + 1.5 * t, height) for t, height in enumerate(falls)], colour, 2)
        elif command == "study":
            for k in range(9):
                fill = GREY if k < 3 or k % 3 == 0 else BLUE
                card.bar(x + 31 * (k % 3), y + 11 + 12 * (k // 3), 30, 11, fill)
        elif command == "sheet":
            for k, wall in enumerate(("#8fb3d9", "#d9b38f", "#9dc7a1")):
                card.player(x + 31 * k, y + 9, 28, wall)
                card.words(x + 14 + 31 * k, y + 51, "?", 12, SOFT, weight="bold")
        else:
            card.box(x, y + 8, 40, 40, "", GREEN)
            card.arrow((x + 42, y + 28), (x + 62, y + 28))
            card.box(x + 64, y + 18, 20, 20, "", GREEN)
    return card


def films_to_pairs() -> Card:
    card = Card(640, 372)
    out = printed("13_cli/05_prepare", "pairs of")
    rows = ["$ avgen prepare films --out band", *out[:2], ("  ...", DIM)]
    y = 48 + card.terminal(12, 12, 616, rows)
    films = ("cello/", "  monday.mp4", "  tuesday.mov", "flute/", "  take 1.mp4")
    _folder(card, 16, y, 146, 150, "films/", films, GREY)
    card.arrow((162, y + 75), (196, y + 75))
    for i, wall in enumerate(("#8fb3d9", "#9dc7a1", "#d9b38f", "#c2a3cf")):
        top = y + 6 + 36 * i
        card.player(202, top, 30, wall)
        for t in range(12):
            tall = (4, 9, 16, 22, 18, 12, 8, 14, 20, 13, 7, 4)[(t + 3 * i) % 12]
            card.bar(240 + 4 * t, top + 15 - tall / 2, 3, tall, DEEP_BLUE)
    card.words(245, y + 172, "a frame and half a second of sound", 13, SOFT)
    card.arrow((294, y + 75), (326, y + 75))
    made = (
        "img/  chunk/       the pairs",
        "prepare.json       what came of it",
        "contact_sheet.png  to look at",
        "player.html        to listen to",
        "avgen train --data band  is next",
    )
    _folder(card, 328, y, 298, 150, "band/", made, GREEN)
    card.height = y + 188
    return card


def corpus_checked() -> Card:
    lines = printed("13_cli/06_corpora", "near-silent: 1")
    begin = max(i for i, line in enumerate(lines) if line.startswith("folders in")) if lines else 0
    rows = ["$ avgen corpora check folders birds"]
    for line in lines[begin + 1 :]:
        bad = line.startswith(("near-silent: 1", "copies across splits: 1", "  "))
        rows += [(part, ROSE if bad else DAY) for part in _split(line)]
    rows += ["$ echo $?", ("1", ROSE)]
    card = Card(640, 10)
    height = card.terminal(12, 12, 440, rows)
    card.height = height + 30
    marks = {
        "class ": ("how many of each,\nin each split", DEEP_BLUE),
        "near-silent": ("nothing to hear", DEEP_RED),
        "copies": ("the same picture in\ntrain and validation", DEEP_RED),
        "1": ("so a script stops\nbefore it trains", DEEP_RED),
    }
    for i, row in enumerate(rows):
        text = row if isinstance(row, str) else row[0]
        for key, (told, colour) in marks.items():
            if text.startswith(key) and (key != "1" or text == "1"):
                y = 12 + 41 + 19 * i - 5
                card.arrow((470, y), (454, y), colour=colour)
                card.words(476, y + 5, told, 13, colour, "start")
    return card


def _split(line: str) -> list[str]:
    """A line in pieces that fit the terminal."""
    if len(line) <= 50:
        return [line]
    cut = line.rindex(" ", 0, 50)
    return [line[:cut], "    " + line[cut + 1 :]]


def _group(card: Card, x, y, columns, title, names, fill) -> int:
    """A box of commands, so many beside each other; returns its height."""
    rows = -(-len(names) // columns)
    height = 38 + 36 * rows
    card.box(x, y, 12 + 112 * columns, height, "", PAPER)
    card.words(x + 12, y + 24, title, 14, INK, "start", "bold")
    for i, name in enumerate(names):
        card.box(x + 10 + 112 * (i % columns), y + 36 + 36 * (i // columns), 102, 28, name, fill, 13, family=MONO)
    return height


def command_map() -> Card:
    """Every subcommand, from films and notes to a report; none may be missing."""
    from avgen.cli import app

    groups = (
        ("make data", ("orchestra", "prepare", "corpora", "shards"), BLUE),
        ("train", ("train", "resume"), GREEN),
        ("use", ("generate", "attend"), ORANGE),
        ("judge, list, pass on", ("evaluate", "study", "sheet", "runs", "ship"), RED),
    )
    shown = {name for _, names, _ in groups for name in names} | {"demo", "lab"}
    known = {c.name or c.callback.__name__ for c in app.registered_commands} | {g.name for g in app.registered_groups}
    if shown != known:
        raise SystemExit(f"command_map: draws {sorted(shown - known)}, leaves out {sorted(known - shown)}")
    card = Card(640, 312)
    spots = ((14, 36, 1), (206, 72, 1), (396, 14, 2), (396, 106, 2))
    for (title, names, fill), (x, y, columns) in zip(groups, spots):
        _group(card, x, y, columns, title, names, fill)
    card.arrow((138, 130), (204, 130), text="data set")
    card.arrow((330, 130), (372, 130), (372, 54), (394, 54))
    card.arrow((372, 130), (372, 180), (394, 180))
    card.words(351, 122, "a run", 12, SOFT)
    card.line((14, 264), (632, 264), "#d5dbe1", 1)
    card.box(14, 274, 74, 28, "demo", GREY, 13, family=MONO)
    card.words(98, 293, "all of it once, and one page that shows it", 13, INK, "start")
    card.box(430, 274, 60, 28, "lab", GREY, 13, family=MONO)
    card.words(500, 293, "the notebooks", 13, INK, "start")
    return card
