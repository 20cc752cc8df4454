"""Contract of avgen.training.guard: what is not a number is noticed on the device, and its step named."""

import math

import pytest
import torch

from avgen.training.guard import Guard

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_guard_does_not_wait_for_the_device():
    "Between two readings nothing is fetched: no item(), no tolist(), no bool()."
    net = torch.nn.Linear(3, 2)
    net(torch.randn(4, 3)).sum().backward()
    guard, fetched = Guard({p: n for n, p in net.named_parameters()}), []

    class Watching(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), named=None):
            if "local_scalar" in str(function):
                fetched.append(str(function))
            return function(*arguments, **(named or {}))

    with Watching():
        for step in range(5):
            guard.check(torch.tensor(1.0), step)
        assert not fetched
        assert guard.read() is None and fetched is not None


@pytest.mark.parametrize(("phase_every", "bad"), [(1, 0), (1, 7), (3, 6)])
def test_the_step_is_named_whatever_the_rhythm(phase_every, bad):
    p = torch.nn.Parameter(torch.zeros(2))
    guard = Guard({p: "p"})
    for step in range(0, 12, phase_every):
        p.grad = torch.tensor([1.0, math.inf if step == bad else 1.0])
        guard.check(torch.tensor(0.5), step)
    assert guard.read()["stage_step"] == bad and guard.read() is None
    p.grad = torch.ones(2)
    for step in range(20, 24):
        guard.check(torch.tensor(0.5), step)
    assert guard.read() is None
    guard.check(torch.tensor(math.inf), 24)
    assert guard.read()["what"] == "loss became inf"
