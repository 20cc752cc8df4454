"""Build the site: `python docs/build.py [--out _docs] [--quick]`, which is what `make docs` does.

The pages are the notebooks as they are committed, with the outputs that they hold: nothing is executed. They are laid
out in `_docs/source` as they lie in the repository, so that the same links lead everywhere; the reference is made from
the docstrings, the gallery of studies from `data/results/`, and the widgets that matter become pages which are alive
without a kernel. Sphinx then writes `_docs/html`, which opens from disk and asks no other machine for anything.
"""

import argparse
import ast
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs"), str(ROOT / "tests")]

from api import ModulePage
from gates import chapters, line_of
from house import exported_module, modules, page_order, title_and_sentence

IMAGES = ("image/svg+xml", "image/png", "image/jpeg")
# Pages that get a link to a widget that is alive: the page, the name of the live page, what it is.
ALIVE = {
    "nbs/11_show/02_sound_player.ipynb": ("player", "the sound player"),
    "nbs/11_show/03_pair_grid.ipynb": ("pairs", "the pair grid"),
    "nbs/11_show/04_gallery.ipynb": ("gallery", "the gallery"),
    "nbs/11_show/06_inspector.ipynb": ("inspector", "the attention inspector"),
    "nbs/11_show/07_compare.ipynb": ("compare", "two maps, asked at one point"),
    "nbs/11_show/11_dashboard.ipynb": ("dashboard", "the training dashboard"),
    "nbs/06_systems/09_duet.ipynb": ("painted", "what the trained pair paints"),
}
ALIVE |= {
    page.relative_to(ROOT).as_posix(): ("inspector", "the attention inspector")
    for page in (ROOT / "nbs/tutorials").glob("*_reading_attention.ipynb")
}


def write(path: Path, text: str) -> None:
    """Write a file where it has changed, so that Sphinx reads again only what is new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def copy(source: Path, target: Path) -> None:
    """Copy a file where it has changed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def shown(output: dict) -> dict | None:
    """Return an output as the site shows it: a still picture before a widget, nothing where there is only a widget."""
    data = output.get("data")
    if data is None:
        return output
    kept = {kind: value for kind, value in data.items() if "widget-view" not in kind}
    if len(kept) < len(data) and not any(kind in kept for kind in (*IMAGES, "text/html")):
        return None
    if "text/html" in kept:  # part of a page: the places that it leads to are not here
        kept["text/html"] = re.sub(r'\shref="#[^"]*"', "", "".join(kept["text/html"]))
    return {**output, "data": kept, "metadata": {}}


def slug(anchor: str) -> str:
    """The name that Sphinx gives to a section which JupyterLab calls `Which-one?`."""
    return re.sub(r"[^\w\- ]", "", anchor.lower())


def link(match: re.Match, folder: Path) -> str:
    """A link as the site takes it: to a page that it holds; other files of the repository are named only."""
    text, (target, hash, anchor) = match.group(1), match.group(2).partition("#")
    if re.match(r"[a-z]+:", target):
        return match.group(0)
    target = re.sub(r"^((?:\.\./)*)(?:nbs/)?index\.ipynb$", "/index.md", target)
    if target and target != "/index.md" and (folder / target).suffix not in (".ipynb", ".md", ".png", ".svg", ".jpg"):
        return text
    return f"[{text}]({target}{hash}{slug(anchor)})"


def as_page(text: str, folder: Path) -> str:
    """Markdown of a page as the site takes it."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    outside = re.compile(r"(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)")
    return "".join(p if i % 2 else outside.sub(lambda m: link(m, folder), p) for i, p in enumerate(parts))


def notebook(page: Path) -> str:
    """A notebook as the site shows it: without directives, hidden cells and widget state."""
    found = json.loads(page.read_text())
    name, cells = page.relative_to(ROOT).as_posix(), []
    for cell in found["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cells.append({**cell, "metadata": {}, "source": as_page(source, page.parent)})
            continue
        if re.search(r"^#\| *(hide|default_exp)\b", source, re.M):
            if not cell.get("outputs"):
                continue
            cell["metadata"] = {"tags": ["remove-input"]}
        source = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")
        if source:
            outputs = [o for output in cell.get("outputs", []) if (o := shown(output))]
            tags = cell["metadata"].get("tags", []) if cell["cell_type"] == "code" else []
            cells.append({**cell, "metadata": {"tags": tags}, "source": source, "outputs": outputs})
    if name in ALIVE:
        page_name, what = ALIVE[name]
        address = os.path.relpath("live/" + page_name + ".html", Path(name).parent)
        note = f'<p class="alive"><a href="{address}">Open {what} alive</a>: it works here without a kernel.</p>'
        cells.insert(1, {"cell_type": "markdown", "id": "alive", "metadata": {}, "source": note})
    language = {"language_info": {"name": "python"}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False)


def toctree(names: list[str], caption: str = "", hidden: bool = True) -> str:
    """A table of contents for the side bar."""
    told = ([f":caption: {caption}"] if caption else []) + ([":hidden:"] if hidden else [])
    return "\n".join(["", "```{toctree}", *told, "", *names, "```", ""])


def chapter_pages(source: Path) -> list[str]:
    """Write the page of every chapter; return what the side bar lists."""
    listed = []
    for chapter, pages in chapters().items():
        if len(pages) == 1 and pages[0].parent == ROOT / "nbs":
            listed.append(f"nbs/{chapter}")
            continue
        name = re.sub(r"^\d+_", "", chapter)
        rows = [f"| [{title_and_sentence(p)[0]}]({p.name}) | {title_and_sentence(p)[1]} |" for p in pages]
        text = [f"# {name.capitalize()}", "", f"> {line_of(name)}", "", "| page | what it is for |", "|---|---|", *rows]
        reference = f"\nEvery function of these pages: [reference of `avgen.{name}`](../../api/{name}/index.md).\n"
        write(source / f"nbs/{chapter}/index.md", "\n".join(text) + reference + toctree([p.stem for p in pages]))
        listed.append(f"nbs/{chapter}/index")
    return listed


def reference(source: Path) -> list[str]:
    """Write the reference: a page for every module, one for every folder, and one that lists them."""
    pages = {exported_module(page): page for page in page_order()}
    folders: dict[str, list[str]] = {}
    for module in sorted(modules(), key=lambda m: list(pages).index(m)):
        parts = module.split(".")[1:]
        page = pages[module]
        place = "api/" + "/".join(parts)
        to_page = os.path.relpath(page.relative_to(ROOT), Path(place).parent)
        made = ModulePage(module, modules()[module], to_page).markdown(title_and_sentence(page)[0])
        hidden = "---\norphan: true\n---\n" if len(parts) == 2 else ""  # the side bar lists folders only
        write(source / f"{place}.md", hidden + made)
        folders.setdefault(parts[0] if len(parts) == 2 else "", []).append(parts[-1])
    head = ["# Reference", "", "> Every public function and class, with the shape or unit of each parameter.", ""]
    head += ["| folder | what it is for |", "|---|---|"]
    listed = [f"api/{name}" for name in folders.pop("")]
    head += [f"| [`avgen.{Path(p).name}`]({Path(p).name}.md) | {module_line(Path(p).name)} |" for p in listed]
    for folder, names in folders.items():
        rows = [f"| [`{n}`]({n}.md) | {module_line(folder + '.' + n)} |" for n in names]
        text = [f"# avgen.{folder}", "", line_of(folder), "", "| module | what it is for |", "|---|---|", *rows]
        write(source / f"api/{folder}/index.md", "\n".join(text) + "\n")
        head.append(f"| [`avgen.{folder}`]({folder}/index.md) | {line_of(folder)} |")
        listed.append(f"api/{folder}/index")
    write(source / "api/index.md", "\n".join(head) + "\n" + toctree([p.removeprefix("api/") for p in listed]))
    return ["api/index"]


def module_line(name: str) -> str:
    """The sentence of a module."""
    return (ast.get_docstring(ast.parse(modules()[f"avgen.{name}"].read_text())) or "").splitlines()[0]


def studies(source: Path) -> None:
    """Write the gallery of studies: a figure, the question and the table of each."""
    results = sorted((ROOT / "data/results").glob("study-*.json"))
    lines = [
        "# A gallery of studies",
        "",
        "> The tables of the papers, run again on the orchestra and on real pairs: figure, table and command.",
        "",
        "Blue is sound to image, orange image to sound; an open dot is the training split, bars are single seeds, a "
        "ring is what the paper published, on other data. What the tables show is read with its caveats on "
        "[What the figures show](figures.md) and in [the studies](../nbs/10_studies/09_study.ipynb).",
        "",
    ]
    newest = max([p.stat().st_mtime for p in [*results, ROOT / "avgen/studies/study.py"]])
    page = source / "docs/studies.md"
    if page.is_file() and page.stat().st_mtime > newest:
        return
    import matplotlib

    matplotlib.use("Agg")
    from avgen.show.live import figure_svg
    from avgen.studies.study import read_study, study_figure

    for path in results:
        study, name = read_study(path), path.stem.removeprefix("study-")
        rows = len(study.rows)
        picture = source / f"docs/studies/{name}.svg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(figure_svg(study_figure(study)))
        _, question = study.title.split(": ", 1)
        where = "" if "real" not in name else ", on real pairs"
        data = "data/orchestra" if not where else "FOLDER"
        lines += [
            f"## {name.replace('-', ' ')}: {question}",
            "",
            f"![accuracies of {rows} rows with their intervals](studies/{name}.svg)",
            "",
            f":::{{dropdown}} The table of {name}",
            "",
            study.markdown().split("\n", 2)[2],
            ":::",
            "",
            f"```\navgen study {study.name} --data {data} --seeds {study.about.get('seeds', 1)}\n```",
            "",
        ]
    write(page, "\n".join(lines))
    os.utime(page)


def live_pages(folder: Path) -> None:
    """Write the widgets that matter as pages which are alive without a kernel, from what comes with the kit."""
    sources = [*(ROOT / "avgen/show").rglob("*"), *(ROOT / "avgen/nets").glob("*.py"), ROOT / "docs/build.py"]
    newest = max(p.stat().st_mtime for p in sources if p.is_file() and "__pycache__" not in p.parts)
    made = folder / "live/inspector.html"
    if made.is_file() and made.stat().st_mtime > newest:
        return
    os.environ.setdefault("AVGEN_STILL", "1")
    import torch

    import avgen
    from avgen.runs.run import Run
    from avgen.show.compare import Compare
    from avgen.show.dashboard import TrainingDashboard
    from avgen.show.gallery import PairGallery
    from avgen.show.inspector import AttentionInspector
    from avgen.show.pair_grid import PairGrid
    from avgen.show.sound_player import SoundPlayer

    torch.set_num_threads(int(os.environ.get("AVGEN_THREADS", "2")))
    pairs = avgen.open_pairs(ROOT / "data/sample")
    toy = Run.open(ROOT / "data/toy", device="cpu")
    trumpet, violin = (next(p for p in pairs.validation if p.instrument == i) for i in ("trumpet", "violin"))
    painted = [p for p in pairs.validation if p.instrument in ("cello", "flute", "horn", "trombone", "tuba", "violin")]
    maps = [toy.attend(p.sound) for p in (trumpet, violin)]
    painter = avgen.shipped("S2I", pairs, device="cpu")
    folder.joinpath("live").mkdir(parents=True, exist_ok=True)
    for name, make in {
        "player": lambda: SoundPlayer(trumpet.sound),
        "pairs": lambda: PairGrid(pairs.validation, rate=22050),
        "gallery": lambda: PairGallery(painter, limit=4),
        "compare": lambda: Compare({"a trumpet": maps[0]}, {"a trumpet": maps[1]}, labels=("trumpet", "violin")),
        "dashboard": lambda: TrainingDashboard(toy),
        "painted": lambda: PairGrid(painter.variations(painted), limit=6, rate=22050),
        "inspector": lambda: AttentionInspector(maps[0], sound=trumpet.sound, rate=22050),
    }.items():
        begun = time.perf_counter()
        make().save_html(folder / f"live/{name}.html")
        print(f"docs: live/{name}.html in {time.perf_counter() - begun:.1f} s", flush=True)


def front(source: Path, listed: list[str]) -> None:
    """Write the first page: the README, and the side bar."""
    lessons = sorted((ROOT / "nbs/tutorials").rglob("*.ipynb"))
    lessons = [p.relative_to(ROOT).with_suffix("").as_posix() for p in lessons if ".ipynb_checkpoints" not in p.parts]
    recipes = [p.relative_to(ROOT).with_suffix("").as_posix() for p in sorted((ROOT / "docs/recipes").glob("*.md"))]
    parts = [
        toctree(["docs/start", *lessons], "Begin"),
        toctree(["docs/figures", "docs/studies", "docs/live", "docs/measures", "docs/cost"], "What it makes"),
        toctree(recipes, "Recipes"),
        toctree(["docs/notebooks", *listed, "nbs/app"], "The notebooks"),
        toctree(["api/index", "data/README", "CONTRIBUTING"], "Reference"),
    ]
    write(source / "index.md", as_page((ROOT / "README.md").read_text(), ROOT) + "\n" + "\n".join(parts))


def lay_out(source: Path) -> None:
    """Lay out the sources of the site."""
    kept = set()
    for page in sorted((ROOT / "nbs").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in page.parts or page.name == "index.ipynb":
            continue
        target = source / page.relative_to(ROOT)
        kept.add(target)
        write(target, notebook(page))
    for old in source.glob("nbs/**/*.ipynb"):
        if old not in kept:
            old.unlink()
    texts = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "data/README.md", ROOT / "CONTRIBUTING.md"]
    for text in texts:
        write(source / text.relative_to(ROOT), as_page(text.read_text(), text.parent))
    for text in sorted((ROOT / "nbs").rglob("*.md")):  # quizzes and pages for the teacher, where lessons have them
        write(source / text.relative_to(ROOT), "---\norphan: true\n---\n" + as_page(text.read_text(), text.parent))
    for folder in ("nbs/images", "docs/images"):
        for picture in sorted((ROOT / folder).glob("*.*")):
            copy(picture, source / picture.relative_to(ROOT))
    for file in sorted((ROOT / "docs/_static").glob("*.*")):
        copy(file, source / "_static" / file.name)
    copy(ROOT / "docs/conf.py", source / "conf.py")
    for helper in ("mathml.py",):
        copy(ROOT / "docs" / helper, source / helper)
    listed = chapter_pages(source)
    reference(source)
    studies(source)
    live_pages(source / "_extra")
    front(source, listed)


def build(out: Path, jobs: int = 1, again: bool = False) -> int:
    """Lay out and build; warnings are errors. Returns the exit status of Sphinx."""
    from sphinx.cmd.build import main

    if again:
        shutil.rmtree(out, ignore_errors=True)
    begun = time.perf_counter()
    lay_out(out / "source")
    print(f"docs: sources laid out in {time.perf_counter() - begun:.1f} s", flush=True)
    options = ["-q", "-W", "--keep-going", "-j", str(jobs), "-d", str(out / "doctrees")]
    status = main([*options, str(out / "source"), str(out / "html")])
    print(f"docs: {out / 'html/index.html'} in {time.perf_counter() - begun:.1f} s", flush=True)
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "_docs", help="where the site goes")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("AVGEN_THREADS", "2")))
    parser.add_argument("--again", action="store_true", help="build everything anew")
    told = parser.parse_args()
    sys.exit(build(told.out.resolve(), told.jobs, told.again))
