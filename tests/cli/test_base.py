"""The command line as a whole: help, exit codes, and options that exist wherever one is named."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import advice
import pytest
import typer
from command_line import run

import avgen
from avgen.bench.__main__ import parser
from avgen.cli import app
from avgen.cli.base import repeat_option

COMMANDS = (
    "orchestra",
    "demo",
    "train",
    "resume",
    "evaluate",
    "study",
    "generate",
    "attend",
    "prepare",
    "corpora",
    "shards",
    "lab",
)
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


def test_advice_is_checked_against_the_command_that_gives_it():
    assert not advice.complaints("avgen: option --at: found 'x'; expected SECONDS,HERTZ", "attend")
    assert advice.complaints("avgen: expected --direction S2I", "attend") == ["`avgen attend` has no --direction"]
    assert not advice.complaints("avgen: found '--direction' of yours", "attend"), "what is quoted back is no advice"
    assert not advice.complaints("avgen: `avgen train --best` trains one", "evaluate")
    assert advice.complaints("avgen: `avgen learn --run x` does it", "train") == [
        "no command `avgen learn`",
    ]
    assert advice.complaints("avgen: set AVGEN_SPEED", "train") == ["nothing reads AVGEN_SPEED"]
    assert advice.complaints("avgen: choose another cache=", "train") == ["cache= can be given in Python only"]
    assert not advice.complaints("avgen: go on with: avgen runs show x", "train")
    assert "runs show" in advice.commands() and advice.command_of(["runs", "compare", "a", "b"]) == "runs compare"


WRONG = {  # for every command, what people get wrong: a folder that is not there, none at all, a value out of range
    "train": """
        --data AWAY
        --data EMPTY
        --data DATA --system sa-cmgam
        --data DATA --direction sideways
        --data DATA --preset huge
        -
        --data DATA --steps 0
        --data DATA --device gpu
        --data DATA --set width
        --data DATA --set width=-1
        --data DATA --set no_such=1
        --fork AWAY
        --data DATA --threads 0
        --data DATA --precision half
        --data FILE
        --data DATA --accumulate 7
        --data DATA --tune-share 0.9
        --data DATA --run DATA
        --data DATA --keep 0
        --data DATA --cache FILE
        --fork AWAY --system duet
        --data DATA --run FILE/run
    """,
    "resume": """
        --run AWAY
        --run EMPTY
        --run FILE
    """,
    "evaluate": """
        --run AWAY --data DATA
        --run TOY --data AWAY
        --run TOY --data SAMPLE --checkpoint best
        --run TOY --data SAMPLE --checkpoint 12345
        --run TOY TOY --data SAMPLE
    """,
    "generate": """
        --run AWAY --out OUT
        --run TOY --out OUT
        --run TOY --sound AWAY --out OUT
        --run TOY --image FILE --out OUT
        --run TOY --sound FILE --out OUT
        --run TOY --sound WAV --from 9 --out OUT
        --run TOY --data SAMPLE --direction I2S --out OUT
        --run TOY --sound WAV --out FILE/out
    """,
    "sheet": """
        --run AWAY --data DATA
        --run TOY --data SAMPLE --each 0
    """,
    "attend": """
        --run TOY --out OUT
        --run TOY --out OUT --sound WAV --at early
        --run TOY --out OUT --sound WAV --at 5,440
        --run TOY --out OUT --sound WAV --at 0.1,99999
        --run TOY --out OUT --sound WAV --layer no.such
        --run TOY --out OUT --image FILE
        --run TOY --out OUT --sound AWAY
    """,
    "ship": """
        --run AWAY --out OUT
    """,
    "runs": """
        --folder AWAY
        show AWAY
        compare AWAY TOY
        compare TOY TOY --curve no
    """,
    "study": """
        poster-9 --data DATA
        poster-2 --data AWAY
        poster-2 --data DATA --seeds 0
        poster-2 --data DATA --preset huge
    """,
    "orchestra": """
        --train 0
        --level opera
        --audio mp3
        --out FILE/x --train 3 --validation 2
    """,
    "demo": """
        --system cmav
        --seed -1
    """,
}


LINES = [(command, line.strip()) for command, lines in WRONG.items() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("command", "words"), LINES)
def test_what_people_get_wrong_is_said_in_a_way_that_can_be_followed(command, words, data, tmp_path, monkeypatch):
    import numpy as np
    import soundfile

    root = Path(avgen.__file__).parent.parent / "data"
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "FILE").write_text("neither a folder nor a sound")
    soundfile.write(tmp_path / "WAV.wav", np.zeros(22050), 44100)
    places = {n: tmp_path / n for n in ("AWAY", "EMPTY", "FILE", "OUT")}
    places |= {"DATA": data, "TOY": root / "toy", "SAMPLE": root / "sample", "WAV": tmp_path / "WAV.wav"}

    def placed(word):
        first, slash, rest = word.partition("/")
        return f"{places[first]}{slash}{rest}" if first in places else word

    monkeypatch.chdir(tmp_path)
    result = run(command, *map(placed, words.replace("-", "", words == "-").split()))
    known = [m for c, m in advice.collected if c.split()[0] == command]
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    assert result.stderr.startswith(("avgen: ", "Usage: ")) and (known or result.stderr.startswith("Usage: "))


def test_every_message_that_was_collected_names_what_exists():
    "All that the tests of this process provoked; each was checked when it came, this says how many there were."
    assert len(advice.collected) > 30 or not advice.collected
    for command, message in advice.collected:
        assert not advice.complaints(message, command), message
