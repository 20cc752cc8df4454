"Figures in the prose of the lessons: each stands in an output or a setting of its lesson, or is held below."

import inspect
import json
import re

import pytest

import avgen
from avgen.judge.measures import one_batch
from avgen.lessons.editions import lesson_names, lessons_folder

NUMBER = r"(?<![\w.])[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])[-−]?\d+(?:\.\d+)?"


def only(pattern, text) -> list[float]:
    "The numbers that a pattern catches in an output; it must be there."
    found = re.search(pattern, text)
    assert found, f"not in the outputs: {pattern}"
    return [float(n) for n in found.groups()]


def batches(text, *claims) -> bool:
    low, high = only(r"95 % of the batches lie between ([\d.]+) and ([\d.]+)", text)
    return all(low <= claim <= high for claim in claims)


# What no cell prints as it is written: lesson -> the words -> why they are true, asked of what the cells say.
HELD = {
    "02_first_light": {
        "two squares of 64 x 64": lambda text: avgen.SpectrogramConfig().size == (64, 64),
        "one random batch of 64": lambda text: inspect.signature(one_batch).parameters["size"].default == 64,
    },
    "05_reading_attention": {
        "a third of what chance would give them": lambda text: (
            0.28 < (n := only(r"on harmonics ([\d.]+), uniform ([\d.]+)", text))[0] / n[1] < 0.39
        ),
        "gained more than a third": lambda text: (
            (n := only(r"880 Hz: ([\d.]+) alone, ([\d.]+) with the octave", text))[1] / n[0] > 4 / 3
        ),
        "right in one case of five": lambda text: (
            abs((n := only(r"of (\d+); looking at random would give (\d+)", text))[1] / n[0] - 0.2) < 0.02
        ),
        "the louder ones!": lambda text: (
            (n := only(r"level is ([+\d.-]+), that of the others ([+\d.-]+)", text))[0] > n[1]
        ),
        "holds for every note that we tried": lambda text: (n := only(r"in all (\d+) of (\d+)", text))[0] == n[1],
        "the sax is the least selective": lambda text: (
            min(re.findall(r"(\w+) +\d of \d notes: .*?; (\d+)%", text), key=lambda row: int(row[1]))[0] == "sax"
        ),
    },
    "06_judging_honestly": {
        "may well publish 0.75 and 0.86": lambda text: batches(text, 0.75, 0.86),
        "chance (0.25)": lambda text: only(r"(\d+) instruments", text) == [4],
    },
}


def cells(name):
    return json.loads((lessons_folder() / f"{name}.ipynb").read_text())["cells"]


def prose(name) -> str:
    "What a lesson claims: without headings, formulas, code, links and exercises, whose checks hold their figures."
    kept = []
    for cell in cells(name):
        if cell["cell_type"] != "markdown":
            continue
        text = "".join(cell["source"])
        text = re.sub(
            r"<details>.*?</details>|\*\*(?:Exercise\.|练习。|演習。)\*\*.*?(?:\n\n|\Z)", "", text, flags=re.S
        )
        text = re.sub(r"```.*?```|\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]+`|\]\([^)]*\)|^#.*$", " ", text, flags=re.S | re.M)
        kept.append(text)
    return "\n".join(kept)


def told(name) -> str:
    "What the cells of a lesson say and what they are set to: code and outputs."
    parts = []
    for cell in cells(name):
        if cell["cell_type"] != "code":
            continue
        parts.append("".join(cell["source"]))
        for output in cell.get("outputs", []):
            parts.append("".join(output.get("text", "")))
            parts += ["".join(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(parts)


def values(text) -> set[float]:
    "Every number of a text; of a percentage also the share."
    found = set()
    for match in re.finditer(NUMBER, text.replace("_", "")):
        value = float(match[0].replace(",", "").replace("−", "-"))
        found |= {value, -value}
        if text[match.end() : match.end() + 2].strip().startswith("%"):
            found.add(value / 100)
    return found


def unheld(name) -> list[str]:
    "Numbers of the prose that nothing in the lesson says."
    known, missing, text = values(told(name)), [], prose(name)
    for match in re.finditer(NUMBER, text):
        written = match[0].replace(",", "").replace("−", "-")
        value, digits = float(written), len(written.partition(".")[2])
        share = text[match.end() : match.end() + 2].strip().startswith("%")
        near = {value} | ({value / 100} if share else set())
        if abs(value) <= 12 and not digits and not share:
            continue  # counts of things, and numbers of list items
        if any(round(k, digits + 2 * (n != value)) == n for n in near for k in known):
            continue
        missing.append(f"{match[0]} in …{' '.join(text[max(0, match.start() - 40) : match.end() + 40].split())}…")
    return missing


@pytest.mark.parametrize("name", lesson_names())
def test_each_figure_in_the_prose_is_that_of_a_cell(name):
    held = [words for words in HELD.get(name.partition(".")[0], {})]
    loose = [line for line in unheld(name) if not any(n in " ".join(held) for n in [line.split(" in …")[0]])]
    assert not loose, f"{name}: no output or setting says so:\n" + "\n".join(loose)


@pytest.mark.parametrize("name", HELD)
def test_claims_in_words_are_true_of_the_outputs(name):
    text, said = told(name), " ".join(prose(name).split())
    for words, true in HELD[name].items():
        assert words in said, f"{name} does not say {words!r} any more: change the claim here, too"
        assert true(text), f"{name}: {words!r} is not what its cells say"


def test_a_wrong_figure_is_found(monkeypatch):
    "The test itself: a figure that no cell says is found, a rounded one and a percentage are not."
    made = [
        dict(cell_type="markdown", source=["It is 41 %, or 0.413, and 7 of them; yesterday it was 0.52."]),
        dict(cell_type="code", source=["share = 0.4127"], outputs=[]),
    ]
    monkeypatch.setitem(globals(), "cells", lambda name: made)
    assert [line.split()[0] for line in unheld("any")] == ["0.52"]
