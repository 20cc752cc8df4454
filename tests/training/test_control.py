"""Contract of avgen.training.control: commands reach the run that they are meant for, and no other."""

import pytest
from tiny_runs import run_tiny, wish_at

from avgen.core import InputError
from avgen.runs.lock import is_held
from avgen.runs.status import run_status
from avgen.training.control import ControlChannel, send_command
from avgen.training.remote import launch
from avgen.training.runner import resume

pytestmark = pytest.mark.usefixtures("tiny")


def test_what_was_wished_before_the_run_is_not_meant_for_it(toys, tmp_path, monkeypatch):
    wish_at(monkeypatch, {8: [("stop", {})]})
    run_tiny(toys, tmp_path / "run")
    send_command(tmp_path / "run", "stop")
    assert resume(tmp_path / "run", toys, quiet=True).finished


def test_nobody_trains_a_run_that_is_being_trained(toys, tmp_path):
    run = run_tiny(toys, tmp_path / "run", steps=1)
    with ControlChannel(run.folder):
        assert is_held(run.folder) and run_status(run.folder)["state"] == "running"
        (run.folder / "checkpoints").rename(run.folder / "gone")
        with pytest.raises(InputError, match="being trained already"):
            resume(run.folder, toys, quiet=True)
        with pytest.raises(InputError, match="being trained already"):
            launch(run.folder)
