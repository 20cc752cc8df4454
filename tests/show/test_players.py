"The player's second side, its settings from Python, its payload, and the ends of the scale."

import gc
import weakref

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.show.players import against_itself, beside_real, payload_bytes
from avgen.signal.spectrogram import Sound, SpectrogramConfig
from avgen.training.runner import train
from avgen.show.widgets import SoundPlayer

CONFIG = SpectrogramConfig()


def tone(hertz=440.0, name="a tone"):
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    return Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * hertz * time), CONFIG, name)


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
    assert len(player.audio) + len(player.spectrogram) == payload_bytes(seconds, rate or 44100, max_seconds=most)
    state = player.payload()
    assert (
        sum(len(v) for v in map(str, state.values()))
        < 1.5 * payload_bytes(seconds, rate or 44100, max_seconds=most) + 3000
    )


def test_ends_of_the_scale():
    minute = SpectrogramConfig(clip_seconds=60.0)
    player = SoundPlayer(Sound(torch.zeros(1, 64, 64), minute, torch.zeros(minute.samples)))
    assert (
        player.note == "The first 30 s of 60.0 s."
        and len(player.audio) == payload_bytes(60) - 64 * 64 == 2 * 30 * 44100
    )
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
    (lambda: payload_bytes(-1), "seconds"),
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
