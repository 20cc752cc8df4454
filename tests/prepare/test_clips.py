"""One film becomes pairs: the picture of the first moment, the sound from then on, and a reason for what is dropped."""

import io

import numpy as np
import pytest
from bad_films import flash_and_click
from PIL import Image

from avgen.core import InputError
from avgen.signal.recordings import read_samples
from avgen.prepare import clips
from avgen.prepare.clips import ClipSettings, Worker, cut_part, cut_to_folder
from avgen.prepare.films import write_film
from avgen.prepare.labels import Part
from avgen.prepare.regions import Box


def part_of(path, **more):
    return Part(path, path.name, "drums", "Ada", **more)


def test_the_picture_is_that_of_the_first_moment(tmp_path):
    path = flash_and_click(tmp_path / "film.mp4", offset=0.13, seconds=3.2)
    found = cut_part(part_of(path), ClipSettings(stride=0.5, silence_db=-90), tmp_path / "out")
    light = {c["ms"]: np.asarray(Image.open(tmp_path / f"out/{c['ms']}.jpg")).mean() for c in found["clips"]}
    assert {ms for ms, mean in light.items() if mean > 150} == {1000, 2000}
    with open(tmp_path / "out/1000.wav", "rb") as file:
        heard = read_samples(file)
    samples = heard.samples
    assert heard.rate == 44100 and len(samples) == 22050 and np.abs(samples[:1500]).max() > 0.5
    assert found["dropped"]["no sound for the whole clip"] >= 1  # the track starts late, and ends


def test_silence_is_dropped_and_levels_are_measured(tmp_path):
    sound = np.concatenate([0.5 * np.sin(np.arange(44100) * 0.1), np.zeros(66150)])
    path = write_film(tmp_path / "film.mkv", [np.zeros((32, 32, 3), np.uint8)] * 25, 10, sound, sound_codec="pcm_s16le")
    found = cut_part(part_of(path), ClipSettings(), tmp_path / "out")
    assert [c["ms"] for c in found["clips"]] == [0, 500] and found["dropped"] == {"silent": 3}
    assert found["clips"][0]["loudness_db"] == pytest.approx(-9.03, abs=0.1)
    assert found["clips"][0]["brightness_hz"] == pytest.approx(0.1 * 44100 / 2 / np.pi, rel=0.1)


def test_a_part_has_its_own_time_box_and_sound(tmp_path):
    picture = np.zeros((48, 96, 3), np.uint8)
    picture[:, 48:] = 200
    path = write_film(tmp_path / "duo.mkv", [picture] * 30, 10, 1e-5 * np.ones(132300), sound_codec="pcm_s16le")
    own = write_film(tmp_path / "own.mkv", [picture] * 3, 10, 0.3 * np.sin(np.arange(132300) * 0.2))
    part = part_of(path, start=0.5, end=2.0, box=Box(0.5, 0, 0.5, 1), sound=own)
    found = cut_part(part, ClipSettings(), tmp_path / "out")
    assert [c["ms"] for c in found["clips"]] == [500, 1000, 1500]
    assert np.asarray(Image.open(tmp_path / "out/500.jpg")).mean() > 180


def test_a_face_is_in_no_file(tmp_path):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 2, (12, 16, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1) * 250
    path = write_film(tmp_path / "film.mkv", [picture] * 12, 10, 0.2 * rng.standard_normal(52920))
    for blurred, folder in (((), "plain"), (("0,0,0.5,1",), "hidden")):
        cut_part(part_of(path), ClipSettings(blur=blurred, fit="squash"), tmp_path / folder)
    seen = [
        np.asarray(Image.open(io.BytesIO((tmp_path / f / "0.jpg").read_bytes())), float) for f in ("plain", "hidden")
    ]
    assert seen[1][:, :60].std() < 0.5 * seen[0][:, :60].std() and abs(seen[1][:, 80:] - seen[0][:, 80:]).mean() < 3


@pytest.mark.parametrize(
    "settings",
    [dict(stride=0), dict(fit="x"), dict(side=4), dict(silence_db=3), dict(sample_rate=10), dict(clip_seconds=0)],
)
def test_settings_out_of_range(settings):
    with pytest.raises(InputError):
        ClipSettings(**settings)


def test_a_worker_does_what_this_process_does_and_outlives_a_bad_film(tmp_path):
    path = flash_and_click(tmp_path / "film.mp4", seconds=1.5, size=(32, 32))
    (tmp_path / "bad.mp4").write_bytes(b"bad" * 100)
    worker, settings = Worker(), ClipSettings(silence_db=-90)
    assert worker.cut(part_of(tmp_path / "bad.mp4"), settings, tmp_path / "bad") == ""
    assert worker.cut(part_of(path), settings, tmp_path / "theirs") == ""
    worker.close()
    cut_to_folder(part_of(path), settings, tmp_path / "ours")
    names = sorted(p.name for p in (tmp_path / "ours").iterdir())
    assert names == sorted(p.name for p in (tmp_path / "theirs").iterdir()) and len(names) >= 6
    assert all((tmp_path / "ours" / n).read_bytes() == (tmp_path / "theirs" / n).read_bytes() for n in names)
    assert "decoded" in (tmp_path / "bad/take.json").read_text()


def test_a_worker_that_hangs_or_grows_is_ended(tmp_path, monkeypatch):
    path = flash_and_click(tmp_path / "film.mp4", seconds=1.2, size=(32, 32))
    worker = Worker()
    monkeypatch.setattr(clips, "PATIENCE", 0.0)
    assert "hangs" in worker.cut(part_of(path), ClipSettings(), tmp_path / "a")
    monkeypatch.setattr(clips, "PATIENCE", 60.0)
    monkeypatch.setattr(clips, "MOST_MEMORY", 1e6)
    assert "MB" in worker.cut(part_of(path), ClipSettings(), tmp_path / "b")
    worker.close()
