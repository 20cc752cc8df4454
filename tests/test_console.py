"""A guest on any terminal: characters, closed pipes, remarks in one line, and signals that ask us to stop."""

import contextlib
import io
import logging
import os
import signal
import subprocess
import sys

import pytest

from avgen import console
from avgen.console import CatchSignals, Console, Stopped, advise, plain, stop_code, stop_on_signals, stop_signal, tell

OURS = "duet S2I · step 1,200 – 3 × … ± → γ ▁▅█ naïve Dvořák ピアノ 🎻"


@pytest.mark.parametrize("encoding", ["ascii", "cp852", "cp932", "cp437", "latin-1", "utf-8", "utf-16", None])
def test_every_text_can_be_written_in_every_encoding(encoding):
    written = plain(OURS, encoding).encode(encoding or "ascii")
    assert b"1,200" in written.replace(b"\0", b"")
    assert plain("plain text", encoding) == "plain text"


def test_lookalikes_read_like_what_they_stand_for():
    assert plain("3 × 0.5 · … – →", "ascii") == "3 x 0.5 - ... - ->"
    assert plain("naïve Dvořák", "ascii") == "naive Dvorak" and plain("Dvořák", "cp852") == "Dvořák"
    assert plain("\udcff.wav", "utf-8") == "\\udcff.wav", "a file name that is no UTF-8"
    assert plain("ピ", "no-such-encoding").startswith("\\u")


class Closed(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_line_never_fails(capsys):
    strict = io.TextIOWrapper(io.BytesIO(), encoding="cp932", errors="strict", newline="\n")
    tell("a · b", strict)
    assert strict.buffer.getvalue() == b"a - b\n"
    gone = io.StringIO()
    gone.close()
    for file in (Closed(), gone, object()):
        tell("nobody reads this", file)
    with contextlib.redirect_stdout(None):
        tell("there is no stream, as under pythonw")
    tell("as usual")
    assert capsys.readouterr().out == "as usual\n"


def test_a_console_goes_on_when_the_reader_has_gone():
    console = Console(Closed())
    assert console.write("text") == 4 and console.flush() is None
    console.writelines(["more"])
    assert Console(None).write("no stream at all") == 16
    strict = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    print("a · b", file=Console(strict), flush=True)
    assert strict.buffer.getvalue().strip() == b"a - b"


@pytest.fixture
def without_handlers(monkeypatch):
    """Called in a test: as in a program that keeps no log (pytest does), and in which nothing has been said yet."""

    def bare():
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        monkeypatch.setattr(console, "_advised", set())

    return bare


def test_a_remark_is_one_line_in_the_users_words(without_handlers, capsys):
    without_handlers()
    for _ in range(2):
        advise("a.wav: 2 channels,\n mixed to one")
    assert capsys.readouterr().err == "avgen: a.wav: 2 channels, mixed to one\n"
    advise("again", once=False)
    advise("again", once=False)
    assert capsys.readouterr().err.count("again") == 2


def test_a_program_that_keeps_a_log_finds_remarks_there(without_handlers, capsys, caplog):
    without_handlers()
    with caplog.at_level(logging.ERROR, "avgen"):
        advise("silenced by its level")
    logging.getLogger().addHandler(caplog.handler)
    advise("kept in the log")
    assert [r.getMessage() for r in caplog.records] == ["kept in the log"] and capsys.readouterr().err == ""


def test_a_remark_is_no_error_where_warnings_are():
    code = "from avgen.console import advise; advise('2 channels, mixed to one')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "avgen: 2 channels, mixed to one\n")


@pytest.fixture
def default_signals():
    numbers = (signal.SIGINT, *console.STOP_SIGNALS)
    before = {n: signal.getsignal(n) for n in numbers}
    for number in console.STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", console.STOP_SIGNALS, ids=lambda n: signal.Signals(n).name)
def test_every_stopping_signal_has_its_own_code(default_signals, number):
    with pytest.raises(Stopped, match=signal.Signals(number).name), stop_on_signals():
        assert stop_code() == 130 and stop_signal() == ""
        signal.raise_signal(number)
    assert stop_code() == 128 + number and stop_signal() == signal.Signals(number).name
    assert signal.getsignal(number) is signal.SIG_DFL


def test_handlers_of_others_and_ignored_signals_are_left_alone(default_signals):
    heard, ours = [], []
    signal.signal(signal.SIGUSR2, lambda number, frame: heard.append(number))  # as submitit does
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    with CatchSignals(ours.append):
        signal.raise_signal(signal.SIGUSR2)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGUSR2] and ours == [signal.SIGTERM]


def test_inside_and_outside_catchers_do_not_mix(default_signals):
    outer, inner = [], []
    with CatchSignals(outer.append):
        with CatchSignals(inner.append):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert inner == outer == [signal.SIGTERM]


COMMAND = "import sys; sys.argv = ['avgen', *sys.argv[1:]]; from avgen.cli import main; main()"


@pytest.mark.parametrize("encoding", ["cp932", "ascii", "cp852"])
def test_the_command_prints_on_poor_terminals(encoding, tmp_path):
    folder = tmp_path / "läufe · 3"
    folder.mkdir()
    environment = os.environ | {"PYTHONIOENCODING": f"{encoding}:strict", "PYTHONUTF8": "0"}
    for arguments in (["runs", "--folder", folder], ["resume", "--run", folder]):
        done = subprocess.run([sys.executable, "-c", COMMAND, *arguments], capture_output=True, env=environment)
        assert b"Traceback" not in done.stderr and done.returncode in (0, 2), done.stderr.decode(encoding)


@pytest.mark.skipif(os.name == "nt", reason="a pipe of a shell")
def test_a_closed_pipe_is_no_error():
    shell = f'{sys.executable} -c "{COMMAND}" runs --folder . ; echo code $? >&2'
    done = subprocess.run(["sh", "-c", f"({shell}) | true"], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr and "code 0" in done.stderr, done.stderr
