"""The gates of `make test`: exporting, cleaning and making the README must change nothing.

    gates.py export | clean            the notebooks export to what is committed, and are clean
    gates.py maps | readme [--write]   the maps come from the modules' sentences, the tables from the results that are
                                       committed, README.md from nbs/index.ipynb

`gates.py shrink` is no gate: it makes the pictures in large notebooks smaller (256 colours), for use after running
them.
"""

import ast
import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path

from house import exported_module, page_order, title_and_sentence

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))


def snapshot(*folders: str) -> dict[Path, bytes]:
    return {
        p: p.read_bytes()
        for folder in folders
        for p in sorted((ROOT / folder).rglob("*"))
        if p.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in p.parts
    }


def no_op(command: list[str], *folders: str) -> None:
    "Run `command`; leave with 1, naming the files, if it changed any in `folders`."
    before = snapshot(*folders)
    subprocess.run(command, cwd=ROOT, check=True)
    after = snapshot(*folders)
    changed = sorted(str(p.relative_to(ROOT)) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if changed:
        sys.exit(
            f"`{' '.join(command)}` changed {', '.join(changed)}: commit the changed files (they have been written)"
        )


def readme() -> str:
    "README.md as nbs/index.ipynb says it: prose as it stands, code in fences, no outputs but text."
    import nbformat
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(ROOT / "nbs/index.ipynb", 4)
    exporter = MarkdownExporter(exclude_output=True)
    text, _ = exporter.from_notebook_node(notebook)
    lines = [line.rstrip() for line in text.splitlines()]
    text = "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"
    text = re.sub(r"\]\((\d\d_|app|tutorials/)", r"](nbs/\1", text)
    return text.replace("](../", "](").replace('src="../', 'src="')


MAP = re.compile(r"(<!-- map -->\n).*?(<!-- end of map -->)", re.S)


def line_of(folder: str) -> str:
    """The first line of a folder's docstring."""
    return ast.get_docstring(ast.parse((ROOT / "avgen" / folder / "__init__.py").read_text())).splitlines()[0]


def chapters() -> dict[str, list[Path]]:
    """The pages of every chapter, in reading order."""
    found: dict[str, list[Path]] = {}
    for page in page_order():
        folder = page.parent.relative_to(ROOT / "nbs").as_posix()
        found.setdefault(page.stem if folder == "." else folder, []).append(page)
    return found


def notebook_map(below: str = "", whole: bool = True) -> str:
    """The chapters as a table: with all their pages, or with the first of each; `below` leads to nbs/."""
    rows = ["| chapter | what it is about | " + ("pages" if whole else "begins with") + " |", "|---|---|---|"]
    for chapter, pages in chapters().items():
        name = re.sub(r"^\d+_", "", chapter)
        about = title_and_sentence(pages[0])[1] if len(pages) == 1 else line_of(name)
        shown = pages if whole else pages[:1]
        links = [f"[{title_and_sentence(p)[0]}]({below}{p.relative_to(ROOT / 'nbs').as_posix()})" for p in shown]
        rows.append(f"| **{name}** | {about} | {', '.join(links)} |")
    return "\n".join(rows) + "\n"


def house_map() -> str:
    """The tree of the package, each module with its sentence."""
    lines, seen = ["```"], set()
    for page in page_order():
        module = exported_module(page)
        if module is None:
            continue
        parts = module.split(".")[1:]
        if len(parts) == 2 and parts[0] not in seen:
            seen.add(parts[0])
            lines.append(f"avgen/{parts[0] + '/':<26}{line_of(parts[0])}")
        name = f"  {parts[1]}" if len(parts) == 2 else f"avgen/{parts[0]}.py"
        lines.append(f"{name:<32}{title_and_sentence(page)[1]}")
    return "\n".join([*lines, "```"]) + "\n"


def with_map(text: str, table: str, where: str) -> str:
    """`text` with `table` between its two markers."""
    if not MAP.search(text):
        sys.exit(f"{where}: found no <!-- map --> ... <!-- end of map -->")
    return MAP.sub(lambda m: m.group(1) + table + m.group(2), text)


LESSONS = re.compile(r"(<!-- lessons(?: (\S+))? -->\n).*?(<!-- end of lessons -->)", re.S)


def lesson_list(below: str) -> str:
    """The lessons as a numbered list, each with the sentence under its title; `below` leads to nbs/."""
    pages = sorted((ROOT / "nbs/tutorials").glob("[0-9]*.ipynb"))
    lines, number = [], 0
    for page in pages:
        title, sentence = title_and_sentence(page)
        language = page.stem.partition(".")[2]  # a translation stands under its lesson
        number += not language
        start = "   - " if language else f"{number}. "
        told = "" if language or not sentence else f": {sentence[0].lower()}{sentence[1:]}"
        lines.append(f"{start}[{title}]({below}tutorials/{page.name}){told}")
    return "\n".join(lines) + "\n"


TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.S)


def with_tables(text: str) -> str:
    """`text` with the list of lessons, and every table made anew from the results."""
    from tables import TABLES

    text = LESSONS.sub(lambda m: m.group(1) + lesson_list(m.group(2) or "") + m.group(3), text)
    return TABLE.sub(lambda m: m.group(1) + TABLES[m.group(2)]() + m.group(3), text)


def made_pages() -> dict[Path, str]:
    """The pages that hold maps or tables, as they should be."""
    index, guide, listed = ROOT / "nbs/index.ipynb", ROOT / "CONTRIBUTING.md", ROOT / "docs/notebooks.md"
    notebook = json.loads(index.read_text())
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if "<!-- map -->" in source:
            source = with_map(source, notebook_map(whole=False), "nbs/index.ipynb")
        cell["source"] = with_tables(source).splitlines(keepends=True)
    made = {page: with_tables(page.read_text()) for page in sorted((ROOT / "docs").rglob("*.md"))}
    made[index] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    made[guide] = with_map(guide.read_text(), house_map(), "CONTRIBUTING.md")
    made[listed] = with_map(listed.read_text(), notebook_map("../nbs/"), "docs/notebooks.md")
    return made


def maps(write: bool) -> None:
    """Make the maps and tables of the pages, or leave with 1 when one is not what it should be."""
    for path, text in made_pages().items():
        if write:
            path.write_text(text)
        elif path.read_text() != text:
            name = path.relative_to(ROOT)
            sys.exit(f"{name}: its map or tables are not what modules and results say: run `make readme` and commit it")


def shrink(limit: int = 280 * 1024) -> None:
    "Reduce the pictures of notebooks over `limit` bytes to 256 colours, then to smaller sizes until they fit."
    from PIL import Image

    def reduced(data: str, scale: float, kind: str) -> str:
        picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        if scale < 1:
            picture = picture.resize(
                (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
            )
        out = io.BytesIO()
        if kind == "image/png":
            picture.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        else:
            picture.save(out, "JPEG", quality=80, optimize=True)
        return base64.b64encode(out.getvalue()).decode()

    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        whole, scale, most = json.loads(path.read_text()), 1.0, limit * (2 if "tutorials" in path.parts else 1)
        text = path.read_text()
        while len(text.encode()) > most and scale > 0.3:
            notebook = json.loads(json.dumps(whole))
            for cell in notebook["cells"]:
                for output in cell.get("outputs", []):
                    data = output.get("data", {})
                    if "image/png" in data:
                        data.pop("image/jpeg", None)  # one picture is enough
                    for kind in {"image/png", "image/jpeg"} & data.keys():
                        data[kind] = reduced("".join(data[kind]), scale, kind)
            text, scale = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", scale * 0.85
        if text != path.read_text():
            path.write_text(text)
            print(f"{path.relative_to(ROOT)}: {len(text) // 1024} KB")


def main(what: str, *options: str) -> None:
    if what == "export":
        no_op(["nbdev-export"], "avgen")
    elif what == "clean":
        no_op(["nbdev-clean"], "nbs")
    elif what == "readme":
        path, wanted = ROOT / "README.md", readme()
        if "--write" in options:
            path.write_text(wanted)
        elif path.read_text() != wanted:
            sys.exit("README.md is not what nbs/index.ipynb says: run `make readme` and commit it")
    elif what == "maps":
        maps("--write" in options)
    elif what == "shrink":
        shrink()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
