"""The contract of avgen.signal.inversion: near the picture, deterministic, bad input refused."""

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.signal.inversion import difference_db, griffin_lim, invert, mel_to_power, round_trip_error
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import LogMel, SpectrogramConfig, filter_bank

CONFIG = SpectrogramConfig()


@pytest.fixture(scope="module")
def waveforms() -> torch.Tensor:
    seconds = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    noise = 0.002 * torch.randn(CONFIG.samples, generator=torch.Generator().manual_seed(0))

    def tone(hertz):
        return 0.1 * sum(torch.sin(2 * np.pi * k * hertz * seconds + k * k) / k for k in range(1, 15))

    return torch.stack([tone(196) + noise, tone(523) * torch.exp(-5 * seconds) + noise, 20 * noise])


def test_round_trip(waveforms):
    full, small = round_trip_error(waveforms, CONFIG), round_trip_error(waveforms, CONFIG, (64, 64))
    assert full.shape == (3,) and full.max() < 2 and (full < small).all() and small.max() < 9
    assert (round_trip_error(waveforms, CONFIG, iterations=2) > full).all()


@pytest.mark.parametrize(
    "config",
    [
        SpectrogramConfig(mel_scale="slaney", norm="slaney", floor_db=-110.0),
        SpectrogramConfig(pad_mode="constant", hop_length=256),
        SpectrogramConfig(sample_rate=22050, n_fft=1024, hop_length=256, n_mels=80, f_max=11025.0, clip_seconds=0.7),
    ],
    ids=["slaney", "constant", "other"],
)
def test_other_configurations_are_undone_too(config):
    seconds = torch.arange(config.samples) / config.sample_rate
    noise = torch.randn(config.samples, generator=torch.Generator().manual_seed(0))
    waveform = (0.1 * sum(torch.sin(2 * np.pi * k * 300 * seconds + k * k) / k for k in range(1, 15)) + 0.002 * noise)[
        None
    ]
    assert round_trip_error(waveform, config) < 2.5


def test_same_seed_same_sound_alone_or_among_others(waveforms):
    sound = LogMel()(waveforms)
    first = invert(sound, CONFIG, iterations=8)
    assert torch.equal(first, invert(sound, CONFIG, iterations=8)) and not torch.equal(
        first, invert(sound, CONFIG, iterations=8, seed=1)
    )
    assert torch.allclose(first[1:2], invert(sound[1:2], CONFIG, iterations=8), atol=1e-3)
    before = torch.get_rng_state()
    invert(sound[:1], CONFIG, iterations=1)
    assert torch.equal(before, torch.get_rng_state()), "the global generator is left alone"


def test_loudness_is_kept_and_never_above_one(waveforms):
    back = invert(LogMel()(waveforms), CONFIG)

    def level(x):  # without the noise, which has most of its power above 8 kHz, where the picture ends
        return x[:2].square().mean(1).sqrt()

    assert torch.allclose(level(back), level(waveforms), rtol=0.1)
    loud = invert(torch.ones(1, 1, 64, 64), CONFIG, iterations=2)
    assert loud.isfinite().all() and abs(float(loud.abs().max()) - 1) < 1e-5


def test_silence_and_what_a_network_may_paint():
    assert invert(torch.full((1, 1, 64, 64), -1.0), CONFIG).abs().max() == 0
    painted = torch.rand(6, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert (
        invert(painted, CONFIG, iterations=2).shape == (6, 22050)
        and invert(painted, CONFIG, iterations=2).isfinite().all()
    )
    assert Sound(painted[0]).to_waveform(iterations=1).shape == (22050,)


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


@pytest.mark.parametrize(
    ("sound", "settings", "words"),
    [
        (torch.zeros(64, 64), {}, "expected \\(B, 1, rows, columns\\)"),
        (torch.zeros(1, 3, 64, 64), {}, "\\(1, 3, 64, 64\\)"),
        (torch.full((1, 1, 64, 64), float("nan")), {}, "NaN"),
        (torch.zeros(1, 1, 64, 64), {"iterations": -1}, "iterations"),
        (torch.zeros(1, 1, 64, 64), {"momentum": "much"}, "momentum"),
    ],
)
def test_what_cannot_be_inverted_is_refused(sound, settings, words):
    with pytest.raises(InputError, match=words):
        invert(sound, CONFIG, **settings)


def test_windows_that_hardly_overlap_are_refused():
    with pytest.raises(InputError, match="hop_length.*1024"):
        invert(torch.zeros(1, 1, 64, 64), SpectrogramConfig(hop_length=2048))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_starts_from_the_same_phases(waveforms):
    sound = LogMel()(waveforms)
    on_gpu, on_cpu = invert(sound.cuda(), CONFIG, iterations=4).cpu(), invert(sound, CONFIG, iterations=4)
    assert difference_db(LogMel().decibels(on_cpu), LogMel().decibels(on_gpu)).max() < 0.5
