"""Small data and runs of a tiny system for the tests of the command line, made once a file."""

import numpy as np
import pytest
from command_line import run


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


@pytest.fixture
def hurried(monkeypatch):
    "Evaluators of two steps."
    from avgen.judge.classifier import EvaluatorSettings
    from avgen.judge import evaluation, generation

    real, few = evaluation.train_evaluator, EvaluatorSettings(image_steps=2, sound_steps=2, batch_size=8)
    for module in (generation, evaluation):
        monkeypatch.setattr(module, "train_evaluator", lambda pairs, **more: real(pairs, settings=few, **more))
