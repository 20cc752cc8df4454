"Contract of avgen.data.pictures and avgen.data.pairs: splits by take, both kinds of mismatched samples, batches that are a function of (seed, step)."

import io

import numpy as np
import pytest
import torch
from PIL import Image

from avgen.core import INSTRUMENTS, InputError
from avgen.data.pairs import (
    OtherInstrumentSampler,
    OtherMomentSampler,
    Batches,
    Pairs,
    PairSet,
    pair_set,
    split_takes,
    spread_indices,
    toy_pairs,
)
from avgen.data.pictures import Picture, SheetRow, contact_sheet, sound_bytes, strip, to_bytes, to_values
from avgen.signal.spectrogram import SpectrogramConfig


@pytest.fixture(scope="module")
def toy():
    return toy_pairs(8, INSTRUMENTS[:4])


def plain(instrument, take=None, milliseconds=None, size=8, **more):
    n = len(instrument)
    images = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 3, size, size).contiguous()
    sounds = (torch.arange(n) / max(n, 1))[:, None, None, None].expand(n, 1, size, size).contiguous()
    return pair_set(images, sounds, instrument, take, milliseconds, **more)


def png_size(data):
    return Image.open(io.BytesIO(data)).size


# pictures -----------------------------------------------------------------------------------------------------------------------------------------------------


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
    drawn = sound_bytes(sound).sum(2)
    assert drawn.shape == (16, 8) and drawn[-1].min() > drawn[:-1].max()


def test_contact_sheet_has_room_for_every_row():
    one = strip(torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(8, 8), 32)
    assert one.size == (66, 32)
    short, tall = (
        contact_sheet([SheetRow(f"row {i}", "", [[one] * 3])] * n, ["train"], [3], 32, "t", "how to read it " * 9)
        for i, n in ((0, 2), (1, 5))
    )
    assert png_size(tall)[1] - png_size(short)[1] == 3 * (32 + 9) and png_size(tall)[0] == png_size(short)[0]


# pair sets ----------------------------------------------------------------------------------------------------------------------------------------------------


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
    good = PairSet.from_arrays(images, sounds, [0, 0, 1, 1])
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
            PairSet.from_arrays(**dict(images=images, sounds=sounds, instrument=[0] * 4) | wrong)


def test_read_only_arrays_are_taken(recwarn):
    images = np.zeros((2, 3, 8, 8), np.uint8)
    images.setflags(write=False)
    PairSet.from_arrays(images, np.zeros((2, 1, 8, 8)), ["horn", "tuba"])
    assert not recwarn.list


# splits -------------------------------------------------------------------------------------------------------------------------------------------------------


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


def test_spread_prefers_other_takes():
    eight = plain(["sax"] * 24, [f"sax{i // 3:02d}" for i in range(24)], [500 * (i % 3) for i in range(24)])
    c = INSTRUMENTS.index("sax")
    assert len(set(eight.take[spread_indices(eight, c, 6)].tolist())) == 6
    assert (
        len(set(spread_indices(eight, c, 20))) == 20 and spread_indices(eight, c, 99) == list(range(24)) and spread_indices(eight, 0, 5) == []
    )


# mismatched ---------------------------------------------------------------------------------------------------------------------------------------------------


def test_another_instrument_is_drawn_uniformly_over_instruments():
    uneven = plain(["flute"] * 50 + ["horn"] * 5 + ["oboe"] * 1 + ["tuba"] * 10)
    index = torch.arange(len(uneven)).repeat(200)
    other = OtherInstrumentSampler(uneven)(index, torch.Generator().manual_seed(0))
    own, drawn = uneven.instrument[index], uneven.instrument[other]
    assert (own != drawn).all()
    share = (
        torch.bincount(drawn[own == INSTRUMENTS.index("flute")], minlength=13)
        / (own == INSTRUMENTS.index("flute")).sum()
    )
    assert share[[INSTRUMENTS.index(n) for n in ("horn", "oboe", "tuba")]].sub(1 / 3).abs().max() < 0.02
    assert set(other.tolist()) == set(range(len(uneven)))


def test_another_moment_is_what_the_definition_allows():
    generator = torch.Generator().manual_seed(0)
    ms = torch.randint(0, 30, (40,), generator=generator) * 100
    names = ["horn"] * 25 + ["tuba"] * 15
    takes = [f"{n}{i % (3 if n == 'horn' else 2)}" for i, n in enumerate(names)]
    pairs = plain(names, takes, ms.tolist())
    draw = OtherMomentSampler(pairs)
    for i in range(len(pairs)):
        drawn = draw(torch.full((1500,), i), generator)
        allowed = (pairs.instrument == pairs.instrument[i]) & (
            (pairs.take != pairs.take[i]) | ((ms - ms[i]).abs() >= 500)
        )
        counts = torch.bincount(drawn, minlength=len(pairs))
        assert torch.equal(counts > 0, allowed), i
        expected = 1500 / int(allowed.sum())
        assert (counts[allowed] - expected).abs().max() < 6 * expected**0.5


def test_a_take_whose_name_two_instruments_share_stays_apart():
    pairs = plain(["horn"] * 2 + ["tuba"] * 2, ["take1", "take2"] * 2)
    partner = OtherMomentSampler(pairs)(torch.arange(4).repeat(50), torch.Generator().manual_seed(0))
    assert partner.view(50, 4).unique(dim=0).tolist() == [[1, 0, 3, 2]]


@pytest.mark.parametrize(
    "names,takes,ms",
    [
        (["horn"], ["horn0"], [0]),
        (["horn"] * 3, ["horn0"] * 3, [0, 200, 400]),
        (["horn", "horn", "tuba"], ["a", "b", "c"], [0, 0, 0]),
    ],
)
def test_no_other_moment_is_refused_by_name(names, takes, ms):
    expected = r"mismatched='pose'.*the first 'train/.*expected a second take.*mismatched='instrument'"
    with pytest.raises(InputError, match=expected):
        OtherMomentSampler(plain(names, takes, ms))


def test_one_instrument_has_no_other():
    with pytest.raises(InputError, match="found pairs of horn only; expected two instruments"):
        Batches(plain(["horn"] * 8), 4)


# batches ------------------------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mismatched", ["instrument", "pose", None])
def test_batch_is_a_function_of_seed_and_step(toy, mismatched):
    one, two = (Batches(toy.train, 10, mismatched, seed=3) for _ in range(2))
    for _ in range(7):
        next(one)
    two.step = 7
    for a, b in ((next(one), next(two)), (one.at(40), two.at(40)), (one.at(2), two.at(2))):
        for name in ("image", "sound", "instrument", "mismatched_image", "mismatched_sound", "index"):
            x, y = getattr(a, name), getattr(b, name)
            assert x is y is None or torch.equal(x, y), name
    assert not torch.equal(one.at(0).index, Batches(toy.train, 10, mismatched, seed=4).at(0).index)


def test_reading_a_batch_moves_no_other_generator(toy):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Batches(toy.train, 4).at(3)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("mismatched", ["instrument", "pose"])
def test_batch_holds_pairs_and_their_mismatches(toy, mismatched):
    batch, pairs = Batches(toy.tune, 8, mismatched).at(0), toy.tune
    image, sound = pairs.tensors(batch.index)
    assert (
        torch.equal(batch.image, image)
        and torch.equal(batch.sound, sound)
        and torch.equal(batch.instrument, pairs.instrument[batch.index])
    )
    every_image, every_sound = pairs.tensors()
    for kind, every in (("image", every_image), ("sound", every_sound)):
        for i, wrong in enumerate(getattr(batch, f"mismatched_{kind}")):
            (at,) = (every == wrong).flatten(1).all(1).nonzero().flatten().tolist()
            a, b = pairs[int(batch.index[i])], pairs[at]
            if mismatched == "instrument":
                assert a.instrument != b.instrument
            else:
                assert a.instrument == b.instrument and (a.take != b.take or abs(a.seconds - b.seconds) >= 0.5)


@pytest.mark.parametrize("batch_size", [1, 7, 24])
def test_every_pair_once_an_epoch(toy, batch_size):
    batches, n = Batches(toy.train, batch_size, None), len(toy.train)
    seen = torch.cat([batches.at(s).index for s in range(3 * n // batch_size)])
    epochs = seen[: len(seen) // n * n].view(-1, n)
    assert (
        len(epochs) >= 2 and (epochs.sort(1).values == torch.arange(n)).all() and not torch.equal(epochs[0], epochs[1])
    )
    batches.step = 2 * n // batch_size
    assert batches.epoch == pytest.approx(2, abs=batch_size / n)


def test_balanced_batches_see_instruments_equally():
    uneven = plain(["flute"] * 90 + ["horn"] * 7 + ["oboe"] * 3)
    batches = Batches(uneven, 10, balanced=True)
    drawn = torch.cat([batches.at(s).instrument for s in range(30)])
    assert torch.bincount(drawn)[[4, 5, 6]].tolist() == [100, 100, 100]
    assert set(torch.cat([batches.at(s).index for s in range(300)]).tolist()) == set(range(100))


@pytest.mark.parametrize(
    "settings,message",
    [
        (dict(batch_size=25), "'batch_size': found 25; expected at most 24, the pairs of 'train'"),
        (dict(batch_size=0), "batch_size"),
        (dict(batch_size=True), "batch_size"),
        (dict(mismatched="both"), "mismatched.*'both'.*'instrument', 'pose'"),
        (dict(seed=-1), "seed"),
        (dict(balanced="False"), "balanced.*'False'.*bool"),
        (dict(device="cuda:99"), "cuda:99"),
    ],
)
def test_wrong_settings_are_refused(toy, settings, message):
    with pytest.raises(InputError, match=message):
        Batches(toy.train, **dict(batch_size=4) | settings)


@pytest.mark.parametrize("step", [-1, 1.5, "3"])
def test_wrong_step_is_refused(toy, step):
    with pytest.raises(InputError, match="step"):
        Batches(toy.train, 4).at(step)


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA GPU: batches from the device equal those from memory"
)
@pytest.mark.parametrize("limit", [0, 2**32])
def test_batches_on_the_gpu_are_the_same(toy, limit, monkeypatch):
    import avgen.data.pairs

    monkeypatch.setattr(avgen.data.pairs.resident, "__defaults__", (limit,))
    for mismatched in ("instrument", "pose"):
        here, there = Batches(toy.train, 6, mismatched).at(11), Batches(toy.train, 6, mismatched, device="cuda").at(11)
        assert there.image.is_cuda
        for name in ("image", "sound", "instrument", "mismatched_image", "mismatched_sound", "index"):
            torch.testing.assert_close(getattr(there, name).cpu(), getattr(here, name), rtol=0, atol=1e-6)
