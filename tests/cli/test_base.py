"""The command line as a whole: help, exit codes, and options that exist wherever one is named."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from command_line import run

import avgen
from avgen.bench.__main__ import parser
from avgen.cli import app
from avgen.cli.base import repeat_option

COMMANDS = ("orchestra", "demo", "train", "resume", "evaluate", "study", "generate", "attend", "lab")
OTHERS = {"--multi_gpu", "--num_processes", "--help"}  # of accelerate and typer


def test_help_is_there_with_an_example_for_each():
    page = run("--help")
    assert page.exit_code == 0 and all(f"\n  {c} " in page.output for c in COMMANDS)
    for command in COMMANDS:
        page = run(command, "--help")
        assert page.exit_code == 0 and "Example:" in page.output and f"  avgen {command}" in page.output, page.output


def test_the_options_that_were_promised():
    promised = {
        "train": "--system --direction --preset --data --run --seed --steps --device",
        "resume": "--run",
        "attend": "--run --sound --out",
        "evaluate": "--run --data --split --evaluator-data --json",
        "generate": "--run --data --split --out --sound --image",
    }
    for command, options in promised.items():
        page = run(command, "--help").output
        assert all(option in page for option in options.split()), (command, page)


def test_help_does_not_wait_for_pytorch():
    "Nothing heavy is loaded; how long it takes beside an empty program is measured by `make bench`."
    code = """
import sys
from avgen.cli import main

sys.argv = ["avgen", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
heavy = {"torch", "numpy", "matplotlib", "librosa"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_usage_errors_leave_with_two():
    for arguments in (
        ["train"],
        ["nonsense"],
        ["train", "--data"],
        ["train", "--seed", "many", "--data", "x"],
        ["lab", "--port", "0"],
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and result.stderr, arguments


def test_options_with_several_values():
    assert repeat_option(["--a", "1", "2", "--b", "3", "4"], "--a") == ["--a", "1", "--a", "2", "--b", "3", "4"]
    assert repeat_option(["--a"], "--a") == ["--a"] and repeat_option([], "--a") == []


def test_it_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "avgen.cli", "train", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "avgen train" in done.stdout


def options_of(command) -> set[str]:
    found = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return found.union(*map(options_of, getattr(command, "commands", {}).values()))


def sentences(file: Path) -> list[str]:
    "The strings of a module that are more than one word: messages, docstrings, help."
    constants = [node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
    return [text for text in constants if isinstance(text, str) and " " in text]


def test_every_option_that_a_message_names_exists():
    "Of the command line, or of the bench, which has a parser of its own."
    known = options_of(typer.main.get_command(app)) | OTHERS
    known |= {option for action in parser()._actions for option in action.option_strings}
    for file in sorted(Path(avgen.__file__).parent.rglob("*.py")):
        for text in sentences(file):
            named = set(re.findall(r"(?<![\w(-])--[a-z][a-z_-]+", text))
            assert named <= known, f"{file.name}: {sorted(named - known)} in {text!r}"


def test_every_command_that_a_message_names_exists():
    commands = typer.main.get_command(app).commands
    for file in sorted(Path(avgen.__file__).parent.rglob("*.py")):
        for name in re.findall(r"`avgen ([a-z]+)", file.read_text()):
            assert name in commands, f"{file.name} names `avgen {name}`"
