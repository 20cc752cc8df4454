"""Moments of long recordings: the loudest, the one that was asked for, and a strip of all."""

import numpy as np
import pytest
import torch
from remarks import nothing_said, said

from avgen.core import InputError
from avgen.data.moments import Recording, read_moment, read_recording, strip_figure
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

soundfile = pytest.importorskip("soundfile")
RATE = 44100


def song(seconds: float = 10.0, notes=((7.0, 0.5), (2.0, 0.1)), rate: int = RATE) -> np.ndarray:
    "Silence with half-second notes at (second, loudness)."
    samples = np.zeros(round(seconds * rate), np.float32)
    for begins, loudness in notes:
        first = round(begins * rate)
        samples[first : first + rate // 2] = loudness * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)
    return samples


def test_the_loudest_moments_are_where_the_notes_are():
    recording = Recording(song())
    assert recording.loudest() == pytest.approx([7.0], abs=0.01)
    assert recording.loudest(2) == pytest.approx([2.0, 7.0], abs=0.01)
    assert len(recording.loudest(20)) == 20
    assert recording.moment(7.0).values.max() > recording.moment(2.0).values.max() > recording.moment(5.0).values.max()


@pytest.mark.parametrize("seconds", [0.01, 0.3, 0.5, 0.51, 0.99, 10.0, 61.3])
def test_every_length_has_a_moment_and_a_strip(seconds):
    recording = Recording(song(seconds, ()))
    start = recording.loudest()[0] if recording.long else 0.0
    assert recording.moment(start).values.shape == (1, 64, 64) and recording.decibels().shape[0] == 128
    assert recording._still_()[:4] == b"\x89PNG" and f"{seconds:.2f} s" in repr(recording)
    assert 0 <= recording.around(seconds) <= seconds


def test_a_moment_is_the_waveform_from_there_on():
    waveform = torch.from_numpy(song())
    sound = Recording(waveform, name="song").moment(7.0)
    assert torch.equal(sound.waveform, waveform[7 * RATE : 7 * RATE + RATE // 2])
    assert sound.name == "song, 7.00 to 7.50 s"
    last = Recording(waveform).moment(9.9).waveform
    assert len(last) == RATE // 2 and not last[RATE // 10 :].any(), "what is missing at the end is silence"
    for start in (-0.1, 10.0, float("nan")):
        with pytest.raises(InputError, match="'start'"):
            Recording(waveform).moment(start)


@pytest.mark.parametrize(("rate", "channels", "suffix"), [(RATE, 1, "wav"), (48000, 2, "wav"), (16000, 1, "flac")])
def test_a_file_of_any_rate_is_read_whole(tmp_path, rate, channels, suffix):
    file = tmp_path / f"song.{suffix}"
    soundfile.write(file, np.stack([song(rate=rate)] * channels, 1), rate)
    recording = read_recording(file)
    assert recording.seconds == pytest.approx(10, abs=1e-3) and recording.loudest() == pytest.approx([7], abs=0.02)
    with said(r"10.00 s long: its loudest 0.5 s are used, from (6.99|7.0\d) s on; --from"):
        assert "7." in read_moment(file).name or "6.99" in read_moment(file).name
    with nothing_said():
        assert read_moment(file, start=2.0).name == "song, 2.00 to 2.50 s"
    for start in (-1, 10.5):
        with pytest.raises(InputError, match="option --from: found .* s; expected 0 to 10.00 s"):
            read_moment(file, start=start)


def test_a_clip_is_a_clip(tmp_path):
    soundfile.write(tmp_path / "a.wav", song(0.5, ()), RATE)
    with nothing_said():
        assert read_moment(tmp_path / "a.wav").name == "a" and not read_recording(tmp_path / "a.wav").long


def test_a_log_mel_file_is_one_clip(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((128, 44), np.float32))
    assert read_moment(tmp_path / "a.npy").values.shape == (1, 64, 64)
    with pytest.raises(InputError, match="leave out --from"):
        read_moment(tmp_path / "a.npy", start=1.0)


def test_the_strip_frames_what_was_chosen():
    figure = strip_figure(Recording(song(), name="a $name$"), [7.0, 2.0])
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.texts] == ["1", "2"] and ax.get_xlim() == (0, 10)
    assert len(ax.patches) == 2 and ax.patches[0].get_x() == 2.0
    assert Recording(song()).shown(3)._still_() != Recording(song())._still_()


@pytest.mark.parametrize("shape", [(128, 862), (128, 20), (64, 862), (80, 1000), (128, 88)])
def test_a_log_mel_of_another_length_is_refused_not_squeezed(shape):
    with pytest.raises(InputError, match=f"{shape[0]} rows and {shape[1]} columns, .* s at 512 .*a clip of 0.5 s"):
        Sound(torch.zeros(1, *shape))


@pytest.mark.parametrize("shape", [(128, 44), (128, 43), (64, 64), (32, 32), (128, 64), (16, 40)])
def test_a_clip_in_other_pixels_passes(shape):
    assert Sound(torch.zeros(1, *shape)).values.shape == (1, *shape)


def test_ten_seconds_are_a_clip_where_the_settings_say_so():
    long = SpectrogramConfig(clip_seconds=10.0)
    assert Sound(torch.zeros(1, 128, long.frames), long).values.shape[2] == 862


def test_the_strip_has_no_seams_and_is_the_log_mel_of_the_whole():
    from avgen.signal.spectrogram import LogMel

    waveform = 0.3 * torch.sin(torch.arange(12 * RATE) * 0.06)
    shown = Recording(waveform).decibels(10_000)
    whole = LogMel(SpectrogramConfig(clip_seconds=12.0)).decibels(waveform[None])[0]
    assert shown.shape == whole.shape and (shown - whole)[:, 4:-4].abs().max() < 0.1
