"""The contract of avgen.signal.spectrogram: parity with librosa and torchaudio, true axes, refused input."""

import dataclasses
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from remarks import said

from avgen.core import InputError
from avgen.signal.spectrogram import (
    LogMel,
    SpectrogramConfig,
    filter_bank,
    fit_length,
    hertz_to_mel,
    mel_to_hertz,
    plot_sound,
    resize_sound,
)

CONFIGS = {
    "sub-urmp": SpectrogramConfig(),
    "slaney": SpectrogramConfig(mel_scale="slaney", norm="slaney", pad_mode="constant", f_max=11025.0),
    "other": SpectrogramConfig(
        sample_rate=22050, n_fft=1024, hop_length=256, n_mels=80, f_min=30.0, f_max=11025.0, clip_seconds=0.7
    ),
}
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


def sounds(config: SpectrogramConfig) -> torch.Tensor:
    """Noise loud and soft, a bowed and a plucked tone with a little breath, a late onset: (5, samples)."""
    seconds = torch.arange(config.samples) / config.sample_rate
    noise = torch.randn(config.samples, generator=torch.Generator().manual_seed(0))
    bowed = 0.05 * sum(torch.sin(2 * np.pi * k * 196 * seconds + k * k) / k for k in range(1, 25))
    plucked = 0.1 * sum(torch.sin(2 * np.pi * k * 440 * seconds) / k for k in range(1, 12)) * torch.exp(-6 * seconds)
    return torch.stack(
        [
            0.1 * noise,
            0.01 * noise,
            bowed + 0.003 * noise,
            plucked + 0.003 * noise,
            bowed * (seconds > 0.2) + 0.001 * noise,
        ]
    )


def torchaudio_power(waveform, c):
    from avgen.signal.representations import torchaudio_cpu

    transform = torchaudio_cpu().transforms.MelSpectrogram(
        c.sample_rate,
        n_fft=c.n_fft,
        hop_length=c.hop_length,
        n_mels=c.n_mels,
        f_min=c.f_min,
        f_max=c.f_max,
        mel_scale=c.mel_scale,
        norm=c.norm,
        pad_mode=c.pad_mode,
    )
    return transform(waveform)


def librosa_power(waveform, c):
    librosa = pytest.importorskip("librosa")
    bands = dict(n_mels=c.n_mels, fmin=c.f_min, fmax=c.f_max, htk=c.mel_scale == "htk", norm=c.norm)
    made = librosa.feature.melspectrogram(
        y=waveform.numpy(), sr=c.sample_rate, n_fft=c.n_fft, hop_length=c.hop_length, pad_mode=c.pad_mode, **bands
    )
    return torch.from_numpy(made)


@each_config
@pytest.mark.parametrize("reference", [torchaudio_power, librosa_power])
def test_power_and_decibels_are_those_of_torchaudio_and_librosa(config, reference):
    ours, theirs = LogMel(config).power(sounds(config)), reference(sounds(config), config)
    torch.testing.assert_close(ours, theirs, atol=5e-4, rtol=1e-5)
    decibels = 10 * theirs.clamp_min(1e-8).log10()
    assert (LogMel(config).decibels(sounds(config)) - decibels).abs().max() < 0.02
    heard = decibels > -80
    assert heard.float().mean() > 0.9, (
        "nearly all cells of these sounds stand above the floor: the comparison means something"
    )


@each_config
def test_float32_is_as_near_to_double_precision_as_torchaudio(config):
    """Single precision ends 120 dB below a loud tone. There the references differ too; ours is no worse."""
    tone = 0.5 * torch.sin(2 * np.pi * 440 * torch.arange(config.samples) / config.sample_rate)[None]
    exact = LogMel(config).double().decibels(tone.double())
    loud = exact > exact.amax() - 90
    ours, theirs = LogMel(config).decibels(tone), 10 * torchaudio_power(tone, config).clamp_min(1e-8).log10()
    assert (ours - exact)[loud].abs().max() < 0.02
    assert (ours - exact).abs().max() <= (theirs - exact).abs().max() + 0.01


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_mel_scales_are_those_of_librosa(scale):
    librosa = pytest.importorskip("librosa")
    hertz = np.geomspace(1, 20000, 200)
    assert np.allclose(hertz_to_mel(hertz, scale), librosa.hz_to_mel(hertz, htk=scale == "htk"))
    assert np.allclose(mel_to_hertz(hertz_to_mel(hertz, scale), scale), hertz)
    assert mel_to_hertz(hertz_to_mel(0, scale), scale) == 0


def test_default_is_what_the_real_pairs_come_in():
    c = SpectrogramConfig()
    assert (c.samples, c.frames, c.n_mels, c.size) == (22050, 44, 128, (64, 64))
    assert LogMel()(torch.zeros(2, 22050)).shape == (2, 1, 128, 44) and LogMel().prepared(
        torch.zeros(2, 22050)
    ).shape == (2, 1, 64, 64)


def test_a_batch_is_its_sounds_one_by_one():
    x = torch.randn(11, 22050, generator=torch.Generator().manual_seed(1))
    logmel = LogMel()
    torch.testing.assert_close(logmel(x), torch.cat([logmel(one[None]) for one in x]), atol=1e-5, rtol=0)
    assert logmel(x[:0]).shape == (0, 1, 128, 44)


def test_gradients_flow_and_agree_with_finite_differences():
    config = SpectrogramConfig(sample_rate=4000, n_fft=64, hop_length=32, n_mels=8, f_max=2000.0, clip_seconds=0.03)
    logmel = LogMel(config).double()
    x = torch.randn(
        2, config.samples, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True
    )
    assert torch.autograd.gradcheck(logmel.decibels, (x,))


def test_autocast_does_not_shorten_it():
    x = sounds(SpectrogramConfig())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        shortened = LogMel()(x)
    assert shortened.dtype == torch.float32 and torch.equal(shortened, LogMel()(x))


def test_buffers_stay_out_of_checkpoints():
    assert not LogMel().state_dict()


@pytest.mark.parametrize("level", [0.0, 1e-30, 1e-6])
def test_silence_is_the_floor(level):
    values = LogMel()(torch.full((1, 22050), level))
    assert values.isfinite().all() and values.min() == -1
    assert level or (values == -1).all()


def test_unit_and_decibels_are_inverse_and_cut_off():
    c = SpectrogramConfig(floor_db=-60.0, ceiling_db=20.0)
    decibels = torch.linspace(-60, 20, 9)
    torch.testing.assert_close(c.to_decibels(c.to_unit(decibels)), decibels)
    assert c.to_unit(torch.tensor([-100.0, 60.0])).tolist() == [-1, 1] and c.to_unit(
        np.array([-100.0, 60.0])
    ).tolist() == [-1, 1]


@each_config
@pytest.mark.parametrize("n", [4, 8, 32, 64])
def test_axes_are_true(config, n):
    """Centres map to their own rows and columns, edges enclose them, a tone lights up the row of its frequency."""
    assert [config.row_of(f, n) for f in config.frequencies(n)] == list(range(n))
    assert [config.column_of(t, n) for t in config.times(n)] == list(range(n))
    edges = config.frequency_edges(n)
    assert (edges[:-1] < config.frequencies(n)).all() and (config.frequencies(n) < edges[1:]).all()
    assert config.row_of(config.f_min, n) == 0 and config.row_of(config.f_max, n) == n - 1
    assert config.column_of(0, n) == 0 and config.column_of(config.clip_seconds, n) == n - 1
    if n < 32:
        return
    logmel, seconds = LogMel(config), torch.arange(config.samples) / config.sample_rate
    for hertz in (500.0, 1500.0, 4000.0):
        picture = resize_sound(logmel(0.3 * torch.sin(2 * np.pi * hertz * seconds)[None]), (n, n))[0, 0]
        assert abs(int(picture[:, n // 2].argmax()) - config.row_of(hertz, n)) <= 1
    click = torch.zeros(1, config.samples)
    click[0, int(0.3 * config.sample_rate)] = 1
    assert abs(int(resize_sound(logmel(click), (n, n))[0, 0].mean(0).argmax()) - config.column_of(0.3, n)) <= 1


def test_config_travels():
    c = SpectrogramConfig(f_max=7000, size=[32, 48])
    assert SpectrogramConfig.from_dict(json.loads(json.dumps(c.to_dict()))) == c and hash(c) == hash(
        SpectrogramConfig(f_max=7000.0, size=(32, 48))
    )
    assert (
        c.fingerprint()
        == SpectrogramConfig(f_max=7000.0, size=(32, 48)).fingerprint()
        != SpectrogramConfig().fingerprint()
    )
    c.require_same(SpectrogramConfig(f_max=7000.0, size=(32, 48)))
    with pytest.raises(InputError, match=r"'f_max': the checkpoint has 8000.0, expected 7000.0"):
        c.require_same(SpectrogramConfig(), "the checkpoint")
    with pytest.raises(dataclasses.FrozenInstanceError):
        c.f_max = 1


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sample_rate", 44100.5),
        ("sample_rate", "44100"),
        ("n_fft", 0),
        ("n_fft", True),
        ("hop_length", 0),
        ("hop_length", 4096),
        ("n_mels", 0),
        ("n_mels", 5000),
        ("f_min", -1),
        ("f_min", 9000),
        ("f_max", 22051),
        ("f_max", float("nan")),
        ("mel_scale", "bark"),
        ("norm", "None"),
        ("pad_mode", "edge"),
        ("floor_db", "-80"),
        ("ceiling_db", -90),
        ("clip_seconds", 0),
        ("clip_seconds", 0.01),
        ("clip_seconds", float("inf")),
        ("size", 64),
        ("size", (64, 0)),
        ("size", (64, 64, 1)),
        ("size", (64.0, 64)),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(setting, value):
    with pytest.raises(InputError) as refused:
        SpectrogramConfig(**{setting: value})
    named = "f_max" if (setting, value) == ("f_min", 9000) else setting
    assert named in str(refused.value) and "expected" in str(refused.value) and "\n" not in str(refused.value)


def test_unknown_setting_is_refused():
    with pytest.raises(InputError, match="'n_mel'.*n_mels"):
        SpectrogramConfig.from_dict({"n_mel": 3})


@pytest.mark.parametrize(
    ("waveform", "words"),
    [
        (torch.zeros(2, 22049), "22050"),
        (torch.zeros(22050), "waveform\\[None\\]"),
        (torch.zeros(1, 1, 22050), "shape"),
        (torch.zeros(1, 22050, dtype=torch.int16), "32768"),
        (np.zeros((1, 22050), np.float32), "ndarray"),
        (torch.full((1, 22050), float("nan")), "NaN"),
        (torch.eye(3, 22050) * float("inf"), "sample 0"),
        (torch.cat([torch.zeros(2, 22050), torch.full((1, 22050), float("nan"))]), "sample 2"),
    ],
)
def test_a_waveform_that_cannot_be_used_is_refused(waveform, words):
    with pytest.raises(InputError, match=words):
        LogMel()(waveform)


def test_shorter_and_longer_sounds_can_be_fitted():
    c, x = SpectrogramConfig(), torch.ones(3, 30000)
    assert torch.equal(fit_length(x, c), x[:, :22050])
    short = fit_length(x[:, :100], c)
    assert short.shape == (3, 22050) and short.sum() == 300
    assert fit_length(np.ones(10, np.float32), c).shape == (22050,)


@pytest.mark.parametrize(
    "point",
    [
        ("row_of", 9000),
        ("row_of", -1),
        ("row_of", float("nan")),
        ("column_of", 0.6),
        ("column_of", -0.1),
        ("column_of", "0.1"),
    ],
)
def test_a_point_outside_the_picture_is_refused(point):
    name, value = point
    with pytest.raises(InputError, match="hertz" if name == "row_of" else "seconds"):
        getattr(SpectrogramConfig(), name)(value, 64)


def test_bands_too_narrow_are_said_once():
    with said() as texts:
        LogMel(SpectrogramConfig(n_fft=256, hop_length=128))
    assert len(texts) == 1 and "mel bands are narrower" in texts[0]
    assert not (filter_bank(SpectrogramConfig()).amax(0) == 0).any(), "the default has none"


def test_sounds_are_drawn_one_at_a_time():
    with pytest.raises(InputError, match="one at a time"):
        plot_sound(torch.zeros(2, 64, 64), SpectrogramConfig())


def test_plot_has_seconds_and_hertz():
    import matplotlib.pyplot as plt

    c = SpectrogramConfig()
    ax = plot_sound(torch.zeros(1, 64, 64), c)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "frequency (Hz)")
    middle = np.mean(ax.transData.transform([(0, c.frequency_edges(64)[0]), (0, c.frequency_edges(64)[-1])]), 0)
    assert np.isclose(ax.transData.inverted().transform(middle)[1], c.frequency_edges(64)[32], rtol=1e-6), (
        "half-way up is the middle row: the axis is mel"
    )
    assert ax.get_ylim()[0] < 125 and "1,000" in [t.get_text() for t in ax.get_yticklabels()]
    plt.close("all")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_makes_the_same_picture():
    x = sounds(SpectrogramConfig())
    torch.testing.assert_close(LogMel().cuda()(x.cuda()).cpu(), LogMel()(x), atol=1e-4, rtol=0)


def test_the_real_pairs_fit_between_floor_and_ceiling(real_data):
    """The array of a real pair and the log-mel of its reconstructed wav agree as far as the reconstruction does."""
    soundfile = pytest.importorskip("soundfile")
    c, root = SpectrogramConfig(), real_data / "Sub-URMP"
    misses = []
    for file in sorted((root / "lms/train").rglob("*.npy"))[::40]:
        decibels = np.load(file).astype(np.float32)
        assert (
            decibels.shape == (c.n_mels, c.frames)
            and decibels.max() < c.ceiling_db
            and (decibels < c.floor_db).mean() < 1e-3
        )
        waveform, rate = soundfile.read(
            root / "chunk/train" / file.parent.name / f"{file.stem}.wav", dtype="float32", always_2d=True
        )
        ours = LogMel(c).decibels(fit_length(torch.from_numpy(waveform.mean(1)), c)[None])[0].numpy()
        heard = decibels > decibels.max() - 50
        misses.append(np.median(np.abs(ours - decibels)[heard]))
    assert rate == c.sample_rate and np.median(misses) < 4, misses


def test_the_bench_runs():
    done = subprocess.run(
        [sys.executable, "-m", "avgen.bench", "--one", "logmel", '{"which": "ours", "clips": 4}'],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "seconds" in done.stdout, done.stderr
