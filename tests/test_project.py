"""The project's own agreements: two settings files that say the same, a lean import, a known top level."""

import configparser
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HEAVY = {
    "librosa",
    "soundfile",
    "av",
    "matplotlib",
    "IPython",
    "ipywidgets",
    "anywidget",
    "sklearn",
    "torchmetrics",
    "torchaudio",
    "PIL",
    "typer",
    "pandas",
    "nbdev",
    "fastcore",
}


def settings() -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "settings.ini")
    return dict(parser["DEFAULT"])


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("not a git checkout")
    return found.stdout.splitlines()


def test_settings_ini_agrees_with_pyproject():
    import avgen

    ini, project, nbdev = settings(), PROJECT["project"], PROJECT["tool"]["nbdev"]
    assert (
        ini["lib_name"] == project["name"]
        and ini["version"] == avgen.__version__
        and ini["description"] == project["description"]
    )
    assert {"apache2": "Apache-2.0"}[ini["license"]] == project["license"]
    assert f">={ini['min_python']}" == project["requires-python"]
    assert ini["requirements"] == " ".join(project["dependencies"])
    assert ini["dev_requirements"] == " ".join(project["optional-dependencies"]["dev"])
    assert ini["keywords"].split() == project["keywords"]
    assert ini["console_scripts"] == "avgen=" + project["scripts"]["avgen"]
    for name in ("nbs_path", "lib_path", "doc_path", "branch", "readme_nb"):
        assert ini[name] == nbdev[name]


def test_every_requirement_is_a_range_and_has_a_tested_version():
    tested = {
        line.split("==")[0].lower().replace("_", "-"): line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    for requirement in PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]:
        name = re.match(r"[\w-]+", requirement).group().lower()
        assert ">=" in requirement and "==" not in requirement
        assert name in tested, f"{name} has no tested version in constraints.txt"


def test_every_install_command_uses_the_constraints():
    for name in ("Makefile", "README.md", "CONTRIBUTING.md", "docs/start.md", "docs/recipes/gpu.md"):
        for line in (ROOT / name).read_text().splitlines():
            if re.search(r"pip install\b", line) and "avgen: " not in line:
                assert "constraints.txt" in line, f"{name}: {line.strip()}"


def test_top_level_holds_what_the_design_names_and_nothing_else():
    allowed = {
        "settings.ini",
        "README.md",
        "nbs",
        "avgen",
        "tests",
        "docs",
        "data",
        "pyproject.toml",
        "constraints.txt",
        "Makefile",
        "LICENSE",
        "CONTRIBUTING.md",
        ".ci",
        ".gitignore",
        ".gitattributes",
    }
    assert {name.split("/")[0] for name in tracked()} <= allowed


def test_every_link_leads_somewhere():
    pages, broken = [f for f in tracked() if f.endswith((".md", ".ipynb"))], []
    for page in pages:
        path = ROOT / page
        texts = (
            [path.read_text()]
            if page.endswith(".md")
            else ["".join(c["source"]) for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "markdown"]
        )
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", "\n".join(texts)) + re.findall(
            r'src="([^"]+)"', "\n".join(texts)
        ):
            if not re.match(r"[a-z]+:|\.\./live/", link) and not (path.parent / link).exists():
                broken.append(f"{page}: {link}")
    assert len(pages) > 60 and not broken, broken


def commands_of(page: str) -> list[list[str]]:
    "The words of each line of a page that calls `avgen`."
    lines = [line.strip() for line in (ROOT / page).read_text().splitlines()]
    found = [re.sub(r"^\.venv/bin/", "", line) for line in lines if re.match(r"(\.venv/bin/)?avgen [a-z]", line)]
    return [shlex.split(line, comments=True)[1:] for line in found]


SITE_PAGES = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))  # recipes are run whole


@pytest.mark.parametrize("page", ["README.md", "data/README.md", "CONTRIBUTING.md", *SITE_PAGES])
def test_every_command_of_a_page_parses(page):
    "A line that a reader copies must name subcommands and options that exist, with values they take."
    import typer

    from avgen.cli import app

    group, commands = typer.main.get_command(app), commands_of(page)
    for words in commands:
        command, rest = group, list(words)
        while hasattr(command, "commands") and rest and rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        try:
            command.make_context("avgen", rest)
        except Exception as e:
            pytest.fail(f"{page}: avgen {' '.join(words)}: {getattr(e, 'message', e)}")
    assert commands or page != "docs/start.md"


def test_a_wrong_option_is_found():
    import typer

    from avgen.cli import app

    orchestra = typer.main.get_command(app).commands["orchestra"]
    with pytest.raises(Exception, match="No such option"):
        orchestra.make_context("avgen", ["--data", "data/orchestra"])


def test_data_is_small():
    def size(folder):
        return sum((ROOT / f).stat().st_size for f in tracked() if f.startswith(folder))

    assert size("data/sample/") < 2e6 and size("data/toy/") < 3e6 and size("data/systems/") < 14e6


@pytest.mark.parametrize("module", ["avgen", "avgen.systems", "avgen.training.runner", "avgen.judge.evaluation"])
def test_importing_the_low_floors_is_lean(module):
    "The lower floors load torch, numpy, safetensors and the standard library only."
    code = f"import sys, {module}; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_notebooks_are_small_and_clean():
    for path in (ROOT / "nbs").rglob("*.ipynb"):
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = json.loads(path.read_text())
        assert path.stat().st_size < (600 if "tutorials" in path.parts else 300) * 1024, path.name
        assert "widgets" not in notebook["metadata"], path.name
        outputs = [o for c in notebook["cells"] for o in c.get("outputs", [])]
        assert not any(o["output_type"] == "error" for o in outputs), path.name
        assert "/tmp/tmp" not in json.dumps(outputs), f"{path.name}: a temporary folder of one machine"
        assert not any("data:audio" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs), path.name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    "The names of the files in a wheel that is built from the files under version control, without a network."
    import subprocess
    import sys
    import tarfile
    import zipfile

    pytest.importorskip("setuptools", minversion="69")
    root, place = Path(__file__).parent.parent, tmp_path_factory.mktemp("wheel")
    packed = subprocess.run(
        ["git", "ls-files", "-z", "avgen", "data/sample", "data/README.md"], cwd=root, capture_output=True
    )
    if packed.returncode:
        pytest.skip("not a git checkout")
    with tarfile.open(place / "source.tar", "w") as archive:
        for name in [*filter(None, packed.stdout.decode().split("\0")), "pyproject.toml", "README.md", "LICENSE"]:
            archive.add(root / name, name)
    with tarfile.open(place / "source.tar") as archive:
        archive.extractall(place / "source", filter="data")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(place), "."]
    done = subprocess.run(command, cwd=place / "source", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = next(place.glob("*.whl"))
    return built, set(zipfile.ZipFile(built).namelist())


def test_a_wheel_has_every_module_and_what_they_read(wheel):
    root = Path(__file__).parent.parent
    modules = {p.relative_to(root).as_posix() for p in (root / "avgen").rglob("*.py")}
    static = {p.relative_to(root).as_posix() for p in (root / "avgen/show/static").rglob("*") if p.is_file()}
    assert modules <= wheel[1] and static <= wheel[1] and "avgen/signal/vocoder.safetensors" in wheel[1]


def test_a_wheel_has_the_sample_and_finds_it(wheel, tmp_path):
    import os
    import subprocess
    import sys
    import zipfile

    root = Path(__file__).parent.parent
    sample = {p.relative_to(root / "data").as_posix() for p in (root / "data/sample").rglob("*") if p.is_file()}
    assert {f"avgen/kit/{name}" for name in sample} <= wheel[1] and wheel[0].stat().st_size < 5e6
    zipfile.ZipFile(wheel[0]).extractall(tmp_path / "site")
    code = "from avgen.runs.sources import shipped_folder; print(shipped_folder('sample'), shipped_folder('toy'))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "site/avgen/kit/sample"), "None"], done.stderr
