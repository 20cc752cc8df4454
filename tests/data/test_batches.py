"""The contract of avgen.data.batches: a batch is a function of seed and step, every pair once an epoch."""

import pytest
import torch
from small_data import plain

from avgen.core import InputError
from avgen.data.batches import BalancedOrder, Batches, PairStore, ShuffledOrder


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
    monkeypatch.setattr(PairStore.__init__, "__defaults__", (limit,))
    for mismatched in ("instrument", "pose"):
        here, there = Batches(toy.train, 6, mismatched).at(11), Batches(toy.train, 6, mismatched, device="cuda").at(11)
        assert there.image.is_cuda
        for name in ("image", "sound", "instrument", "mismatched_image", "mismatched_sound", "index"):
            torch.testing.assert_close(getattr(there, name).cpu(), getattr(here, name), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n, batch_size", [(10, 4), (4, 4), (5, 1), (3, 2)])
def test_shuffled_order_remembers_nothing(n, batch_size):
    forwards = [ShuffledOrder(n, batch_size, 3)(step) for step in range(12)]
    order = ShuffledOrder(n, batch_size, 3)
    backwards = [order(step) for step in reversed(range(12))]
    assert all(torch.equal(a, b) for a, b in zip(forwards, reversed(backwards)))
    dealt = torch.cat(forwards)[: 12 * batch_size // n * n].view(-1, n)
    assert (dealt.sort(1).values == torch.arange(n)).all()


def test_balanced_order_takes_instruments_in_turn():
    labels = torch.tensor([5] * 6 + [2] * 3 + [9])
    drawn = labels[torch.cat([BalancedOrder(labels, 4, 1)(step) for step in range(3)])]
    assert drawn.tolist() == [2, 5, 9] * 4


def test_store_gathers_what_the_set_holds(toy):
    part = toy.train[[5, 1, 2]]
    store, index = PairStore(part, torch.device("cpu")), torch.tensor([2, 0, 0])
    images, sounds = part.tensors(index)
    assert torch.equal(store.images(index), images) and torch.equal(store.sounds(index), sounds)


@pytest.mark.parametrize("mismatched", ["instrument", None])
def test_shares_of_a_batch_are_its_parts(toy, mismatched):
    batches = Batches(toy.train, 8, mismatched)
    whole, parts = batches.at(3), [batches.at(3, share=(i, 4)) for i in range(4)]
    for name in ("image", "sound", "instrument", "mismatched_image", "mismatched_sound", "index"):
        if getattr(whole, name) is not None:
            assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name)), name


def test_a_batch_follows_from_its_step_alone(toys):
    "Whatever fetches them, in whatever order and how many at once: so the number of loader workers cannot matter."
    from concurrent.futures import ThreadPoolExecutor

    how = dict(batch_size=8, mismatched="instrument", seed=5, balanced=True)
    one = [Batches(toys.train, **how).at(s) for s in range(12)]
    with ThreadPoolExecutor(4) as pool:
        other = dict(pool.map(lambda s: (s, Batches(toys.train, **how).at(s)), reversed(range(12))))
    for s, batch in enumerate(one):
        assert (
            torch.equal(batch.index, other[s].index)
            and torch.equal(batch.image, other[s].image)
            and torch.equal(batch.mismatched_sound, other[s].mismatched_sound)
        )
