"""The site of `make docs`: no warning, nothing from another machine, no link that leads nowhere, all names in it."""

import ast
import json
import re
import sys
from urllib.parse import unquote

import pytest
from built_site import built, page, pages
from house import ROOT, cells, modules, page_order, title_and_sentence, tree

sys.path.insert(0, str(ROOT / "docs"))
from api import ModulePage, as_markdown
from mathml import mathml


def public(module: str) -> list[str]:
    """The names that a module exports."""
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def test_it_builds_without_a_warning_and_holds_every_page():
    folder = built()
    for path in page_order():
        made = folder / path.relative_to(ROOT).with_suffix(".html")
        assert made.is_file() and title_and_sentence(path)[0][:12].replace("`", "") in made.read_text(), path.name
    for path in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "nbs/tutorials").glob("*.ipynb")]:
        assert (folder / path.relative_to(ROOT).with_suffix(".html")).is_file(), path.name


def test_nothing_comes_from_another_machine():
    for path in pages():
        outside = [address for address in page(path).loads if re.match(r"(https?:)?//", address)]
        assert not outside, f"{path.name}: {outside}"
        assert not re.search(r"\bimport\(?\s*[\"'](https?:)?//|require\.config", path.read_text()), path.name
    for path in [*built().rglob("*.css"), *built().rglob("*.js")]:
        found = re.findall(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')]+)", path.read_text())
        assert not found, f"{path.name}: {found}"


def test_every_link_leads_somewhere():
    broken = []
    for path in pages():
        for address in {*page(path).links, *page(path).loads}:
            if re.match(r"[a-z]+:|//", address):
                continue
            target, _, anchor = unquote(address).partition("#")
            file = (path.parent / target.split("?")[0]).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file():
                broken.append(f"{path.relative_to(built())}: {address}")
            elif anchor and file.suffix == ".html" and "/live/" not in str(file) and anchor not in page(file).ids:
                broken.append(f"{path.relative_to(built())}: {address} has no such place")
    assert not broken, broken[:20]


def test_the_reference_holds_every_public_name_with_its_shapes():
    from sphinx.util.inventory import InventoryFile

    with open(built() / "objects.inv", "rb") as file:
        known = InventoryFile.load(file, "", lambda base, path: path)
    names = {name for kind, found in known.items() if kind.startswith("py:") for name in found}
    missing = []
    for module in modules():
        here = {getattr(n, "name", None) for n in tree(module).body}
        here |= {t.id for n in tree(module).body if isinstance(n, ast.Assign) for t in n.targets if hasattr(t, "id")}
        missing += [f"{module}.{n}" for n in public(module) if n in here and f"{module}.{n}" not in names]
    assert not missing, missing
    text = (built() / "api/signal/inversion.html").read_text()
    assert "(B, 1, H, W) in [-1, 1], of any size" in text and "(B, samples) float32, peak at most 1" in text


def test_the_search_knows_the_pages():
    index = (built() / "searchindex.js").read_text()
    assert "mismatched" in index and "06_inspector" in index and "avgen.nets.attention" in index


def test_the_gallery_shows_every_study():
    text = (built() / "docs/studies.html").read_text()
    for path in (ROOT / "data/results").glob("study-*.json"):
        assert path.stem.removeprefix("study-") + ".svg" in text
        row = json.loads(path.read_text())["rows"][0]
        assert f"{row['accuracy']:.3f}" in text


def test_widgets_are_alive_in_it():
    text = (built() / "nbs/11_show/06_inspector.html").read_text()
    assert "live/inspector.html" in text and (built() / "live/inspector.html").stat().st_size > 1e5


def test_every_formula_of_the_pages_can_be_set():
    count = 0
    for path in [*page_order(), *(ROOT / "nbs/tutorials").glob("*.ipynb")]:
        for kind, source in cells(path):
            text = re.sub(r"```.*?```|`[^`]*`", "", source, flags=re.S) if kind == "markdown" else ""
            for block, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", text, re.S):
                assert mathml(block or inline, bool(block)).startswith("<math")
                count += 1
    assert count > 300


@pytest.mark.parametrize(
    "tex, wanted",
    [
        (r"\frac{a}{2}", "<mfrac><mrow><mi>a</mi></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        (r"x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mrow><mn>2</mn></mrow></msubsup>"),
        (r"\lVert x \rVert", '<mo stretchy="false">‖</mo>'),
        (r"\mathbb{E}[x]", "𝔼"),
        (r"\text{alive and well}", "<mtext>alive\u00a0and\u00a0well</mtext>"),
        (r"\begin{cases} a & b \\ c & d \end{cases}", "<mtr>"),
        (r"\underbrace{x + 1}_{\text{all}}", "<munder>"),
        (r"a < b", "<mo>&lt;</mo>"),
    ],
)
def test_formulas_by_hand(tex, wanted):
    assert wanted in mathml(tex)


@pytest.mark.parametrize("tex", [r"\nonsense{x}", r"\frac{a}", r"{a", r"a}"])
def test_a_wrong_formula_is_named(tex):
    with pytest.raises(ValueError, match="formula"):
        mathml(tex)


def test_the_reference_reads_comments_and_keeps_markdown_out(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(
        '"""A sentence."""\n__all__ = ["f", "Box", "LIMIT"]\nLIMIT = 3  # Hz\n\n\n'
        "def f(\n    x: int,  # (B, *) in [-1, 1]\n    y=2,\n) -> int:  # a count\n"
        '    """Do it with `x`, not _y_."""\n\n\n'
        '@dataclass\nclass Box:\n    """Hold."""\n\n    side: float = 1.0  # in m\n\n'
        '    def area(self) -> float:\n        """Return it."""\n'
    )
    text = ModulePage("avgen.thing", path, "thing.ipynb").markdown("Thing")
    assert r":param x: (B, \*) in \[-1, 1\]" in text and ":returns: a count" in text and "with `x`" in text
    assert (
        "{py:data} LIMIT" in text
        and "{py:class} Box(side: float = 1.0)" in text
        and "{py:method} area() -> float" in text
    )
    assert as_markdown("`a_b` and a_b") == r"`a_b` and a\_b"


def test_the_front_page_is_short():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) < 120
