"""The contract of avgen.data.pictures: bytes survive, other shapes are refused, low tones are at the bottom."""

import numpy as np
import pytest
import torch
from small_data import png_size

from avgen.core import InputError
from avgen.data.pictures import Picture, SheetRow, contact_sheet, picture_values, sound_pixels, strip
from avgen.data.pictures import to_bytes, to_values


def test_bytes_survive_the_round_trip():
    every = torch.arange(256, dtype=torch.uint8)
    values = to_values(every)
    assert values.dtype == torch.float32 and values.min() == -1 and values.max() == pytest.approx(1, abs=1e-6)
    assert torch.equal(to_bytes(values), every)
    assert to_bytes(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]


def test_picture_refuses_other_shapes():
    with pytest.raises(InputError, match=r"\(64, 64, 3\).*expected \(3, height, width\)"):
        Picture(torch.zeros(64, 64, 3), "x")
    assert png_size(Picture(torch.zeros(3, 32, 64))._still_()) == (192, 96)


def test_sound_is_drawn_with_low_tones_at_the_bottom():
    sound = torch.full((16, 8), -1.0)
    sound[0] = 1
    drawn = sound_pixels(sound).sum(2)
    assert drawn.shape == (16, 8) and drawn[-1].min() > drawn[:-1].max()


def test_contact_sheet_has_room_for_every_row():
    one = strip(torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(8, 8), 32)
    assert one.size == (66, 32)
    short, tall = (
        contact_sheet([SheetRow(f"row {i}", "", [[one] * 3])] * n, ["train"], [3], 32, "t", "how to read it " * 9)
        for i, n in ((0, 2), (1, 5))
    )
    assert png_size(tall)[1] - png_size(short)[1] == 3 * (32 + 9) and png_size(tall)[0] == png_size(short)[0]


def test_what_else_people_call_a_picture():
    red = np.zeros((8, 12, 3), np.uint8)
    red[2:5, 2:5, 0] = 255
    values = to_values(torch.from_numpy(red).permute(2, 0, 1))
    alpha = np.dstack([red, np.full((8, 12), 255, np.uint8)])
    same = [red, red.transpose(2, 0, 1), red / 255, red.astype(float), values, values.half(), alpha]
    for given in [*same, Picture(values), Picture(values).to_image()]:
        torch.testing.assert_close(picture_values(given), values, atol=1e-3, rtol=0)
    grey = picture_values(red[..., 0])
    assert grey.shape == (3, 8, 12) and torch.equal(grey[0], grey[2])
    assert picture_values(values.expand(5, -1, -1, -1)).shape == (5, 3, 8, 12)
    for wrong, words in (
        (red / 255 * 4.5 - 2, "before it was normalised"),
        (np.zeros((8, 8, 7)), "found ndarray"),
        (3, "int"),
    ):
        with pytest.raises(InputError, match=f"ground: .*{words}"):
            picture_values(wrong, "ground")
