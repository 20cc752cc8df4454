"""Contract of avgen.systems.source_encoder: patches for any source, what is said of it, and what a painter works on."""

import pytest
import torch

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.nets.latents import PatchLatents
from avgen.systems import source_encoder
from avgen.systems.base import StepContext
from avgen.systems.source_encoder import LatentPairs, SourceEncoder, patch_for

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "size, rows, expected",
    [((64, 64), 8, (8, 8)), ((64, 64), 16, (4, 8)), ((128, 44), 8, (16, 4)), ((128, 44), 16, (8, 4))],
)
def test_patches(size, rows, expected):
    assert patch_for(size, rows) == expected


@pytest.mark.parametrize("size", [(60, 64), (64, 7), (64, 9)])
def test_sizes_without_a_patch(size):
    if size == (64, 9):
        assert patch_for(size) == (8, 1)
        return
    with pytest.raises(InputError, match=f"{size[0]} x {size[1]}"):
        patch_for(size)


@pytest.mark.parametrize(
    "channels, size, patch", [(1, (64, 64), (4, 8)), (1, (128, 44), (8, 4)), (3, (128, 128), (16, 16))]
)
def test_what_is_said_of_a_source(channels, size, patch):
    torch.manual_seed(0)
    encoder, x = SourceEncoder(channels, size, patch, 3, width=2), torch.randn(5, channels, *size)
    encoder.eval().fit_scale([x])
    tokens, raw, summary = encoder(x)
    positions = size[0] // patch[0] * (size[1] // patch[1])
    assert tokens.shape[:2] == raw.shape[:2] == (5, positions) and raw.shape[2] == channels * patch[0] * patch[1]
    assert summary.shape[0] == 5 and encoder.fitted
    torch.testing.assert_close(tokens.mean((0, 1)), torch.zeros(tokens.shape[2]), atol=1e-4, rtol=0)
    assert encoder.loss(x, torch.tensor([0, 1, 2, 0, 1]))["loss"] > 0


def test_tokens_are_withheld_and_the_summary_stays():
    torch.manual_seed(0)
    encoder, x = SourceEncoder(1, (64, 64), (8, 8), 3, width=2).eval(), torch.randn(2, 1, 64, 64)
    hidden = torch.arange(128).reshape(2, 64) % 3 == 0
    said, left = encoder(x), encoder.without(x, hidden)
    assert torch.equal(left[2], said[2]) and not left[0][hidden].any()
    assert torch.equal(left[0][~hidden], said[0][~hidden]) and torch.equal(left[1][~hidden], said[1][~hidden])
    torch.testing.assert_close(left[1][0, 0], said[1][0].mean(0))


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs().train


def work_on(pairs, direction, noise=0.1):
    """Fresh latents and a fresh encoder for a direction."""
    torch.manual_seed(0)
    channels = (1, 3) if direction == "S2I" else (3, 1)
    encoder = SourceEncoder(channels[0], (64, 64), (8, 8), len(pairs.instruments), width=2).eval()
    return LatentPairs(encoder, PatchLatents(channels[1], (8, 8), 6), direction, noise)


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
def test_pairs_become_what_is_heard_and_latents(pairs, direction):
    work = work_on(pairs, direction)
    work.fit(pairs, CPU)
    found = work.latents.basis.clone()
    work.fit(pairs[:9], CPU)
    assert work.encoder.fitted and torch.equal(work.latents.basis, found)  # fitted once
    batch, context = Batches(pairs, 5, mismatched="instrument").at(0), StepContext(0, "flow", 0, CPU)
    target, other = (
        (batch.image, batch.mismatched_image) if direction == "S2I" else (batch.sound, batch.mismatched_sound)
    )
    assert torch.equal(work.real(batch), work.latents.encode(target))
    assert torch.equal(work.mismatched(batch), work.latents.encode(other))
    heard = work.heard(batch, context)
    assert work.heard(batch, context) is heard and heard[0].requires_grad  # nothing is kept yet: the encoder may learn
    work.keep(pairs, CPU)
    known = work.heard_in(pairs, batch.index, CPU)
    torch.testing.assert_close(known, work.encoder(batch.sound if direction == "S2I" else batch.image))
    again = work.heard(batch, StepContext(0, "flow", 0, CPU))
    torch.testing.assert_close(again, heard)  # the same noise, whether kept or not
    assert not again[0].requires_grad and torch.equal(again[1], known[1]) and not torch.equal(again[0], known[0])


def test_what_does_not_fit_is_heard_anew(pairs, monkeypatch):
    work = work_on(pairs, "S2I", noise=0.0)
    work.fit(pairs, CPU)
    monkeypatch.setattr(source_encoder, "MOST_KEPT", 1000)
    work.keep(pairs, CPU)
    batch = Batches(pairs, 5).at(0)
    assert work.kept is None and not any(p.requires_grad for p in work.encoder.parameters())
    known = work.heard_in(pairs, batch.index, CPU)
    torch.testing.assert_close(known, work.heard(batch, StepContext(0, "flow", 0, CPU)))
