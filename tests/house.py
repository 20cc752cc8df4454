"""What the house looks like: its floors, modules, imports, classes and pages, read from the files themselves.

python tests/house.py           print the figures that tests/test_house.py holds
"""

import ast
import json
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOORS = (
    "core",
    "signal",
    "data",
    "orchestra",
    "nets",
    "systems",
    "runs",
    "training",
    "judge",
    "studies",
    "show",
    "report",
    "bench",
    "cli",
)


@cache
def modules() -> dict[str, Path]:
    """Every module of the package under its dotted name, without the generated index and the folders' __init__ files."""
    found = sorted((ROOT / "avgen").rglob("*.py"))
    paths = [p for p in found if p.name not in ("_modidx.py", "__init__.py", "__main__.py")]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in paths}


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(modules()[module].read_text())


def floor_of(module: str) -> str:
    """The floor of a module: the name after `avgen.`."""
    return module.split(".")[1]


def imports(module: str) -> set[str]:
    """The modules of this package that a module imports, at load time or later."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("avgen.")}
        if not isinstance(node, ast.ImportFrom):
            continue
        base = module.split(".")[: -node.level] if node.level else []
        target = ".".join([*base, *([node.module] if node.module else [])])
        if target.split(".")[0] != "avgen":
            continue
        inner = {f"{target}.{a.name}" for a in node.names}
        found |= {target} | {i for i in inner if i in modules()}
    return {f for f in found if f in modules()} - {module}


def page_order() -> list[Path]:
    """The pages in reading order: chapters by their number, pages by theirs within."""
    pages = [p for p in (ROOT / "nbs").rglob("[0-9]*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    pages = [p for p in pages if "tutorials" not in p.parts]
    return sorted(pages, key=lambda p: p.relative_to(ROOT / "nbs").as_posix())


@cache
def cells(page: Path) -> list[tuple[str, str]]:
    """Kind and source of every cell of a page."""
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(page.read_text())["cells"]]


def exported_module(page: Path) -> str | None:
    """The module that a page exports, or None."""
    for kind, source in cells(page):
        if kind == "code" and (found := re.search(r"^#\| *default_exp ([\w.]+)", source, re.M)):
            return "avgen." + found.group(1)
    return None


def title_and_sentence(page: Path) -> tuple[str, str]:
    """The title of a page and the sentence beneath it."""
    text = next(source for kind, source in cells(page) if kind == "markdown")
    title = re.search(r"^# (.+)$", text, re.M)
    sentence = re.search(r"^> (.+)$", text, re.M)
    return (title.group(1).strip() if title else "", sentence.group(1).strip() if sentence else "")


def classes() -> dict[str, list[str]]:
    """Every class of the package with the plain names of its bases."""
    found = {}
    for module in modules():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                bases = [
                    b.id if isinstance(b, ast.Name) else b.attr
                    for b in node.bases
                    if isinstance(b, (ast.Name, ast.Attribute))
                ]
                found[node.name] = bases
    return found


# Bases that say what a thing *is to Python*: errors, and what displays itself. They are no rungs.
ROOTS = {"InputError", "Displayed"}


def depth(name: str, known: dict[str, list[str]]) -> int:
    """How many of our own classes a class descends from, one below the other."""
    if name not in known or name in ROOTS:
        return 0
    return max((1 + depth(b, known) for b in known[name] if b in known and b not in ROOTS), default=0)


def code_lines() -> list[str]:
    """Every line of code of the package that is not blank and not a comment."""
    lines = [line for path in modules().values() for line in path.read_text().splitlines()]
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def without_docstring(module: str) -> list[str]:
    """Public classes, functions and methods of a module that have no docstring."""
    missing = [] if ast.get_docstring(tree(module)) else [module]

    def look(nodes, prefix):
        for node in nodes:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                missing.append(f"{prefix}.{node.name}")
            if isinstance(node, ast.ClassDef):
                look(node.body, f"{prefix}.{node.name}")

    look(tree(module).body, module)
    return missing


def public_names(source: str) -> list[str]:
    """The public functions, classes and constants that an exporting cell defines."""
    names = []
    for node in ast.parse(re.sub(r"^[%!].*$", "pass", source, flags=re.M)).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.append(node.name)
        if isinstance(node, ast.Assign):
            names += [t.id for t in node.targets if isinstance(t, ast.Name)]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [n for n in names if not n.startswith("_")]


def is_export(kind: str, source: str) -> bool:
    """Whether a cell is exported to the package."""
    return kind == "code" and bool(re.search(r"^#\| *exporti?\b", source, re.M))


def asserts(kind: str, source: str) -> bool:
    """Whether a cell is an example that checks something."""
    return kind == "code" and not is_export(kind, source) and bool(re.search(r"\bassert\b|\braises\(|test_", source))


def names_without_example(page: Path) -> list[str]:
    """Exported names of a page with no asserting example near by, and no sentence that says why.

    An example counts when it stands within two code cells after the cell that exports the name and mentions it, or
    a prose cell within that distance names it and says why it has none (with the words "no example").
    """
    missing = []
    known = cells(page)
    for i, (kind, source) in enumerate(known):
        if not is_export(kind, source):
            continue
        for name in public_names(source):
            near, steps = False, 0
            for k, s in known[i + 1 :]:
                if k == "code" and not re.fullmatch(r"\s*(#\|.*\s*)*", s):
                    steps += 1
                if steps > 2:
                    break
                mentions = re.search(rf"\b{re.escape(name)}\b", s)
                if mentions and (asserts(k, s) or (k == "markdown" and "no example" in s)):
                    near = True
                    break
            if not near:
                missing.append(f"{page.name}: {name}")
    return missing


def longest_run_of_exports(page: Path) -> int:
    """The most exporting cells that follow each other without prose or example between them."""
    longest = run = 0
    for kind, source in cells(page):
        run = run + 1 if is_export(kind, source) else 0
        longest = max(longest, run)
    return longest


def figures() -> dict[str, object]:
    """The figures of the house, for a look."""
    known, code = classes(), code_lines()
    deep = {n: depth(n, known) for n in known}
    return {
        "modules": len(modules()),
        "longest module": max((p.read_text().count("\n"), m) for m, p in modules().items()),
        "deepest class": max((d, n) for n, d in deep.items()),
        "mean line of code": round(sum(map(len, code)) / len(code), 1),
        "lines over 120": sum(len(line) > 120 for line in code),
        "without docstring": len([n for m in modules() for n in without_docstring(m)]),
        "names without example": len([n for p in page_order() for n in names_without_example(p)]),
        "longest run of exports": max(longest_run_of_exports(p) for p in page_order()),
    }


if __name__ == "__main__":
    detail = sys.argv[1:]
    for what, value in figures().items():
        print(f"{what}: {value}")
    if "examples" in detail:
        print("\n".join(n for p in page_order() for n in names_without_example(p)))
    if "docstrings" in detail:
        print("\n".join(n for m in modules() for n in without_docstring(m)))
