"""The script for a machine with a GPU works in its small form, and goes on where it stopped."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from warm_python import warm

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_small_form(tmp_path):
    environment = {**os.environ, "OUT": str(tmp_path / "out"), "WORK": str(tmp_path / "work"), "LIMIT": "3000"}
    environment |= {
        "PYTHON": str(warm.command(tmp_path / "python")),
        "OMP_NUM_THREADS": "1",
        "AVGEN_CACHE": str(tmp_path / "cache"),
    }
    command = ["bash", str(ROOT / "tests/gpu_run.sh"), "try"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert set(found) == {"machine", "duet", "judged", "shipped", "steps", "paper", "paper judged"}
    assert all(set(found[name]) == {"S2I", "I2S"} for name in ("duet", "judged", "shipped", "paper"))
    assert all(step["seconds"] > 0 for step in found["steps"].values())
    with tarfile.open(tmp_path / "out/shipped.tar") as tar:
        assert {"duet-s2i/config.json", "duet-i2s/shipped.json"} <= set(tar.getnames())
    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.stdout.count("is done already") == 5
