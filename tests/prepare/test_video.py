"""Films are read by presentation times: pictures and sound on one clock, whatever the rate, offset or container."""

from fractions import Fraction

import numpy as np
import pytest
from bad_films import OFFSETS, RATES, flash_and_click, telephone_film
from prepare_bars import sync_error

from avgen.core import InputError
from avgen.prepare.films import write_film
from avgen.prepare.video import Damage, first_moment, frames_at, probe, read_track, to_rgb


@pytest.mark.parametrize("rate", RATES)
def test_flash_and_click_stay_together(rate, tmp_path):
    for offset, ending in zip(OFFSETS, ("mp4", "mkv", "mp4", "mkv", "mov")):
        path = flash_and_click(tmp_path / f"film.{ending}", offset=offset, seconds=2.3, **RATES[rate])
        assert sync_error(path, tmp_path) <= 1.0, (rate, offset)


def test_a_turned_film_stands_upright(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :20] = 200  # bright on the left
    frames = {}
    for turn in (0, 90, 180, -90):
        path = write_film(tmp_path / "film.mp4", [picture] * 3, 25, rotation=turn)
        frames[turn] = to_rgb(next(frames_at(path, [0]))[1])
    assert frames[0].shape == (48, 64, 3) and frames[90].shape == (64, 48, 3)
    assert frames[180][:, -10:].mean() > 100 > frames[180][:, :10].mean()
    assert frames[90][-10:].mean() > 100 > frames[90][:10].mean()  # turned to the left: what was left is below
    assert frames[-90][:10].mean() > 100 > frames[-90][-10:].mean()


@pytest.mark.parametrize("channels, rate", [(1, 8000), (2, 48000), (6, 48000)])
def test_channels_are_mixed_and_resampled(channels, rate, tmp_path):
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(rate) / rate)
    sound = np.stack([tone] * channels)
    codec = "pcm_s16le" if rate == 8000 else "aac"
    path = write_film(tmp_path / "film.mkv", [np.zeros((32, 32, 3), np.uint8)] * 25, 25, sound, rate, sound_codec=codec)
    track = read_track(path, 44100, tmp_path)
    assert abs(len(track.samples) - 44100) < 3000 and not track.notes
    clip = track.clip(track.start + 0.3, 8820)
    assert abs(np.abs(np.fft.rfft(clip)).argmax() * 5 - 500) <= 5
    assert abs(np.sqrt((clip**2).mean()) - 0.3 / np.sqrt(2)) < 0.03


def test_channels_that_cancel_are_not_mixed_to_silence(tmp_path):
    tone = 0.3 * np.sin(np.arange(44100) * 0.1)
    path = write_film(tmp_path / "film.mkv", [np.zeros((32, 32, 3), np.uint8)] * 9, 9, np.stack([tone, -tone]))
    track = read_track(path, 44100, tmp_path)
    assert np.abs(track.clip(track.start + 0.2, 9000)).max() > 0.2 and "cancel" in track.notes[0]


def test_other_codecs_and_containers(tmp_path):
    pictures = [np.full((32, 64, 3), 12 * k, np.uint8) for k in range(20)]
    sound = 0.1 * np.sin(np.arange(48000) * 0.1)
    kinds = (("webm", "libvpx-vp9", "libopus"), ("mov", "libx265", "aac"), ("avi", "mpeg4", "pcm_s16le"))
    for ending, codec, heard in kinds:
        path = write_film(tmp_path / f"film.{ending}", pictures, 20, sound, 48000, codec=codec, sound_codec=heard)
        shown = [to_rgb(frame).mean() for _, frame in frames_at(path, [0.1, 0.5, 0.9])]
        assert np.allclose(shown, [24, 120, 216], atol=11), (ending, shown)
        assert len(read_track(path, 44100, tmp_path).samples) > 40000
    ten_bit = write_film(tmp_path / "ten.mkv", pictures, 20, codec="ffv1")
    assert to_rgb(next(frames_at(ten_bit, [0.5]))[1]).mean() == pytest.approx(120, abs=6)


@pytest.mark.parametrize("content, reason", [(b"", "empty file"), (b"no film" * 99, "cannot be decoded")])
def test_what_is_no_film_is_refused_by_name(content, reason, tmp_path):
    (tmp_path / "x.mp4").write_bytes(content)
    for read in (probe, first_moment, lambda p: list(frames_at(p, [0])), lambda p: read_track(p, 44100, tmp_path)):
        with pytest.raises(InputError, match=reason) as caught:
            read(tmp_path / "x.mp4")
        assert "x.mp4" in str(caught.value)


def test_absurd_dimensions_are_refused_before_they_are_believed(tmp_path):
    (tmp_path / "huge.y4m").write_bytes(b"YUV4MPEG2 W60000 H60000 F25:1\nFRAME\n" + bytes(100))
    with pytest.raises(InputError, match="60000|pixels|decoded"):
        list(frames_at(tmp_path / "huge.y4m", [0]))


def test_a_film_that_breaks_off_is_read_up_to_there(tmp_path):
    path = flash_and_click(tmp_path / "film.mkv", seconds=3)
    data, damage = path.read_bytes(), Damage()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert len(list(frames_at(path, np.arange(0, 3, 0.1), damage=damage))) > 5
    assert damage.seconds < 3


def encoders(*names) -> None:
    """Skip where PyAV's FFmpeg lacks an encoder: the film cannot be made then."""
    av = pytest.importorskip("av")
    if missing := set(names) - set(av.codecs_available):
        pytest.skip(f"this PyAV has no encoder {', '.join(sorted(missing))}")


@pytest.mark.parametrize("curve", ["sdr", "hlg", "pq"])
@pytest.mark.parametrize("turn", [0, 90])
def test_a_telephones_hevc_of_10_bits(curve, turn, tmp_path):
    encoders("libx265")
    greys = [0.02, 0.05, 0.18, 0.5, 1.0] * 4
    path = telephone_film(tmp_path / "IMG_0001.MOV", greys, curve, rotation=turn)
    assert probe(path).codec == "hevc" and probe(path).tracks[0][0] == "aac"
    found = [to_rgb(frame) for _, frame in frames_at(path, [0.05 * k + 0.01 for k in range(5)])]
    assert found[0].shape == ((128, 96, 3) if turn else (96, 128, 3)) and found[0].dtype == np.uint8
    light = [p[:, :30] if turn else p[:30] for p in found]
    dark = [p[:, -30:] if turn else p[-30:] for p in found]
    levels = [part.mean() for part in light]
    assert all(a + 5 < b for a, b in zip(levels, levels[1:])), levels  # more light, brighter
    assert 190 < levels[-1] <= 255 and 60 < levels[2] < 190, levels  # white is bright, mid grey is grey
    assert all(part.mean() < 12 for part in dark)  # black stays black
    assert max(float(np.ptp(part.reshape(-1, 3).mean(0))) for part in light) < 3  # grey has no colour
    track = read_track(path, 44100, tmp_path)
    assert abs(len(track.samples) - 44100) < 4000 and np.abs(track.samples[5000:30000]).max() > 0.2


@pytest.mark.parametrize(
    "ending, codec, pixels",
    [("MOV", "prores_ks", "yuv422p10le"), ("mp4", "libsvtav1", "yuv420p10le"), ("mkv", "libx264", "yuv420p10le")],
)
def test_cameras_of_10_bits(ending, codec, pixels, tmp_path):
    encoders(codec)
    path = telephone_film(tmp_path / f"film.{ending}", [0.05, 0.18, 0.5, 1.0] * 5, "sdr", codec, pixels)
    levels = [to_rgb(frame)[:30].mean() for _, frame in frames_at(path, [0.01, 0.06, 0.11, 0.16])]
    expected = [63, 118, 188, 255]  # sRGB of these greys
    assert np.allclose(levels, expected, atol=14), levels


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_a_telephones_m4a_is_a_recording(codec, tmp_path):
    from avgen.data.moments import read_recording

    encoders(codec)
    path = telephone_film(tmp_path / "memo.mov", [0.5] * 30, codec="libx264", pixels="yuv420p10le", sound_codec=codec)
    import av

    with av.open(str(path)) as film, av.open(str(tmp_path / "Memo 1.m4a"), "w", format="ipod") as memo:
        target = memo.add_stream_from_template(film.streams.audio[0])
        for packet in film.demux(film.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = target
                memo.mux(packet)
    found = read_recording(tmp_path / "Memo 1.m4a")
    assert abs(found.seconds - 1.5) < 0.12 and float(found.waveform[9000:50000].abs().max()) > 0.2


@pytest.mark.parametrize("curve", ["sdr", "hlg"])
def test_pixels_that_are_not_square_become_so(curve, tmp_path):
    encoders("libx265")
    for shape, width in ((Fraction(4, 3), 171), (Fraction(1), 128), (Fraction(1, 2), 64)):
        path = telephone_film(tmp_path / "film.mkv", [0.5] * 4, curve, shape=shape)
        assert to_rgb(next(frames_at(path, [0.1]))[1]).shape == (96, width, 3)
