"""Every line of the recipes runs, at toy size: what a page changes for that stands at its top, in a comment.

Blocks of Python run in one namespace a page, blocks of the shell line by line; a block after "Save as `name`:" becomes
that file. Blocks of text and layouts are not run.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from warm_python import warm

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted((ROOT / "docs/recipes").glob("*.md"))
BLOCK = re.compile(r"(?:Save as `(?P<file>[\w.]+)`:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
# Commands that a cluster has and this machine does not: a job runs at once. A study takes minutes even at toy size and
# has tests of its own: its options and values are parsed only. The judge of `avgen evaluate` learns for two steps.
PARSE = "from avgen.cli import app; from typer.main import get_command as g; import sys; "
PARSE += "g(app).commands['study'].make_context('study', sys.argv[2:])"
HASTY = "from functools import partial; from avgen.cli import app; from avgen.judge import evaluator as e; "
HASTY += "e.EvaluatorSettings = partial(e.EvaluatorSettings, image_steps=2, sound_steps=2, batch_size=8); "
HASTY += "app(prog_name='avgen')"
STAND_INS = {
    "sbatch": 'exec bash "$1"',
    "avgen": f'if [ "$1" = study ]; then exec "{{python}}" -c "{PARSE}" "$@"; fi\n'
    f'if [ "$1" = evaluate ]; then exec "{{python}}" -c "{HASTY}" "$@"; fi\n'
    'exec "{python}" -m avgen.cli "$@"',
}


def changes(text: str) -> list[tuple[str, str]]:
    """What a page says that its tests change."""
    told = re.search(r"<!-- in the tests: (.*?) -->", text)
    assert told, "a recipe says at its top what the tests change: <!-- in the tests: nothing is changed -->"
    return re.findall(r'"([^"]+)" is "([^"]*)"', told.group(1))


def smaller(text: str, changed: list[tuple[str, str]]) -> str:
    """The text with every change made."""
    for old, new in changed:
        text = text.replace(old, new)
    return text


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the data that comes with the kit, and the commands of a cluster."""
    (tmp_path / "bin").mkdir()
    python = warm.command(tmp_path / "bin" / "warm-python")
    for name, line in STAND_INS.items():
        command = tmp_path / "bin" / name
        command.write_text(f"#!/bin/bash\n{line.format(python=python)}\n")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "data").mkdir()
    for name in ("sample", "toy", "systems", "results", "README.md"):
        (tmp_path / "data" / name).symlink_to(ROOT / "data" / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PATH", f"{tmp_path / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("AVGEN_STILL", "1")
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def blocks(path: Path) -> list[tuple[str, str, str]]:
    """Kind, text and file name of every block that is run."""
    text = path.read_text()
    found = [(m["kind"], smaller(m["text"], changes(text)), m["file"] or "") for m in BLOCK.finditer(text)]
    return [block for block in found if block[0] in ("python", "bash") or block[2]]


def run_page(path: Path, folder: Path) -> int:
    """Run the blocks of a page in order; return how many."""
    space, count = {"__name__": "recipe"}, 0
    for kind, text, file in blocks(path):
        count += 1
        if file:
            (folder / file).write_text(text)
        elif kind == "python":
            exec(compile(text, f"{path.name}, block {count}", "exec"), space)
        else:
            told = subprocess.run(["bash", "-euc", text], capture_output=True, text=True, timeout=300)
            assert told.returncode == 0, f"{path.name}: {text}\n{told.stdout[-1500:]}\n{told.stderr[-3000:]}"
    return count


def needed(path: Path) -> str:
    """A command that a page needs and that this package does not have (yet); "" where it has all."""
    import typer

    from avgen.cli import app

    told = re.search(r"<!-- needs: avgen (\w+) -->", path.read_text())
    known = typer.main.get_command(app).commands
    return told.group(1) if told and told.group(1) not in known else ""


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_line_of_a_recipe_runs(path, workplace, request):
    if command := needed(path):
        pytest.skip(f"avgen {command} is not in this package")
    if path.stem == "your_own_videos":
        films(workplace / "films", request)
    assert run_page(path, workplace) >= 2


def films(folder: Path, request) -> None:
    """Two short films a class: coloured noise that moves, with a tone of its own."""
    import av
    import numpy as np

    for number, (name, pitch) in enumerate({"violin": 440.0, "drums": 90.0}.items()):
        for take in (1, 2):
            path = folder / name / f"{name}_{take}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(10 * number + take)
            with av.open(str(path), "w") as out:
                picture = out.add_stream("mpeg4", rate=10)
                picture.width, picture.height, picture.pix_fmt = 96, 96, "yuv420p"
                sound = out.add_stream("aac", rate=44100)
                for i in range(25):
                    pixels = np.full((96, 96, 3), 60 + 100 * number, np.uint8)
                    pixels[2 * i : 2 * i + 20, 20 * take : 20 * take + 30] = rng.integers(0, 255, 3)
                    for packet in picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                        out.mux(packet)
                time = np.arange(int(2.5 * 44100)) / 44100
                wave = (0.3 * np.sin(2 * np.pi * pitch * take * time) + 0.02 * rng.normal(size=len(time))).astype("f4")
                for start in range(0, len(wave) - 1024, 1024):
                    frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
                    frame.sample_rate, frame.pts = 44100, start
                    for packet in sound.encode(frame):
                        out.mux(packet)
                for stream in (picture, sound):
                    for packet in stream.encode():
                        out.mux(packet)


def test_the_lines_of_the_front_page_run(workplace):
    text = (ROOT / "README.md").read_text()
    (block,) = [m["text"] for m in BLOCK.finditer(text) if m["kind"] == "python"]
    shown = [line for line in block.splitlines() if line.strip()]
    assert len(shown) == 10
    quick = smaller(
        block,
        [
            ('build("data/orchestra")', 'build("orchestra", train=2, validation=1, workers=1, quiet=True)'),
            ('direction="S2I")', 'direction="S2I", preset="toy", steps=2, run="first", device="cpu", quiet=True)'),
            ("avgen.evaluate(run, pairs)", "judge(run)"),
            ("pairs.validation)", "[pairs.validation[0]])"),
        ],
    )
    space = {"judge": lambda run: run.finished}
    exec(compile(quick, "README.md", "exec"), space)
    assert space["run"].finished
