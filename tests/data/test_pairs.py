"""The contract of avgen.data.pairs: splits by take, one hash for one content, toys."""

import pytest
from small_data import plain, png_size

from avgen.core import INSTRUMENTS, InputError
from avgen.data.pairs import Pairs, split_takes, toy_pairs
from avgen.signal.spectrogram import SpectrogramConfig


def test_tune_is_made_of_whole_takes(toy):
    assert (
        len(toy.train) + len(toy.tune) == len(toy.all_train) == 32 and len(toy.tune) == 8 and toy.tune.split == "tune"
    )
    assert not set(toy.train.take.tolist()) & set(toy.tune.take.tolist())
    assert set(toy.tune.instrument.tolist()) == set(range(4))
    assert not {p.take for p in toy.all_train} & {p.take for p in toy.validation}
    assert toy_pairs(8, INSTRUMENTS[:4]).tune.sources == toy.tune.sources
    assert len(toy_pairs(8, INSTRUMENTS[:4], tune_share=0).tune) == 0


def test_tune_share_counts_takes():
    twenty = plain(["horn"] * 40, [f"horn{i // 2:02d}" for i in range(40)])
    for share, takes in ((0.1, 2), (0.25, 5), (0.01, 1), (0, 0)):
        assert len(split_takes(twenty, share)[1].take.unique()) == takes
    assert split_takes(twenty, 0.1, seed=0)[1].sources != split_takes(twenty, 0.1, seed=1)[1].sources
    with pytest.raises(InputError, match="tune_share.*0.9.*from 0 to 0.5"):
        split_takes(twenty, 0.9)


def test_tune_stays_empty_where_most_instruments_have_one_take():
    lonely = plain(["horn"] * 9 + ["tuba", "oboe"], [f"horn{i % 3}" for i in range(9)] + ["tuba0", "oboe0"])
    rest, tune, said = split_takes(lonely)
    assert len(tune) == 0 and len(rest) == 11 and "1 of 3 instruments" in said


def test_pairs_hold_splits_of_one_kind(toy):
    assert toy.split("tune") is toy.tune
    with pytest.raises(InputError, match="'test'.*'train', 'tune', 'validation'"):
        toy.split("test")
    other = plain(["horn"], instruments=("horn", "tuba"))
    with pytest.raises(InputError, match="same names"):
        Pairs(plain(["horn"]), other)
    with pytest.raises(InputError, match="f_max.*4000"):
        Pairs(plain(["horn"], config=SpectrogramConfig(f_max=4000)), plain(["horn"]))
    assert "train 24, tune 8, validation 16" in repr(toy) and toy.hash in repr(toy)


def test_hash_follows_the_content(toy):
    assert toy_pairs(8, INSTRUMENTS[:4]).hash == toy.hash and len(toy.hash) == 16
    assert (
        len(
            {
                toy.hash,
                toy_pairs(8, INSTRUMENTS[:4], seed=1).hash,
                toy_pairs(8, INSTRUMENTS[1:5]).hash,
                toy_pairs(6, INSTRUMENTS[:4]).hash,
            }
        )
        == 4
    )


def test_contact_sheet_shows_every_instrument(toy):
    width, height = png_size(toy._still_())
    assert width > 600 and height > 4 * 64
    assert png_size(toy.validation._still_())[1] >= 4 * 64
    assert png_size(toy.contact_sheet(columns=(2, 0)))[0] < width


def test_toys_are_the_same_from_version_to_version():
    """Their labels, takes and true pitches are part of many expectations; pictures and sounds may round elsewhere."""
    toys = toy_pairs(4, INSTRUMENTS[:2])
    assert toys.all_train.sources[:3] == [f"train/bassoon/bassoon0{i}_500" for i in range(3)]
    assert toys.all_train.factors["f0_hz"][:3] == [201.38, 165.84, 163.01]
    assert toys.all_train.performers[:3] == ["player 0", "player 1", "player 2"]
