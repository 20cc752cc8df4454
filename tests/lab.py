"Jupyter servers of our own on the loopback (JupyterLab, Notebook 7, Voila), for browser tests."

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def installed(app: str = "jupyterlab") -> bool:
    "Whether a server is installed here."
    return importlib.util.find_spec(app) is not None


def write_notebook(path: Path, text: str) -> Path:
    "Write a notebook of the cells of `text`, which are separated by lines of '#---'."
    cells = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": cell.strip(),
        }
        for i, cell in enumerate(text.split("#---"))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


def free_port() -> int:
    "A port of the loopback that nobody uses now."
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def environment(**more) -> dict:
    "The environment of a server: this one with live widgets, and `more`."
    return {k: v for k, v in os.environ.items() if k != "AVGEN_STILL"} | {k: str(v) for k, v in more.items()}


@contextlib.contextmanager
def answering(command: list, address: str, folder: Path, environment: dict, cwd: Path | None = None):
    """Run a server (a module of Python and its arguments) from its first answer to the end of the block.

    Raises RuntimeError with the end of its log when it dies or does not answer.
    """
    log = folder / "server.log"
    with open(log, "wb") as out:
        server, deadline = (
            subprocess.Popen(
                [sys.executable, "-m", *map(str, command)],
                cwd=cwd or folder,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            ),
            time.monotonic() + 90,
        )
        try:
            while True:
                try:
                    urllib.request.urlopen(f"{address}/api/status", timeout=5).read()
                except urllib.error.HTTPError:
                    break  # that is an answer
                except OSError:
                    pass
                else:
                    break
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} does not answer: {log.read_text()[-2000:]}")
                time.sleep(0.3)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def served(folder: Path, app: str = "jupyterlab", **notebooks: str):
    "Serve `folder` by `app` (jupyterlab or notebook) with some notebooks, see `write_notebook`; yields the address."
    for name, text in notebooks.items():
        write_notebook(folder / f"{name}.ipynb", text)
    port = free_port()
    settings = {
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": 0,
        "root_dir": str(folder),
        "open_browser": False,
        "allow_root": True,
    }
    (folder / "config").mkdir()
    config = folder / "config" / "settings.json"
    config.write_text(
        json.dumps(
            {"ServerApp": settings, "IdentityProvider": {"token": ""}, "LabApp": {"extension_manager": "readonly"}}
        )
    )
    with answering(
        [app, f"--config={config}"],
        f"http://127.0.0.1:{port}",
        folder,
        environment(JUPYTER_CONFIG_DIR=folder / "config"),
    ) as address:
        yield address


def idle(page, address: str, name: str) -> None:
    "Open a notebook in JupyterLab and wait for its kernel."
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.add_locator_handler(
        page.locator(".jp-Dialog button.jp-mod-accept"), lambda accept: accept.click()
    )  # which kernel? this one
    page.add_locator_handler(
        page.locator(".jp-Dialog:has-text('Directory not found') button"), lambda dismiss: dismiss.click()
    )  # a file (a journal) went away while Lab listed them
    page.wait_for_selector(".jp-StatusBar-TextItem:has-text('| Idle')")


def run_again(page) -> None:
    "Run all cells of the notebook that is open."
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def run_all(page, address: str, name: str) -> None:
    "Open a notebook in JupyterLab and run all its cells."
    idle(page, address, name)
    run_again(page)


def until(path: Path, test, seconds: float = 60):
    "Wait until `test` accepts what a JSON file holds, and return it; so long at most, against hanging."
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and path.read_text() and test(json.loads(path.read_text())):
            return json.loads(path.read_text())
        time.sleep(0.1)
    raise AssertionError(f"{path.name}: {path.read_text() if path.exists() else 'was never written'}")
