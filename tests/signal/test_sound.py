"""The contract of avgen.signal.sound: a sound shows itself, refuses what is none, and becomes 16-bit bytes."""

import io
import wave

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.signal.inversion import invert
from avgen.signal.sound import Sound, number_array, pcm16, sound_values, unknown_kind, wav_bytes
from avgen.signal.spectrogram import LogMel, SpectrogramConfig, plot_sound

CONFIG = SpectrogramConfig()


def bowed() -> torch.Tensor:
    """A bowed tone with a little breath, (samples,)."""
    seconds = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    noise = torch.randn(CONFIG.samples, generator=torch.Generator().manual_seed(0))
    tone = 0.05 * sum(torch.sin(2 * np.pi * k * 196 * seconds + k * k) / k for k in range(1, 25))
    return tone + 0.003 * noise


def test_sound_shows_itself_and_refuses_what_is_not_one():
    sound = Sound.from_waveform(bowed(), CONFIG, "bowed")
    assert sound.values.shape == (1, 64, 64) and "bowed" in repr(sound)
    assert torch.equal(sound.to_waveform(), bowed())
    assert Sound.from_waveform(bowed(), CONFIG, size=(128, 44)).values.shape == (1, 128, 44)
    assert sound._repr_mimebundle_()[0]["image/png"].startswith(b"\x89PNG")
    assert Sound(np.zeros((64, 64), np.float16)).values.dtype == torch.float32
    for bad in (torch.zeros(2, 64, 64), torch.full((1, 64, 64), -80.0), torch.full((1, 64, 64), float("nan"))):
        with pytest.raises(InputError):
            Sound(bad)


def test_plot_takes_a_sound_with_its_own_settings():
    import matplotlib.pyplot as plt

    config = SpectrogramConfig(f_max=4000.0)
    ax = plot_sound(Sound(torch.zeros(1, 64, 64), config))
    assert 3900 < ax.get_ylim()[1] < 4100
    plt.close("all")


def test_a_sound_without_waveform_is_inverted():
    values = LogMel(CONFIG).prepared(bowed()[None])
    sound = Sound(values[0], CONFIG)
    assert torch.equal(sound.to_waveform(iterations=4), invert(values, CONFIG, iterations=4)[0])
    assert torch.equal(sound.decibels, CONFIG.to_decibels(sound.values)) and "no waveform" in repr(sound)


def test_samples_are_rounded_and_clipped():
    x = torch.tensor([0.0, 0.5, 1.0, -1.0, 2.0, -3.0, 0.4 / 32767])
    expected = [0, 16384, 32767, -32767, 32767, -32767, 0]
    assert np.frombuffer(pcm16(x), "<i2").tolist() == expected
    assert pcm16(x.numpy()) == pcm16(x.numpy().astype(np.float64)) == pcm16(x[None]) == pcm16(x)
    assert pcm16(torch.zeros(0)) == b""
    for bad in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="NaN or infinity; expected finite"):
            pcm16(torch.tensor([0.0, bad]))


def test_wav_bytes_are_read_back():
    with wave.open(io.BytesIO(wav_bytes(bowed(), 44100))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (44100, 1, 2)
        assert file.readframes(10**6) == pcm16(bowed())


def test_what_else_people_call_a_sound():
    sound = Sound.from_waveform(bowed(), CONFIG)
    for same in (sound, sound.values, sound.values.numpy(), sound.values[0].double()):
        values, config = sound_values(same)
        assert values.shape == (1, 64, 64) and config == CONFIG
        torch.testing.assert_close(values.float(), sound.values)
    assert sound_values(torch.zeros(5, 1, 128, 44))[0].shape == (5, 1, 128, 44)
    assert sound_values(torch.zeros(1, 9, 9), CONFIG)[0].shape == (1, 9, 9)  # with settings any size will do
    for wrong, words in (
        (torch.zeros(1, 9, 9), "9 x 9 values without settings"), (sound.decibels, "to_unit"),
        (bowed(), "from_waveform"), (torch.zeros(1, 64, 64).byte(), "uint8"), ("bell.wav", "found str"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"^query_ground: .*{words}"):
            sound_values(wrong, name="query_ground")
    with pytest.raises(InputError, match="floor_db"):
        sound_values(sound, SpectrogramConfig(floor_db=-60))
    with pytest.raises(InputError, match="expected a SpectrogramConfig"):
        sound_values(sound.values, "usual")


def test_arrays_of_any_library_and_nothing_else():
    assert number_array("x", np.zeros((4, 5), np.float16), "numbers").shape == (1, 4, 5)
    assert number_array("x", np.arange(24).reshape(2, 3, 4)[::-1], "numbers").tolist()[0][0] == [12, 13, 14, 15]
    for wrong in (torch.zeros(7), torch.zeros(2, 2) > 0, torch.zeros(2, 2, dtype=torch.complex64), np.array(["a"]), []):
        with pytest.raises(InputError, match="x: found .*; expected numbers"):
            number_array("x", wrong, "numbers")
    with pytest.raises(InputError, match="NaN or infinity"):
        number_array("x", torch.full((2, 2), float("inf")), "numbers")
    assert str(unknown_kind("x", np.zeros(3), "a sound")).startswith(
        "x: found ndarray of shape (3,), float64; expected"
    )
