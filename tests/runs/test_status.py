"""Contract of avgen.runs.status: what a run's process wrote, corrected by what is true."""

import pytest
from tiny_runs import run_tiny

from avgen.runs.status import run_status
from avgen.training.recording import Diverged

pytestmark = pytest.mark.usefixtures("tiny")


def test_the_state_tells_a_failure(toys, tmp_path):
    with pytest.raises(Diverged):
        run_tiny(toys, tmp_path / "run", poison=2)
    now = run_status(tmp_path / "run")
    assert now["state"] == "failed" and "became nan" in now["message"] and not now["alive"]
