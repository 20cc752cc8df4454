"""Contract of avgen.judge.hardening: garbage differs from what it was, seeded and in range; cheats keep their word."""

import pytest
import torch
from avgen.core import InputError, stream
from avgen.judge.hardening import CHEATS, DEGRADATIONS, KEPT_BACK, degrade, make_cheat


def some(b=6, channels=3, side=64):
    "Smooth samples with an edge each, and three mates of each."
    g = stream(0, "some", channels, side)
    coarse = torch.rand(4 * b, channels, 5, 5, generator=g) * 2 - 1
    x = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    x[..., side // 2 :] *= -0.8
    return x[:b], x[b:].unflatten(0, (b, 3))


@pytest.mark.parametrize("kind", DEGRADATIONS + KEPT_BACK)
@pytest.mark.parametrize("channels, side", [(3, 64), (1, 32)])
def test_garbage(kind, channels, side):
    x, mates = some(channels=channels, side=side)
    y = degrade(x, mates, stream(1, "g"), (kind,))
    assert y.shape == x.shape and y.abs().max() <= 1 and y.isfinite().all()
    assert ((x - y).square().mean((1, 2, 3)) > 1e-3).all()  # every one was spoiled
    assert torch.equal(y, degrade(x, mates, stream(1, "g"), (kind,)))


def test_all_kinds_come_up():
    x, mates = (t.repeat(20, *[1] * (t.ndim - 1)) for t in some())
    y = degrade(x, mates, stream(0, "all"))
    assert len({tuple(v.flatten()[:5].tolist()) for v in y}) > 60


def test_sounds_of_another_shape():
    x = torch.rand(4, 1, 128, 44) * 2 - 1
    assert degrade(x, x.roll(1, 0)[:, None], stream(0, "native")).shape == x.shape


@pytest.mark.parametrize("name", CHEATS)
def test_cheats(name):
    x, mates = some()
    real = torch.cat([x, mates.flatten(0, 1)])
    label = torch.arange(len(real)) % 3
    asked = torch.tensor([2, 0, 1, 1])
    made = make_cheat(name, real, label, asked)
    assert made.shape == (4, *real.shape[1:]) and made.abs().max() <= 1
    assert torch.equal(made, make_cheat(name, real, label, asked))
    if name != "shuffled patches":
        assert (made[2] - made[3]).abs().mean() < 0.1  # hardly any variety
    with pytest.raises(InputError, match="no training sample"):
        make_cheat(name, real, label, torch.tensor([3]))


def test_refusals():
    x, mates = some()
    for bad in (mates[:2], mates[:, :0], x):
        with pytest.raises(InputError, match="mates"):
            degrade(x, bad, stream(0, "g"))
    with pytest.raises(InputError, match="melted"):
        degrade(x, mates, stream(0, "g"), ("melted",))
