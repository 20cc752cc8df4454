"""The contract of avgen.signal.representations: five forms against their references, refused input, torchaudio."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.signal.representations import KINDS, constant_q_kernels, cosines, represent, torchaudio_cpu
from avgen.signal.spectrogram import LogMel, SpectrogramConfig

CONFIG = SpectrogramConfig()


@pytest.fixture(scope="module")
def tone() -> torch.Tensor:
    seconds = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    noise = torch.randn(CONFIG.samples, generator=torch.Generator().manual_seed(0))
    return 0.05 * sum(torch.sin(2 * np.pi * k * 440 * seconds + k * k) / k for k in range(1, 12)) + 0.002 * noise


@pytest.mark.parametrize(("kind", "rows"), [("MS", 128), ("LMS", 128), ("CQT", 84), ("MFCC", 20), ("STFT", 513)])
def test_each_form_has_its_shape_axes_and_picture(tone, kind, rows):
    form = represent(tone, kind, CONFIG)
    assert form.values.shape == (rows, 44) and np.isfinite(form.values).all() and form.times.shape == (44,)
    assert np.allclose(form.times, CONFIG.times(44))
    if kind != "MFCC":
        assert form.frequencies.shape == (rows,) and (np.diff(form.frequencies) > 0).all()
        assert abs(form.frequencies[form.values[:, 20].argmax()] - 440) < 30, "the loudest row is the tone's"
    ax = form.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "frequency (Hz)")
    assert form._repr_mimebundle_()[0]["image/png"].startswith(b"\x89PNG") and kind in repr(form)


def test_mel_forms_are_those_of_logmel(tone):
    assert np.array_equal(represent(tone, "MS").values, LogMel().power(tone[None])[0].numpy())
    assert np.array_equal(represent(tone, "LMS").values, LogMel().decibels(tone[None])[0].numpy())


def test_stft_is_that_of_librosa(tone):
    librosa = pytest.importorskip("librosa")
    theirs = np.abs(librosa.stft(tone.numpy(), n_fft=1024, hop_length=512, pad_mode="reflect")) ** 2
    assert np.abs(represent(tone, "STFT").values - 10 * np.log10(theirs.clip(1e-8)))[:, : theirs.shape[1]].max() < 0.05


def test_mfcc_is_that_of_librosa_and_torchaudio(tone):
    librosa, ours = pytest.importorskip("librosa"), represent(tone, "MFCC").values
    decibels = LogMel().decibels(tone[None])[0]
    assert np.allclose(ours, librosa.feature.mfcc(S=decibels.numpy(), n_mfcc=20), atol=1e-3)
    mel = {"n_fft": 2048, "hop_length": 512, "n_mels": 128, "f_max": 8000}
    theirs = torchaudio_cpu().transforms.MFCC(44100, n_mfcc=20, melkwargs=mel)(tone)
    assert np.allclose(ours, theirs, atol=0.05)


@pytest.mark.filterwarnings("ignore:n_fft=.*is too large")
def test_constant_q_is_that_of_librosa(tone):
    librosa = pytest.importorskip("librosa")
    theirs = librosa.amplitude_to_db(
        np.abs(librosa.cqt(tone.numpy(), sr=44100, hop_length=512, n_bins=84, pad_mode="constant")), top_db=None
    )
    ours = represent(tone, "CQT").values
    heard = theirs > theirs.max() - 40
    assert heard.sum() > 200 and np.median(np.abs(ours - theirs[:, :44])[heard[:, :44]]) < 0.5


def test_cosines_are_orthonormal():
    shapes = cosines(128, 128)
    torch.testing.assert_close(shapes @ shapes.T, torch.eye(128), atol=1e-5, rtol=0)
    kernels, frequencies = constant_q_kernels(CONFIG)
    assert kernels.shape[1] == len(frequencies) == 84


def test_all_128_cosines_give_the_picture_back(tone):
    form = represent(tone, "MFCC", rows=128)
    assert np.allclose(form.envelope, represent(tone, "LMS").values, atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_finite(kind):
    assert np.isfinite(represent(torch.zeros(22050), kind).values).all()


@pytest.mark.parametrize(
    ("waveform", "kind", "rows", "words"),
    [
        (torch.zeros(22050), "lms", None, "'LMS'"),
        (torch.zeros(22050), "LMS", 64, "n_mels"),
        (torch.zeros(22050), "MFCC", 200, "rows"),
        (torch.zeros(22050), "CQT", 120, "semitones"),
        (torch.zeros(22050), "STFT", 1, "rows"),
        (torch.zeros(100), "CQT", None, "22050"),
        (torch.full((22050,), float("nan")), "STFT", None, "NaN"),
    ],
)
def test_what_cannot_be_represented_is_refused(waveform, kind, rows, words):
    with pytest.raises(InputError, match=words):
        represent(waveform, kind, rows=rows)


def test_torchaudio_comes_in_a_fresh_process_and_only_when_asked():
    code = (
        "import sys, avgen.signal.representations as r; assert 'torchaudio' not in sys.modules; "
        "t = r.torchaudio_cpu(); assert t is r.torchaudio_cpu(); "
        "import torch; print(t.transforms.GriffinLim(n_fft=64)(torch.rand(33, 10)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "torch.Size" in done.stdout, done.stderr
