"""Contract of avgen.runs.lock: one process trains a run, and the second is told who it is."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import run_tiny

from avgen.core import InputError
from avgen.runs.lock import RunLock, is_held
from avgen.training.remote import launch
from avgen.training.runner import resume, start

HOLDER = """
import sys, time
from avgen.runs.lock import RunLock
lock = RunLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(100)
"""

pytestmark = pytest.mark.usefixtures("tiny")


def test_the_second_is_told_who_holds_a_run(whole, toys, tmp_path):
    interrupted = tmp_path / "run"
    run_tiny(toys, interrupted, steps=2)
    (interrupted / "checkpoints").rename(tmp_path / "kept")  # else it would be finished
    with subprocess.Popen([sys.executable, "-c", HOLDER, interrupted], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        for action in (
            lambda: resume(interrupted, toys, quiet=True),
            lambda: launch(interrupted),
            lambda: RunLock(interrupted).acquire(),
        ):
            with pytest.raises(
                InputError,
                match=rf"being trained already, by process {other.pid} on {socket.gethostname()} since 20\d\d-",
            ):
                action()
        other.kill()
        other.wait()
    said = []
    assert not is_held(interrupted)
    RunLock(interrupted).acquire(said.append).release()
    assert len(said) == 1 and f"process {other.pid} on" in said[0] and "ended without a word" in said[0]
    RunLock(interrupted).acquire(said.append).release()
    assert len(said) == 1


def test_two_that_begin_in_the_same_folder(toys, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    hold = RunLock(folder).acquire()
    for action in (
        lambda: run_tiny(toys, folder),
        lambda: start("sa-cmgan", toys, preset="toy", run=folder, device="cpu"),
    ):
        with pytest.raises(InputError, match=f"being trained already, by process {os.getpid()}"):
            action()
    hold.release()
    assert run_tiny(toys, folder).finished


def test_without_locks_the_number_of_the_process_has_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("avgen.runs.lock._is_free", lambda path: None)
    path = tmp_path / "training.lock"
    path.write_text(json.dumps({"process": 1, "host": socket.gethostname(), "since": 0}))
    assert is_held(tmp_path)
    with pytest.raises(InputError, match="by process 1 on"):
        RunLock(tmp_path).acquire()
    path.write_text(json.dumps({"process": 2**22 + 1, "host": socket.gethostname(), "since": 0}))
    said = []
    RunLock(tmp_path).acquire(said.append).release()
    assert len(said) == 1 and not is_held(tmp_path)


def test_a_folder_without_the_right_to_write(whole, toys, tmp_path, monkeypatch):
    run_tiny(toys, tmp_path / "run", steps=2)
    (tmp_path / "run" / "checkpoints").rename(tmp_path / "kept")
    real_open = open

    def denied(path, mode="r", *a, **k):
        if str(path).startswith(str(tmp_path)) and mode[0] in "wa":
            raise PermissionError(13, "Permission denied")
        return real_open(path, mode, *a, **k)

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(InputError, match="cannot be written to: Permission denied; ask for the right"):
        resume(tmp_path / "run", toys, quiet=True)
    with pytest.raises(InputError, match="cannot be written to|cannot write"):
        run_tiny(toys, tmp_path / "other")


def test_a_used_run_folder_is_refused(whole, toys, tmp_path):
    with pytest.raises(InputError, match="holds a run already.*avgen resume"):
        run_tiny(toys, whole.folder)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="in use by something else"):
        run_tiny(toys, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_folders_are_numbered_when_none_is_given(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(run_tiny(toys, None, steps=1).folder) for _ in range(2)] == [
        str(Path("runs") / f"tiny-S2I-small-{n}") for n in (1, 2)
    ]
