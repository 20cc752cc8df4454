"""Contract of avgen.bench.steps: the work that is counted, and programs that do the same."""

import pytest
import torch

from avgen.bench.steps import STEPS, bench_duet, bench_system, operations_of
from avgen.core import InputError
from avgen.training.updates import Update

TOY = dict(preset="toy", width=4, batch=4)


def test_work_is_proportional_to_the_batch_and_counts_no_padding():
    assert operations_of(**TOY) > 0 and operations_of(**TOY | {"batch": 8}) == pytest.approx(
        2 * operations_of(**TOY), rel=0.01
    )


@pytest.mark.parametrize("which", STEPS)
def test_every_program_makes_steps_that_move_both_players(which):
    system, batches = bench_system(**TOY)
    before = {n: p.clone() for n, p in system.named_parameters()}
    step = STEPS[which](system, batches)
    for i in range(2):
        step(i)
    moved = {n.split(".")[0] for n, p in system.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"generator", "discriminator"}


def test_adam_takes_what_muon_would_train():
    for optimiser, kinds in (("muon", {"Adam", "Muon"}), ("adam", {"Adam"})):
        system, _ = bench_duet("toy", optimiser, batch=4)
        phase = system.stages()[1].phases[0]
        assert {type(o).__name__ for o in Update(phase, system, torch.device("cpu")).optimisers} == kinds
    with pytest.raises(InputError, match="optimiser"):
        bench_duet("toy", "sgd")


def test_the_work_of_a_flow_step_is_proportional_to_the_batch():
    assert operations_of("toy", "duet", batch=8) == pytest.approx(2 * operations_of("toy", "duet", batch=4), rel=0.05)
