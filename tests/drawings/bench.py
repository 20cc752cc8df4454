"""Charts of what the committed bench measured, and how it measures."""

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
    MONO,
    ORANGE,
    PAPER,
    SOFT,
    Card,
)

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = {"papers": "as the papers' programs", "plain": "as a careful user", "ours": "ours"}


def measured() -> dict:
    """The committed report of a machine."""
    return json.loads((ROOT / "data/results/bench-cpu.json").read_text())


def one_sign() -> Card:
    """Five fresh processes each, as a share of the fastest."""
    steps = measured()["steps"]["small"]
    card, left, wide = Card(640, 250), 210, 390
    rows = [(PROGRAMS[name], steps[name]["all"]) for name in PROGRAMS]
    most = max(max(times) / min(times) for _, times in rows)

    def at(ratio: float) -> float:
        return left + wide * (ratio - 1) / (most - 1)

    card.words(at(1), 26, "the fastest", 13, DEEP_GREEN, weight="bold")
    card.line((at(1), 36), (at(1), 196), DEEP_GREEN, 1.5, True)
    for i, (name, times) in enumerate(rows):
        y, best = 64 + 52 * i, min(times)
        card.words(16, y - 4, name, 13, INK, "start", "bold")
        card.words(16, y + 14, f"{1000 * best:.1f} ms a step", 13, SOFT, "start")
        card.line((at(1), y), (at(most), y), "#d5dbe1", 1)
        mean = sum(times) / len(times) / best
        card.line((at(mean), y - 12), (at(mean), y + 12), DEEP_ORANGE, 2)
        for k, time in enumerate(sorted(times)):
            card.dot(at(time / best), y, 6, DEEP_GREEN if k == 0 else PAPER, DEEP_GREEN if k == 0 else INK, 1.5)
    card.line((16, 230), (16, 216), DEEP_ORANGE, 2)
    card.words(26, 228, "mean", 13, DEEP_ORANGE, "start")
    for percent in (5, 10, 15):
        if 1 + percent / 100 <= most:
            card.words(at(1 + percent / 100), 212, f"+{percent} %", 12, SOFT)
    card.words(624, 234, "each dot a fresh process: a disturbance only ever makes it longer", 13, SOFT, "end")
    return card


def step_and_limit() -> Card:
    """A step of the preset `paper`: seconds, and the shortest time that its work could take."""
    bench = measured()
    steps, peaks = bench["steps"]["paper"], bench["machine"]["peaks"]
    card, left, wide = Card(640, 284), 16, 600
    most = max(steps[name]["seconds"] for name in PROGRAMS)
    for i, name in enumerate(PROGRAMS):
        numbers = "float32" if name == "papers" else "bfloat16"
        seconds, limit = steps[name]["seconds"], steps["operations"] / peaks[numbers]
        y = 40 + 68 * i
        card.words(left, y - 8, PROGRAMS[name], 13, INK, "start", "bold")
        card.words(
            left + wide, y - 8, f"{seconds:.2f} s, {limit / seconds:.0%} of the peak in {numbers}", 13, SOFT, "end"
        )
        card.bar(left, y, wide * seconds / most, 26, BLUE, EDGE)
        card.bar(left, y, wide * limit / most, 26, DEEP_BLUE)
    card.bar(left, 236, 14, 14, DEEP_BLUE)
    card.words(left + 22, 248, "the limit: its work at the machine's peak", 13, INK, "start")
    card.bar(left + 330, 236, 14, 14, BLUE, EDGE)
    card.words(left + 352, 248, "what is lost beside it", 13, INK, "start")
    machine = bench["machine"]
    told = f"One training step of {steps['batch']} pairs at the papers' size; {machine['processor']}, "
    card.words(left, 272, told + f"{machine['threads']} threads", 13, SOFT, "start")
    return card


def three_maps() -> Card:
    """The maps that three attention blocks hold, and what each block takes."""
    found = measured()["attention"]
    card = Card(640, 330)
    most = max(row["seconds"] for row in found.values())
    kinds = (
        ("full map", "the full map", 120, "1,024 queries x 1,024 keys"),
        ("plain pooled", "keys pooled", 60, "1,024 x 256"),
        ("ours", "pooled, in pieces", 60, "one piece at a time"),
    )
    for i, (key, name, width, text) in enumerate(kinds):
        x = 20 + 206 * i
        card.words(x + 94, 28, name, 14, INK, weight="bold")
        card.bar(x + 94 - width / 2, 44, width, 120, ORANGE if i < 2 else PAPER, EDGE)
        if i == 2:
            for k in range(6):
                card.line((x + 64, 44 + 20 * k), (x + 124, 44 + 20 * k), EDGE, 1, True)
            card.bar(x + 64, 84, 60, 20, ORANGE, EDGE)
        card.words(x + 94, 186, text, 13, SOFT)
        seconds = found[key]["seconds"]
        card.bar(x + 4, 216, max(3, 180 * seconds / most), 22, DEEP_BLUE)
        card.words(x + 4, 260, f"{1000 * seconds:,.0f} ms", 14, INK, "start", "bold")
    card.line((20, 282), (620, 282), "#d5dbe1", 1)
    card.words(
        20,
        308,
        "Forward and backward, a batch of 64 on a grid of 32 x 32. Orange: what is held in memory.",
        13,
        SOFT,
        "start",
    )
    return card


def five_logmels() -> Card:
    """Milliseconds and page faults of a call in five ways."""
    found = measured()["logmel"]
    names = [name for name in ("ours", "librosa at once", "torchaudio", "librosa", "nnAudio") if name in found]
    names.sort(key=lambda name: found[name]["seconds"])
    card = Card(640, 62 + 38 * len(names))
    most = max(found[name]["seconds"] for name in names)
    card.words(150, 26, "a batch of 64 sounds", 13, SOFT, "start")
    card.words(624, 26, "page faults", 13, SOFT, "end")
    for i, name in enumerate(names):
        y, seconds = 38 + 38 * i, found[name]["seconds"]
        card.words(138, y + 18, name, 13, INK, "end", "bold" if name == "ours" else "normal")
        long = 300 * seconds / most
        card.bar(150, y, long, 26, DEEP_BLUE if name == "ours" else "#9fb8d1")
        card.words(158 + long, y + 18, f"{1000 * seconds:.1f} ms", 13, INK, "start")
        card.words(624, y + 18, f"{found[name]['faults']:,}", 13, INK, "end")
    card.height = 54 + 38 * len(names)
    return card


def three_speeds() -> Card:
    """From files to batches: what is measured on the way."""
    data = measured()["data"]
    reader, loader = data["reader"], data["loader"]
    card = Card(640, 250)
    for i in range(3):
        card.bar(26 + 6 * i, 84 - 6 * i, 70, 54, PAPER, EDGE)
    card.bar(44, 80, 26, 26, "#8fb3d9")
    for t in range(6):
        tall = (6, 14, 22, 16, 10, 5)[t]
        card.bar(76 + 4 * t, 94 - tall / 2, 3, tall, DEEP_BLUE)
    card.words(68, 164, "two small files\na pair", 13)
    card.box(252, 64, 120, 80, "prepared:\none large file,\nmapped", GREEN, 13)
    for i in range(3):
        card.box(506 + 8 * i, 62 + 8 * i, 96, 60, "a batch\nof tensors" if i == 2 else "", ORANGE, 13)
    card.arrow((110, 104), (250, 104))
    card.words(180, 92, "read once", 13, DEEP_BLUE, weight="bold")
    card.words(180, 124, f"{reader['read_pairs_a_second']:,.0f} pairs/s", 13)
    card.arrow((312, 30), (312, 62))
    card.words(322, 40, "opened again", 13, DEEP_BLUE, "start", "bold")
    card.words(430, 40, f"{1000 * reader['opened_seconds']:.1f} ms for {reader['pairs']} pairs", 13, INK, "start")
    card.arrow((372, 104), (504, 104))
    card.words(438, 92, "dealt out", 13, DEEP_BLUE, weight="bold")
    card.words(438, 124, f"{loader['pairs_a_second']:,.0f} pairs/s", 13)
    card.line((16, 196), (624, 196), "#d5dbe1", 1)
    card.words(
        16, 222, "An epoch takes next to no memory of its own beside the file that is mapped.", 13, SOFT, "start"
    )
    return card


def parts_measured() -> Card:
    """The parts of a report, each measured in fresh processes."""
    from avgen.bench.report import PARTS

    asks = {
        "steps": "a step, against the papers'",
        "duet": "Muon against Adam",
        "attention": "the block alone",
        "logmel": "five libraries",
        "data": "reading, opening, dealing out",
        "cold": "from nothing to a first sign",
        "growth": "seconds as sizes grow",
    }
    card = Card(640, 46 + 36 * len(PARTS))
    middle, last = 41 + 18 * (len(PARTS) - 1), 41 + 36 * (len(PARTS) - 1)
    card.words(158, 18, "each in fresh processes, in turn", 13, DEEP_GREEN, "start", "bold")
    card.box(14, middle - 32, 106, 64, "make bench", GREY, 13, family=MONO)
    for i, part in enumerate(PARTS):
        y = 41 + 36 * i
        card.arrow((120, middle), (156, y))
        card.box(158, y - 14, 92, 28, part, BLUE, 13, family=MONO)
        card.words(260, y + 5, asks[part], 13, SOFT, "start")
        card.line((466, y), (474, y))
    card.line((474, 41), (474, last))
    card.arrow((474, middle), (490, middle))
    card.box(492, middle - 60, 134, 120, "", GREEN)
    card.words(559, middle - 32, "report.json", 13, INK, weight="bold", family=MONO)
    card.words(559, middle - 8, "the machine,\nthe fastest of\neach, every run", 13, INK)
    return card
