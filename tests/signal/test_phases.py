"""The contract of avgen.signal.phases: bands are met, loudness survives a resize, phases carry a partial through."""

import math

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.signal.listening import pitch_track
from avgen.signal.phases import (
    bell_width,
    difference_db,
    griffin_lim,
    integrate_phase,
    mel_to_power,
    phase_gradient,
    spectrum_to_waveform,
    undo_resize,
    waveform_to_spectrum,
)
from avgen.signal.spectrogram import LogMel, SpectrogramConfig, filter_bank, resize_sound

CONFIG = SpectrogramConfig()


@pytest.fixture(scope="module")
def waveforms() -> torch.Tensor:
    seconds = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    noise = 0.002 * torch.randn(CONFIG.samples, generator=torch.Generator().manual_seed(0))

    def tone(hertz):
        return 0.1 * sum(torch.sin(2 * np.pi * k * hertz * seconds + k * k) / k for k in range(1, 15))

    return torch.stack([tone(196) + noise, tone(523) * torch.exp(-5 * seconds) + noise, 20 * noise])


def test_bands_are_met(waveforms):
    mel = LogMel().power(waveforms)
    power = mel_to_power(mel, CONFIG)
    assert power.shape == (3, 1025, 44) and power.min() >= 0 and power[:, 373:].max() == 0
    met = filter_bank(CONFIG).T @ power
    assert difference_db(10 * mel.log10(), 10 * met.clamp_min(1e-9).log10()).max() < 0.3


def test_momentum_helps(waveforms):
    picture, magnitude = LogMel().decibels(waveforms), mel_to_power(LogMel().power(waveforms), CONFIG).sqrt()

    def miss(momentum):
        found = griffin_lim(magnitude, CONFIG, 16, momentum)
        return difference_db(picture, LogMel().decibels(found)).mean()

    assert miss(0.99) < miss(0.0)


def test_what_a_resize_took_is_given_back(waveforms):
    whole = LogMel()(waveforms)
    small = resize_sound(whole, (64, 64))
    plain, undone = resize_sound(small, (128, 44)), undo_resize(small, (128, 44))

    def power(unit):
        return 10 * (10 ** (CONFIG.to_decibels(unit[:2]) / 10)).sum((1, 2, 3)).log10()

    assert ((power(undone) - power(whole)).abs() < 2).all() and ((power(plain) - power(whole)) < -2).all()
    missed = (resize_sound(undone, (64, 64)) - small).abs().mean()
    assert missed < (resize_sound(plain, (64, 64)) - small).abs().mean() / 2
    assert undo_resize(whole, (128, 44)) is whole and undone.abs().max() <= 1


def test_true_phases_give_the_sound_back(waveforms):
    spectrum = waveform_to_spectrum(waveforms, CONFIG)
    back = spectrum_to_waveform(spectrum.abs(), spectrum.angle(), CONFIG)
    assert torch.allclose(back, waveforms, atol=1e-4)
    assert torch.allclose(griffin_lim(spectrum.abs(), CONFIG, 2, phase=spectrum.angle()), waveforms, atol=1e-3)


@pytest.mark.parametrize(
    "config",
    [CONFIG, SpectrogramConfig(sample_rate=22050, n_fft=1024, hop_length=256, n_mels=80, f_max=11025.0)],
    ids=["default", "other"],
)
def test_slopes_of_a_steady_tone(config):
    seconds = torch.arange(config.samples) / config.sample_rate
    wave = torch.sin(2 * math.pi * 1000 * seconds)[None]
    magnitude = waveform_to_spectrum(wave, config).abs()
    advance, step = phase_gradient(magnitude, config)
    peak = round(1000 * config.n_fft / config.sample_rate)
    turn = 2 * math.pi * 1000 * config.hop_length / config.sample_rate
    near = slice(peak, peak + 1)
    assert (advance[0, near, 10:-10] - turn).abs().max() < 0.4 and step[0, near, 10:-10].abs().max() < 0.1
    assert bell_width(config) > 0
    wave = spectrum_to_waveform(magnitude, integrate_phase(magnitude, advance, step), config)
    track = pitch_track(wave, config.sample_rate)
    assert (1200 * (track.hertz / 1000).log2().abs()).median() < 10 and track.periodicity.median() > 0.95


def test_integration_follows_given_slopes_and_is_its_own_for_each_sound():
    chance = torch.Generator().manual_seed(0)
    true = torch.rand(2, 6, 9, generator=chance) * 6
    advance, step = torch.zeros(2, 6, 9), torch.zeros(2, 6, 9)
    advance[..., 1:], step[:, 1:] = true.diff(dim=2), true.diff(dim=1)
    magnitude = torch.rand(2, 6, 9, generator=chance) + 0.5
    found = integrate_phase(magnitude, advance, step)
    off = (found - true).flatten(1)
    assert (off - off[:, :1]).abs().max() < 1e-4, "right but for one constant a sound"
    assert torch.equal(found[1:], integrate_phase(magnitude[1:], advance[1:], step[1:]))
    assert not torch.equal(found, integrate_phase(magnitude, advance, step, seed=1))
    silent = integrate_phase(torch.zeros(1, 6, 9), advance[:1], step[:1])
    assert silent.isfinite().all() and phase_gradient(torch.zeros(1, 6, 9), CONFIG)[0].isfinite().all()


def test_integration_spares_iterations(waveforms):
    picture, magnitude = LogMel().decibels(waveforms), mel_to_power(LogMel().power(waveforms), CONFIG).sqrt()
    phase = integrate_phase(magnitude, *phase_gradient(magnitude, CONFIG))
    begun = griffin_lim(magnitude, CONFIG, 2, phase=phase)
    by_chance = griffin_lim(magnitude, CONFIG, 8)
    missed = [difference_db(picture, LogMel().decibels(x))[:2].mean() for x in (begun, by_chance)]
    assert missed[0] < missed[1]


def test_windows_that_hardly_overlap_are_refused():
    with pytest.raises(InputError, match="hop_length.*1024"):
        griffin_lim(torch.zeros(1, 1025, 11), SpectrogramConfig(hop_length=2048))
