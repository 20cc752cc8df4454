"""Contract of avgen.report.sheet: no name is given away, the count is right, pages need nothing but a browser."""

import io

import pytest
import torch
from avgen.core import INSTRUMENTS, InputError
from avgen.data.pairs import toy_pairs
from avgen.report.sheet import NamelessSheet, nameless_pairs, nameless_sheet, sheet_html, write_sheet
from PIL import Image


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(16, INSTRUMENTS[:4])


class Echo:
    direction, name = "S2I", "echo"

    def __init__(self, pairs):
        self.config = pairs.config

    def generate(self, source, seed=0):
        return source.repeat(1, 3, 1, 1)


def test_three_of_each_and_another_order_for_another_seed(pairs):
    split = pairs.validation
    for seed in (0, 1):
        chosen = nameless_pairs(split, 3, seed)
        assert split.instrument[chosen].bincount().tolist() == [3] * 4 and len(set(chosen)) == 12
    assert nameless_pairs(split, 3, 0) != chosen
    assert split.instrument[chosen].tolist() != sorted(split.instrument[chosen].tolist())


@pytest.mark.parametrize("modality", ["image", "sound"])
def test_real_samples(pairs, modality):
    sheet = nameless_sheet(None, pairs.validation, modality, each=2)
    some = pairs.validation.subset(nameless_pairs(pairs.validation, 2))
    assert torch.equal(sheet.samples, some.tensors()[0 if modality == "image" else 1])
    assert sheet.score(sheet.names)["share"] == 1
    assert sheet.pixels().shape == (8, 64, 64, 3) and sheet._still_()[:4] == b"\x89PNG"


def test_whole_multiples_of_the_pixels(pairs):
    sheet = nameless_sheet(Echo(pairs), pairs.validation, each=1)
    image = sheet.image(columns=2)
    assert image.size == (10 + 2 * 202, 10 + 2 * 222)
    first = image.crop((10, 30, 202, 222))
    small = first.resize((64, 64), Image.Resampling.NEAREST)
    assert first.tobytes() == small.resize((192, 192), Image.Resampling.NEAREST).tobytes()
    large = NamelessSheet(torch.zeros(1, 3, 128, 128), ["cello"], ("cello",))
    assert large.scale() == 2


def test_the_count(pairs):
    sheet = nameless_sheet(None, pairs.validation)
    answers = ["?"] * len(sheet)
    answers[4] = sheet.names[4].replace("_", " ").upper()
    found = sheet.score(answers)
    assert found["right"] == 1 and found["low"] < found["share"] < found["high"] and len(found["mistaken"]) == 11
    for bad in (answers[:3], ["kazoo"] * 12):
        with pytest.raises(InputError, match="answers"):
            sheet.score(bad)


def test_pages(pairs, tmp_path):
    sheets = nameless_sheet(Echo(pairs), pairs.validation), nameless_sheet(None, pairs.validation)
    text = sheet_html(*sheets)
    assert text.count("<img") == 24 and text.count("<details>") == 2 and "src='http" not in text
    assert write_sheet(tmp_path / "deep" / "s.html", *sheets).read_text() == text
    assert Image.open(io.BytesIO(write_sheet(tmp_path / "s.png", sheets[0]).read_bytes())).size[0] > 1000
    for path, given in (("s.pdf", sheets), ("s.png", sheets), ("s.html", ())):
        with pytest.raises(InputError, match="expected"):
            write_sheet(tmp_path / path, *given)
