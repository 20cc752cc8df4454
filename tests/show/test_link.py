"Linked widgets: what is passed on, what is refused, and that nothing is kept alive by a link."

import gc
import weakref

import pytest
import torch
import traitlets as t

from avgen.core import InputError
from avgen.show.link import SHARED, link
from avgen.data.pairs import toy_pairs
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.show.live import Live, page
from avgen.show.pair_grid import PairGrid
from avgen.show.sound_player import SoundPlayer

CONFIG = SpectrogramConfig()


class View(Live):
    "All that can be linked."

    _esm = "export default { render() {} };"
    time = t.Float(-1.0).tag(sync=True, page=True)
    step = t.Int(0).tag(sync=True, page=True)
    selected = t.Int(-1).tag(sync=True, page=True)
    query = t.List().tag(sync=True, page=True)
    layer = t.Unicode().tag(sync=True, page=True)
    direction = t.Unicode("where").tag(sync=True, page=True)

    @t.validate("layer")
    def _known(self, proposal):
        if proposal["value"] not in ("", "encoder", *getattr(self, "more", ())):
            raise InputError(f"layer {proposal['value']!r} was not recorded")
        return proposal["value"]


def player():
    return SoundPlayer(Sound(torch.zeros(1, 64, 64), CONFIG, torch.zeros(CONFIG.samples)))


def test_inspect_run_refuses_what_it_cannot_look_at(tmp_path):
    from avgen.show.link import inspect_run
    from avgen.training.runner import train

    run = train(
        "sa-cmgan", toy_pairs(n=4), "S2I", preset="toy", steps=1, run=tmp_path / "run", device="cpu", quiet=True
    )
    for wrong, words in (
        (lambda: inspect_run(run, []), "empty list"),
        (lambda: inspect_run(run, ["a sound"]), "str"),
        (lambda: inspect_run(run, layer="none"), "recorded:"),
    ):
        with pytest.raises(InputError, match=words):
            wrong()
    view = inspect_run(run, list(run.pairs.validation[i] for i in range(2)))
    view.selected = 99  # of a gallery with more cards: the last one that there is
    assert view.name == run.pairs.validation[1].sound.name
    with pytest.raises(InputError, match="recorded"):
        view.layer = "none"


def test_every_shared_trait_goes_both_ways():
    a, b = View(), View()
    joined = link(a, b)
    assert joined.traits == list(SHARED)
    for name, one, two in (
        ("time", 0.2, 0.3),
        ("direction", "who", "where"),
        ("query", [0.1, 440.0], []),
        ("layer", "encoder", ""),
        ("step", 7, 9),
        ("selected", 3, 4),
    ):
        setattr(a, name, one)
        assert getattr(b, name) == one
        setattr(b, name, two)
        assert getattr(a, name) == two


def test_the_first_widgets_values_hold():
    a, b = View(), View()
    a.step, b.step, a.time = 5, 9, 0.1
    link(a, b)
    assert b.step == 5 and b.time == 0.1


def test_only_what_both_have():
    a, sound = View(), player()
    joined = link(a, sound)
    assert joined.traits == ["time"] and set(sound.links) == {"time"}
    grid = PairGrid(toy_pairs(n=2), limit=2)
    link(a, grid)
    grid.selected = 1
    assert a.selected == 1 and "links" in grid.payload() and type(grid).__name__ == "PairGrid"


def test_chains_and_unlinking():
    a, b, c = View(), View(), View()
    first, second = link(a, b), link(b, c)
    a.step = 3
    assert c.step == 3 and len(b.links["step"].split()) == 2
    first.unlink()
    a.step = 4
    assert (b.step, c.step) == (3, 3) and a.links == {} and b.links["step"] == second.id == c.links["step"]
    c.step = 6
    assert b.step == 6
    first.unlink()


def test_what_a_widget_refuses_it_keeps():
    a, b = View(), View()
    a.more = ("generator",)
    link(a, b)
    a.layer = "generator"
    assert b.layer == ""
    a.step = 2
    assert b.step == 2


def test_closing_one_ends_the_link_and_frees_it():
    a, others = View(), [View() for _ in range(20)]
    for other in others:
        link(a, other)
    references = [weakref.ref(o) for o in others]
    for other in others:
        other.close()
    del others, other
    gc.collect()
    assert not [r for r in references if r() is not None] and a.links == {}
    assert not [
        h
        for handlers in a._trait_notifiers.values()
        for kind in handlers.values()
        for h in kind
        if "Link" in getattr(h, "__qualname__", "")
    ]


def test_bad_input_is_named():
    a, sound = View(), player()
    for wrong, words in (
        (lambda: link(a, a), "same widget twice"),
        (lambda: link(a, "x"), "found str"),
        (lambda: link(sound, PairGrid(toy_pairs(n=2), limit=2)), "PairGrid has selected"),
    ):
        with pytest.raises(InputError, match=words):
            wrong()


def test_a_saved_page_carries_the_links():
    a, b = player(), player()
    link(a, b)
    text = page([a, b])
    assert text.count(f'"time": "{a.links["time"]}"') == 2 and "join(model)" in text
