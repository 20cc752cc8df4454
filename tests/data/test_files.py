"""The contract of avgen.data.files: what is read, what is repaired and reported, what is refused and how."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image
from small_data import RATE, RNG, SAMPLES, tone
from remarks import said

from avgen.core import InputError
from avgen.data.files import read_picture, read_sound, read_waveform, write_sound
from avgen.signal.spectrogram import SpectrogramConfig

soundfile = pytest.importorskip("soundfile")


@pytest.mark.parametrize("form", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_wav_is_read_as_soundfile_reads_it(tmp_path, form, kind):
    data = np.stack([tone(), tone(660)], 1)
    soundfile.write(tmp_path / "a.wav", data, RATE, form, format=kind)
    waveform, remarks = read_waveform(tmp_path / "a.wav")
    assert np.abs(waveform.numpy() - soundfile.read(tmp_path / "a.wav")[0].mean(1)).max() < 1e-6
    assert waveform.dtype == torch.float32 and waveform.shape == (SAMPLES,) and remarks == ["2 channels, mixed to one"]


def test_flac_and_other_formats_go_to_soundfile(tmp_path):
    for name, options in (
        ("a.flac", {}),
        ("b.wav", dict(subtype="ULAW")),
        ("c.wav", dict(format="RF64", subtype="PCM_16")),
    ):
        soundfile.write(tmp_path / name, tone(), RATE, **options)
        assert np.abs(read_waveform(tmp_path / name)[0].numpy() - tone()).max() < 0.03


def test_streamed_wav_without_a_length(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(data)
    assert np.abs(read_waveform(tmp_path / "a.wav")[0].numpy() - tone()).max() < 1e-4


@pytest.mark.parametrize("rate", [48000, 22050, 8000, 96000])
def test_other_rates_are_resampled(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(440, rate, rate // 2), rate, "FLOAT")
    waveform, remarks = read_waveform(tmp_path / "a.wav")
    assert remarks == [f"{rate} Hz, resampled to 44100 Hz"] and waveform.shape == (SAMPLES,)
    assert np.abs(waveform.numpy() - tone())[2000:-2000].max() < 2e-3


def test_resampling_does_not_fold(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(15000, 48000, 24000), 48000, "FLOAT")
    waveform, _ = read_waveform(tmp_path / "a.wav", SpectrogramConfig(sample_rate=22050))
    assert waveform[1000:-1000].abs().max() < 1e-3


def test_shorter_is_filled_and_longer_is_cut(tmp_path):
    for samples, word in (
        (1000, "shorter than 0.5 s, filled with silence"),
        (50000, "longer than 0.5 s, cut after the first clip"),
    ):
        soundfile.write(tmp_path / "a.wav", tone(samples=samples), RATE, "FLOAT")
        waveform, remarks = read_waveform(tmp_path / "a.wav")
        n = min(samples, SAMPLES)
        assert remarks == [word] and np.abs(waveform[:n].numpy() - tone()[:n]).max() < 1e-6 and not waveform[n:].any()


def test_repairs_are_said(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(440, 48000)] * 2, 1), 48000)
    with said(r".*a.wav: 2 channels, mixed to one; 48000 Hz, resampled to 44100 Hz; shorter"):
        read_sound(tmp_path / "a.wav")


def test_silence_is_the_floor(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(SAMPLES), RATE)
    assert (read_sound(tmp_path / "a.wav").values == -1).all()


def test_unreadable_sounds_are_refused_with_their_name(tmp_path):
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, tone(), RATE)
    (tmp_path / "text.wav").write_text("this is not a wav file")
    (tmp_path / "void.wav").write_bytes(b"")
    (tmp_path / "cut.wav").write_bytes(whole.read_bytes()[:9000])
    (tmp_path / "head.wav").write_bytes(whole.read_bytes()[:40])
    (tmp_path / "text.flac").write_text("nor is this flac")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        soundfile.write(tmp_path / f"{name}.wav", np.where(np.arange(SAMPLES) == 5, value, tone()), RATE, "FLOAT")
    soundfile.write(tmp_path / "huge.wav", tone() * 32768, RATE, "FLOAT")
    for name, what in (
        ("text.wav", "begin with b'this is not '; expected a wav or flac"),
        ("void.wav", "found 0 bytes"),
        ("cut.wav", "found 8956 bytes of sound; expected 44100: the file is cut short"),
        ("head.wav", "cut short"),
        ("text.flac", "expected a wav or flac"),
        ("none.wav", "found 0 samples"),
        ("nan.wav", "found 1 samples of 22050 that are NaN or infinite"),
        ("inf.wav", "NaN or infinite"),
        ("huge.wav", r"found samples up to 13\d+; expected \[-1, 1\]"),
        ("missing.wav", "No such file"),
    ):
        with pytest.raises(InputError, match=f"{name}: .*{what}.*; "):
            read_sound(tmp_path / name)


def test_pictures_of_any_kind(tmp_path):
    full = RNG.integers(0, 255, (90, 160, 3), dtype=np.uint8)
    kinds = (
        ("RGB", "a.jpg"),
        ("RGB", "a.png"),
        ("L", "b.jpg"),
        ("L", "b.png"),
        ("CMYK", "c.jpg"),
        ("P", "p.png"),
        ("RGBA", "clear.png"),
        ("1", "bits.png"),
    )
    for mode, name in kinds:
        Image.fromarray(full).convert(mode).save(tmp_path / name)
        picture = read_picture(tmp_path / name, 32)
        assert picture.values.shape == (3, 32, 32) and picture.values.abs().max() <= 1
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png").values > 0.99).all()


def test_whole_frame_is_kept_and_fast_decoding_agrees(tmp_path):
    y, x = np.mgrid[0:1080, 0:1920] / 200
    Image.fromarray((np.stack([np.sin(x), np.cos(y), np.sin(x + y)], 2) * 120 + 128).astype(np.uint8)).save(
        tmp_path / "a.jpg", quality=95
    )
    exact = (
        np.asarray(Image.open(tmp_path / "a.jpg").resize((64, 64), Image.Resampling.BICUBIC), dtype=float).transpose(
            2, 0, 1
        )
        / 127.5
        - 1
    )
    assert np.abs(read_picture(tmp_path / "a.jpg").values.numpy() - exact).mean() < 0.02


def test_unreadable_pictures_are_refused_with_their_name(tmp_path):
    Image.fromarray(RNG.integers(0, 255, (128, 128, 3), dtype=np.uint8)).save(tmp_path / "a.jpg")
    Image.fromarray(RNG.integers(0, 255, (128, 128, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    for name in ("a.jpg", "a.png"):
        (tmp_path / f"cut_{name}").write_bytes((tmp_path / name).read_bytes()[:4000])
    (tmp_path / "text.jpg").write_text("hello")
    for name, what in (
        ("cut_a.jpg", "truncated"),
        ("cut_a.png", "cannot be decoded"),
        ("text.jpg", "expected a jpg or png"),
        ("missing.png", "No such file"),
    ):
        with pytest.raises(InputError, match=f"{name}: .*{what}"):
            read_picture(tmp_path / name)


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_what_is_written_is_read_back(tmp_path, ending):
    write_sound(tmp_path / f"a{ending}", tone(), RATE)
    info = soundfile.info(tmp_path / f"a{ending}")
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (RATE, 1, "PCM_16", SAMPLES)
    waveform, repairs = read_waveform(tmp_path / f"a{ending}")
    assert np.abs(waveform.numpy() - tone()).max() < 1 / 32767 and not repairs
    again, _ = soundfile.read(tmp_path / f"a{ending}", dtype="int16")
    assert np.array_equal(again, np.round(tone() * 32767).astype(np.int16))


def test_other_endings_and_nan_are_not_written(tmp_path):
    with pytest.raises(InputError, match="expected .wav or .flac"):
        write_sound(tmp_path / "a.mp3", tone(), RATE)
    with pytest.raises(InputError, match="NaN"):
        write_sound(tmp_path / "a.wav", np.full(9, np.nan), RATE)
    assert not list(tmp_path.iterdir())
