"""Contract of avgen.runs.config: what a run folder says about its run, read again or refused in one line."""

import json

import pytest

from avgen.core import InputError
from avgen.runs.config import RunConfig, RunOptions
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
