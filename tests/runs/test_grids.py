"""Contract of avgen.runs.grids: samples of every instrument, the same every time, laid out as one picture."""

import io

import torch
from PIL import Image
from small_data import plain

from avgen.runs.grids import BothGrids, SampleGrid, fixed_samples, mosaic
from avgen.signal.spectrogram import SpectrogramConfig


def test_every_instrument_is_among_the_samples():
    pairs = plain([0] * 20 + [1] * 2 + [2] * 7)
    chosen = fixed_samples(pairs, seed=3, n=6)
    counts = torch.as_tensor(pairs.instrument)[chosen].bincount().tolist()
    assert counts == [2, 2, 2] and chosen == fixed_samples(pairs, seed=3, n=6)
    assert len({tuple(fixed_samples(pairs, seed=s, n=6)) for s in range(5)}) > 1
    assert sorted(fixed_samples(pairs, n=100)) == list(range(len(pairs)))


def test_pictures_and_sounds_stand_in_rows_on_white():
    pictures, sounds = torch.full((3, 3, 8, 8), -1.0), torch.full((3, 1, 8, 8), -1.0)
    sounds[1, 0, 0] = 1.0  # the lowest band of the second sound
    canvas = mosaic([pictures, sounds], gap=2)
    assert canvas.shape == (18, 28, 3) and (canvas[8:10] == 1).all() and (canvas[:8, :8] == 0).all()
    assert canvas[-1, 10:18].mean() > 0.7 > 0.3 > canvas[10, 10:18].mean()  # low bands lie at the bottom


def grid(direction):
    pictures, sounds = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    source, target = (sounds, pictures) if direction == "S2I" else (pictures, sounds)
    return SampleGrid(source, target, target, ["flute", "tuba"], direction, SpectrogramConfig(), title=direction)


def test_both_directions_stand_below_each_other():
    one, other = grid("S2I"), grid("I2S")
    both = BothGrids([one, other])
    sizes = [Image.open(io.BytesIO(g._still_())).size for g in (one, other, both)]
    assert sizes[2] == (max(sizes[0][0], sizes[1][0]), sizes[0][1] + sizes[1][1])
    assert len(both) == 2 and both[1] is other and "S2I" in repr(both) and "I2S" in repr(both)
    named = [text.get_text() for text in one.figure().axes[0].texts]
    assert {"flute", "tuba", "given\nsound", "generated\nimage", "real\nimage"} <= set(named)
