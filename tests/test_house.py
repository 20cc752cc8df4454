"""The house stays in order: one direction between floors, no circles, short modules, pages in reading order."""

import ast
import json
import re
import subprocess
import sys

import pytest
from house import (
    FLOORS,
    ROOT,
    cells,
    classes,
    code_lines,
    depth,
    exported_module,
    floor_of,
    imports,
    is_export,
    longest_run_of_exports,
    modules,
    names_without_example,
    page_order,
    title_and_sentence,
    tree,
    without_docstring,
    written_lines,
)

PAGES = [pytest.param(p, id=p.relative_to(ROOT / "nbs").as_posix()) for p in page_order()]


def test_every_arrow_between_folders_points_down():
    for module in modules():
        for target in imports(module):
            if floor_of(target) != floor_of(module):
                assert FLOORS.index(floor_of(target)) < FLOORS.index(floor_of(module)), f"{module} imports {target}"


def test_no_module_imports_itself_through_others():
    reached = {m: imports(m) for m in modules()}
    for _ in modules():
        wider = {m: found | {t for f in found for t in reached[f]} for m, found in reached.items()}
        if wider == reached:
            break
        reached = wider
    circles = sorted(m for m, found in reached.items() if m in found)
    assert not circles, circles


def test_within_a_folder_a_page_imports_from_earlier_pages_only():
    order = {m: i for i, p in enumerate(page_order()) if (m := exported_module(p))}
    for module, place in order.items():
        for target in imports(module) & order.keys():
            assert order[target] < place, f"{module} imports {target}, whose page comes later"


def test_every_module_has_a_page_and_a_sentence():
    exported = {exported_module(p) for p in page_order()} - {None}
    assert set(modules()) == exported
    for page in page_order():
        title, sentence = title_and_sentence(page)
        assert title and sentence, f"{page.name}: expected '# Title' and beneath it '> one sentence'"
        if module := exported_module(page):
            told = ast.get_docstring(tree(module))
            assert told and told.splitlines()[0] == sentence, f"{module} does not carry the sentence of its page"


def test_every_folder_says_who_lives_there():
    for folder in (ROOT / "avgen").iterdir():
        if (folder / "__init__.py").is_file():
            told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
            assert told and 3 <= len(told.splitlines()) <= 7, folder.name
            assert len(list(folder.glob("[a-z]*.py"))) <= 12, f"{folder.name} has more than twelve modules"


@pytest.mark.parametrize("module", modules())
def test_a_module_is_short_and_explained(module):
    text = modules()[module].read_text()
    assert text.count("\n") <= 400
    assert not [line for line in written_lines(module) if len(line) > 120]
    assert not without_docstring(module)


def test_lines_of_code_have_air():
    code = code_lines()
    assert sum(map(len, code)) / len(code) < 55


def test_no_ladders():
    known = classes()
    deep = {n: d for n in known if (d := depth(n, known)) > 2}
    assert not deep, deep


def test_no_method_is_assigned_from_outside():
    for module in modules():
        local = {n.name for n in ast.walk(tree(module)) if isinstance(n, ast.ClassDef)}
        for node in ast.walk(tree(module)):
            targets = node.targets if isinstance(node, ast.Assign) else []
            flat = [t for target in targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])]
            outside = [
                t
                for t in flat
                if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id in local
            ]
            assert not outside, f"{module}, line {node.lineno}: {ast.unparse(node)[:80]}"


def test_private_names_stay_in_their_module():
    for module in modules():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("avgen")):
                private = [a.name for a in node.names if a.name.startswith("_") and not a.name.startswith("__")]
                assert not private, f"{module} imports {private}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_it_exports(page):
    assert not names_without_example(page)
    assert longest_run_of_exports(page) <= 3


def test_next_is_the_next_page():
    order = page_order()
    for page, following in zip(order, order[1:]):
        prose = [s for kind, s in cells(page) if kind == "markdown"]
        links = re.findall(r"Next: .*?\]\(([^)#]+)", "\n".join(prose))
        assert links, f"{page.name} has no link to the next page"
        assert (page.parent / links[-1]).resolve() == following, f"{page.name} leads to {links[-1]}"


# Pages whose first picture is what their own code makes: a chart, a still or a widget further down. The list shrinks
# as they get a picture of their own at the top (`tests/make_diagrams.py`); no page may be added.
PICTURE_IS_THE_RESULT = set(
    """
    01_signal/02_representations 01_signal/03_phases 01_signal/04_listening 01_signal/05_vocoder
    01_signal/06_inversion 05_nets/01_attention_drawing 05_nets/09_losses 06_systems/01_base 06_systems/02_matching
    06_systems/03_sa_cmgan 06_systems/07_flow 06_systems/08_source_encoder 07_runs/02_checkpoints
    07_runs/07_grids 07_runs/08_curves 07_runs/09_film 07_runs/11_run 07_runs/12_logbook 08_training/02_updates
    08_training/03_guard 08_training/05_watching 08_training/08_control 08_training/09_trainer 08_training/11_runner
    08_training/12_replay 09_judge/01_measures 09_judge/08_poses 10_studies/02_shared_folder 10_studies/04_published
    10_studies/05_rows 10_studies/06_tables 10_studies/09_study 10_studies/10_occlusion 11_show/01_live
    11_show/06_inspector 11_show/07_compare 11_show/08_hearing 11_show/09_charts 11_show/11_dashboard
    11_show/12_link 12_report/02_page_parts 12_report/04_pages 12_report/05_report 12_report/10_rating_widget
    12_report/11_sheet 14_bench/06_report 15_lessons/05_slow_motion
    """.split()
)


def picture_place(page) -> tuple[int, int]:
    """How many cells that export a definition stand before the first picture of a page; -1 without one."""
    before = 0
    for i, cell in enumerate(json.loads(page.read_text())["cells"]):
        source, outputs = "".join(cell["source"]), [o.get("data", {}) for o in cell.get("outputs", [])]
        html = "".join("".join(data.get("text/html", [])) for data in outputs)
        drawn = html if cell["cell_type"] == "code" else source
        if re.search(r"!\[[^]]+\]\([^)]+\)|<(img|svg|canvas)\b", drawn) or any(
            kind.startswith("image/") for data in outputs for kind in data
        ):
            return before, i
        if is_export(cell["cell_type"], source) and re.search(r"^(async def|def|class|@)", source, re.M):
            before += 1
    return before, -1


@pytest.mark.parametrize("page", PAGES + [pytest.param(ROOT / "nbs/index.ipynb", id="index")])
def test_a_page_opens_with_a_picture(page):
    before, place = picture_place(page)
    assert place >= 0, f"{page.name}: found no picture; draw one in tests/drawings and show it after the title"
    name = page.relative_to(ROOT / "nbs").with_suffix("").as_posix()
    late = before > 0
    assert not late or name in PICTURE_IS_THE_RESULT, f"{name}: its first picture stands below {before} definitions"
    assert late or name not in PICTURE_IS_THE_RESULT, f"{name} opens with a picture now: take it off the list"


def test_no_page_is_called_by_its_number():
    for page in [*page_order(), *sorted((ROOT / "nbs/tutorials").glob("*.ipynb")), ROOT / "nbs/index.ipynb"]:
        for kind, source in cells(page):
            if kind == "markdown":
                found = re.search(r"\bnotebooks? \d+|\[\d\d[a-j]?_|\b(in|of|see) \d\d[a-j]\b", source)
                assert not found, f"{page.name}: {source[max(0, found.start() - 40) : found.end() + 40]!r}"


MORE_THAN_A_MODULE = {
    "browser": "drives whole pages in Chromium: several widgets, the report, and the hosts that show them",
}  # folders of tests/ that mirror no folder of avgen/, and why
TESTED_ELSEWHERE = {
    "avgen.bench.__main__": "only starts the other modules of its folder; its options are tested with the commands",
}  # modules without a test file of their own, and why


def test_the_tests_mirror_the_modules():
    """One test file a module, under the module's name; a file that tests no module has no place among them."""
    homes = {m: m.split(".")[1:] for m in modules() if m not in TESTED_ELSEWHERE}
    expected = {(ROOT / "tests").joinpath(*folders, f"test_{name}.py") for *folders, name in homes.values()}
    missing = sorted(str(p.relative_to(ROOT)) for p in expected if not p.is_file())
    assert not missing, f"modules without tests of their own: {missing}"
    found = {p for p in (ROOT / "tests").glob("*/test_*.py") if p.parent.name not in MORE_THAN_A_MODULE}
    extra = sorted(str(p.relative_to(ROOT)) for p in found - expected)
    assert not extra, f"expected one file a module, under its name: {extra}"
    empty = [p.relative_to(ROOT) for p in expected if not re.search(r"^def test_", p.read_text(), re.M)]
    assert not empty, f"no test in {empty}"


OLD_MODULES = (
    "spectrogram representations inversion pictures pairs files corpora performers scenes drawn_instruments drawing "
    "synthesis spectral attention attention_maps encoders generators discriminators losses checkpoints logbook remote "
    "processes updates guard watching trainer replay measures evaluator evaluation best structure poses forms jobs "
    "stills charts widgets players gallery inspector hearing dashboard link pages rating"
).split()


def test_no_old_import_path_is_left():
    old = re.compile(rf"\bavgen[./](?:{'|'.join(OLD_MODULES)})\b|\bfrom avgen import (?:{'|'.join(OLD_MODULES)})\b")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        if not name.endswith((".py", ".ipynb", ".md", ".json", ".js", ".toml", ".ini", "Makefile")):
            continue
        if name.endswith("tests/test_house.py"):
            continue
        found = old.search((ROOT / name).read_text())
        assert not found, f"{name}: {found.group(0)}"


def test_the_maps_are_made_from_the_sentences():
    made = subprocess.run([sys.executable, ROOT / "tests/gates.py", "maps"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


def test_importing_the_package_is_cheap():
    code = "import sys, avgen; print(json.dumps(sorted(sys.modules)))".replace("import sys", "import json, sys")
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert "torch" not in loaded and "numpy" not in loaded


def test_the_face_leads_where_it_says():
    import avgen

    for name in avgen.__all__:
        assert getattr(avgen, name) is not None
    with pytest.raises(AttributeError, match="expected one of"):
        avgen.nothing_of_the_kind  # noqa: B018
