"""avgen lab: the notebooks, the port, the browser."""

import subprocess

from command_line import run

from avgen.cli.notebooks import notebooks_folder


def test_lab_opens_the_notebooks(monkeypatch):
    called = []
    monkeypatch.setattr(
        subprocess, "run", lambda command: called.append(command) or subprocess.CompletedProcess(command, 0)
    )
    assert run("lab", "--no-browser", "--port", 9123).exit_code == 0
    assert called[0][1:3] == ["-m", "jupyterlab"] and "--port=9123" in called[0] and "--no-browser" in called[0]
    assert (notebooks_folder() / "00_core.ipynb").exists()
