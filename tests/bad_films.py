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
