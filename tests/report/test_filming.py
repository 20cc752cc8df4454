"""Films of what a run makes: as long as the sound, one noise throughout, played by others, many at once."""

import numpy as np
import pytest
import soundfile
import torch

from avgen.core import InputError
from avgen.prepare.films import write_film
from avgen.prepare.video import probe, read_track
from avgen.report.filming import GeneratedFilm, film_beside, film_folder, film_from_sound, hear, paint_film, windows
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.systems import build_system
from avgen.training.runner import train


@pytest.fixture(scope="module")
def painter(toys, tmp_path_factory):
    "A run of a system that paints from codes, hardly trained."
    few = dict(classifier_steps=2, adversarial_steps=2, batch_size=8)
    folder = tmp_path_factory.mktemp("runs") / "painter"
    return train("sa-cmgan", toys, direction="S2I", preset="toy", run=folder, quiet=True, device="cpu", **few)


@pytest.fixture(scope="module")
def music():
    t = np.arange(44100 * 2) / 44100
    return (0.3 * np.sin(2 * np.pi * (300 + 200 * t) * t) * np.linspace(0.1, 1, len(t))).astype(np.float32)


def test_windows_lie_where_the_picture_belongs(music):
    config = SpectrogramConfig()
    click = np.zeros(88200, np.float32)
    click[44100:44300] = 0.9
    for place in (0.0, 0.5):
        heard = windows(click, config, np.array([1.0]), place)[0, 0].mean(0)
        assert abs(int(heard.argmax()) / 64 - place) < 0.12
    assert windows(music, config, np.array([0.0, 1.9]), 0.5).shape == (2, 1, 64, 64)


def test_one_noise_and_every_rate(painter, music):
    slow, fast = (paint_film(painter, music, rate) for rate in (5, 30))
    assert len(slow) == 10 and len(fast) == 60 and torch.isfinite(fast).all()
    assert torch.equal(slow, paint_film(painter, music, 5)) and not torch.equal(slow, paint_film(painter, music, 5, 1))
    still = paint_film(painter, np.tile(music[:441], 200), 10)[3:-3]
    assert (still - still[:1]).abs().max() < 0.3  # the same sound, the same picture: nothing flickers
    steps = [(film[1:] - film[:-1]).abs().mean() for film in (slow, fast)]
    assert steps[1] <= steps[0] + 1e-4  # more pictures a second, smaller steps


def test_a_system_without_codes_paints_too(tiny, whole, music):
    made = paint_film(whole, music[:22050], 10)
    assert made.shape == (5, 3, 64, 64)


@pytest.mark.parametrize("ending", [".wav", ".flac", ".m4a", ".mp4"])
def test_a_recording_of_any_kind_becomes_a_film(painter, music, ending, tmp_path):
    path = tmp_path / f"take{ending}"
    if ending in (".wav", ".flac"):
        soundfile.write(path, music, 44100)
    else:
        write_film(tmp_path / "x.mp4", [np.zeros((32, 32, 3), np.uint8)] * 20, 10, music).rename(path)
    assert abs(len(hear(path, 44100)) - 88200) < 3000
    film = film_from_sound(painter, path, rate=12)
    facts = probe(film.save(tmp_path / "out.mp4", height=64))
    assert facts.codec == "h264" and facts.tracks[0][0] == "aac" and facts.rate == pytest.approx(12, abs=0.1)
    assert abs(facts.seconds - 2) < 0.2
    played = read_track(tmp_path / "out.mp4", 44100, tmp_path).samples[:80000]
    assert np.corrcoef(played, film.waveform[:80000])[0, 1] > 0.9
    assert film._still_().startswith(b"\x89PNG") and "2.0" in repr(film)


def test_beside_the_real_one(painter, toys, tiny, music, tmp_path):
    path = write_film(tmp_path / "real.mp4", np.full((20, 48, 64, 3), 200, np.uint8), 10, music)
    film = film_beside(painter, path, rate=10, side=64)
    assert film.pictures.shape[1:] == (64, 128, 3) and film.pictures[:, :, :60].mean() > 180
    build_system("tiny", "I2S", toys.instruments, toys.config)  # registered
    backwards = train("tiny", toys, direction="I2S", run=tmp_path / "b", quiet=True, device="cpu", steps=2)
    both = film_beside(backwards, path, rate=10, side=64)
    assert both.waveform.shape[0] == 2 and probe(both.save(tmp_path / "both.mp4")).tracks[0][1] == 2
    with pytest.raises(InputError, match="makes sounds"):
        film_from_sound(backwards, music)


def test_a_folder_goes_on_after_a_bad_file(painter, music, tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in/good.wav", music[:22050], 44100)
    (tmp_path / "in/bad.m4a").write_bytes(b"bad")
    written, problems = film_folder(painter, tmp_path / "in", tmp_path / "out", rate=5)
    assert [p.name for p in written] == ["good.mp4"] and problems[0][0] == "bad.m4a"
    with pytest.raises(InputError, match="cannot be decoded"):
        film_folder(painter, tmp_path / "in/bad.m4a", tmp_path / "bad.mp4")
    with pytest.raises(InputError, match="nothing to make"):
        film_folder(painter, tmp_path / "out/..", tmp_path / "out2")


def test_a_film_of_one_picture(tmp_path):
    film = GeneratedFilm(np.zeros((1, 64, 64, 3), np.uint8), 10, np.zeros(4410, np.float32), 44100)
    assert film.seconds == 0.1 and film._still_() and film.save(tmp_path / "one.mp4").is_file()
