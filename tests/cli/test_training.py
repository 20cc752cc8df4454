"""avgen orchestra, demo, train and resume: what they pass on, write and refuse."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import typer
from command_line import refused, run

from avgen.cli import app
from avgen.runs.files import read_metrics
from avgen.runs.run import Run
from avgen.runs.status import run_status


def test_a_run_trained_from_here(folder):
    config = json.loads((folder / "config.json").read_text())
    assert (config["system"], config["direction"], config["preset"], config["seed"]) == ("tiny", "S2I", "small", 3)
    assert config["data"]["root"] and {"metrics.jsonl", "samples", "checkpoints"} <= {p.name for p in folder.iterdir()}


def test_settings_by_name(data, tmp_path, tiny):
    named = ("--system", "tiny", "--data", data, "--run", tmp_path / "run", "--steps", 1, "--quiet", "--device", "cpu")
    assert run("train", *named, "--set", "width=4", "--set", "dropout=0").exit_code == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["settings"]["width"] == 4
    assert "expected name=value" in refused(
        "train", "--system", "tiny", "--data", data, "--run", tmp_path / "other", "--set", "width"
    )
    assert "has no setting 'colour'" in refused(
        "train", "--system", "tiny", "--data", data, "--run", tmp_path / "other", "--set", "colour=red"
    )


def test_a_fork_from_here_takes_what_it_is_not_told_from_its_run(folder, data, tiny, tmp_path):
    place, named = tmp_path / "fork", ("--fork", folder, "--device", "cpu", "--quiet")
    assert run("train", *named, "--run", place, "--set", "dropout=0").exit_code == 0
    config = json.loads((place / "config.json").read_text())
    assert (
        config["system"],
        config["preset"],
        config["seed"],
        config["settings"]["dropout"],
        config["fork"]["run"],
    ) == ("tiny", "small", 3, 0, str(folder))
    assert run("train", *named, "--run", tmp_path / "other", "--seed", 5, "--data", data).exit_code == 0
    assert json.loads((tmp_path / "other" / "config.json").read_text())["seed"] == 5
    for option, value in (
        ("--system", "tiny"),
        ("--preset", "small"),
        ("--direction", "S2I"),
        ("--accumulate", 2),
        ("--tune-share", 0.2),
    ):
        line = refused("train", *named, "--run", tmp_path / "third", option, value)
        assert option in line and "--fork" in line and not (tmp_path / "third").exists()


def test_a_run_that_lost_its_other_processes_ends_at_once_with_its_line(data, tiny, tmp_path, monkeypatch, capsys):
    "Not through Python's own end, which the broken connection's threads may abort."
    from avgen.training import runner as training
    from avgen.training.processes import PeerLost

    def end(code):
        raise SystemExit(f"ended with {code}")

    def parted(*a, **k):
        raise PeerLost("run 'x' stopped: another of the 2 processes ended")

    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr(training, "train", parted)
    result = run("train", "--system", "tiny", "--data", data, "--run", tmp_path / "run", "--device", "cpu", "--quiet")
    assert "ended with 2" in str(result.exception) + result.output and "avgen: run 'x' stopped" in result.stderr


def test_tensorboard_from_here(data, tiny, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    place = tmp_path / "run"
    assert (
        run(
            "train",
            "--system",
            "tiny",
            "--data",
            data,
            "--run",
            place,
            "--device",
            "cpu",
            "--quiet",
            "--steps",
            2,
            "--tensorboard",
        ).exit_code
        == 0
    )
    assert list(place.rglob("events.out.tfevents*"))


def test_a_used_folder_is_refused(folder, data):
    assert "holds a run already" in refused("train", "--system", "tiny", "--data", data, "--run", folder)


def test_ctrl_c_leaves_a_checkpoint_and_130_and_resume_finishes(folder, data, tmp_path, monkeypatch):
    from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
    from avgen.training.trainer import Trainer

    original = Trainer.one_step

    def one_step(self):
        if self.position.step == 9:
            signal.raise_signal(signal.SIGINT)
        original(self)

    monkeypatch.setattr(Trainer, "one_step", one_step)
    result = run("train", "--system", "tiny", "--data", data, "--run", tmp_path / "run", "--seed", 3, "--device", "cpu")
    assert result.exit_code == 130 and "avgen resume --run" in result.stderr
    monkeypatch.undo()
    result = run("resume", "--run", tmp_path / "run", "--quiet")
    assert result.exit_code == 0 and "step 18 of 18" in result.stdout
    one, two = (read_checkpoint(list_checkpoints(f / "checkpoints")[-1]).tensors for f in (folder, tmp_path / "run"))
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_a_run_that_diverged_leaves_with_one(data, tmp_path, tiny):
    result = run(
        "train",
        "--system",
        "tiny",
        "--data",
        data,
        "--run",
        tmp_path / "run",
        "--set",
        "poison=4",
        "--quiet",
        "--device",
        "cpu",
    )
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and "became nan" in result.stderr


def test_demo_and_orchestra_pass_everything_on(monkeypatch, tmp_path):
    from avgen.orchestra import dataset as orchestra
    from avgen.report import demo

    called = {}
    monkeypatch.setattr(orchestra, "build", lambda *a, **k: called.update(orchestra=(a, k)))
    monkeypatch.setattr(demo, "demo", lambda *a, **k: called.update(demo=(a, k)) or tmp_path / "report.html")
    assert (
        run(
            "orchestra",
            "--out",
            tmp_path,
            "--train",
            5,
            "--validation",
            2,
            "--seed",
            4,
            "--hold-out-performers",
            "--level",
            "etude",
            "--audio",
            "flac",
            "--train-takes",
            3,
        ).exit_code
        == 0
    )
    options = dict(seed=4, workers=None, hold_out_performers=True, audio="flac", level="etude", train_takes=3)
    assert called["orchestra"] == ((tmp_path,), dict(train=5, validation=2, **options))
    assert "report.html" in run("demo", "--quick", "--out", tmp_path).stdout
    assert called["demo"][1]["quick"] is True


def test_the_options_of_train_are_the_arguments_of_the_function():
    from avgen.runs.config import RunOptions
    from avgen.training import runner

    options = {option.name for option in typer.main.get_command(app).commands["train"].params}
    own = {"data", "fork", "settings", "best", "tune_share", "skip_bad", "cache"}  # what the command makes of its own
    of_a_run = {field.name for field in fields(RunOptions)} - {"checkpoint_every", "sample_every", "tick_every"}
    assert of_a_run <= options, "an option of a run that the command line lacks"
    assert options - own - of_a_run <= set(inspect.signature(runner.train).parameters)


def environment(**more):
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1", **more}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_scheduler_that_stops_a_run_finds_a_checkpoint_and_a_code(data, tmp_path, name):
    "The command itself, in a process: the signal, the code, the state, and a resume that goes on."
    number = getattr(signal, name)
    words = [
        "train",
        "--data",
        data,
        "--run",
        tmp_path / "run",
        "--preset",
        "toy",
        "--steps",
        100_000,
        "--device",
        "cpu",
    ]
    command = [sys.executable, "-c", "from avgen.cli import main; main()", *map(str, words)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # where the tests run under nohup it is ignored
    )
    try:
        end = time.monotonic() + 240
        while run_status(tmp_path / "run")["state"] != "running" or not read_metrics(tmp_path / "run"):
            assert process.poll() is None and time.monotonic() < end, process.communicate()
            time.sleep(0.1)
        process.send_signal(number)
        said = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    told = run_status(tmp_path / "run")
    assert process.returncode == 128 + number and "Traceback" not in said and f"stopped by {name}" in said
    assert (told["state"], told["signal"]) == ("stopped", name)
    opened = Run.open(tmp_path / "run", device="cpu")
    assert opened.step == told["step"] > 0 and not opened.finished


GUEST = """
import sys, traceback
from avgen.cli import app
from avgen.console import open_console
open_console()
for line in sys.argv[1:]:
    try:
        app(line.split("|"), prog_name="avgen")
    except SystemExit as end:
        if end.code:
            sys.exit(print(line, "left with", end.code))
    except BaseException:
        sys.exit(traceback.print_exc(file=sys.stdout))
print("all is well")
"""


@pytest.mark.slow
def test_commands_pass_under_w_error_on_an_ascii_terminal(data, tmp_path):
    "Warnings are errors, the terminal knows ASCII only, nobody reads stderr."
    from avgen.data.files import write_sound

    write_sound(tmp_path / "long.wav", 0.3 * torch.sin(torch.arange(88200) / 16), 44100)
    toy, first = Path(__file__).parents[2] / "data" / "toy", tmp_path / "läufe" / "first"
    lines = [
        f"train|--data|{data}|--run|{first}|--preset|toy|--steps|2|--device|cpu",
        f"resume|--run|{first}",
        f"generate|--run|{toy}|--sound|{tmp_path / 'long.wav'}|--out|{tmp_path / 'made'}|--device|cpu",
        f"attend|--run|{toy}|--sound|{tmp_path / 'long.wav'}|--moments|2|--out|{tmp_path / 'maps'}|--device|cpu",
        f"sheet|--run|{first}|--data|{data}|--out|{tmp_path / 'sheet.html'}|--device|cpu",
        f"runs|show|{first}",
        f"runs|--folder|{first.parent}",
    ]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GUEST, *lines],
        stdout=subprocess.PIPE,
        stderr=write,
        env=environment(PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0"),
        timeout=400,
    )
    os.close(write)
    assert done.returncode == 0 and done.stdout.endswith(b"all is well\n"), done.stdout.decode("ascii", "replace")[
        -3000:
    ]
    assert (tmp_path / "maps/moments.html").exists() and Run.open(first, device="cpu").finished
