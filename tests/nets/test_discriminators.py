"Contract of avgen.nets.discriminators: shapes, spectral norms, the published layer table, refusals."

import pytest
import torch

from avgen.core import InputError
from avgen.nets.discriminators import Discriminator, ProjectionDiscriminator
from avgen.nets.encoders import ATTENTION_GRIDS, layer_table


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("grid", [*ATTENTION_GRIDS, None])
def test_shapes_and_one_step(channels, batch_norm, grid):
    d = Discriminator(channels, width=2, attention=grid, batch_norm=batch_norm)
    real, fake = d.score_batches(
        (torch.randn(4, channels, 64, 64), torch.randn(4, 64)), (torch.randn(3, channels, 64, 64), torch.randn(3, 64))
    )
    assert real.shape == (4,) and fake.shape == (3,)
    (real.mean() - fake.mean()).backward()
    assert all(p.grad is not None for p in d.parameters() if p.requires_grad)


def test_every_weight_that_the_paper_normalises_has_largest_singular_value_one():
    d = Discriminator(1, width=4)
    for _ in range(60):
        d(torch.randn(4, 1, 64, 64), torch.randn(4, 64))
    d.eval()
    normed = [m for m in d.modules() if hasattr(m, "parametrizations")]
    assert len(normed) >= 5 + 1 + 2  # convolutions, attention, linear layers
    for m in normed:
        assert torch.linalg.matrix_norm(m.weight.detach().flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_the_layers_are_the_published_ones():
    table = {
        name: (shape, n)
        for name, shape, n in layer_table(Discriminator(3), torch.zeros(1, 3, 64, 64), torch.zeros(1, 64))
    }
    assert table["hidden.0"] == ("1024", 16 * 576 * 1024) and table["score"] == ("1", 1025)


def test_judging_in_one_pass_equals_judging_apart_without_batch_norm():
    d = Discriminator(3, width=2, batch_norm=False).eval()
    a, b = (torch.randn(3, 3, 64, 64), torch.randn(3, 64)), (torch.randn(2, 3, 64, 64), torch.randn(2, 64))
    for got, want in zip(d.score_batches(a, b), (d(*a), d(*b))):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)


def test_the_code_matters():
    d = Discriminator(3, width=2).eval()
    x = torch.randn(2, 3, 64, 64)
    assert not torch.allclose(d(x, torch.zeros(2, 64)), d(x, torch.ones(2, 64)))


def test_unequal_numbers_are_refused():
    with pytest.raises(InputError, match="2 codes for 3 pictures"):
        Discriminator(3, width=2)(torch.zeros(3, 3, 64, 64), torch.zeros(2, 64))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid", [*ATTENTION_GRIDS, None])
def test_projection_scores_at_four_places_and_every_weight_learns(channels, grid):
    d = ProjectionDiscriminator(channels, width=2, attention=grid)
    picture, code = torch.randn(4, channels, 64, 64), torch.randn(4, 64)
    own, other = d.score_batches((picture, code), (picture[:3], code.flip(0)[:3]))
    assert own.shape == (4,) and other.shape == (3,) and not torch.allclose(own[:3], other)
    torch.testing.assert_close(own, d(picture, code))
    (own.mean() - other.mean()).backward()
    assert all(p.grad is not None for p in d.parameters())
    assert set(d.belongs) == {"grid16", "grid8b", "grid4", "hidden"}
    with pytest.raises(InputError, match="3 codes for 4 pictures"):
        d(picture, code[:3])
