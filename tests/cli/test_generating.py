"""avgen generate and attend: files, arrays, maps, and one line for what is missing or wrong."""

from pathlib import Path

import numpy as np
import pytest
from command_line import refused, run


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


def test_generate_a_phrase_from_a_picture_and_from_a_film(backwards, folder, data, tmp_path, picture):
    import soundfile

    film = picture.parent
    for source in (picture, film):
        options = ("--image", source, "--seconds", 1.2, "--out", tmp_path, "--device", "cpu")
        result = run("generate", "--run", backwards, *options)
        assert result.exit_code == 0 and "1.2 s" in result.stdout, (result.output, result.exception)
        waveform, rate = soundfile.read(tmp_path / f"{source.stem}.wav")
        assert rate == 44100 and waveform.shape == (round(1.2 * 44100),) and np.isfinite(waveform).all()
        assert (tmp_path / f"{source.stem}.png").read_bytes()[:4] == b"\x89PNG"
    assert "no --image" in refused("generate", "--run", backwards, "--data", data, "--seconds", 2, "--out", tmp_path)
    assert "expected I2S" in refused("generate", "--run", folder, "--image", picture, "--seconds", 2, "--out", tmp_path)
    (tmp_path / "empty").mkdir()
    options = ("--image", tmp_path / "empty", "--seconds", 2, "--out", tmp_path)
    assert "holds no pictures" in refused("generate", "--run", backwards, *options)


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


def test_a_sheet_without_names(folder, data, tmp_path):
    out = tmp_path / "sheet.html"
    result = run("sheet", "--run", folder, "--data", data, "--out", out, "--device", "cpu", "--each", "1")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "2 sheets" in result.output and "real images" in out.read_text()
    picture = run("sheet", "--run", folder, "--data", data, "--out", tmp_path / "s.png", "--device", "cpu")
    assert picture.exit_code == 0 and (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"
