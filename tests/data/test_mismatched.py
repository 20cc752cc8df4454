"""The contract of avgen.data.mismatched: partners that do not belong, exactly as defined, all equally likely."""

import pytest
import torch
from small_data import plain

from avgen.core import INSTRUMENTS, InputError
from avgen.data.batches import Batches
from avgen.data.mismatched import OtherInstrumentSampler, OtherMomentSampler


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
