"""Contract of avgen.systems.flow: times, lines, the walk and guidance."""

import pytest
import torch

from avgen.core import InputError
from avgen.systems.flow import between, flow_times, guided, walk


def test_times_lie_between_data_and_noise():
    times = flow_times(torch.randn(5000, generator=torch.Generator().manual_seed(0)))
    assert 0 < times.min() < 0.1 and 0.9 < times.max() < 1


def test_the_line_begins_at_the_data_and_ends_at_the_noise():
    data, noise = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.equal(between(data, noise, torch.tensor([0.0, 1.0])), torch.stack([data[0], noise[1]]))


@pytest.mark.parametrize("steps", [1, 3, 12])
def test_a_straight_flow_arrives_in_any_number_of_steps(steps):
    data, noise = torch.randn(5, 2), torch.randn(5, 2)
    torch.testing.assert_close(walk(lambda z, t: noise - data, noise, steps), data, atol=1e-5, rtol=0)


def test_a_walk_in_two_stretches_is_the_whole_walk():
    noise = torch.randn(5, 2)

    def velocity(z, t):
        return z * (1 + t)

    halves = walk(velocity, walk(velocity, noise, 4, 1.0, 0.5), 4, 0.5, 0.0)
    torch.testing.assert_close(halves, walk(velocity, noise, 8), atol=1e-5, rtol=1e-5)


def test_guidance_is_a_dial():
    told, untold = torch.randn(4), torch.randn(4)
    assert torch.equal(guided(told, untold, 0.0), untold)
    torch.testing.assert_close(guided(told, untold, 1.0), told)


def test_a_walk_needs_a_step():
    with pytest.raises(InputError, match="steps"):
        walk(lambda z, t: z, torch.zeros(1), steps=0)
