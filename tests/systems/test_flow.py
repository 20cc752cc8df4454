"""Contract of avgen.systems.flow: times, lines, the walk and guidance."""

import pytest
import torch

from avgen.core import InputError
from avgen.systems.base import StepContext
from avgen.systems.flow import Flow, Jump, LastStretch, between, flow_times, guided, uniform, walk

CPU = torch.device("cpu")


class Network(torch.nn.Module):
    """Velocities of points in the plane: a linear map of point, time and what is heard, which counts where kept."""

    def __init__(self):
        super().__init__()
        self.output = torch.nn.Linear(4, 2)

    def forward(self, z, time, heard, keep=None):
        told = heard[0] if keep is None else torch.where(keep, heard[0], 0.0)
        return self.output(torch.cat([z, time[:, None], told[:, None]], 1))


@pytest.fixture
def flow():
    torch.manual_seed(0)
    return Flow(Network(), dropout=0.25, guidance=2.0, steps=8)


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


def test_uniform_numbers_are_spread_evenly():
    numbers = uniform(torch.randn(20_000, generator=torch.Generator().manual_seed(0)))
    assert 0 <= numbers.min() and numbers.max() <= 1
    for share in (0.1, 0.5, 0.9):
        assert abs((numbers < share).float().mean() - share) < 0.02


def test_a_step_of_a_flow_draws_the_same_lines_again(flow):
    data, heard = torch.randn(16, 2), (torch.randn(16),)
    loss = flow.loss(data, heard, StepContext(0, "flow", 3, CPU))
    assert torch.equal(loss, flow.loss(data, heard, StepContext(0, "flow", 3, CPU)))
    assert not torch.equal(loss, flow.loss(data, heard, StepContext(0, "flow", 4, CPU)))
    loss.backward()
    assert flow.network.output.weight.grad.any()


def test_nothing_is_heard_where_everything_is_dropped(flow):
    flow.dropout, data, context = 1.0, torch.randn(16, 2), StepContext(0, "flow", 0, CPU)
    assert torch.equal(flow.loss(data, (torch.randn(16),), context), flow.loss(data, (torch.randn(16),), context))


def test_the_walk_of_a_flow_is_the_guided_walk(flow):
    points, heard = torch.randn(5, 2), (torch.randn(5),)

    def velocity(z, time):
        told, untold = (flow.network(z, torch.full((5,), time), heard, torch.full((5,), k)) for k in (True, False))
        return guided(told, untold, 2.0)

    with torch.no_grad():
        torch.testing.assert_close(flow.paint(points, heard), walk(velocity, points, 8), atol=1e-5, rtol=1e-5)
        halves = flow.walk(flow.walk(points, heard, 1.0, 0.5), heard, 0.5, 0.0)
    torch.testing.assert_close(halves, flow.paint(points, heard), atol=1e-5, rtol=1e-5)


def test_a_jump_has_no_aim_and_noise_of_its_own_in_each_step(flow):
    jump, heard, index = Jump(flow.network, (2,)), (torch.randn(3),), torch.arange(3)
    first, again, next_ = (jump.sample(index, heard, StepContext(0, "game", step, CPU)) for step in (0, 0, 1))
    assert first.shape == (3, 2) and torch.equal(first, again) and not torch.equal(first, next_)
    assert jump.aim(index) is None


def test_the_last_stretch_begins_where_the_flow_has_led(flow):
    second, said = Network(), torch.randn(150)
    torch.nn.init.zeros_(second.output.weight)
    finish, noise, heard = LastStretch(flow, second, (2,), time=0.25), torch.randn(150, 2), (said,)
    assert torch.equal(finish.paint(noise, heard), flow.paint(noise, heard))  # not begun: it walks to the end
    finish.begin(150, lambda block: (said[block],), CPU)
    assert torch.equal(second.output.weight, flow.network.output.weight) and finish.halfway.shape == (150, 2, 2)
    assert not any(p.requires_grad for p in flow.network.parameters())
    index = torch.tensor([3, 140])
    middle, end = finish.halfway[index].unbind(1)
    torch.testing.assert_close(flow.walk(middle, (said[index],), 0.25, 0.0), end, atol=1e-5, rtol=1e-5)
    assert torch.equal(finish.aim(index), end)
    assert torch.equal(finish.sample(index, (said[index],), None), finish.jump(middle, (said[index],)))
    torch.nn.init.normal_(second.output.weight)
    learned = second.output.weight.clone()
    finish.begin(150, lambda block: (said[block],), CPU)  # as after a resume: what it has learned stays
    assert torch.equal(second.output.weight, learned)
