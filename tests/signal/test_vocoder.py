"""The contract of avgen.signal.vocoder: what it paints, what it learns, which weights come with the kit."""

import math

import pytest
import torch

from avgen.core import InputError
from avgen.signal.phases import griffin_lim, undo_resize
from avgen.signal.spectrogram import LogMel, SpectrogramConfig, resize_sound
from avgen.signal.listening import pitch_track
from avgen.signal.vocoder import LOSS_WEIGHTS, ConvNeXt, Vocoder, fits, load_vocoder, vocoder_losses

CONFIG = SpectrogramConfig()
OTHER = SpectrogramConfig(sample_rate=16000, n_fft=512, hop_length=128, n_mels=40, clip_seconds=0.4)
SMALL = dict(width=16, blocks=1, bands=4)


def tones(config: SpectrogramConfig) -> torch.Tensor:
    """Two harmonic tones, (2, samples)."""
    seconds = torch.arange(config.samples) / config.sample_rate
    return torch.stack(
        [0.1 * sum(torch.sin(2 * math.pi * k * f * seconds) / k for k in range(1, 9)) for f in (220, 330)]
    )


@pytest.mark.parametrize("config", [CONFIG, OTHER], ids=["default", "to the top"])
def test_shapes_for_any_settings_and_length(config):
    vocoder, decibels = Vocoder(config, **SMALL), LogMel(config).decibels(tones(config))
    level, above, advance, step = vocoder(decibels)
    bins, frames = vocoder.bins, config.frames
    assert level.shape == (2, bins, frames) and advance.shape == step.shape == (2, 2, bins, frames)
    assert above.shape == (2, vocoder.bands, frames) and (vocoder.bands == 0) == (config is OTHER)
    magnitude, phase = vocoder.decode(decibels[..., :9])
    assert magnitude.shape == phase.shape == (2, config.n_fft // 2 + 1, 9)
    assert magnitude.min() >= 0 and phase.isfinite().all()
    again = vocoder.decode(decibels[1:, :, :9])
    assert torch.allclose(magnitude[1:], again[0], rtol=1e-4) and torch.allclose(
        phase[1:].cos(), again[1].cos(), atol=1e-2
    )
    assert ConvNeXt(8)(torch.zeros(1, 5, 8)).shape == (1, 5, 8)


@pytest.mark.parametrize("config", [CONFIG, OTHER], ids=["default", "to the top"])
def test_it_learns(config):
    torch.manual_seed(0)
    vocoder, wave = Vocoder(config, **SMALL), tones(config)
    decibels = LogMel(config).decibels(wave)
    optimiser = torch.optim.Adam(vocoder.parameters(), lr=3e-3)
    course = []
    for _ in range(15):
        losses = vocoder_losses(vocoder, wave, decibels)
        loss = sum(LOSS_WEIGHTS[name] * value for name, value in losses.items())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        course.append(loss.item())
    assert set(losses) <= set(LOSS_WEIGHTS) and course[-1] < 0.9 * course[0]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in vocoder.parameters())


def test_silence_is_no_trouble():
    losses = vocoder_losses(Vocoder(**SMALL), torch.zeros(1, 22050), torch.full((1, 128, 44), -80.0))
    assert all(value.isfinite() for value in losses.values())


def test_the_one_that_comes_with_the_kit():
    vocoder = load_vocoder()
    assert sum(p.numel() for p in vocoder.parameters()) < 1_000_000 and not vocoder.training
    assert {"command", "seed", "steps"} <= set(vocoder.report)
    assert fits(vocoder, CONFIG) and fits(vocoder, SpectrogramConfig(clip_seconds=3.0, size=(128, 259)))
    for other in (OTHER, SpectrogramConfig(floor_db=-90.0), SpectrogramConfig(mel_scale="slaney")):
        assert not fits(vocoder, other)
    small = resize_sound(LogMel()(tones(CONFIG)), (64, 64))
    magnitude, phase = vocoder.decode(CONFIG.to_decibels(undo_resize(small, (128, 44)))[:, 0])
    track = pitch_track(griffin_lim(magnitude, CONFIG, 2, phase=phase))
    wanted = torch.tensor([220.0, 330.0])[:, None]
    assert ((1200 * (track.hertz / wanted).log2().abs()).median(1).values < 30).all()
    assert track.periodicity.median() > 0.9


def test_a_file_that_is_no_vocoder_is_refused(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    for name in ("bad.safetensors", "missing.safetensors"):
        with pytest.raises(InputError, match="make_vocoder"):
            load_vocoder(tmp_path / name)
