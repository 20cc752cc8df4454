"""Runs that tables share, what raters say, and what the widgets of a trained run show."""

from drawings.card import (
    BLUE,
    DAY,
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
    SOFT,
    Card,
)


def shared_runs() -> Card:
    card = Card(640, 268)
    card.words(96, 28, "what a table asks for", 13, SOFT)
    card.words(328, 28, "a folder named by it", 13, SOFT)
    card.words(552, 28, "tables", 13, SOFT)
    jobs = (("sa-cmgan, S2I", "seed 0"), ("sa-cmgan, S2I", "seed 1"), ("cmav-s2i-c", "seed 0"))
    for i, (system, seed) in enumerate(jobs):
        y = 42 + 66 * i
        card.box(14, y, 164, 50, f"{system}\nits settings, {seed}", BLUE, 13)
        card.arrow((178, y + 25), (240, y + 25), text="digest" if i == 0 else "")
        card.box(
            242, y, 172, 50, ("sa-cmgan-...3f9a", "sa-cmgan-...c41e", "cmav-s2i-c-...77b0")[i], GREY, 13, family=MONO
        )
    for i, (name, runs) in enumerate((("poster-1", (2,)), ("poster-2", (0, 1)), ("protocols", (0, 1, 2)))):
        y = 42 + 66 * i
        card.box(492, y, 134, 50, name, GREEN, 13)
        for run in runs:
            card.arrow((414, 67 + 66 * run), (490, y + 25))
    card.words(
        14,
        254,
        "Who needs the same run finds it: trained once, judged once, in as many tables as ask.",
        13,
        SOFT,
        "start",
    )
    return card


def one_workplace() -> Card:
    card = Card(640, 262)
    for i, name in enumerate(("worker 1", "worker 2", "another machine")):
        card.box(14, 34 + 66 * i, 132, 46, name, GREEN, 13)
        card.arrow((146, 57 + 66 * i), (196, (84, 123, 162)[i]))
    card.box(198, 20, 252, 206, "", PAPER)
    card.words(324, 44, "the study's folder", 14, INK, weight="bold")
    rows = (
        ("run of job A", "trained, judged", GREEN),
        ("run of job B", "worker 1 is at it", ORANGE),
        ("run of job C", "worker 2 is at it", ORANGE),
        ("run of job D", "waits", PAPER),
        ("one judge", "for everybody", BLUE),
    )
    for i, (name, state, fill) in enumerate(rows):
        card.box(210, 56 + 33 * i, 110, 27, name, fill, 12, dashed=state == "waits")
        card.words(330, 74 + 33 * i, state, 12, SOFT, "start")
    card.arrow((450, 123), (494, 123))
    card.box(496, 74, 130, 98, "", PAPER)
    card.words(561, 96, "a table's line", 13, INK, weight="bold")
    for i, share in enumerate((0.55, 0.78)):
        y = 122 + 28 * i
        card.line((508, y), (614, y), "#d5dbe1", 5)
        card.line((508 + 106 * (share - 0.14), y), (508 + 106 * (share + 0.12), y), DEEP_BLUE, 5)
        card.dot(508 + 106 * share, y, 4.5, PAPER, DEEP_BLUE, 2)
    card.words(
        14, 252, "Killed and started again, a worker goes on with what nobody else has taken.", 13, SOFT, "start"
    )
    return card


def rated() -> Card:
    """The published means on the scale that was asked with."""
    from avgen.report.rating_analysis import PUBLISHED, REAL, RUBRIC

    card, left, wide = Card(640, 276), 118, 480
    for score, text in enumerate(RUBRIC):
        y = 190 + 22 * score
        card.words(24, y, str(score), 13, INK, "start", "bold")
        card.words(44, y, text, 13, SOFT, "start")
        card.line((left + wide * score / 3, 32), (left + wide * score / 3, 146), "#d5dbe1", 1)
        card.words(left + wide * score / 3, 24, str(score), 13, INK, weight="bold")
    for i, (name, mean) in enumerate(sorted(PUBLISHED.items(), key=lambda row: -row[1])):
        y = 46 + 29 * i
        colour = DEEP_GREEN if name == REAL else DEEP_BLUE
        card.words(left - 10, y + 5, name, 13, INK, "end", "bold" if name == REAL else "normal")
        card.line((left, y), (left + wide * mean / 3, y), colour, 3)
        card.dot(left + wide * mean / 3, y, 6, colour)
        card.words(left + wide * mean / 3 + 12, y + 5, f"{mean:.2f}", 13, INK, "start")
    return card


def voted() -> Card:
    card = Card(640, 250)
    walls = ("#8fb3d9", "#d9b38f", "#9dc7a1", "#c2a3cf", "#d99f9f", "#9fc9c9")
    card.words(90, 28, "real, and of each system", 13, SOFT)
    for i, wall in enumerate(walls):
        card.player(20 + 50 * (i % 3), 42 + 62 * (i // 3), 40, wall)
        card.words(40 + 50 * (i % 3), 94 + 62 * (i // 3), ("real", "A", "B")[i % 3], 12, SOFT)
    card.arrow((172, 104), (226, 104), text="shuffled", at=(199, 94))
    card.box(228, 26, 214, 158, "", PAPER)
    card.words(240, 48, "trumpet", 13, INK, "start", "bold")
    card.words(430, 48, "7 of 60", 12, SOFT, "end")
    card.player(304, 58, 64, walls[1])
    for i in range(4):
        card.box(242 + 48 * i, 138, 42, 32, str(i), ORANGE if i == 2 else GREY, 14)
    card.arrow((442, 104), (484, 104), text="a vote", at=(463, 94))
    card.box(486, 44, 140, 120, "", GREEN)
    card.words(556, 66, "study.sqlite", 13, INK, weight="bold", family=MONO)
    card.words(556, 92, "on the disk before\nthe next picture\nappears; an undo\nis one more line", 12)
    card.words(14, 214, "The rater is told what was asked for, and never whose picture it is.", 13, SOFT, "start")
    card.words(
        14,
        234,
        "The order follows from the rater's name: after a crash it goes on with the same picture.",
        13,
        SOFT,
        "start",
    )
    return card


def _wave(card: Card, x, y, w, h, shift) -> None:
    """The tile of a sound: its waveform."""
    card.bar(x, y, w, h, "#eef3f8", EDGE)
    for t in range(int(w // 4) - 2):
        tall = (h - 14) * (0.15 + 0.85 * abs(((t * 7 + shift * 5) % 11) / 11 - 0.4)) * (1 - 0.6 * t / (w / 4))
        card.bar(x + 6 + 4 * t, y + h / 2 - tall / 2, 3, tall, DEEP_BLUE)


def cards_with_tiles() -> Card:
    card = Card(640, 226)
    shown = (
        ("trumpet, take 12", "✓ right", DEEP_GREEN, "#9dc7a1", "#9dc7a1"),
        ("cello, take 3", "✗ wrong: tuba", DEEP_RED, "#d99f9f", "#8fb3d9"),
    )
    for i, (title, verdict, colour, made, real) in enumerate(shown):
        x = 14 + 310 * i
        card.box(x, 14, 302, 172, "", PAPER)
        card.words(x + 12, 38, title, 14, INK, "start", "bold")
        card.words(x + 290, 38, verdict, 13, colour, "end", "bold")
        _wave(card, x + 12, 52, 88, 88, i)
        card.player(x + 107, 52, 88, made)
        card.player(x + 202, 52, 88, real)
        for k, caption in enumerate(("given", "generated", "real")):
            card.words(x + 56 + 95 * k, 162, caption, 13, SOFT)
        card.dot(x + 26, 128, 9, PAPER, INK, 1.5)
        card.area([(x + 23, 123), (x + 23, 133), (x + 31, 128)], INK)
    card.words(
        14, 212, "A click on a sound plays it. A verdict is a sign and a word, never a colour alone.", 13, SOFT, "start"
    )
    return card


def generated_and_asked() -> Card:
    card = Card(640, 330)
    card.terminal(12, 12, 616, ["$ avgen generate --run runs/first --sound cello.wav --out generated"])
    _wave(card, 24, 82, 84, 66, 1)
    card.arrow((112, 115), (150, 115))
    card.box(152, 92, 84, 46, "the run", GREEN, 13)
    card.arrow((236, 115), (274, 115))
    for k, wall in enumerate(("#8fb3d9", "#d9b38f", "#9dc7a1")):
        card.player(280 + 56 * k, 90, 50, wall)
    card.words(462, 108, "pictures to look at, and", 13, SOFT, "start")
    card.words(462, 128, "generated.npz", 13, INK, "start", "bold", MONO)
    card.terminal(12, 172, 616, ["$ avgen attend --run runs/first --sound cello.wav --at 0.21,440"])
    _wave(card, 24, 242, 84, 66, 1)
    card.arrow((112, 275), (150, 275))
    card.box(152, 252, 84, 46, "the run", GREEN, 13)
    card.arrow((236, 275), (274, 275))
    heat = {(column, row): fill for row, fill in ((8, "#d97706"), (6, "#eab26b"), (4, "#f2cfa0")) for column in (4, 5)}
    card.mesh(280, 240, 14, 10, 7, lambda c, r: heat.get((c, r), "#eef1f4"))
    card.dot(280 + 7 * 6.5, 240 + 7 * 8.5, 5, "none", DEEP_RED, 2)
    card.words(392, 268, "where it looks from 0.21 s, 440 Hz:", 13, SOFT, "start")
    card.words(392, 288, "a picture and an array a layer", 13, SOFT, "start")
    return card
