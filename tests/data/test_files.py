"""The contract of avgen.data.files: what is read, what is repaired and reported, what is refused and how."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from small_data import RATE, RNG, SAMPLES, tone
from remarks import said

from avgen.core import InputError
from avgen.data.files import read_file, read_picture, read_sound, read_waveform, write_sound
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


def encoded(picture, form="JPEG", **more) -> bytes:
    """Encode a Pillow image as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **more)
    return buffer.getvalue()


def photograph(width=320, height=180) -> Image.Image:
    """Make a picture that is flat nowhere."""
    y, x = np.mgrid[0:height, 0:width] / 40
    waves = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], 2) * 90 + 128
    return Image.fromarray((waves + np.random.default_rng(0).normal(0, 12, waves.shape)).clip(1, 255).astype(np.uint8))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("kind,top", [(np.uint16, 65535), (np.int32, 65535), (np.float32, 1), (np.float32, 255)])
def test_grey_of_many_bits_stays_grey(form, kind, top):
    if form == "PNG" and kind is not np.uint16:
        pytest.skip("PNG has no such greys")
    ramp = np.tile(np.linspace(0, top, 256), (64, 1)).astype(kind)
    found = read_file(("a.png", encoded(Image.fromarray(ramp), form)), "img")
    assert abs(found.value[0, 0].float() - torch.linspace(0, 255, 64)).max() < 5 and "brought to 8" in found.remarks[0]


def odd_exif(kind: int, orientation=6) -> bytes:
    """Make an EXIF block with the orientation and one tag of an odd type."""
    tags = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack("<HHII", 0x011A, kind, 1, 38)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + tags + bytes(4) + struct.pack("<ii", -1, 0)


@pytest.mark.parametrize("kind", [0, 1, 2, 5, 7, 10, 12, 99])
def test_odd_exif_never_stops_a_picture(kind):
    picture = photograph()
    turned = encoded(picture.transpose(Image.Transpose.ROTATE_90), exif=odd_exif(kind))
    upright = read_file(("a.jpg", encoded(picture)), "img").value.float()
    assert (read_file(("a.jpg", turned), "img").value.float() - upright).abs().mean() < 4
    broken = read_file(("a.jpg", encoded(picture, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")), "img")
    assert (broken.value.float() - upright).abs().mean() < 1


def profile(gamma: float) -> bytes:
    """Make the colour profile of a screen that shows other colours than sRGB."""
    from PIL import ImageCms

    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = (data.index(name, 128) for name in (b"rXYZ", b"gXYZ"))  # the table of tags: name, offset, length
    data[red + 4 : red + 8], data[green + 4 : green + 8] = data[green + 4 : green + 8], data[red + 4 : red + 8]
    return bytes(data).replace(b"s\0R\0G\0B", b"o\0t\0h\0e").replace(b"sRGB", b"othe")


def test_colours_of_a_profile_become_those_of_a_screen():
    red = Image.new("RGB", (64, 64), (230, 20, 20))
    for form in ("PNG", "JPEG"):
        found = read_file(("a", encoded(red, form, icc_profile=profile(1))), "img")  # red and green have changed places
        assert found.value[:, 9, 9].tolist()[1] > 200 > found.value[0, 9, 9] and "sRGB" in found.remarks[0]
    found = read_file(("a", encoded(red, "PNG", icc_profile=b"nonsense")), "img")
    assert found.value[:, 9, 9].tolist() == [230, 20, 20] and "ignored" in found.remarks[0]


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"optimize": True}, {"quality": 95}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_damaged_jpeg_is_noticed_and_a_good_one_is_not(options, mode):
    for good in (photograph(), Image.new("RGB", (640, 360)), Image.new("RGB", (333, 77), "white")):
        assert not read_file(("a.jpg", encoded(good.convert(mode), **options)), "img").remarks
        padded = encoded(good.convert(mode), **options) + b"a telephone keeps a film here" * 99
        assert not read_file(("a.jpg", padded), "img").remarks
    whole = encoded(photograph().convert(mode), **options)
    for share in (0.3, 0.5, 0.7):
        at = int(share * len(whole))
        with pytest.raises(InputError, match="a.jpg: .*damaged or cut short"):
            read_file(("a.jpg", whole[:at] + b"\xff\xd9"), "img")
        for hole in (bytes(700), b"\xff" * 700):
            try:
                assert "damaged" in read_file(("a.jpg", whole[:at] + hole + whole[at + 700 :]), "img").remarks[0]
            except InputError as e:
                assert "damaged" in str(e) or "cannot be decoded" in str(e)


def test_holes_of_random_bytes_are_noticed_as_a_rule():
    rng, noticed = np.random.default_rng(0), []
    for whole in (encoded(photograph()), encoded(photograph().convert("L"), quality=95)):
        for k in range(24):
            size = (100, 700, 2000)[k % 3]
            at = int(rng.uniform(0.3, 0.85) * (len(whole) - size))
            hole = rng.integers(0, 255, size, dtype=np.uint8).tobytes()  # no marker among them
            try:
                noticed.append(bool(read_file(("a.jpg", whole[:at] + hole + whole[at + size :]), "img").remarks))
            except InputError:
                noticed.append(True)
    assert np.mean(noticed) > 0.6, noticed  # by luck some holes hold as many blocks as were lost


@pytest.mark.parametrize("colour", [0, 255, 131])
def test_a_flat_jpeg_of_any_colour_passes(colour):
    for mode in ("L", "RGB", "CMYK"):
        flat = Image.new(mode, (100, 60), (colour,) * len(Image.new(mode, (1, 1)).getbands()))
        assert not read_file(("a.jpg", encoded(flat)), "img").remarks


def test_a_picture_that_claims_too_much_is_refused():
    huge = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    huge[16:24] = struct.pack(">II", 30000, 2500)
    huge[29:33] = struct.pack(">I", zlib.crc32(huge[12:29]))
    with pytest.raises(InputError, match="a.png: found a picture of 30,000 x 2,500 pixels"):
        read_file(("a.png", bytes(huge)), "img")


def npy(array, header: bytes = b"", by: bytes = b"") -> bytes:
    """Encode an array, with a part of its header replaced."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue().replace(header, by) if header else buffer.getvalue()


def test_an_array_is_what_its_header_says_or_refused():
    good = np.random.default_rng(0).uniform(-60, 20, (128, 44))
    for array in (good, good.astype(np.float16), np.asfortranarray(good), good.astype(">f4"), good.astype(np.int8)):
        found = read_file(("a.npy", npy(array)), "lms").value
        assert (found - read_file(("a.npy", npy(good)), "lms").value).abs().max() < 0.02
    for bad in (
        npy(good, b"(128, 44)", b"(9**9,44)"),
        npy(good, b"(128, 44)", b"(10**12,)"),
        npy(good, b"<f8", b"<m8"),
        npy(good, b"<f8", b"|O8"),
        npy(good)[:5000],
        npy(good)[:9],
        npy(np.zeros((128, 44), [("a", "f4")])),
        npy(np.zeros((128, 44), complex)),
        b"",
    ):
        with pytest.raises(InputError, match="a.npy: .*; "):
            read_file(("a.npy", bad), "lms")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "npy"])
def test_mutants_cost_a_sentence_each(form):
    """Three hundred damaged files of every kind, each read or refused with its name, none slowly."""
    from PIL import features

    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    random, kind = np.random.default_rng(len(form)), "lms" if form == "npy" else "img"
    exif = {"exif": odd_exif(3)} if form in ("JPEG", "PNG", "WEBP") else {}
    whole = npy(np.zeros((128, 44), np.float16)) if kind == "lms" else encoded(photograph(64, 48), form, **exif)
    for n in range(300):
        data = bytearray(whole)
        for at in random.integers(0, min(len(data), 10 ** random.integers(2, 5)), random.integers(1, 9)):
            data[at] = random.choice([0, 255, 127, 128, random.integers(256)])
        data = bytes(data[: random.integers(len(data))] if n % 3 == 0 else data)
        began = time.process_time()
        try:
            assert read_file((f"mutant{n}", data), kind, size=32).value.ndim == 3
        except InputError as e:
            assert str(e).startswith(f"mutant{n}: ") and "; " in str(e)
        assert time.process_time() - began < 10
