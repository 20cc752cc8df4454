"Cards and the grid: what a card holds, that nothing travels twice, still pictures, and what is refused."

from types import SimpleNamespace as Thing

import pytest
import torch

from avgen import core
from avgen.core import InputError
from avgen.data.pair_set import Pair, PairSet
from avgen.data.pairs import Pairs, toy_pairs
from avgen.data.pictures import Picture
from avgen.runs.grids import SampleGrid
from avgen.show.live import figure_svg, picture_figure
from avgen.show.pair_grid import PairGrid, Tile, cards_figure, sample_cards, still_cards
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()
HOSTILE = "$x$ </svg><script>alert(1)</script> \u202e"


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=4)


def test_each_thing_travels_once(pairs):
    grid = PairGrid(pairs, limit=6)
    assert len(grid.cards) == 6 and "6 of" in grid.note
    assert len(grid.sounds) == 6 * 64 * 64 and len(grid.audio_offsets) == 7
    assert grid.audio_offsets[-1] * 2 == len(grid.audio)
    assert grid.pictures[:4] == b"\x89PNG" and grid.picture_grid == [64, 64]
    first, second = grid.cards[0]["tiles"]
    assert [first["kind"], second["kind"]] == ["picture", "sound"] and first["audio"] == second["audio"] >= 0


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
def test_samples_stand_side_by_side(pairs, direction):
    image, sound = pairs.validation.tensors(range(3))
    source, real = (sound, image) if direction == "S2I" else (image, sound)
    names = [p.instrument for p in pairs.validation[:3]]
    grid = SampleGrid(source, real.flip(3), real, names, direction, CONFIG, pairs=list(pairs.validation[:3]))
    cards = sample_cards(grid, [names[0], "no such instrument", names[2]])
    target = Picture if direction == "S2I" else Sound
    assert [isinstance(t.shown, target) for t in cards[0].tiles] == [False, True, True]
    assert [c.tiles[1].verdict for c in cards] == ["right", "wrong", "right"]
    assert len(PairGrid(grid).cards) == 3


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("count", [0, 1, 7])
def test_cards_for_a_paper(count):
    pairs = toy_pairs(n=8).train

    def card(pair):
        heard, seen = Thing(shown=pair.sound, caption=HOSTILE, verdict=""), Thing(shown=pair.image, caption="seen")
        seen.verdict = "wrong"
        return Thing(title=HOSTILE, tiles=[heard, seen])

    cards = [card(pairs[i]) for i in range(count)]
    figure = cards_figure(cards)
    assert sum(a.get_xlabel() == "time (s)" for a in figure.axes) == count
    assert (figure.axes[-1].get_ylabel() == "dB") == (count > 0)
    assert b"<script" not in figure_svg(figure) and still_cards(cards)[:4] == b"\x89PNG"
    assert picture_figure(still_cards(cards)).axes


def test_pairs_and_samples_show_themselves_as_grids():
    for kind in (Pair, PairSet, Pairs, SampleGrid):
        assert core._displays[kind] is PairGrid


def test_bad_input_is_named(pairs):
    sound = Sound(torch.zeros(1, 64, 64), CONFIG)
    for wrong, word in (
        (lambda: PairGrid([1]), "int"),
        (lambda: PairGrid(pairs, limit=0), "limit"),
        (lambda: Tile("x"), "str"),
        (lambda: Tile(sound, verdict="perhaps"), "verdict"),
    ):
        with pytest.raises(InputError, match=word):
            wrong()


def test_what_is_left_out_is_said_in_the_view_and_in_the_picture():
    from avgen.show.pair_grid import left_out

    many = toy_pairs(n=2, instruments=tuple(f"instrument {chr(97 + i)}" for i in range(12)))
    grid = PairGrid(many.train, limit=5)
    assert "5 of 12 instruments" in grid.note and f"5 of {len(many.train)} pairs" in grid.note
    assert grid._still_() != PairGrid(many.train, limit=5, note="")._still_(), "the picture says it too"
    assert "instruments" not in PairGrid(many.train, limit=12).note
    assert left_out(3, 3) == "" and left_out(3, 1200) == "3 of 1,200 are shown."
    assert PairGrid([many.train[i] for i in range(4)], limit=3).note == "3 of 4 are shown."


def test_a_grid_can_play_steadily(pairs):
    assert PairGrid(pairs, limit=3, steady=True).payload()["steady"] and not PairGrid(pairs, limit=3).steady
    with pytest.raises(InputError, match="steady"):
        PairGrid(pairs, limit=3, steady="yes")
