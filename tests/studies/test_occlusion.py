"""Contract of avgen.studies.occlusion: an honest map is told from a false one, with the counts of the clips."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.nets.attention_maps import AttentionMap
from avgen.studies.occlusion import Occlusion, moving_cells, occlusion, part_masks
from avgen.systems.base import System, build_system


@pytest.fixture(scope="module")
def toys():
    return toy_pairs(n=12)


class Painter(System):
    "Each cell shows the level of one patch of the sound; the map says `shift` cells further on."

    shift = 0

    def generate(self, source, seed=0):
        level = 0.8 * F.adaptive_avg_pool2d(source, (8, 8)) + 0.2 * source.mean((1, 2, 3), keepdim=True)
        return F.interpolate(level, (64, 64)).expand(-1, 3, -1, -1)

    def attend(self, source, seed=0, layer=None):
        claimed = torch.arange(64).roll(self.shift)
        weights = (20 * torch.eye(64)[claimed]).softmax(1).expand(len(source), 64, 64)
        return AttentionMap(
            weights, (8, 8), (8, 8), config=self.config, sound=source, target=self.generate(source, seed)
        )


class Pretender(Painter):
    shift = 29


def test_an_honest_map_is_told_from_a_false_one(toys):
    honest, false = (occlusion(cls(None, "S2I"), toys, per_instrument=3) for cls in (Painter, Pretender))
    assert honest.ratio > 5 > 1 > false.ratio and honest.interval()[0] > 1
    assert honest.spill < 0.2 and len(honest.takes) == len(honest.instruments) == len(honest.attended)
    assert honest.rows()[-1]["clips"] == len(honest.attended) == sum(row["clips"] for row in honest.rows()[:-1])
    assert honest._still_()[:4] == b"\x89PNG" and "clips of" in repr(honest)


def test_the_same_seed_gives_the_same_answer(toys):
    one, two = (occlusion(Painter(None, "S2I"), toys, per_instrument=2, seed=3) for _ in range(2))
    assert np.array_equal(one.controls, two.controls) and one.takes == two.takes


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
@pytest.mark.parametrize("where", ["source", "tokens"])
def test_a_duet_is_asked_in_both_directions_and_forms(toys, direction, where):
    system = build_system("duet", direction, toys.instruments, toys.config, preset="toy").eval()
    for parameter in system.painter.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    found = occlusion(system, toys, per_instrument=1, draws=2, where=where)
    assert found.controls.shape == (len(found.attended), 2) and np.isfinite(found.rest).all()


def test_controls_are_as_loud_and_never_what_was_attended(toys):
    found = Painter(None, "S2I").attend(toys.validation.tensors([0, 1])[1])
    masks = part_masks(found, torch.tensor([[3, 4], [30, 31]]), share=0.1, draws=4)
    assert masks.shape == (2, 5, 64) and (masks.sum(2) == 6).all()
    assert not (masks[:, :1] & masks[:, 1:]).any()


def test_what_moves_is_where_clips_of_a_take_differ(toys):
    cells = moving_cells(toys.train, (8, 8), share=0.25)
    assert all(len(found) == 16 and found.unique().numel() == 16 for found in cells.values())
    with pytest.raises(InputError, match="one clip a take"):
        moving_cells(toys.train[[0, 12, 24]], (8, 8))


def test_what_cannot_be_asked(toys):
    with pytest.raises(InputError, match="queries lie on the source"):
        occlusion(build_system("sa-cmgan", "S2I", toys.instruments, preset="toy").eval(), toys, per_instrument=1)
    with pytest.raises(InputError, match="no tokens"):
        occlusion(Painter(None, "S2I"), toys, where="tokens")
    with pytest.raises(InputError, match="where"):
        occlusion(Painter(None, "S2I"), toys, where="picture")


def test_nothing_changes_is_no_number():
    nothing = Occlusion(np.zeros(2), np.zeros((2, 1)), np.zeros((2, 2)), np.zeros(2), ["a", "b"], ["x", "x"])
    assert np.isnan(nothing.ratio) and np.isnan(nothing.interval()).all() and np.isnan(nothing.spill)
