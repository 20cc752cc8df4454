"The gallery's Python half: nearest neighbours, cards with films, walks, and what bad input gets."

import gc
import re
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from avgen.core import InputError
from avgen.show import live
from avgen.runs.run import shipped
from avgen.show.gallery import PairGallery, nearest_in, walk_codes
from avgen.data.pairs import toy_pairs
from avgen.runs.film import read_film
from avgen.training.runner import train


class Judge:
    "Says the first instrument of everything; its features are the mean of each channel."

    def __init__(self, instruments):
        self.instruments, self.answers = instruments, (*instruments, "garbage")

    def classify(self, kind, x):
        return torch.eye(len(self.answers))[torch.zeros(len(x), dtype=torch.long)]

    def features(self, kind, x):
        return x.mean((2, 3))


@pytest.fixture(scope="module")
def runs(toys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        train("sa-cmgan", toys, d, preset="toy", steps=12, run=folder / d, device="cpu", quiet=True, sample_every=4)
        for d in ("S2I", "I2S")
    ]


@pytest.fixture(scope="module")
def gallery(runs):
    return PairGallery(runs, limit=10, evaluator=Judge(runs[0].instruments), frames=4)


def test_the_nearest_is_the_nearest(toys):
    image, sound = toys.train.tensors([5, 2])
    for x in (image, sound):
        found, far = nearest_in(x + 1e-3, toys.train)
        assert found == [5, 2] and max(far) < 0.02
    everything = toys.train.tensors()[0].flatten(1)
    made = torch.rand(4, 3, 64, 64) * 2 - 1
    expected = torch.cdist(made.flatten(1), everything)
    found, far = nearest_in(made, toys.train)
    assert found == expected.argmin(1).tolist() and np.allclose(far, expected.amin(1) / (3 * 64 * 64) ** 0.5, atol=1e-3)
    assert len(nearest_in(made, toys.train, most=7)[0]) == 4


def test_cards_hold_source_generated_and_nearest(runs, gallery):
    assert len(gallery.cards) == 20 and [c["direction"] for c in gallery.cards[::10]] == ["S2I", "I2S"]
    there, back = gallery.shown[0], gallery.shown[10]
    assert (
        torch.allclose(there.tiles[1].shown.values, runs[0].samples().generated[0], atol=1e-4)
        and there.tiles[1].heard is there.tiles[0].shown
    )
    assert [t["kind"] for t in gallery.cards[0]["tiles"]] == ["sound", "picture", "picture"] and [
        t["kind"] for t in gallery.cards[10]["tiles"]
    ] == ["picture", "sound", "sound"]
    assert back.tiles[1].heard is back.tiles[1].shown and "nearest in training" in back.tiles[2].caption
    verdicts = {c["tiles"][1]["verdict"] for c in gallery.cards}
    first = runs[0].instruments[0]
    assert verdicts == {"right", "wrong"} and all(
        (c["tiles"][1]["verdict"] == "right") == (c["instrument"] == first) for c in gallery.cards
    )


def test_the_film_has_every_step(runs, gallery):
    film = read_film(runs[0].folder, 4)
    assert (
        gallery.steps == film.steps
        and [f["step"] for f in gallery.cards[0]["film"]] == film.steps
        and gallery.cards[9]["film"] == []
    )
    last = gallery.shown[0].film[-1][1].shown.values
    assert (last - gallery.shown[0].tiles[1].shown.values).abs().max() < 0.01
    silent = PairGallery(runs[1], limit=8, frames=4, film_audible=False)
    assert {f["tile"]["audio"] for c in silent.cards for f in c["film"]} == {-1} and len(silent.audio) < len(
        gallery.audio
    ) / 2


def test_filters_selection_and_step_are_traits(gallery):
    gallery.selected = 4
    assert gallery.chosen is gallery.shown[4].pair
    gallery.selected = -1
    assert (
        gallery.chosen is None
        and gallery.step == -1
        and (gallery.instrument, gallery.verdict, gallery.direction) == ("", "", "")
    )


@pytest.mark.parametrize("k", [0, 1])
def test_a_walk_begins_and_ends_at_the_sources(runs, toys, k):
    source = toys.validation.tensors([0, 20])[1 - k]
    made = walk_codes(runs[k], source[0], source[1], frames=5)
    own = torch.cat([runs[k].system.generate(s[None]) for s in source])
    assert made.shape[0] == 5 and torch.allclose(made[[0, -1]], own, atol=1e-5)
    steps = (made[1:] - made[:-1]).flatten(1).norm(dim=1)
    assert steps.min() > 0 and steps.max() < (made[0] - made[-1]).norm() * 1.5 + 1e-6


def test_a_walk_fills_the_gallery_and_says_what_it_refuses(gallery):
    made = gallery.walk(10, 14, frames=3)
    assert (
        len(made) == 3
        and gallery.walk_shown["from"] == 10
        and [t["kind"] for t in gallery.walk_shown["tiles"]] == ["sound"] * 3
        and gallery.walk_audio
    )
    gallery._answer(gallery, {"act": "walk", "from": 0, "to": 11})
    assert "expected two of one direction" in gallery.walk_shown["problem"]
    for content in ({"act": "walk", "from": "0", "to": None}, {"act": "walk"}, {"act": "other"}):
        gallery._answer(gallery, content)
    with pytest.raises(InputError, match="'last'"):
        gallery.walk(0, 99)


def test_a_system_without_codes_is_refused(runs, toys, monkeypatch):
    sound = toys.validation.tensors([0, 1])[1]
    monkeypatch.setitem(runs[0].system._modules, "encoder", nn.Identity())
    with pytest.raises(InputError, match="has no encoder that gives"):
        walk_codes(runs[0], sound[0], sound[1])


def test_bad_input_is_named(runs, toys):
    for wrong, word in (
        (lambda: PairGallery(toys), "Pairs"),
        (lambda: PairGallery([]), "nothing"),
        (lambda: PairGallery([runs[0]] * 2), "two runs of direction S2I"),
        (lambda: PairGallery(runs[0], limit=0), "limit"),
        (lambda: PairGallery(runs[0], evaluator=Judge(("kazoo",))), "kazoo"),
    ):
        with pytest.raises(InputError, match=re.escape(word)):
            wrong()


@pytest.mark.filterwarnings("ignore:Glyph")
def test_hostile_names_stay_text(toys, tmp_path):
    hostile = "</script><script>alert('x')</script>"
    bad = toy_pairs(n=8, instruments=(hostile, "\u202eright to left", "\U0001f3bb"))
    run = train("sa-cmgan", bad, preset="toy", steps=1, run=tmp_path / "run", device="cpu", quiet=True)
    page = live.page([PairGallery(run, limit=6, frames=2)], hostile)
    assert hostile not in page and "alert('x')" in page and page.count("<script") == 2


def test_saved_and_still(gallery, tmp_path):
    assert "http" not in re.sub(r'"bytes": "[^"]*"', "", gallery.save(tmp_path / "gallery.html").read_text())
    assert gallery._still_()[:4] == b"\x89PNG"


def test_closing_frees_it(runs):
    galleries = [PairGallery(runs[0], limit=3, frames=2) for _ in range(3)]
    references = [weakref.ref(g) for g in galleries]
    for g in galleries:
        g.close()
    del galleries, g
    gc.collect()
    assert not [r for r in references if r() is not None]


def test_duet_walks_with_all_that_its_encoder_says():
    run = shipped("S2I")
    sounds = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = walk_codes(run, sounds[0], sounds[1], frames=3)
    assert made.shape == (3, 3, 64, 64)
    assert torch.allclose(made[0], run.system.generate(sounds[:1], seed=0)[0], atol=1e-3)
    assert not torch.allclose(made[0], made[2], atol=0.1)
