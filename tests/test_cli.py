"The command line: help, exit codes, one line on bad input, and the whole way from data to attention."

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from avgen import cli
from avgen.cli import app, spread

COMMANDS = ("orchestra", "demo", "train", "resume", "evaluate", "study", "generate", "attend", "lab")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="avgen")


def refused(*arguments) -> str:
    "The one line that bad input gets."
    result = run(*arguments)
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("avgen: "), result.stderr
    assert "Traceback" not in result.output
    return lines[0]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    "Noise and tones of two instruments, laid out like Sub-URMP: three takes in train, one in validation."
    import soundfile
    from PIL import Image

    root, draw = tmp_path_factory.mktemp("data") / "small", np.random.default_rng(0)
    for split, takes, clips in (("train", range(3), 4), ("validation", range(3, 4), 3)):
        for c, instrument in enumerate(("cello", "flute")):
            for take in takes:
                for clip in range(clips):
                    name = f"{split}/{instrument}/{instrument}{take:02d}_{500 * (clip + 1)}"
                    for kind in ("img", "chunk"):
                        (root / kind / name).parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(draw.integers(0, 255, (64, 64, 3), dtype=np.uint8) // (c + 1)).save(
                        root / "img" / f"{name}.jpg"
                    )
                    tone = 0.3 * np.sin(
                        2 * np.pi * (220 * (c + 1) + 10 * clip) * np.arange(22050) / 44100
                    ) + 0.01 * draw.standard_normal(22050)
                    soundfile.write(root / "chunk" / f"{name}.wav", tone, 44100, subtype="PCM_16")
    return root


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    "Prepared data and evaluators go to a folder of the tests."
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(data, tiny, tmp_path_factory):
    "A run of the tiny system, trained from the command line."
    folder = tmp_path_factory.mktemp("runs") / "first"
    named = ("--system", "tiny", "--direction", "S2I", "--preset", "small", "--data", data, "--run", folder)
    result = run("train", *named, "--seed", 3, "--device", "cpu", "--quiet")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "step 18 of 18" in result.stdout
    return folder


@pytest.fixture(scope="module")
def backwards(data, tiny, tmp_path_factory):
    "The same in the other direction, and short."
    folder = tmp_path_factory.mktemp("runs") / "second"
    assert (
        run(
            "train",
            "--system",
            "tiny",
            "--direction",
            "I2S",
            "--data",
            data,
            "--run",
            folder,
            "--device",
            "cpu",
            "--steps",
            2,
            "--quiet",
        ).exit_code
        == 0
    )
    return folder


@pytest.fixture
def sound(data):
    return next((data / "chunk" / "validation" / "cello").glob("*.wav"))


@pytest.fixture
def picture(data):
    return next((data / "img" / "validation" / "cello").glob("*.jpg"))


def test_help_is_there_with_an_example_for_each():
    page = run("--help")
    assert page.exit_code == 0 and all(f"\n  {c} " in page.output for c in COMMANDS)
    for command in COMMANDS:
        page = run(command, "--help")
        assert page.exit_code == 0 and "Example:" in page.output and f"  avgen {command}" in page.output, page.output


def test_the_options_that_were_promised():
    promised = {"train": "--system --direction --preset --data --run --seed --steps --device", "resume": "--run", "attend": "--run --sound --out",
                "evaluate": "--run --data --split --evaluator-data --json", "generate": "--run --data --split --out --sound --image"}  # fmt: skip
    for command, options in promised.items():
        page = run(command, "--help").output
        assert all(option in page for option in options.split()), (command, page)


def test_help_does_not_wait_for_pytorch():
    code = "import sys; from avgen import cli; heavy = {'torch', 'numpy', 'matplotlib', 'librosa'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_takes_less_than_a_second():
    resource = pytest.importorskip("resource")  # of processor time: a busy machine is not our fault

    def spent():
        return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])

    before = spent()
    subprocess.run(
        [sys.executable, "-c", "from avgen.cli import main; main()", "--help"], check=True, capture_output=True
    )
    assert spent() - before < 1


def test_usage_errors_leave_with_two():
    for arguments in (
        ["train"],
        ["nonsense"],
        ["train", "--data"],
        ["train", "--seed", "many", "--data", "x"],
        ["lab", "--port", "0"],
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and result.stderr, arguments


def test_options_with_several_values():
    assert spread(["--a", "1", "2", "--b", "3", "4"], "--a") == ["--a", "1", "--a", "2", "--b", "3", "4"]
    assert spread(["--a"], "--a") == ["--a"] and spread([], "--a") == []


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


def test_generate_a_split(folder, data, tmp_path):
    result = run(
        "generate",
        "--run",
        folder,
        "--data",
        data,
        "--split",
        "validation",
        "--out",
        tmp_path,
        "--device",
        "cpu",
        "--quiet",
    )
    assert result.exit_code == 0, (result.output, result.exception)
    with np.load(tmp_path / "generated.npz", allow_pickle=False) as found:
        made, source, instrument, names = (found[k] for k in ("generated", "source", "instrument", "instruments"))
    assert made.dtype == np.float32 and made.shape == (6, 3, 64, 64) and abs(made).max() <= 1
    assert [names[i] for i in instrument] == [Path(s).parts[1] for s in source] and len(names) == 13
    assert sorted(str(p.relative_to(tmp_path).with_suffix("")) for p in tmp_path.rglob("*.png")) == sorted(source)
    again = tmp_path / "again"
    run("generate", "--run", folder, "--data", data, "--out", again, "--arrays-only", "--device", "cpu", "--quiet")
    assert [p.name for p in again.iterdir()] == ["generated.npz"] and np.array_equal(
        np.load(again / "generated.npz")["generated"], made
    )


def test_generate_sounds_that_can_be_played(backwards, data, tmp_path, picture):
    import soundfile

    assert run("generate", "--run", backwards, "--image", picture, "--out", tmp_path, "--device", "cpu").exit_code == 0
    waveform, rate = soundfile.read(tmp_path / f"{picture.stem}.wav")
    assert rate == 44100 and waveform.shape == (22050,) and np.isfinite(waveform).all()
    with np.load(tmp_path / "generated.npz") as found:
        assert found["generated"].shape == (1, 1, 64, 64) and found["instrument"].tolist() == [-1]
    assert (tmp_path / f"{picture.stem}.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.filterwarnings("ignore:avgen")
def test_generate_from_a_sound_of_another_rate(folder, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "stereo.wav", 0.2 * np.random.default_rng(0).standard_normal((16000, 2)), 16000)
    result = run(
        "generate", "--run", folder, "--sound", tmp_path / "stereo.wav", "--out", tmp_path / "out", "--device", "cpu"
    )
    assert result.exit_code == 0 and (tmp_path / "out" / "stereo.png").exists(), (result.output, result.exception)


def test_attend_writes_maps_and_a_picture(folder, sound, tmp_path):
    result = run(
        "attend",
        "--run",
        folder,
        "--sound",
        sound,
        "--at",
        "0.21,440",
        "--at",
        "0.3,900",
        "--out",
        tmp_path,
        "--device",
        "cpu",
    )
    assert result.exit_code == 0, (result.output, result.exception)
    with np.load(tmp_path / "attention.npz", allow_pickle=False) as found:
        assert {"weights", "query_grid", "key_grid", "gamma", "effect", "layer"} <= set(found.files)
        assert found["weights"].shape == (1, 64, 16) and np.allclose(found["weights"].sum(-1), 1, atol=1e-4)
    assert (tmp_path / "attention.png").read_bytes()[:4] == b"\x89PNG"


def test_evaluate_writes_what_was_promised(folder, backwards, data, tmp_path, monkeypatch):
    from avgen.judge import evaluation

    asked, real = {}, evaluation.train_evaluator

    def quick(pairs, **more):
        asked["sets"] = len(pairs)
        return real(pairs, settings=evaluation.EvaluatorSettings(image_steps=2, sound_steps=2, batch_size=8), **more)

    monkeypatch.setattr(evaluation, "train_evaluator", quick)
    file = tmp_path / "report.json"
    result = run(
        "evaluate",
        "--run",
        folder,
        "--run",
        backwards,
        "--data",
        data,
        "--evaluator-data",
        data,
        data,
        "--json",
        file,
        "--device",
        "cpu",
        "--quiet",
    )
    assert result.exit_code == 0, (result.output, result.exception)
    found = json.loads(file.read_text())
    expected = {
        "direction",
        "split",
        "n",
        "takes",
        "correct",
        "accuracy",
        "low",
        "high",
        "by_instrument",
        "evaluator_accuracy",
    }
    assert set(found) == {"S2I", "I2S"} and asked["sets"] == 3
    for direction, one in found.items():
        assert (
            expected <= one.keys() and one["direction"] == direction and one["n"] == 6 and one["split"] == "validation"
        )
    assert "two runs of direction S2I" in refused("evaluate", "--run", folder, "--run", folder, "--data", data)


@pytest.fixture
def hurried(monkeypatch):
    "Evaluators of two steps."
    from avgen.judge import best
    from avgen.judge import evaluation

    real, few = evaluation.train_evaluator, evaluation.EvaluatorSettings(image_steps=2, sound_steps=2, batch_size=8)
    for module in (best, evaluation):
        monkeypatch.setattr(module, "train_evaluator", lambda pairs, **more: real(pairs, settings=few, **more))


def test_the_best_checkpoint_is_kept_and_judged(data, tiny, hurried, tmp_path):
    place, file = tmp_path / "run", tmp_path / "report.json"
    named = ("--system", "tiny", "--data", data, "--run", place, "--device", "cpu", "--quiet")
    assert run("train", *named, "--best", "--tune-share", 0.34).exit_code == 0
    assert json.loads((place / "config.json").read_text())["judged"] is True
    judged = {}
    for which in ("best", "newest"):
        result = run(
            "evaluate",
            "--run",
            place,
            "--data",
            data,
            "--checkpoint",
            which,
            "--json",
            file,
            "--device",
            "cpu",
            "--quiet",
        )
        assert result.exit_code == 0, (result.output, result.exception)
        judged[which] = json.loads(file.read_text())["S2I"]
        assert (
            judged[which]["n"] == 6 and judged[which]["raw"]["n"] == 6 and "without averaged weights" in result.stdout
        )
    from avgen.judge.evaluation import evaluate
    from avgen.runs.run import Run

    alone = evaluate(Run.open(place, device="cpu").raw(), Run.open(place, device="cpu").pairs, device="cpu", quiet=True)
    assert {k: getattr(alone, k) for k in judged["newest"]["raw"]} == judged["newest"]["raw"]
    kept = [int(f.stem.removeprefix("step_")) for f in (place / "checkpoints").glob("*.safetensors")]
    best = json.loads((place / "checkpoints" / "step_00000018.json").read_text())["best"]
    assert (
        judged["newest"]["step"] == 18
        and judged["best"]["step"] == best["step"]
        and best["step"] in kept
        and 0 <= best["score"] <= 1
    )
    assert "best" in refused("evaluate", "--run", place, "--data", data, "--checkpoint", "finest")


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


def test_what_is_missing_or_wrong(folder, backwards, data, sound, picture, tmp_path):
    away = tmp_path / "away"
    assert "away" in refused("train", "--data", away, "--run", tmp_path / "run")
    assert "no config.json" in refused("resume", "--run", away)
    assert "no config.json" in refused("evaluate", "--run", away, "--data", data)
    assert "no config.json" in refused("generate", "--run", away, "--data", data, "--out", tmp_path / "out")
    assert "expected one of --data, --sound, --image" in refused("generate", "--run", folder, "--out", tmp_path / "out")
    assert "--data and --sound" in refused(
        "generate", "--run", folder, "--out", tmp_path / "out", "--data", data, "--sound", sound
    )
    assert "found --image; expected --sound" in refused(
        "generate", "--run", folder, "--out", tmp_path / "out", "--image", picture
    )
    assert "found --sound; expected --image" in refused(
        "attend", "--run", backwards, "--out", tmp_path / "out", "--sound", sound
    )
    assert "'sideways'" in refused(
        "generate", "--run", folder, "--data", data, "--split", "sideways", "--out", tmp_path / "out"
    )
    assert "expected SECONDS,HERTZ" in refused(
        "attend", "--run", folder, "--sound", sound, "--at", "early", "--out", tmp_path / "out"
    )
    refused("attend", "--run", folder, "--sound", sound, "--at", "0.9,440", "--out", tmp_path / "out")
    refused("attend", "--run", folder, "--sound", sound, "--layer", "nowhere", "--out", tmp_path / "out")
    refused("attend", "--run", folder, "--sound", away, "--out", tmp_path / "out")
    wrong = {
        "device": "cuda:7",
        "direction": "S2S",
        "preset": "huge",
        "system": "gan",
        "seed": "-1",
        "steps": "0",
        "precision": "half",
        "threads": "0",
    }
    for option, value in wrong.items():
        assert value in refused("train", "--data", data, "--run", tmp_path / "run", f"--{option}", value)
    assert not (tmp_path / "out").exists() and not (tmp_path / "run").exists()


def test_files_that_are_not_what_they_say(folder, tmp_path):
    (tmp_path / "text.wav").write_text("this is no sound")
    assert "text.wav" in refused(
        "generate", "--run", folder, "--sound", tmp_path / "text.wav", "--out", tmp_path / "out"
    )
    (tmp_path / "file").write_text("")
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros(22050), 44100)
    assert "cannot write" in refused(
        "generate", "--run", folder, "--sound", tmp_path / "a.wav", "--out", tmp_path / "file" / "out"
    )


def test_a_used_folder_is_refused(folder, data):
    assert "holds a run already" in refused("train", "--system", "tiny", "--data", data, "--run", folder)


def test_ctrl_c_leaves_a_checkpoint_and_130_and_resume_finishes(folder, data, tmp_path, monkeypatch):
    from avgen.training import runner as training
    from avgen.runs.checkpoints import list_checkpoints, read_checkpoint

    original = training.Trainer.one_step

    def one_step(self):
        if self.step == 9:
            signal.raise_signal(signal.SIGINT)
        original(self)

    monkeypatch.setattr(training.Trainer, "one_step", one_step)
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


def test_lab_opens_the_notebooks(monkeypatch):
    called = []
    monkeypatch.setattr(
        subprocess, "run", lambda command: called.append(command) or subprocess.CompletedProcess(command, 0)
    )
    assert run("lab", "--no-browser", "--port", 9123).exit_code == 0
    assert called[0][1:3] == ["-m", "jupyterlab"] and "--port=9123" in called[0] and "--no-browser" in called[0]
    assert (cli.notebooks() / "00_core.ipynb").exists()


def test_demo_and_orchestra_pass_everything_on(monkeypatch, tmp_path):
    from avgen.orchestra import dataset as orchestra
    from avgen.report import report

    called = {}
    monkeypatch.setattr(orchestra, "build", lambda *a, **k: called.update(orchestra=(a, k)))
    monkeypatch.setattr(report, "demo", lambda *a, **k: called.update(demo=(a, k)) or tmp_path / "report.html")
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
            "--audio",
            "flac",
        ).exit_code
        == 0
    )
    assert called["orchestra"] == (
        (tmp_path,),
        dict(train=5, validation=2, seed=4, workers=None, hold_out_performers=True, audio="flac"),
    )
    assert "report.html" in run("demo", "--quick", "--out", tmp_path).stdout
    assert called["demo"][1]["quick"] is True


def test_a_run_of_both_directions_trains_is_judged_and_generates(data, tmp_path):
    folder = tmp_path / "both"
    result = run(
        "train",
        "--system",
        "cmcgan",
        "--preset",
        "toy",
        "--data",
        data,
        "--run",
        folder,
        "--set",
        "batch_size=4",
        "--device",
        "cpu",
        "--quiet",
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert json.loads((folder / "config.json").read_text())["direction"] == "both"
    result = run("evaluate", "--run", folder, "--data", data, "--device", "cpu", "--quiet")
    assert result.exit_code == 0, (result.output, result.exception)
    assert set(json.loads((folder / "report.json").read_text())) == {"S2I", "I2S"}
    assert "--direction" in refused(
        "generate", "--run", folder, "--data", data, "--out", tmp_path / "out", "--device", "cpu", "--quiet"
    )
    result = run(
        "generate",
        "--run",
        folder,
        "--data",
        data,
        "--direction",
        "I2S",
        "--out",
        tmp_path / "out",
        "--arrays-only",
        "--device",
        "cpu",
        "--quiet",
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert np.load(tmp_path / "out" / "generated.npz")["generated"].shape[1:] == (1, 64, 64)
    sound = next((data / "chunk" / "validation" / "cello").glob("*.wav"))
    result = run("generate", "--run", folder, "--sound", sound, "--out", tmp_path / "one", "--device", "cpu", "--quiet")
    assert result.exit_code == 0 and (tmp_path / "one" / "generated.npz").is_file(), (result.output, result.exception)
    assert "no attention" in refused(
        "attend", "--run", folder, "--sound", sound, "--out", tmp_path / "maps", "--device", "cpu"
    )
