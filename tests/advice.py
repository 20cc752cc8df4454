"""Check that a message of the command line can be followed: what it names exists, for the command that said it."""

import os
import re
from functools import cache
from pathlib import Path

import typer

from avgen.cli import app

OF_OTHERS = {  # programs of somebody else's that messages name, and what of theirs may be named
    "accelerate launch": {"--multi_gpu", "--num_processes"},
    "pip install": set(),
}
collected = []  # (command, message) of everything that was refused


@cache
def commands() -> dict:
    """Every command with the options that it has, such as {"train": {"--data", ...}, "runs show": {...}}."""
    found = {}

    def look(command, name):
        found[name] = {o for parameter in command.params for o in (*parameter.opts, *parameter.secondary_opts)}
        for child, inner in getattr(command, "commands", {}).items():
            look(inner, f"{name} {child}".strip())

    look(typer.main.get_command(app), "")
    return found


@cache
def sources() -> str:
    """The source of the package, in which a variable must be read to be worth naming."""
    import avgen

    return "\n".join(p.read_text() for p in Path(avgen.__file__).parent.rglob("*.py"))


def command_of(arguments) -> str:
    """The command that arguments call, such as "runs show"."""
    words, known = [], commands()
    for argument in arguments:
        if " ".join([*words, str(argument)]) not in known:
            break
        words.append(str(argument))
    return " ".join(words)


def named_commands(message: str) -> list[str]:
    """The commands of ours that a message says to call, with their words."""
    return re.findall(r"\bavgen ((?:[a-z]+ )?[a-z]+)\b", re.sub(r"avgen: ", "", message, count=1))


def complaints(message: str, command: str) -> list[str]:
    """What of a message cannot be followed by somebody who called `command`."""
    known, wrong = commands(), []
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "''", message)  # what the user wrote, quoted back
    others = []
    for first in named_commands(text):
        name = first if first in known else first.split()[0]
        if name in known:
            others.append(name)
        elif re.search(rf"[`:]\s*avgen {re.escape(first.split()[0])}", text):
            wrong.append(f"no command `avgen {first.split()[0]}`")
    allowed = known[command].union(*(known[o] for o in others), *(v for k, v in OF_OTHERS.items() if k in text))
    for option in re.findall(r"(?<![\w-])--[a-z][a-z_-]+", text):
        if option not in allowed | {"--help"}:
            wrong.append(f"`avgen {command}` has no {option}")
    for variable in re.findall(r"\bAVGEN_[A-Z_]+", text):
        if variable not in sources():
            wrong.append(f"nothing reads {variable}")
    python_only = re.findall(r"\b(?:pass|with|choose|use|set|give) (?:another )?([a-z_]+)=(?!\S*=)", text)
    if python_only and not re.search(r"--[a-z]", text):
        wrong.append(f"{python_only[0]}= can be given in Python only")
    return wrong


def check(arguments, message: str) -> None:
    """Assert that a message which `arguments` got can be followed, and keep it."""
    command = command_of(arguments)
    collected.append((command, message))
    found = complaints(message, command)
    assert not found, f"{found} in what `avgen {' '.join(map(str, arguments))[:200]}` says: {message}"


def dumped() -> str:
    """All that was collected, a line each, for a look (AVGEN_ADVICE=1 prints it at the end of a test run)."""
    return "\n".join(f"{c}: {m}" for c, m in collected) if os.environ.get("AVGEN_ADVICE") else ""
