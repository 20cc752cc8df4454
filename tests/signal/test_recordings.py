"""The contract of avgen.signal.recordings: any sound file, only as far as needed, and no header believed."""

import io
import struct
import time
import tracemalloc

import numpy as np
import pytest
from small_data import RATE, SAMPLES, tone

from avgen.core import InputError
from avgen.signal.recordings import mix_channels, read_recording

soundfile = pytest.importorskip("soundfile")


def encoded(data, form="WAV", rate=RATE, **more) -> bytes:
    """Encode samples as the bytes of a file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, data, rate, format=form, **more)
    return buffer.getvalue()


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """Replace some bytes."""
    return data[:at] + new + data[at + len(new) :]


WHOLE = encoded(tone(), subtype="PCM_16")


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0x7FFFFFFE, 0x7FFFFFDB, 0x80000000, 0xFFFFFFFF, 0xFFFFFFDB])
def test_a_wav_out_of_a_pipe_is_read_to_its_end(length):
    piped = patched(patched(WHOLE, 40, struct.pack("<I", length)), 4, struct.pack("<I", (length + 36) % 2**32))
    assert np.abs(read_recording(("a.wav", piped)).waveform.numpy() - tone()).max() < 1e-4


@pytest.mark.parametrize("more", [4, 8, 36, 44, 64])
def test_a_header_that_miscounts_is_forgiven(more):
    found = read_recording(("a.wav", patched(WHOLE, 40, struct.pack("<I", 2 * SAMPLES + more))))
    assert len(found.waveform) == SAMPLES and "a few bytes too many" in found.remarks[0]
    with pytest.raises(InputError, match="cut short"):
        read_recording(("a.wav", patched(WHOLE, 40, struct.pack("<I", 2 * SAMPLES + 2000))))


@pytest.mark.parametrize("form", ["WAV", "RF64", "AIFF", "AU", "FLAC", "MP3", "OGG", "W64"])
def test_cut_short_is_refused_in_every_format(form):
    whole = encoded(np.tile(tone(), 3), form)
    assert read_recording(("a", whole), seconds=0.5).longer
    for share in (0.15, 0.5):
        with pytest.raises(InputError, match="a: .*(cut short|cannot be decoded|expected a wav)"):
            read_recording(("a", whole[: int(share * len(whole))]), seconds=1.4)


@pytest.mark.parametrize(
    "at,new,what",
    [
        (24, struct.pack("<I", 2**31 - 1), "2147483647 samples a second"),
        (24, struct.pack("<I", 0), "claims 0 samples"),
        (24, struct.pack("<I", 1), "claims 1 samples"),
        (22, struct.pack("<H", 40000), "found|claims"),
    ],
)
def test_no_header_is_believed(at, new, what):
    tracemalloc.start()
    with pytest.raises(InputError, match=what):
        read_recording(("a.wav", patched(WHOLE, at, new)), RATE, 0.5)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize("total", [bytes(5), b"\x0f" + b"\xff" * 4])
@pytest.mark.parametrize("seconds", [0.5, 0.2, None])
def test_a_flac_that_does_not_know_its_length(total, seconds):
    data = bytearray(encoded(tone(), "FLAC"))
    data[21] = (data[21] & 0xF0) | total[0]
    data[22:26] = total[1:]
    found = read_recording(("a.flac", bytes(data)), seconds=seconds)
    assert len(found.waveform) == round(RATE * (seconds or 0.5)) and found.longer == (seconds == 0.2)


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_a_long_recording_costs_what_is_read_of_it(tmp_path, form):
    file = tmp_path / "long"
    soundfile.write(file, np.tile(np.stack([tone(), tone()], 1), (60, 1)), RATE, format=form)  # half a minute
    tracemalloc.start()
    clip = read_recording(file, RATE, 0.5)
    assert tracemalloc.get_traced_memory()[1] < 8e6 and clip.longer and clip.waveform.shape == (SAMPLES,)
    tracemalloc.stop()
    later = read_recording(file, seconds=0.25, start=10.25).waveform
    assert np.abs(later.numpy() - tone()[SAMPLES // 2 :][: len(later)]).max() < 1e-4


@pytest.mark.parametrize("rate", [48000, 96000, 8000, 44101, 12345])
def test_a_part_sounds_as_it_does_in_the_whole(rate):
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * rate).astype(np.float32)
    data = encoded(noise, rate=rate, subtype="FLOAT")
    part, whole = (read_recording(("a.wav", data), RATE, seconds).waveform for seconds in (0.5, None))
    assert len(part) == SAMPLES and (part - whole[:SAMPLES]).abs().max() < 1e-5


def test_channels_never_cancel():
    sound = tone().astype(np.float32)
    assert np.array_equal(mix_channels(np.stack([sound, -sound], 1))[0], sound)
    for other in (-0.7 * sound, -sound + 0.01):
        mixed, remark = mix_channels(np.stack([sound, other], 1))
        assert np.square(mixed).mean() > 0.9 * np.square(sound).mean() and "cancel" in remark
    mixed, remark = mix_channels(np.stack([0 * sound] * 5 + [sound], 1))
    assert np.abs(mixed - sound).max() < 1e-6 and "silent" in remark
    noise = np.random.default_rng(0).normal(size=(20000, 2)).astype(np.float32)
    assert mix_channels(noise)[1] == "2 channels, mixed to one"
    assert not mix_channels(np.zeros((10, 2), np.float32))[0].any()


def test_loud_floats_are_said():
    found = read_recording(("a.wav", encoded(17 * tone(), subtype="FLOAT")))
    assert found.waveform.abs().max() > 6 and "beyond [-1, 1]" in found.remarks[0]


def test_a_telephones_recording(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "memo.M4A"), "w", format="mp4") as memo:
        track = memo.add_stream("aac", rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([np.tile(tone(), 4)] * 2).astype(np.float32), "fltp", "stereo")
        frame.sample_rate = RATE
        memo.mux(track.encode(frame))
        memo.mux(track.encode(None))
    found = read_recording(tmp_path / "memo.M4A", 22050, 0.5)
    assert found.waveform.shape == (11025,) and found.longer and 0.3 < found.waveform.abs().max() < 0.5
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    with pytest.raises(InputError, match="expected a wav or flac"):
        read_recording(("list.wav", playlist))


FORMS = ["WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF", "RF64", "AU", "CAF"]


@pytest.mark.parametrize("form", FORMS)
def test_mutants_cost_a_sentence_each(form):
    """Three hundred damaged files of every kind, each read or refused with its name, none slowly."""
    random, whole = np.random.default_rng(FORMS.index(form)), encoded(tone(samples=4000), form)
    for n in range(300):
        data = bytearray(whole)
        for at in random.integers(0, min(len(data), 10 ** random.integers(2, 5)), random.integers(1, 9)):
            data[at] = random.choice([0, 255, 127, 128, random.integers(256)])
        data = bytes(data[: random.integers(len(data))] if n % 3 == 0 else data)
        began = time.process_time()
        try:
            found = read_recording((f"mutant{n}.wav", data), RATE, 0.1)
            assert len(found.waveform) <= 4410 and found.waveform.isfinite().all()
        except InputError as e:
            assert str(e).startswith(f"mutant{n}.wav: ") and "; " in str(e)
        assert time.process_time() - began < 10
