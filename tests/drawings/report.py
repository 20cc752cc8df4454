"""What a report knows, what accuracy leaves out, what memory costs, and the course of a demo."""

import json
from pathlib import Path

from drawings.card import (
    BLUE,
    DEEP_BLUE,
    DEEP_GREEN,
    DEEP_ORANGE,
    DEEP_RED,
    EDGE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    RED,
    SOFT,
    Card,
)

ROOT = Path(__file__).resolve().parent.parent.parent


def story_so_far() -> Card:
    card = Card(640, 330)
    card.box(14, 14, 370, 302, "", PAPER)
    card.words(28, 36, "Story", 14, INK, "start", "bold")
    card.words(372, 36, "in the middle of a demo", 12, SOFT, "end")
    tasks = (("data", "done", GREEN), ("S2I", "done", GREEN), ("I2S", "running", ORANGE), ("judging", "waiting", PAPER))
    card.words(28, 58, "tasks", 13, SOFT, "start")
    for i, (name, state, fill) in enumerate(tasks):
        card.box(28 + 87 * i, 66, 80, 44, f"{name}\n{state}", fill, 12, dashed=state == "waiting")
    known = {"S2I": "yyyn", "I2S": "ynnn"}
    for k, (direction, title) in enumerate((("S2I", "Sound to picture"), ("I2S", "Picture to sound"))):
        y = 124 + 94 * k
        card.box(28, y, 342, 82, "", BLUE if k == 0 else ORANGE)
        card.words(40, y + 22, f"Chapter: {title}", 13, INK, "start", "bold")
        for i, part in enumerate(("run", "samples", "attention", "evaluation")):
            there = known[direction][i] == "y"
            x, wide = 38 + (0, 56, 136, 224)[i], (50, 74, 82, 96)[i]
            card.box(x, y + 36, wide, 34, part, GREEN if there else PAPER, 12, dashed=not there)
    card.arrow((384, 165), (438, 165), text="write", at=(411, 156))
    card.box(440, 14, 186, 302, "", PAPER)
    card.bar(441, 34, 184, 1, "#d5dbe1")
    for i in range(3):
        card.dot(454 + 12 * i, 25, 3.5, ("#e0776b", "#e2b35c", "#78bf80")[i])
    card.words(614, 29, "report.html", 12, SOFT, "end")
    card.words(452, 58, "Sound to picture", 13, INK, "start", "bold")
    for i, wall in enumerate(("#8fb3d9", "#d9b38f", "#9dc7a1", "#c2a3cf")):
        card.player(452 + 41 * i, 68, 37, wall)
    card.box(452, 114, 160, 34, "Judged later", PAPER, 12, dashed=True)
    card.words(452, 178, "Picture to sound", 13, INK, "start", "bold")
    card.curve([(454 + 1.55 * t, 212 - 18 * 0.97**t + 2 * ((t * 7) % 5 - 2) * 0.5) for t in range(50)], DEEP_ORANGE, 2)
    card.line((452, 226), (612, 226), EDGE, 1)
    card.words(532, 242, "step 1,200 of 3,400", 12, SOFT)
    card.box(452, 254, 160, 34, "No samples yet", PAPER, 12, dashed=True)
    card.words(533, 306, "looks for a newer one", 12, SOFT)
    return card


def beside_accuracy() -> Card:
    """The figures of the trained pair, from its committed reports."""
    reports = [json.loads((ROOT / f"data/systems/duet-{d.lower()}/report.json").read_text())[d] for d in ("S2I", "I2S")]
    card = Card(640, 336)
    left, wide = 178, 380

    def at(value: float) -> float:
        return left + wide * max(0.0, min(1.0, value))

    for value in (0, 0.25, 0.5, 0.75, 1):
        card.line((at(value), 46), (at(value), 292), "#e3e8ed", 1)
        card.words(at(value), 308, f"{value:g}", 12, SOFT)
    rows = (
        ("accuracy", "is it the right\ninstrument?", lambda r: (r["accuracy"], r["evaluator_accuracy"])),
        ("recall", "how much of the\nreal variety?", lambda r: (r["recall"], r["real_precision_recall"][1])),
        ("follows", "does it follow\npose or pitch?", lambda r: (r["follows"]["score"], r["follows"]["real"])),
    )
    for i, (name, asks, read) in enumerate(rows):
        y = 54 + 82 * i
        card.words(14, y + 18, name, 14, INK, "start", "bold")
        card.words(14, y + 38, asks, 13, SOFT, "start")
        for k, report in enumerate(reports):
            value, real = read(report)
            top, colour = y + 4 + 30 * k, (DEEP_BLUE, DEEP_ORANGE)[k]
            card.bar(left, top, max(2, at(value) - left), 22, colour)
            short = value < 0.3  # its figure stands beside the bar
            x, colour, side = (at(value) + 8, INK, "start") if short else (at(value) - 8, PAPER, "end")
            card.words(x, top + 16, f"{value:z.2f}", 13, colour, side, "bold")
            if name == "accuracy":
                batch = report["one_batch_of_64"]
                card.line((at(batch["low"]), top + 26), (at(batch["high"]), top + 26), INK, 3)
            card.bar(at(real) - 1.5, top - 3, 3, 28, INK)
            card.words(at(real) + 7, top + 16, f"{real:.2f}", 12, SOFT, "start")
    for k, text in enumerate(("pictures from sounds", "sounds from pictures")):
        card.bar(14 + 190 * k, 18, 14, 14, (DEEP_BLUE, DEEP_ORANGE)[k])
        card.words(34 + 190 * k, 30, text, 13, INK, "start")
    card.bar(402, 14, 3, 22, INK)
    card.words(412, 30, "real ones", 13, INK, "start")
    card.line((14, 322), (40, 322), INK, 3)
    card.words(50, 326, "what 95 % of random batches of 64 would have said", 13, SOFT, "start")
    return card


def family_memory() -> Card:
    card = Card(640, 292)
    left, base, wide, tall = 60, 236, 400, 190
    main = [0.22 + 0.10 * (t > 6) + 0.12 * (t > 14) - 0.14 * (t > 33) for t in range(41)]
    one = [max(0.0, min(0.26, 0.05 * (t - 8))) * (t < 28) for t in range(41)]
    two = [max(0.0, min(0.22, 0.05 * (t - 11))) * (t < 31) for t in range(41)]
    floor = [0.0] * 41
    for course, fill in ((main, "#a9cbe8"), (one, "#b5dba9"), (two, "#f7cf9b")):
        top = [f + c for f, c in zip(floor, course)]
        points = [(left + wide * t / 40, base - tall * v) for t, v in enumerate(top)]
        under = [(left + wide * t / 40, base - tall * v) for t, v in enumerate(floor)]
        card.area(points + under[::-1], fill)
        floor = top
    card.curve([(left + wide * t / 40, base - tall * v) for t, v in enumerate(floor)], INK, 2)
    for t in range(0, 41, 2):
        card.dot(left + wide * t / 40, base - tall * floor[t], 2.6, INK)
    most = max(range(0, 41, 2), key=lambda t: floor[t])
    x, y = left + wide * most / 40, base - tall * floor[most]
    card.dot(x, y, 7, "none", DEEP_RED, 2)
    card.words(x + 14, y - 12, "memory_mb: the most that was seen", 13, DEEP_RED, "start", "bold")
    own, highest = [], 0.0
    for t, value in enumerate(main):
        highest = max(highest, value)
        own.append((left + wide * t / 40, base - tall * highest))
    card.curve(own, DEEP_BLUE, 2, dashed=True)
    card.words(left + wide + 8, own[-1][1] - 4, "ru_maxrss: this process", 12, DEEP_BLUE, "start")
    card.words(left + wide + 8, own[-1][1] + 12, "alone, and never falls", 12, DEEP_BLUE, "start")
    card.arrow((left, base), (left + wide + 14, base))
    card.arrow((left, base), (left, 26))
    card.words(left - 8, 40, "MB", 12, SOFT, "end")
    card.words(left + wide, base + 18, "seconds", 12, SOFT, "end")
    card.words(left + 12, base - 12, "this process", 13, INK, "start")
    card.words(left + 212, base - 98, "worker 1", 13, INK)
    card.words(left + 212, base - 146, "worker 2", 13, INK)
    card.dot(left + 4, 274, 2.6, INK)
    card.words(left + 14, 278, "a look at the whole family, again and again", 13, SOFT, "start")
    return card


def the_demo() -> Card:
    card = Card(640, 334)
    rows = (
        ("what came with the kit", 0, 40, GREY, "shown within the first minute"),
        ("data", 40, 84, BLUE, "made"),
        ("sound to picture", 84, 250, GREEN, "a run"),
        ("picture to sound", 84, 232, GREEN, "beside it"),
        ("evaluator", 250, 364, ORANGE, "on real pairs"),
        ("judging", 364, 412, RED, ""),
    )
    left, cut = 182, 196
    for i, (name, begin, end, fill, text) in enumerate(rows):
        y = 20 + 34 * i
        card.words(left - 12, y + 17, name, 13, INK, "end")
        card.box(left + begin, y, end - begin, 26, text if fill == ORANGE else "", fill, 12)
        if fill == GREEN:
            card.words(left + begin + 10, y + 17, text, 12, INK, "start")
        elif fill != ORANGE and text:
            card.words(left + end + 8, y + 17, text, 12, SOFT, "start")
    card.line((left + cut, 54), (left + cut, 300), DEEP_RED, 2, True)
    card.words(left + cut + 70, 105, "Ctrl-C, or a power cut", 13, DEEP_RED, "start")
    card.arrow((left, 232), (628, 232))
    card.words(170, 258, "report.html is written", 13, INK, "end")
    for x in (14, 40, 84, 250, 364, 412):
        card.bar(left + x - 8, 242, 16, 20, PAPER, EDGE)
        card.bar(left + x - 5, 246, 10, 6, "#8fb3d9")
        card.line((left + x - 5, 256), (left + x + 5, 256), EDGE, 1)
    card.words(170, 294, "demo.json remembers", 13, INK, "end")
    card.dot(left + 84, 290, 6, GREEN, DEEP_GREEN)
    card.words(left + 98, 294, "data: done", 13, DEEP_GREEN, "start")
    card.arrow((left + cut, 290), (left + cut + 50, 290), colour=DEEP_RED)
    card.words(left + cut + 58, 294, "the same command goes on", 13, DEEP_RED, "start")
    card.words(left + cut + 58, 314, "from the run's checkpoint", 13, SOFT, "start")
    return card
