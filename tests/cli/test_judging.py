"""avgen evaluate: what it writes, the best checkpoint, both directions of one run."""

import json

import numpy as np
from command_line import refused, run

from avgen.judge.classifier import EvaluatorSettings


def test_evaluate_writes_what_was_promised(folder, backwards, data, tmp_path, monkeypatch):
    from avgen.judge import evaluation

    asked, real = {}, evaluation.train_evaluator

    def quick(pairs, **more):
        asked["sets"] = len(pairs)
        return real(pairs, settings=EvaluatorSettings(image_steps=2, sound_steps=2, batch_size=8), **more)

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


def test_a_run_of_both_directions_trains_is_judged_and_generates(data, hurried, tmp_path):
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


def test_the_commands_of_the_logbook(several, tmp_path, monkeypatch):
    listed = run("runs", "--folder", several)
    assert listed.exit_code == 0 and "more/fork" in listed.stdout and "gone" in listed.stdout
    assert "finished, step 18" in run("runs", "show", several / "first").stdout
    compared = run(
        "runs",
        "compare",
        several / "first",
        several / "more" / "fork",
        "--curve",
        "G/loss",
        "--out",
        tmp_path / "both.png",
    )
    assert (
        compared.exit_code == 0
        and "learning_rate" in compared.stdout
        and (tmp_path / "both.png").read_bytes()[:4] == b"\x89PNG"
    )
    for wrong in (
        ("runs", "show", several / "more"),
        ("runs", "--folder", tmp_path / "nowhere"),
        ("runs", "compare", several / "first", tmp_path),
        ("train",),
    ):
        refused(*wrong)
    monkeypatch.chdir(tmp_path)
    assert "expected a folder with runs" in run("runs").stderr
    for command in ("show", "compare"):
        assert f"avgen runs {command}" in run("runs", command, "--help").stdout


def test_a_sheet_without_names(folder, data, tmp_path):
    out = tmp_path / "sheet.html"
    result = run("sheet", "--run", folder, "--data", data, "--out", out, "--device", "cpu", "--each", "1")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "2 sheets" in result.output and "real images" in out.read_text()
    picture = run("sheet", "--run", folder, "--data", data, "--out", tmp_path / "s.png", "--device", "cpu")
    assert picture.exit_code == 0 and (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"
