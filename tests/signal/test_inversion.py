"""The contract of avgen.signal.inversion: near the picture, deterministic, bad input refused."""

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.signal.inversion import METHODS, clip_starts, invert, join_clips, round_trip_error
from avgen.signal.listening import level_db, pitch_track
from avgen.signal.phases import difference_db
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import LogMel, SpectrogramConfig, resize_sound

CONFIG = SpectrogramConfig()


@pytest.fixture(scope="module")
def waveforms() -> torch.Tensor:
    seconds = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    noise = 0.002 * torch.randn(CONFIG.samples, generator=torch.Generator().manual_seed(0))

    def tone(hertz):
        return 0.1 * sum(torch.sin(2 * np.pi * k * hertz * seconds + k * k) / k for k in range(1, 15))

    return torch.stack([tone(196) + noise, tone(523) * torch.exp(-5 * seconds) + noise, 20 * noise])


def test_round_trip(waveforms):
    for method in METHODS:
        full = round_trip_error(waveforms, CONFIG, method=method)
        small = round_trip_error(waveforms, CONFIG, (64, 64), method=method)
        assert full.shape == (3,) and full[:2].max() < (6 if method == "vocoder" else 2) and small.max() < 12
    rough = round_trip_error(waveforms, CONFIG, method="griffin-lim", iterations=2)
    assert (rough > round_trip_error(waveforms, CONFIG, method="griffin-lim")).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(128, 44), (64, 64)])
def test_pitch_and_level_survive(waveforms, method, size):
    back = invert(resize_sound(LogMel()(waveforms[:2]), size), CONFIG, method)
    assert ((level_db(back) - level_db(waveforms[:2])).abs() < 3).all()
    track, real = pitch_track(back), pitch_track(waveforms[:2])
    assert ((1200 * (track.hertz / real.hertz).log2().abs()).median(1).values < 30).all()
    assert track.periodicity.median() > 0.85


def test_the_vocoder_is_taken_where_it_fits():
    picture = LogMel()(0.1 * torch.sin(torch.arange(22050) / 10)[None])
    assert torch.equal(invert(picture, CONFIG), invert(picture, CONFIG, "vocoder"))
    other = SpectrogramConfig(mel_scale="slaney")
    assert torch.equal(invert(picture, other), invert(picture, other, "griffin-lim"))
    with pytest.raises(InputError, match="other settings"):
        invert(picture, other, "vocoder")
    assert invert(torch.zeros(0, 1, 64, 64), CONFIG).shape == (0, 22050)


def test_clips_become_a_phrase_without_holes_or_bumps():
    seconds = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    clip = LogMel()(0.1 * torch.sin(2 * np.pi * 440 * seconds)[None])
    starts = clip_starts(CONFIG, 2.0, 0.1)
    assert starts[0] == 0 and len({b - a for a, b in zip(starts, starts[1:])}) == 1
    values, whole = join_clips(clip.expand(len(starts), -1, -1, -1), CONFIG, 2.0, 0.1)
    assert whole.clip_seconds == 2 and values.shape == (1, 1, 128, whole.frames) == (1, 1, *whole.size)
    inside = values[0, 0, :, 3:-3]
    assert (inside.amax(0) - clip[0, 0, :, 20].amax()).abs().max() < 0.01, "power fades evenly"
    assert invert(values, whole).shape == (1, whole.samples)
    assert clip_starts(CONFIG, 0.5) == [0] and join_clips(clip, CONFIG, 0.5)[0].shape == (1, 1, 128, 44)
    for wrong in (lambda: clip_starts(CONFIG, 0.1), lambda: clip_starts(CONFIG, 1.0, 0.4)):
        with pytest.raises(InputError, match="seconds|overlap"):
            wrong()
    with pytest.raises(InputError, match="found 1 clips"):
        join_clips(clip, CONFIG, 2.0)


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
    for method in METHODS:
        among = invert(sound, CONFIG, method, 8)[1:2]
        assert torch.allclose(among, invert(sound[1:2], CONFIG, method, 8), atol=2e-3)
    before = torch.get_rng_state()
    invert(sound[:1], CONFIG, iterations=1)
    assert torch.equal(before, torch.get_rng_state()), "the global generator is left alone"


def test_loudness_is_kept_and_never_above_one(waveforms):
    back = invert(LogMel()(waveforms), CONFIG)

    def level(x):  # without the noise, which has most of its power above 8 kHz, where the picture ends
        return x[:2].square().mean(1).sqrt()

    assert torch.allclose(level(back), level(waveforms), rtol=0.2)
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


@pytest.mark.parametrize(
    ("sound", "settings", "words"),
    [
        (torch.zeros(64, 64), {}, "expected \\(B, 1, rows, columns\\)"),
        (torch.zeros(1, 3, 64, 64), {}, "\\(1, 3, 64, 64\\)"),
        (torch.full((1, 1, 64, 64), float("nan")), {}, "NaN"),
        (torch.zeros(1, 1, 64, 64), {"iterations": -1}, "iterations"),
        (torch.zeros(1, 1, 64, 64), {"momentum": "much"}, "momentum"),
        (torch.zeros(1, 1, 64, 64), {"method": "magic"}, "method"),
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
