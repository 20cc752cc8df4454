"""The contract of avgen.signal.listening: level, pitch, periodicity and distance tell good sounds from bad ones."""

import math

import pytest
import torch

from avgen.core import InputError
from avgen.signal.listening import PitchTrack, compare_sounds, level_db, pitch_track, stft_distance

RATE = 44100
SECONDS = torch.arange(22050) / RATE
HISS = torch.randn(22050, generator=torch.Generator().manual_seed(0))


def tone(hertz: float, partials: int = 12) -> torch.Tensor:
    """A tone of some partials, (samples,)."""
    return 0.1 * sum(torch.sin(2 * math.pi * k * hertz * SECONDS + k * k) / k for k in range(1, partials + 1))


@pytest.mark.parametrize("hertz", [41.2, 98.0, 220.0, 523.25, 1046.5, 1864.7])
def test_pitch_over_the_range_of_the_orchestra(hertz):
    for partials in (1, 8):
        track = pitch_track(tone(hertz, partials)[None])
        assert isinstance(track, PitchTrack) and track.hertz.shape == track.periodicity.shape == track.power.shape
        assert (1200 * (track.hertz / hertz).log2()).abs().max() < 12 and track.periodicity.min() > 0.95


def test_pitch_is_that_of_the_period_even_without_its_partial():
    missing = tone(200) - 0.1 * torch.sin(2 * math.pi * 200 * SECONDS + 1)
    assert (1200 * (pitch_track(missing[None]).hertz / 200).log2()).abs().max() < 12


def test_periodicity_falls_with_noise_and_not_with_loudness():
    sounds = torch.stack([tone(311), 0.01 * tone(311), tone(311) + 0.03 * HISS, HISS])
    clean, quiet, noisy, noise = pitch_track(sounds).periodicity.mean(1)
    assert abs(clean - quiet) < 1e-3 and clean > noisy + 0.02 and noisy > noise + 0.3
    silence = pitch_track(torch.zeros(1, 22050))
    assert silence.hertz.isfinite().all() and silence.periodicity.max() < 1e-3


def test_level_and_distance():
    real = torch.stack([tone(311), tone(98)])
    assert torch.allclose(level_db(0.1 * real) - level_db(real), torch.full((2,), -20.0), atol=1e-3)
    assert stft_distance(real, real).max() == 0
    near, far = stft_distance(real + 0.001 * HISS, real), stft_distance(real + 0.03 * HISS, real)
    assert (near < far).all() and near.min() > 0
    assert torch.allclose(stft_distance(-real, real), torch.zeros(2), atol=1e-5), "a turned sign cannot be heard"


def test_comparing_leaves_out_what_has_no_pitch():
    real = torch.stack([tone(311), 0.1 * HISS])
    found = compare_sounds(real, real)
    assert found["cents"][0] == 0 and found["cents"][1].isnan() and found["in_tune"][0] == 1
    assert torch.equal(found["periodicity"], found["real_periodicity"]) and found["level"].abs().max() == 0
    sharp = compare_sounds(tone(311 * 2 ** (40 / 1200))[None], real[:1])
    assert abs(sharp["cents"][0] - 40) < 3 and sharp["in_tune"][0] > 0.9


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InputError, match="at least"):
        pitch_track(torch.zeros(1, 1000))
    with pytest.raises(InputError, match="expected twice"):
        stft_distance(torch.zeros(1, 22050), torch.zeros(2, 22050))
    with pytest.raises(InputError, match="high"):
        pitch_track(torch.zeros(1, 22050), high=20000.0)
