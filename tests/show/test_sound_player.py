"The player: what travels, its second side, its still picture, its settings from Python, and the ends of the scale."

import gc
import weakref

import numpy as np
import pytest
import torch

from avgen import core
from avgen.core import InputError
from avgen.show.live import figure_svg
from avgen.show.sound_player import SoundPlayer, against_itself, beside_real, player_figure
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.training.runner import train

CONFIG = SpectrogramConfig()
HOSTILE = "$x$ </svg><script>alert(1)</script> \u202e"


def tone(hertz=440.0, name="a tone"):
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    return Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * hertz * time), CONFIG, name)


def steady(name="a sound", samples=CONFIG.samples):
    return Sound(torch.zeros(1, 64, 64), CONFIG, 0.1 * torch.ones(samples), name)


def test_the_player_sends_what_it_shows():
    sound = tone()
    player = SoundPlayer(sound)
    samples = np.frombuffer(player.audio, "<i2")
    assert len(samples) == CONFIG.samples and player.sample_rate == CONFIG.sample_rate
    assert np.abs(samples / 32767 - sound.waveform.numpy()).max() < 1e-4
    drawn = np.frombuffer(player.spectrogram, np.uint8).reshape(player.grid)
    assert np.abs(drawn / 127.5 - 1 - sound.values[0].numpy()).max() < 0.005
    assert len(player.frequencies) == player.grid[0] and player.frequencies == sorted(player.frequencies)
    assert abs(player.frequencies[int(drawn.mean(1).argmax())] - 440) < 60
    assert player.span[0] <= 0 and player.span[1] >= CONFIG.clip_seconds


def test_the_player_obeys_and_refreshes():
    player = SoundPlayer(tone(), rate=22050)
    assert player.sample_rate == 22050 and len(player.audio) == CONFIG.samples  # half the samples, two bytes each
    seen = []
    player.observe(lambda change: seen.append(change["new"]), "order")
    player.play()
    player.play(0.2)
    player.stop()
    assert [s["count"] for s in seen] == [1, 2, 3] and seen[1]["seconds"] == 0.2 and seen[2]["act"] == "stop"
    before = player.spectrogram
    player.sound = Sound(torch.full((1, 32, 16), -1.0), CONFIG, torch.zeros(CONFIG.samples), "silence")
    assert player.grid == [32, 16] and player.spectrogram != before
    assert set(player.spectrogram) == {0} and set(player.audio) == {0}


def test_a_long_sound_is_cut_and_says_so():
    config = SpectrogramConfig(clip_seconds=3.0)
    player = SoundPlayer(Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples)), max_seconds=1.0)
    assert len(player.audio) == 2 * 44100 and "first 1 s of 3.0 s" in player.note


def test_a_sound_without_waveform_is_rebuilt_and_says_so():
    player = SoundPlayer(Sound(tone().values, CONFIG, name="made"))
    assert "Rebuilt from the spectrogram" in player.note
    assert len(player.audio) == 2 * CONFIG.samples and max(player.audio) > 0


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("sounds", [[steady()], [steady(HOSTILE), steady("b", samples=1)], [steady(samples=0)]])
def test_the_still_picture_has_waveform_axes_and_one_bar(sounds):
    figure = player_figure(*sounds)
    assert len(figure.axes) == 2 * len(sounds) + 1
    assert figure.axes[len(sounds)].get_ylabel() == "frequency (Hz)" and figure.axes[-1].get_ylabel() == "dB"
    drawing = figure_svg(figure)
    assert b"<script" not in drawing and drawing == figure_svg(player_figure(*sounds))


def test_two_sides():
    player = SoundPlayer(tone(), other=tone(880.0, "higher"))
    for before, sound in (("", player.sound), ("other_", player.other)):
        assert (
            np.abs(np.frombuffer(getattr(player, f"{before}audio"), "<i2") / 32767 - sound.waveform.numpy()).max()
            < 1e-4
        )
        assert (
            getattr(player, f"{before}name") == sound.name and len(getattr(player, f"{before}spectrogram")) == 64 * 64
        )
    player.other = tone(220.0, "lower")
    assert player.other_name == "lower"
    player.side = "B"
    player.other = None
    assert player.other_audio == b"" and player.other_name == "" and player.audio


def test_a_sound_against_itself():
    player = against_itself(tone())
    assert (
        "Rebuilt" in player.other_note and len(player.other_audio) == len(player.audio) and max(player.other_audio) > 0
    )


def test_generated_beside_real(toys, tmp_path):
    there, back = (
        train("sa-cmgan", toys, d, preset="toy", steps=1, run=tmp_path / d, device="cpu", quiet=True)
        for d in ("S2I", "I2S")
    )
    player = beside_real(back, toys.validation[0], rate=22050)
    assert "generated" in player.other_name and len(player.other_audio) == len(player.audio)
    with pytest.raises(InputError, match="it makes pictures"):
        beside_real(there, toys.validation[0])


@pytest.mark.parametrize(("seconds", "rate", "most"), [(0.5, None, 30.0), (0.5, 22050, 30.0), (3.0, 8000, 1.0)])
def test_the_payload_is_what_is_said(seconds, rate, most):
    config = SpectrogramConfig(clip_seconds=seconds)
    player = SoundPlayer(
        Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples)), rate=rate, max_seconds=most
    )
    payload = 2 * round(min(seconds, most) * (rate or 44100)) + 64 * 64
    assert len(player.audio) + len(player.spectrogram) == payload
    assert sum(len(v) for v in map(str, player.payload().values())) < 1.5 * payload + 3000


def test_ends_of_the_scale():
    minute = SpectrogramConfig(clip_seconds=60.0)
    player = SoundPlayer(Sound(torch.zeros(1, 64, 64), minute, torch.zeros(minute.samples)))
    assert player.note == "The first 30 s of 60.0 s." and len(player.audio) == 2 * 30 * 44100
    assert len(SoundPlayer(Sound(torch.zeros(1, 64, 64), CONFIG, torch.zeros(1))).audio) == 2
    assert SoundPlayer(Sound(torch.zeros(1, 64, 64), CONFIG, torch.zeros(0))).audio == b""
    assert SoundPlayer(Sound(torch.zeros(1, 1, 1), CONFIG, torch.zeros(9))).grid == [1, 1]


@pytest.mark.parametrize(("wrong", "word"), [
    (lambda: Sound(torch.zeros(1, 64, 0), CONFIG), "shape"),
    (lambda: SoundPlayer(Sound(torch.zeros(1, 64, 64), CONFIG, torch.tensor([float("nan")]))), "NaN"),
    (lambda: SoundPlayer(tone(), other=3), "other is int"),
    (lambda: setattr(SoundPlayer(tone()), "speed", 0.0), "speed"),
    (lambda: setattr(SoundPlayer(tone()), "side", "C"), "side"),
    (lambda: against_itself(torch.zeros(3)), "Tensor"),
    (lambda: against_itself(Sound(torch.zeros(1, 64, 64), CONFIG)), "no waveform"),
    (lambda: SoundPlayer(torch.zeros(10)), "Tensor"),
    (lambda: SoundPlayer(tone(), max_seconds="10"), "max_seconds"),
    (lambda: player_figure(), "expected one Sound or more"),
    (lambda: player_figure("a sound"), "expected one Sound or more"),
    (lambda: player_figure(steady(), 3), "expected one Sound or more"),
])  # fmt: skip
def test_bad_input_is_named(wrong, word):
    with pytest.raises(InputError, match=word):
        wrong()


def test_closing_frees_it():
    players = [SoundPlayer(tone(), other=tone(880.0)) for _ in range(20)]
    references = [weakref.ref(p) for p in players]
    for p in players:
        p.close()
    del players, p
    gc.collect()
    assert not [r for r in references if r() is not None]


def test_a_sound_shows_itself_as_a_player():
    assert core._displays[Sound] is SoundPlayer
