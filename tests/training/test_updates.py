"""Contract of avgen.training.updates: averages follow their formula, and means are of what came."""

import pytest
import torch

from avgen.systems import build_system
from avgen.training.updates import Averaged, MeanMeter

pytestmark = pytest.mark.usefixtures("tiny")


def test_average_follows_its_formula(toys):
    system = build_system("tiny", "S2I", toys.instruments)
    averaged = Averaged(system)
    averaged.begin(("generator",), decay=0.5)
    expected = system.generator[0].weight.detach().clone()
    for n in range(12):
        with torch.no_grad():
            system.generator[0].weight.add_(1.0)
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * system.generator[0].weight.detach()
        averaged.update(n)
    assert torch.allclose(averaged.refreshed().generator[0].weight, expected, atol=1e-5)
    system.generator[2].running_mean.fill_(3.0)
    assert bool((averaged.refreshed().generator[2].running_mean == 3).all())


def test_meter_reads_means_of_what_came():
    meter = MeanMeter()
    for n in range(4):
        meter.add("D", {"loss": torch.tensor(float(n))})
        if n % 2 == 0:
            meter.add("G", {"loss": torch.tensor(n, dtype=torch.bfloat16)})
    assert meter.read() == {"D/loss": 1.5, "G/loss": 1.0} and meter.read() == {}
