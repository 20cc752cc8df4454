"""A map as a mask on the sound's own transform."""

import pytest
import torch

from avgen.nets.attention_maps import AttentionMap
from avgen.core import InputError
from avgen.show.hearing import attended_sound, band_sound, energy_within, gains_of, masked
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()
TIME = torch.arange(CONFIG.samples) / CONFIG.sample_rate


@pytest.fixture(scope="module")
def sound():
    return Sound.from_waveform(
        0.1 * torch.randn(CONFIG.samples, generator=torch.Generator().manual_seed(0)), CONFIG, "noise"
    )


def test_gains():
    assert gains_of(torch.full((2, 2), 0.25), 4).tolist() == [[1, 1], [1, 1]]
    assert gains_of(torch.tensor([0.5, 0.3, 0.1, 0.1]), 4).tolist() == pytest.approx([1, 0.6, 0, 0])
    assert gains_of(torch.tensor([0.5, float("nan")]), 2).tolist() == [1, 0]
    assert gains_of(torch.zeros(4), 4).tolist() == [0] * 4


def test_a_mask_of_ones_changes_nothing_below_the_top():
    wave = 0.3 * torch.sin(2 * torch.pi * 1000 * TIME) * torch.hann_window(CONFIG.samples)
    assert (masked(wave, torch.ones(8, 8), CONFIG) - wave).abs().max() < 1e-4
    assert masked(wave, torch.zeros(8, 8), CONFIG).abs().max() == 0


def test_nothing_above_the_top_is_heard():
    high = 0.3 * torch.sin(2 * torch.pi * 12000 * TIME) * torch.hann_window(CONFIG.samples)
    assert masked(high, torch.ones(8, 8), CONFIG).abs().max() < 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_energy_lies_where_it_is_attended(sound, seed):
    weights = torch.randn(1, 64, 256, generator=torch.Generator().manual_seed(seed)).mul(3).softmax(2)
    m = AttentionMap(weights, (8, 8), (16, 16), config=CONFIG, sound=sound.values)
    heard = attended_sound(m, (0.2, 1000.0), sound)
    chosen = gains_of(m.at(0.2, 1000.0), 256) > 0
    assert energy_within(heard.waveform, chosen, CONFIG) > 2 * energy_within(
        sound.waveform, chosen, CONFIG
    )  # scattered cells leak, still most lies inside
    assert heard.values.shape == sound.values.shape and len(heard.waveform) == CONFIG.samples


def test_a_band_is_a_band(sound):
    m = AttentionMap(torch.full((1, 64, 64), 1 / 64), (8, 8), (8, 8), config=CONFIG, sound=sound.values)
    chosen = torch.zeros(8, 8, dtype=torch.bool)
    chosen[CONFIG.row_of(1000.0, 8)] = True
    assert energy_within(band_sound(m, (0.2, 1000.0), sound).waveform, chosen, CONFIG) > 0.95


def test_refused(sound):
    flat = AttentionMap(torch.full((1, 64, 64), 1 / 64), (8, 8), (8, 8))
    with pytest.raises(InputError, match="looks at a picture"):
        attended_sound(flat, (1, 1), sound)
    heard = AttentionMap(flat.weights, (8, 8), (8, 8), config=CONFIG)
    with pytest.raises(InputError, match="threshold"):
        attended_sound(heard, (0.1, 440.0), sound, threshold=-1)
    with pytest.raises(InputError, match="two numbers"):
        attended_sound(heard, (0.1,), sound)
    with pytest.raises(InputError, match="floor_db"):
        attended_sound(heard, (0.1, 440.0), Sound(sound.values, SpectrogramConfig(floor_db=-60)))
    assert len(masked(torch.zeros(0), torch.ones(2, 2), CONFIG)) == 0
