"Still pictures of views: axes, one colour bar, the same bytes twice, text as text, bad input."

from types import SimpleNamespace as Thing

import pytest
import torch

from avgen.show.charts import page_png
from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.signal.spectrogram import Sound, SpectrogramConfig
from avgen.show.stills import cards_figure, figure_svg, picture_figure, player_figure, still_cards

CONFIG = SpectrogramConfig()
HOSTILE = "$x$ </svg><script>alert(1)</script> \u202e"


def sound(name="a sound", samples=CONFIG.samples):
    return Sound(torch.zeros(1, 64, 64), CONFIG, 0.1 * torch.ones(samples), name)


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("sounds", [[sound()], [sound(HOSTILE), sound("b", samples=1)], [sound(samples=0)]])
def test_a_player_has_waveform_axes_and_one_bar(sounds):
    figure = player_figure(*sounds)
    assert len(figure.axes) == 2 * len(sounds) + 1
    assert figure.axes[len(sounds)].get_ylabel() == "frequency (Hz)" and figure.axes[-1].get_ylabel() == "dB"
    drawing = figure_svg(figure)
    assert b"<script" not in drawing and drawing == figure_svg(player_figure(*sounds))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("count", [0, 1, 7])
def test_cards_for_a_paper(count):
    pairs = toy_pairs(n=8).train
    tiles = lambda pair: [
        Thing(shown=pair.sound, caption=HOSTILE, verdict=""),
        Thing(shown=pair.image, caption="seen", verdict="wrong"),
    ]
    cards = [Thing(title=HOSTILE, tiles=tiles(pairs[i])) for i in range(count)]
    figure = cards_figure(cards)
    assert sum(a.get_xlabel() == "time (s)" for a in figure.axes) == count and (
        figure.axes[-1].get_ylabel() == "dB"
    ) == (count > 0)
    assert b"<script" not in figure_svg(figure) and still_cards(cards)[:4] == b"\x89PNG"
    assert picture_figure(still_cards(cards)).axes


def test_refused():
    for wrong in ((), ("a sound",), (sound(), 3)):
        with pytest.raises(InputError, match="expected one Sound or more"):
            player_figure(*wrong)


def test_no_browser_no_picture(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert page_png("<p>a page</p>") is None
