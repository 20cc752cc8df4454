"""The command line, called from a test. Whatever is refused must say something that can be followed."""

import advice
from typer.testing import CliRunner

from avgen.cli import app


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="avgen")
    for line in result.stderr.splitlines():
        if result.exit_code in (1, 2) and line.startswith("avgen: "):
            advice.check(arguments, line)
    return result


def refused(*arguments) -> str:
    "The one line that bad input gets."
    result = run(*arguments)
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("avgen: "), result.stderr
    assert "Traceback" not in result.output
    return lines[0]
