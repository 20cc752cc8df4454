"""Processes of their own without the seconds of importing PyTorch: a server forks them, everything else is as usual.

A server imports the large libraries, none of avgen, and forks a fresh process for each command. What the process is
given is what Python would have been given: arguments, environment, folder, open files; its exit is Python's own. A
test that starts forty processes saves the import of PyTorch forty times.

    python tests/warm_python.py SOCKET ARGUMENTS...     what `python ARGUMENTS...` does, by the server at SOCKET
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LARGE = ("torch", "torch._dynamo", "torch.distributed", "matplotlib.pyplot", "accelerate", "safetensors.torch", "typer")


def serve(address: str) -> None:
    """Fork a process for every request until whoever started this server is gone. In a child: return, to be it."""
    import importlib

    for name in LARGE:
        importlib.import_module(name)
    owner, running = os.getppid(), {}  # pid -> connection that is told how it ended
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(64)
        while os.getppid() == owner:
            if select.select([door], [], [], 0.02 if running else 0.5)[0]:
                caller, _ = door.accept()
                asked, files = receive(caller)
                pid = os.fork()
                if not pid:
                    door.close()
                    caller.close()
                    for other in running.values():
                        other.close()
                    return become(asked, files)
                for file in files:
                    os.close(file)
                caller.sendall(f"{pid}\n".encode())
                running[pid] = caller
            for pid in list(running):
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    with running.pop(pid) as caller, contextlib.suppress(OSError):  # or it is gone
                        caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def receive(caller: socket.socket) -> tuple[dict, list[int]]:
    """A request: arguments, environment and folder as a line of JSON, and the three open files."""
    text, files, _, _ = socket.recv_fds(caller, 65536, 3)
    while not text.endswith(b"\n"):
        text += caller.recv(65536)
    return json.loads(text), list(files)


def become(asked: dict, files: list[int]) -> None:
    """Be the process that was asked for, up to the point where Python would begin with its program."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    own = os.path.dirname(os.path.abspath(__file__))
    paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    sys.path[:] = [*paths, *(p for p in sys.path if p not in (own, *paths))]
    begin_program(asked["arguments"])


def begin_program(arguments: list[str]) -> None:
    """Run `-m module`, `-c text` or a file with its arguments, as `python` does."""
    import runpy

    kind, *rest = arguments
    if kind == "-m":
        sys.argv, sys.path[:] = rest, [os.getcwd(), *sys.path]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv, sys.path[:] = ["-c", *rest[1:]], ["", *sys.path]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv, sys.path[:] = arguments, [os.path.dirname(os.path.abspath(kind)), *sys.path]
        runpy.run_path(kind, run_name="__main__")


class Process:
    """A process that the server forked, with what tests use of `subprocess.Popen`."""

    def __init__(self, address: str, arguments: list, environment: dict, folder, files: list[int], output=()):
        self.args, self.returncode = [str(a) for a in arguments], None
        self._output = dict(output)  # "stdout" or "stderr" -> end of a pipe to read from
        self._said = {name: b"" for name in ("stdout", "stderr")}
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(address)
        asked = {"arguments": self.args, "environment": dict(environment), "folder": str(folder)}
        socket.send_fds(self._line, [json.dumps(asked).encode() + b"\n"], files)
        self.pid = int(self._word())

    def _word(self) -> str:
        found = b""
        while not found.endswith(b"\n"):
            part = self._line.recv(1)
            if not part:
                return found.decode() or str(-signal.SIGKILL)  # the server is gone, and whoever it forked
            found += part
        return found.decode()

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self.returncode = int(self._word())
            self._line.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        if self.returncode is None and not select.select([self._line], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str | None, str | None]:
        """Read what it says until its end: (stdout, stderr), None for what is not kept. Raises TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        kept = {name for name in self._said if name in self._output or self._said[name]}
        while self._output:
            left = None if end is None else max(0, end - time.monotonic())
            ready = select.select(list(self._output.values()), [], [], left)[0]
            if not ready:
                raise subprocess.TimeoutExpired(self.args, timeout)
            for name, file in list(self._output.items()):
                if file in ready:
                    part = os.read(file, 65536)
                    self._said[name] += part
                    if not part:
                        os.close(self._output.pop(name))
        self.wait(None if end is None else max(0.1, end - time.monotonic()))
        return tuple(self._said[name].decode() if name in kept else None for name in ("stdout", "stderr"))


class WarmPython:
    """A server, from the first process that is asked of it to the end of the tests."""

    def __init__(self):
        self.address, self._server = "", None

    def start(self) -> str:
        """Start the server where it does not run yet; return its address."""
        if self._server is None:
            self.address = str(Path(tempfile.mkdtemp(prefix="warm")) / "door")
            words = [sys.executable, os.path.abspath(__file__), "--serve", self.address]
            self._server = subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"})
            end = time.monotonic() + 240
            while not os.path.exists(self.address):
                assert self._server.poll() is None and time.monotonic() < end, "the server of processes did not start"
                time.sleep(0.01)
        return self.address

    def command(self, path: Path) -> Path:
        """Write a command that does what `python` does, by this server, and return its path."""
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{os.path.abspath(__file__)}" {self.start()} "$@"\n')
        path.chmod(0o755)
        return path

    def popen(self, arguments: list, env: dict | None = None, cwd=None, stdout=subprocess.DEVNULL) -> Process:
        """What `subprocess.Popen([sys.executable, *arguments], stdout=stdout, stderr=PIPE, text=True)` does."""
        with open(os.devnull, "r+b") as nothing:
            files, output = [nothing.fileno()] * 3, {}
            for number, name in ((1, "stdout"), (2, "stderr")):
                if name == "stderr" or stdout == subprocess.PIPE:
                    output[name], files[number] = os.pipe()
            try:
                told = os.environ if env is None else env
                return Process(self.start(), arguments, told, cwd or os.getcwd(), files, output)
            finally:
                for file in set(files) - {nothing.fileno()}:
                    os.close(file)


warm = WarmPython()

if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2])
    else:
        process = Process(sys.argv[1], sys.argv[2:], os.environ, os.getcwd(), [0, 1, 2])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, frame: process.send_signal(number))
        status = process.wait()
        os._exit(status if status >= 0 else 128 - status)
