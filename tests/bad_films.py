"""Films for tests of preparing: a flash and a click each second, and whatever goes wrong with films on disks."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from avgen.prepare.films import write_film

RATE = 44100


def flash_and_click(path, rate=25, offset=0.0, seconds=3.2, variable=False, sound=True, size=(48, 64), **more) -> Path:
    """Write a film that flashes and clicks at each whole second; the sound starts `offset` seconds off in the file."""
    rng, frame = np.random.default_rng(0), 1 / float(rate)
    times = np.arange(0, seconds, frame)
    if variable:
        times = np.cumsum(rng.uniform(0.3, 1.9, len(times)) * frame) - 0.3 * frame
        times = np.round(np.sort(np.concatenate([times[times < seconds], np.arange(int(seconds) + 1)])), 4)
        times = times[np.concatenate([[True], np.diff(times) > 0.004])]
    seconds_of = np.arange(1, int(seconds) + 1)
    flashes = [int(np.argmin(np.abs(times - s))) for s in seconds_of]
    pictures = [np.full((*size, 3), 250 if k in flashes else 20, np.uint8) for k in range(len(times))]
    heard = 1e-3 * rng.standard_normal(round((seconds - min(offset, 0)) * RATE))
    for s in seconds_of:  # the click is where the flash is, whatever the offset of the track
        at = round((s - offset) * RATE)
        heard[at : at + 400] += 0.8 * np.sin(np.arange(400) * 0.6)[: max(0, len(heard) - at)]
    return write_film(path, pictures, rate, heard if sound else None, RATE, list(times), offset, **more)


RATES = {
    "24": dict(rate=24),
    "25": dict(rate=25),
    "29.97": dict(rate=Fraction(30000, 1001)),
    "30": dict(rate=30),
    "60": dict(rate=60),
    "variable": dict(rate=30, variable=True),
}
OFFSETS = (-0.2, -0.1, 0.0, 0.07, 0.2)


def grey_of(sdr: float, curve: str) -> float:
    """Return the signal, from 0 to 1, that codes a grey of so much light (1 is paper white) by "pq", "hlg" or "sdr"."""
    if curve == "pq":  # paper white is 203 of 10,000 candelas
        power = (sdr * 203 / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    if curve == "hlg":  # paper white is 0.265 of the scene's light
        light = 0.265 * sdr
        return (3 * light) ** 0.5 if light <= 1 / 12 else 0.17883277 * np.log(12 * light - 0.28466892) + 0.55991073
    return 12.92 * sdr if sdr <= 0.0031308 else 1.055 * sdr ** (1 / 2.4) - 0.055


def telephone_film(
    path, greys, curve="sdr", codec="libx265", pixels="yuv420p10le", rotation=0, sound_codec="aac", shape=1
) -> Path:
    """Write a film of 10-bit pictures as telephones and cameras do: a grey for each of 20 pictures a second.

    Each picture is black on its lower half and `greys[k]` (light; 1 is paper white) on its upper half.
    """
    import av

    curves = {"sdr": (1, 1, 1), "pq": (9, 16, 9), "hlg": (9, 18, 9)}  # primaries, transfer curve, matrix: ITU-T H.273
    primaries, transfer, matrix = curves[curve]
    with av.open(str(path), "w") as container:
        options = {"x265-params": f"log-level=none:colorprim={primaries}:transfer={transfer}:colormatrix={matrix}"}
        film = container.add_stream(codec, rate=20, options=options if codec == "libx265" else {})
        film.width, film.height, film.pix_fmt = 128, 96, pixels
        context = film.codec_context
        context.thread_count, context.sample_aspect_ratio = 1, Fraction(shape)
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = *curves[curve], 1
        if rotation:
            film.set_display_rotation(rotation)
        heard = container.add_stream(sound_codec, rate=44100)
        heard.codec_context.layout = "mono"
        tone = (0.3 * np.sin(0.06 * np.arange(round(44100 * len(greys) / 20)))).astype(np.float32)
        for first in range(0, len(tone), 4096):
            form = {"aac": "fltp", "alac": "s16p"}[sound_codec]
            block = tone[None, first : first + 4096]
            block = block if form == "fltp" else (block * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format=form, layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 44100, first, Fraction(1, 44100)
            container.mux(heard.encode(frame))
        container.mux(heard.encode(None))
        for k, grey in enumerate(greys):
            frame = av.VideoFrame(128, 96, pixels)
            for plane, depth in zip(frame.planes, range(3)):
                values = np.full((plane.height, plane.line_size // 2), 512, np.uint16)
                if depth == 0:
                    values[:] = 64
                    values[: plane.height // 2] = round(64 + 876 * grey_of(grey, curve))
                plane.update(values.tobytes())
            frame.pts, frame.time_base = k, Fraction(1, 20)
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = *curves[curve], 1
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    return Path(path)


def spoiled(folder: Path, good: dict, count: int, seed: int = 0) -> list[Path]:
    """Write `count` bad films made of the bytes of good ones (ending -> bytes), one kind of damage after another."""
    rng, made = np.random.default_rng(seed), []
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ("cut", "flipped", "empty", "suffix", "noise", "head", "hole", "tail", "long name", "text")
    endings = sorted(good)
    for k in range(count):
        kind, ending = kinds[k % len(kinds)], endings[k // len(kinds) % len(endings)]
        data = bytearray(good[ending])
        name = f"{k:03d}_{kind}.{ending}"
        if kind == "cut":
            data = data[: int(rng.integers(1, len(data)))]
        elif kind == "flipped":
            for at in rng.integers(0, len(data), max(1, len(data) // 50)):
                data[at] = int(rng.integers(256))
        elif kind == "empty":
            data = b""
        elif kind == "suffix":
            name = f"{k:03d}_{kind}.{endings[(k // len(kinds) + 1) % len(endings)]}"
        elif kind == "noise":
            data = rng.integers(0, 256, 5000, dtype=np.uint8).tobytes()
        elif kind == "head":
            data[: int(rng.integers(16, 400))] = bytes(rng.integers(0, 256, 16, dtype=np.uint8))
        elif kind == "hole":
            at = int(rng.integers(0, len(data) * 2 // 3))
            data[at : at + len(data) // 3] = bytes(len(data) // 3)
        elif kind == "tail":
            data = data[int(rng.integers(1, len(data) // 2)) :]
        elif kind == "long name":
            name = "n" * (251 - len(ending)) + f"{k:03d}"[-3:] + "." + ending
            data = data[: len(data) // 2]
        else:
            data = b"<html>404 not found</html>" * 40
        path = folder / name
        path.write_bytes(bytes(data))
        made.append(path)
    return made
