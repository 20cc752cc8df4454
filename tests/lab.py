"A JupyterLab of our own on the loopback, for browser tests."

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def installed() -> bool: return importlib.util.find_spec("jupyterlab") is not None


@contextlib.contextmanager
def served(folder: Path, **notebooks: str):
    "Serve `folder` with notebooks whose cells are parted by '#---'; yields the address."
    for name, text in notebooks.items():
        cells = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell.strip()} for i, cell in enumerate(text.split("#---"))]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        (folder / f"{name}.ipynb").write_text(json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"ip": "127.0.0.1", "port": port, "port_retries": 0, "root_dir": str(folder), "open_browser": False, "allow_root": True}
    (folder / "config").mkdir()
    config = folder / "config" / "settings.json"
    config.write_text(json.dumps({"ServerApp": settings, "IdentityProvider": {"token": ""}, "LabApp": {"extension_manager": "readonly"}}))
    environment = {k: v for k, v in os.environ.items() if k != "AVGEN_STILL"} | {"JUPYTER_CONFIG_DIR": str(folder / "config")}
    with open(folder / "lab.log", "wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", f"--config={config}"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{address}/api/status", timeout=5).read()
                break
            except OSError: time.sleep(0.3)
            if server.poll() is not None: raise RuntimeError(f"JupyterLab ended: {(folder / 'lab.log').read_text()[-2000:]}")
        try: yield address
        finally:
            server.terminate()
            try: server.wait(20)
            except subprocess.TimeoutExpired: server.kill()


def run_all(page, address: str, name: str) -> None:
    "Open a notebook and run all its cells."
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.add_locator_handler(page.locator(".jp-Dialog button.jp-mod-accept"), lambda accept: accept.click())  # which kernel? this one
    page.wait_for_selector(".jp-StatusBar-TextItem:has-text('| Idle')")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
