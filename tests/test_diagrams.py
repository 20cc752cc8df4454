"""The diagrams of the pages: drawn by the script, shown with their words, legible, and never on top of each other."""

import re
import xml.etree.ElementTree as ET
from functools import cache

import make_diagrams
import matplotlib
import pytest
from house import ROOT, cells
from PIL import ImageFont

DRAWN = {page: (draw.__name__, title) for page, (draw, title) in make_diagrams.DIAGRAMS.items()}
EACH = pytest.mark.parametrize("page", DRAWN)


@cache
def parts(page: str) -> list:
    """The shapes and words of a page's diagram, in the order in which they are drawn."""
    root = ET.parse(ROOT / f"nbs/images/{DRAWN[page][0]}.svg").getroot()
    return [(e.tag.rpartition("}")[2], e) for e in root.iter()]


def size(page: str) -> tuple[float, float]:
    """Width and height of a diagram."""
    return tuple(float(parts(page)[0][1].get(name)) for name in ("width", "height"))


@cache
def font(family: str, weight: str, height: int):
    """A wide font: what fits in it fits in the fonts of other machines."""
    name = f"DejaVuSans{'Mono' if family == 'monospace' else ''}{'-Bold' if weight == 'bold' else ''}"
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}.ttf", height)


def extent(text) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of some words."""
    height = float(text.get("font-size"))
    wide = font(text.get("font-family"), text.get("font-weight"), round(height)).getlength(text.text or "")
    x, y = float(text.get("x")), float(text.get("y"))
    left = x - {"start": 0, "middle": wide / 2, "end": wide}[text.get("text-anchor")]
    return left, y - 0.74 * height, left + wide, y + 0.2 * height


def words(page: str) -> list:
    """Every text of a diagram with what it covers."""
    return [(e.text, extent(e)) for kind, e in parts(page) if kind == "text" and e.text]


def covers(kind: str, e, x: float, y: float) -> bool:
    """Whether a shape lies under a point."""
    if kind == "rect":
        left, top = float(e.get("x", 0)), float(e.get("y", 0))
        return left <= x <= left + float(e.get("width")) and top <= y <= top + float(e.get("height"))
    if kind == "circle":
        return (x - float(e.get("cx"))) ** 2 + (y - float(e.get("cy"))) ** 2 <= float(e.get("r")) ** 2
    if kind != "polygon":
        return False
    corners = [tuple(map(float, p.split(","))) for p in e.get("points").split()]
    inside = False
    for (a, b), (c, d) in zip(corners, corners[1:] + corners[:1]):
        if (b > y) != (d > y) and x < a + (y - b) / (d - b) * (c - a):
            inside = not inside
    return inside


def light(colour: str) -> float:
    """The relative luminance of a colour, as WCAG counts it."""
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    parts = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_they_are_as_the_script_draws_them(tmp_path):
    make_diagrams.main(tmp_path)
    stale = [f.name for f in tmp_path.iterdir() if f.read_text() != (ROOT / "nbs/images" / f.name).read_text()]
    assert not stale, f"not as drawn: {sorted(stale)}; run `python tests/make_diagrams.py` and look at them"


@EACH
def test_a_page_shows_its_diagram_before_its_code(page):
    name, title = DRAWN[page]
    known = cells(ROOT / f"nbs/{page}.ipynb")
    title_at = next(i for i, (kind, _) in enumerate(known) if kind == "markdown")
    kind, source = known[title_at + 1]
    shown = re.search(rf"!\[(.+)\]\(\.\./images/{name}\.svg\)", source)
    assert kind == "markdown" and shown, f"{page}: expected its diagram in the cell after its title"
    assert shown[1].rstrip(".").lower() == title.lower()  # the words of the page are those of the drawing
    assert parts(page)[1][1].text == title


@EACH
def test_words_can_be_read(page):
    """At 600 pixels too, and on what lies beneath them."""
    wide, _ = size(page)
    behind = []
    for kind, e in parts(page):
        if kind == "text" and e.text:
            left, top, right, bottom = extent(e)
            under = [f for k, s, f in behind if covers(k, s, (left + right) / 2, (top + bottom) / 2)]
            assert under, f"{e.text!r} lies on nothing"
            a, b = sorted((light(e.get("fill")), light(under[-1])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, f"{e.text!r} in {e.get('fill')} on {under[-1]}"
            assert float(e.get("font-size")) * 560 / wide > 8.5, f"{e.text!r} is too small in a narrow window"
        elif kind in ("rect", "circle", "polygon") and e.get("fill", "none") != "none":
            behind.append((kind, e, e.get("fill")))


@EACH
def test_nothing_is_clipped_or_covered(page):
    wide, tall = size(page)
    known = words(page)
    for text, (left, top, right, bottom) in known:
        assert left >= 2 and right <= wide - 2 and top >= 2 and bottom <= tall - 2, f"{text!r} leaves the card"
    for i, (text, (left, top, right, bottom)) in enumerate(known):
        for other, (a, b, c, d) in known[i + 1 :]:
            assert min(right, c) - max(left, a) <= 0 or min(bottom, d) - max(top, b) <= 0, f"{text!r} over {other!r}"


@EACH
def test_it_is_small(page):
    path = ROOT / f"nbs/images/{DRAWN[page][0]}.svg"
    assert path.stat().st_size < 20_000


def test_every_picture_is_shown_somewhere():
    """A drawing that no page shows is left over."""
    shown = "".join(p.read_text() for p in (ROOT / "nbs").rglob("*.ipynb")) + (ROOT / "README.md").read_text()
    assert not [p.name for p in (ROOT / "nbs/images").iterdir() if f"images/{p.name}" not in shown]
