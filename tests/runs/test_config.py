"""Contract of avgen.runs.config: what a run folder says about its run, read again or refused in one line."""

import json
import subprocess

import pytest

from avgen.core import InputError
from avgen.runs.config import RunConfig, RunOptions, git_commit
from avgen.runs.run import Run
from avgen.training.runner import resume

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.mark.parametrize(("change", "words"), [
    ({"format": "avgen run 2"}, "written by a newer avgen .'avgen run 2'.*update avgen"),
    ({"format": "avgen run x"}, "not written by avgen"),
    ({"steps": "many"}, "found steps 'many'; expected int"),
    ({"settings": None}, "found settings None; expected dict"),
    ({"system": "sa-cmgam"}, "'sa-cmgam'.*did you mean 'sa-cmgan'"),
    ({"device": "cuda:7"}, "'cuda:7' is not in this machine"),
    ({"precision": "float8"}, "'precision': found 'float8'"),
])  # fmt: skip
def test_a_config_that_was_changed_by_hand(whole, toys, tmp_path, change, words):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(RunConfig.read(whole.folder).to_dict() | change))
    with pytest.raises(InputError, match=words) as caught:
        resume(folder, toys, quiet=True)
    assert "\n" not in str(caught.value)
    for text in ("[" * 200_000, "\x00\xff", '{"format": '):
        (folder / "config.json").write_text(text)
        with pytest.raises(InputError, match="config.json cannot be read"):
            resume(folder, toys, quiet=True)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match="no config.json"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match="not written by avgen"):
        Run.open(tmp_path)


def test_what_is_written_is_read_again(whole, tmp_path):
    config = RunConfig.read(whole.folder)
    config.write(tmp_path)
    assert RunConfig.read(tmp_path) == config == RunConfig.from_dict(config.to_dict())
    assert json.loads((tmp_path / "config.json").read_text()) == json.loads((whole.folder / "config.json").read_text())


def test_settings_of_a_system_are_told_from_options_of_a_run():
    options, settings = RunOptions.split({"seed": 3, "width": 8}, device="cpu")
    assert options.seed == 3 and options.device == "cpu" and settings == {"width": 8}


def _git(*words, cwd):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=cwd, check=True, capture_output=True)


def _commit_all(root) -> str:
    _git("init", "-q", cwd=root)
    _git("add", "-A", cwd=root)
    _git("commit", "-qm", "all", cwd=root)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_the_commit_is_of_our_checkout_and_of_no_repository_around_it(tmp_path, monkeypatch):
    installed = tmp_path / "project" / ".venv" / "lib" / "site-packages" / "avgen"
    vendored, checkout = tmp_path / "project" / "avgen", tmp_path / "checkout" / "avgen"
    for package in (installed, vendored, checkout):
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
    (checkout.parent / "nbs").mkdir()
    (checkout.parent / "nbs" / "00_core.ipynb").touch()
    theirs, ours = _commit_all(tmp_path / "project"), _commit_all(checkout.parent)
    assert git_commit(installed) is None and git_commit(vendored) is None and git_commit(checkout) == ours
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "project" / ".git"))  # as in a hook of theirs
    assert git_commit(checkout) == ours != theirs
    inside = tmp_path / "project" / "clone" / "avgen"  # ours without its history, within theirs
    (inside.parent / "nbs").mkdir(parents=True)
    (inside.parent / "nbs" / "00_core.ipynb").touch()
    (inside.parent / ".git").mkdir()  # broken
    assert git_commit(inside) is None
