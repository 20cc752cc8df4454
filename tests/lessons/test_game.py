"The toy game: its steps move who they should, in the right direction; collapse and cure."

import pytest
import torch

from avgen.core import InputError
from avgen.lessons.game import RECIPES, Recipe, ToyGame, reached, ring


@pytest.fixture(scope="module")
def target():
    return ring()


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_the_ring_has_its_clusters(target):
    points, cluster = target
    assert points.shape == (640, 2) and points.abs().max() < 1 and cluster.bincount().tolist() == [80] * 8
    assert torch.equal(ring()[0], points) and not torch.equal(ring(seed=1)[0], points)
    with pytest.raises(InputError, match="clusters"):
        ring(clusters=0)


def test_what_is_reached(target):
    points, cluster = target
    assert reached(points, points, cluster).all()
    assert reached(points[cluster < 2], points, cluster).tolist() == [True] * 2 + [False] * 6
    assert not reached(torch.zeros(100, 2), points, cluster).any()


def test_each_step_moves_one_player(target):
    game, noise = ToyGame(), torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    d, g = weights(game.D), weights(game.G)
    game.d_step(target[0][:64], noise)
    assert not torch.equal(weights(game.D), d) and torch.equal(weights(game.G), g)
    d = weights(game.D)
    game.g_step(noise)
    assert torch.equal(weights(game.D), d) and not torch.equal(weights(game.G), g)


def test_the_losses_are_the_papers(target):
    from avgen.nets.losses import discriminator_loss, generator_loss

    game, noise = ToyGame(), torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        real, fake = game.D(target[0][:64]), game.D(game.G(noise))
    found = game.d_step(target[0][:64], noise)["loss"]
    assert found == pytest.approx(float(discriminator_loss(real, fake, kind="hinge")), abs=1e-5)
    with torch.no_grad():
        fake = game.D(game.G(noise))
    assert game.g_step(noise)["loss"] == pytest.approx(float(generator_loss(fake, "hinge")), abs=1e-5)


def test_the_pull_is_the_slope_of_the_score():
    game, at = ToyGame(), torch.tensor([[0.3, -0.2]])
    small = 1e-3
    steps = torch.tensor([[small, 0.0], [0.0, small]])
    slope = [float((game.D(at + s) - game.D(at - s)).detach() / (2 * small)) for s in steps]
    assert game.pull(at)[0].tolist() == pytest.approx(slope, abs=1e-2)


def test_collapse_and_cure(target):
    points, cluster = target

    def count(game):
        return int(reached(game.cloud(), points, cluster).sum())

    fair, greedy = ToyGame(), ToyGame()
    fair.play(points, 300, RECIPES["balanced"])
    greedy.play(points, 300, RECIPES["collapse"])
    collapsed = count(greedy)
    greedy.play(points, 400, RECIPES["cure"])
    assert count(fair) >= 6 and collapsed <= 3 and count(greedy) > collapsed
    assert Recipe(says="x").to_json()["says"] == "x"
