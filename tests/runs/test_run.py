"""Contract of avgen.runs.run: an opened run generates, attends and shows what its training gave."""

import pytest
import torch
from tiny_runs import TOTAL

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.runs.run import Run

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_run_opened_again_does_the_same(whole, toys):
    """To the bit among opened runs; the trainer's networks lie in memory otherwise, so they may round differently."""
    run, again = (Run.open(whole.folder, toys, device="cpu") for _ in range(2))
    assert torch.equal(run.generate(toys.validation), again.generate(toys.validation))
    assert torch.allclose(run.generate(toys.validation), whole.generate(toys.validation), atol=1e-4)
    weights = whole.system.state_dict()
    assert all(torch.equal(t, weights[name]) for name, t in run.system.state_dict().items())
    assert run.step == TOTAL and run.finished and "tiny S2I" in repr(run)
    grid = run.samples()
    assert len(grid) == 8 and grid.generated.shape == (8, 3, 64, 64)
    assert torch.allclose(grid.generated, whole.samples().generated, atol=1e-4)
    assert run._repr_mimebundle_()[0]["image/png"][:4] == b"\x89PNG" and grid._still_()[:4] == b"\x89PNG"
    assert len(run.losses().axes) == 3


def test_attend_shows_the_point_that_was_asked(whole, toys):
    sound = toys.validation[3].sound
    found = whole.attend(sound, at=(0.21, 440))
    assert (
        found.points == [(0.21, 440)]
        and found.layer
        and found.query_grid == (8, 8)
        and torch.allclose(found.weights.sum(-1), torch.ones(1, 64), atol=1e-5)
    )
    assert whole.attend(sound, at=[(0.1, 300), (0.3, 900)]).points == [(0.1, 300), (0.3, 900)]
    assert found._still_()[:4] == b"\x89PNG" and found._still_() != whole.attend(sound, at=(0.4, 2000))._still_()
    with pytest.raises(InputError):
        whole.attend(sound, at=(0.7, 440))
    with pytest.raises(InputError):
        whole.attend(sound, layer="nowhere")
    with pytest.raises(InputError, match="reads a sound"):
        whole.attend(toys.validation[3].image)


def test_a_run_shows_samples_of_other_data_too(whole):
    other = toy_pairs(n=4, seed=9)
    assert len(Run.open(whole.folder, other, device="cpu").samples()) == 6
