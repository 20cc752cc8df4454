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
    assert [names[i] for i in instrument] == [Path(s).parts[1] for s in source]
    assert list(names) == ["cello", "flute"]
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


@pytest.fixture(scope="module")
def ten_seconds(tmp_path_factory):
    "Silence, with a quiet note at 2 s, one at 4.8 s and a loud one at 8 s."
    import soundfile

    song, time = np.zeros(441_000), np.arange(22050) / 44100
    for begins, loudness in ((2.0, 0.1), (4.8, 0.2), (8.0, 0.5)):
        first = round(begins * 44100)
        song[first : first + 22050] = loudness * np.sin(2 * np.pi * 440 * time)
    file = tmp_path_factory.mktemp("long") / "song.wav"
    soundfile.write(file, song, 44100)
    return file


def test_attend_on_ten_seconds_looks_where_it_is_told(folder, ten_seconds, tmp_path):
    words = ("attend", "--run", folder, "--sound", ten_seconds, "--device", "cpu", "--out")
    at = run(*words, tmp_path / "at", "--at", "5.0,440")
    assert at.exit_code == 0 and "from 4.75 to 5.25 s of 10.00 s, around --at" in at.stdout, at.output
    with np.load(tmp_path / "at" / "attention.npz") as found:
        heard = found["sound"]
    start = run(*words, tmp_path / "from", "--from", "4.75")
    assert "from 4.75 to 5.25 s of 10.00 s, as you chose" in start.stdout
    with np.load(tmp_path / "from" / "attention.npz") as found:
        assert np.array_equal(found["sound"], heard)
    loudest = run(*words, tmp_path / "loud")
    assert "8.5" in loudest.stdout and "the loudest; --from SECONDS chooses others" in loudest.stdout
    apart = run(*words, tmp_path / "apart", "--at", "2.1,440", "--at", "8.2,440", "--at", "8.3,900")
    assert len(list((tmp_path / "apart").glob("attention_*s.npz"))) == 2 and apart.exit_code == 0


def test_attend_makes_a_page_of_moments(folder, ten_seconds, tmp_path):
    words = ("attend", "--run", folder, "--sound", ten_seconds, "--device", "cpu", "--out", tmp_path)
    result = run(*words, "--moments", 3)
    assert result.exit_code == 0 and "moments.html" in result.stdout, (result.output, result.exception)
    page = (tmp_path / "moments.html").read_text()
    assert page.count('data-widget="AttentionInspector"') == 3 and "http://" not in page.replace(
        "http://www.w3.org", ""
    )
    assert (tmp_path / "moments.png").read_bytes()[:4] == b"\x89PNG" and len(list(tmp_path.glob("*s.npz"))) == 3


def test_generate_from_a_long_sound_says_which_part(folder, ten_seconds, tmp_path):
    from remarks import said

    words = ("generate", "--run", folder, "--sound", ten_seconds, "--device", "cpu", "--out", tmp_path)
    with said("song.wav is 10.00 s long: its loudest 0.5 s are used, from (7.99|8.0).*--from"):
        assert run(*words).exit_code == 0
    assert run(*words, "--from", 2).exit_code == 0


def test_what_is_wrong_with_a_long_sound(folder, backwards, ten_seconds, picture, tmp_path):
    words = ("attend", "--run", folder, "--sound", ten_seconds, "--device", "cpu", "--out", tmp_path)
    assert "option --at: found 12 s; expected a second from 0 to 10.00" in refused(*words, "--at", "12,440")
    assert "option --at: found 5 s beside --from 1" in refused(*words, "--at", "5,440", "--from", 1)
    assert "option --from: found 20 s; expected 0 to 10.00 s" in refused(*words, "--from", 20)
    image = ("generate", "--run", backwards, "--image", picture, "--from", 1, "--out", tmp_path)
    assert "option --from: found beside --image" in refused(*image)
