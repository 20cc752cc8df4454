"What readers see before they press anything: no committed view opens on a dead map, and who is told to listen can."

import json
import re

import pytest
from house import ROOT

from avgen.nets.attention_weights import UNIFORM

PAGES = sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
NAMES = [p.relative_to(ROOT / "nbs").as_posix() for p in PAGES]
PLAYERS = (  # what plays when it is shown
    r"\b(?:SoundPlayer|PairGrid|PairGallery|AttentionInspector|Compare|Sound|PairSet|Pairs|Pair|SampleGrid|Variations|"
    r"RatingWidget|GeneratedFilm)\(|\bAudio\(|against_itself\("
)
TOLD = r"(?:^|[.:;(] )Listen\b|\b[Cc]lick to hear\b|\*Attended only\* to hear|\bto hear (?:it|them)\b|players appear"


def cells(page):
    return [(c["cell_type"], "".join(c["source"]), c.get("outputs", [])) for c in json.loads(page.read_text())["cells"]]


def plain(outputs) -> str:
    return "\n".join("".join(o.get("data", {}).get("text/plain", "")) for o in outputs)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_committed_view_opens_on_a_map_that_says_nothing(page):
    for _, source, outputs in cells(page):
        told = plain(outputs)
        if not re.match(r"(?:AttentionInspector|Compare)\(", told) or "query=[]" in source:
            continue
        found = re.search(r"asked at \(.*?\), entropy ([\d.]+)", told)
        assert found, f"{page.name}: {told[:80]} opens without a point; leave query out, and one is chosen"
        assert float(found[1]) <= UNIFORM, f"{page.name}: it opens on a point that looks everywhere alike: {told}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_cell_that_says_listen_has_a_player(page):
    """In the text itself; the first cell says what the page is for, and what an exercise asks, the reader makes."""
    page_cells = cells(page)
    for number, (kind, source, _) in enumerate(page_cells):
        before = re.split(r"\*\*Exercises?\.?\*\*|^## What we built|<details>", source, flags=re.M)[0]
        if not number or kind != "markdown" or not re.search(TOLD, before, re.M):
            continue
        near = page_cells[max(0, number - 1) : number + 3]
        shown = [s + plain(outputs) for kind, s, outputs in near if kind == "code"]
        assert any(re.search(PLAYERS, text) for text in shown), f"{page.name}, cell {number}: nothing there plays"


def test_lessons_can_be_heard():
    for name in ("01_see_a_sound", "05_reading_attention"):
        told = "\n".join(plain(outputs) for _, _, outputs in cells(ROOT / f"nbs/tutorials/{name}.ipynb"))
        assert len(re.findall(r"^(?:SoundPlayer|PairGrid|AttentionInspector|Compare)\(", told, re.M)) >= 3
