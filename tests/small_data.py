"""Small data sets for tests: arrays made on the spot, and folders in the layout of Sub-URMP."""

import io

import numpy as np
import torch
from PIL import Image

from avgen.data.pair_set import PairSet, pairs_from_arrays
from avgen.runs.config import RunConfig

RATE, SAMPLES = 44100, 22050
FLUTE = "train/flute/flute00_0"  # the first pair of `make_folder`
RNG = np.random.default_rng(0)


def plain(instrument, take=None, milliseconds=None, size=8, **more) -> PairSet:
    """Make pairs of these instruments whose pictures and sounds count upwards."""
    n = len(instrument)
    images = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 3, size, size).contiguous()
    sounds = (torch.arange(n) / max(n, 1))[:, None, None, None].expand(n, 1, size, size).contiguous()
    return pairs_from_arrays(images, sounds, instrument, take, milliseconds, **more)


def run_config(**more) -> RunConfig:
    """Make the configuration of a run that never was."""
    given = dict(system="sa-cmgan", direction="S2I", preset="small", seed=0, settings={}, instruments=["flute", "tuba"])
    return RunConfig(**given | dict(spectrogram={}, data={}, steps=0) | more)


def png_size(data: bytes) -> tuple[int, int]:
    """Read width and height of a PNG."""
    return Image.open(io.BytesIO(data)).size


def tone(hertz=440.0, rate=RATE, samples=SAMPLES) -> np.ndarray:
    """Make a plain tone."""
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)


def write_pair(root, split, instrument, stem, sound=".wav", picture=".jpg", hertz=440.0):
    """Write one pair: a picture of coloured squares, and a tone."""
    import soundfile

    for folder in ("img", "chunk"):
        (root / folder / split / instrument).mkdir(parents=True, exist_ok=True)
    image = RNG.integers(0, 255, (6, 6, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    Image.fromarray(image).save(root / "img" / split / instrument / f"{stem}{picture}")
    soundfile.write(root / "chunk" / split / instrument / f"{stem}{sound}", tone(hertz), RATE)


def make_folder(root, instruments=("flute", "tuba"), takes=3, clips=2, sound=".wav", picture=".jpg"):
    """Write a folder of pairs, `takes` takes of each instrument for training and one for validation."""
    for c, name in enumerate(instruments):
        for take in range(takes + 1):
            split, hertz = "train" if take < takes else "validation", 200 * (c + 1) + 20 * take
            for k in range(clips):
                write_pair(root, split, name, f"{name}{take:02d}_{500 * k}", sound, picture, hertz)
    return root
