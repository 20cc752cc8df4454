"""The contract of avgen.data.pair_set: subsets share arrays, pairs know their origin, wrong arrays are refused."""

import numpy as np
import pytest
import torch
from small_data import plain

from avgen.core import INSTRUMENTS, InputError
from avgen.data.pair_set import pairs_from_arrays, spread_indices


def test_pair_set_shares_arrays_with_its_parts(toy):
    train = toy.all_train
    part = train[3:7]
    assert (
        len(part) == 4
        and part.sources == train.sources[3:7]
        and part.stored_images.data_ptr() == train.stored_images.data_ptr()
    )
    assert np.array_equal(part.images, train.images[3:7])
    mixed = train[torch.tensor([5, 1])]
    assert mixed.sources == [train.sources[5], train.sources[1]] and np.array_equal(mixed.images, train.images[[5, 1]])
    assert len(train[train.instrument == 1]) == 8
    image, sound = mixed.tensors()
    assert torch.equal(image[0], train[5].image.values) and torch.equal(sound[1], train[1].sound.values)
    assert image.dtype == sound.dtype == torch.float32 and image.min() >= -1 and image.max() <= 1
    assert len(mixed.tensors([1])[0]) == 1
    nothing = train[torch.zeros(0, dtype=torch.int64)]
    assert len(nothing) == 0 and nothing.images.shape == (0, 3, 64, 64) and nothing.tensors()[0].shape == (0, 3, 64, 64)


def test_pair_knows_itself(toy):
    pair = toy.validation[7]
    assert (
        pair.instrument == "cello"
        and pair.source.startswith("validation/cello/")
        and pair.take == pair.source.split("/")[2].split("_")[0]
    )
    assert (
        pair.image.values.shape == (3, 64, 64)
        and pair.sound.values.shape == (1, 64, 64)
        and pair.sound.waveform is None
    )
    assert set(pair.factors) == {"f0_hz", "notes"} and pair.factors["f0_hz"] > 50
    assert toy.validation[-1].index == len(toy.validation) - 1
    assert [p.index for p in toy.validation] == list(range(len(toy.validation)))
    with pytest.raises(IndexError):
        toy.validation[10_000]
    assert pair._still_()[:4] == b"\x89PNG" and "cello" in repr(pair)


def test_arrays_of_the_user_are_checked():
    images, sounds = np.zeros((4, 3, 8, 8), np.uint8), np.zeros((4, 1, 8, 8), np.float32)
    good = pairs_from_arrays(images, sounds, [0, 0, 1, 1])
    assert good.counts()["bassoon"] == 2 and good.performers == [""] * 4 and good.takes[0] == "bassoon00"
    for wrong, message in (
        (dict(images=images.astype(np.int64)), "images: found torch.int64"),
        (dict(images=images[:, :1]), r"images: found shape \(4, 1, 8, 8\); expected \(pairs, 3"),
        (dict(sounds=sounds + 2), r"sounds: found values from 2 to 2; expected \[-1, 1\]"),
        (dict(sounds=sounds * np.nan), "without NaN"),
        (dict(sounds=sounds[:3]), "sounds: found 3 entries; expected 4"),
        (dict(instrument=["kazoo"] * 4), "instrument 'kazoo' is unknown; expected one of bassoon"),
        (dict(instrument=[0, 1, 2, 13]), "instrument 13 is unknown"),
        (dict(instrument=[0, 1]), "instrument: found 2 entries"),
        (dict(performers=["a"]), "performers: found 1 entries"),
        (dict(factors={"midi": [1]}), "midi: found 1 entries"),
    ):
        with pytest.raises(InputError, match=message):
            pairs_from_arrays(**dict(images=images, sounds=sounds, instrument=[0] * 4) | wrong)


def test_read_only_arrays_are_taken(recwarn):
    images = np.zeros((2, 3, 8, 8), np.uint8)
    images.setflags(write=False)
    pairs_from_arrays(images, np.zeros((2, 1, 8, 8)), ["horn", "tuba"])
    assert not recwarn.list


def test_spread_prefers_other_takes():
    eight = plain(["sax"] * 24, [f"sax{i // 3:02d}" for i in range(24)], [500 * (i % 3) for i in range(24)])
    c = INSTRUMENTS.index("sax")
    assert len(set(eight.take[spread_indices(eight, c, 6)].tolist())) == 6
    assert (
        len(set(spread_indices(eight, c, 20))) == 20
        and spread_indices(eight, c, 99) == list(range(24))
        and spread_indices(eight, 0, 5) == []
    )
