"""Contract of tests/peers: contestants train and paint, a race goes on where it stopped, what is missing is said."""

import argparse
import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avgen.data.pairs import toy_pairs

sys.path.append(str(Path(__file__).parent / "peers"))

import packages
import race
from ours import ours
from plain import DCDiscriminator, DCGenerator, Deck, R3Discriminator, R3Generator, dcgan, r3gan


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=8)


@pytest.fixture
def given(tmp_path):
    return argparse.Namespace(
        minutes=3.0, marks="1,2,5", threads=1, data="somewhere", work=str(tmp_path), only="", remark=""
    )


def test_the_deck_deals_every_picture_once_an_epoch(pairs):
    deck = Deck(pairs.all_train)
    n = len(pairs.all_train)
    dealt = torch.cat([deck.deal(4)[0] for _ in range(n // 4)])
    assert dealt.shape == (n // 4 * 4, 3, 64, 64) and len(dealt.flatten(1).unique(dim=0)) == n // 4 * 4
    assert deck.deal(7)[1].shape == (7,)


@pytest.mark.parametrize(
    "generator, discriminator, noise",
    [
        (DCGenerator(5, 8, 4), DCDiscriminator(5, 4), 8),
        (R3Generator(5, 8, [16, 16, 16, 8, 8]), R3Discriminator(5, [16, 16, 16, 8, 8], 8), 8),
    ],
    ids=["DCGAN", "R3GAN"],
)
def test_networks_paint_64_and_score_each_picture_by_its_class(generator, discriminator, noise):
    y = torch.tensor([0, 4])
    made = generator(torch.randn(2, noise), y)
    assert made.shape == (2, 3, 64, 64)
    made = torch.randn(2, 3, 64, 64)
    assert discriminator(made, y).shape == (2,)
    assert not torch.equal(discriminator(made, y), discriminator(made, y.flip(0)))


@pytest.mark.parametrize("make", [dcgan, r3gan])
def test_a_plain_loop_trains_and_paints_one_picture_a_pair(make, pairs):
    torch.manual_seed(0)
    contestant, few = make(pairs, batch=2), pairs.validation[torch.arange(2)]
    before = contestant.paint(few)
    assert contestant.step() == 2 and contestant.step() == 2
    after = contestant.paint(few)
    assert after.shape == (2, 3, 64, 64) and after.abs().max() <= 1 and not torch.equal(before, after)
    assert contestant.told == "class" and contestant.parameters > 10**6


def test_ours_is_as_long_as_the_time_and_then_rests(pairs):
    contestant = ours("sa-cmgan", "toy", pairs, minutes=1e-4, threads=1)
    while contestant.step():
        pass
    assert contestant.told == "sound" and contestant.paint(pairs.validation).shape[1:] == (3, 64, 64)


def test_marks_are_those_that_fit_and_the_end(given):
    assert race.marks_of(given) == [1, 2, 3]


def test_a_race_that_was_stopped_goes_on(given, monkeypatch):
    folder = Path(given.work) / "DCGAN"
    folder.mkdir()
    (folder / "facts.json").write_text(json.dumps({"told": "class", "marks": [], **race.key_of(given)}))
    monkeypatch.setattr(race.subprocess, "run", lambda *a, **k: pytest.fail("trained again"))
    assert race.run_one("DCGAN", given)["told"] == "class"
    ended = argparse.Namespace(returncode=1, stderr="Traceback\nNotHere: no such package\n")
    monkeypatch.setattr(race.subprocess, "run", lambda *a, **k: ended)
    given.minutes = 4.0  # another race
    assert race.run_one("DCGAN", given) == {"skipped": "NotHere: no such package"}


def test_a_package_that_cannot_be_had_is_said(given, monkeypatch):
    refused = argparse.Namespace(returncode=1, stderr="ERROR: No matching distribution found for torch-mimicry\n")
    asked = []
    monkeypatch.setattr(packages.subprocess, "run", lambda command, **_: asked.append(command) or refused)
    with pytest.raises(packages.NotHere, match="No matching distribution"):
        packages.installed("torch-mimicry", Path(given.work), race.ROOT / "constraints.txt")
    assert "--no-deps" in asked[0] and "-c" in asked[0]  # nothing brings CUDA


def test_a_sheet_has_three_pictures_of_each_instrument(pairs):
    made = np.zeros((len(pairs.validation), 3, 64, 64), np.uint8)
    picture = Image.open(io.BytesIO(base64.b64decode(race.sheet(made, pairs.validation))))
    assert picture.size == (64 * len(pairs.instruments), 64 * 3)


def test_the_committed_report_has_what_the_page_shows():
    report = json.loads((race.ROOT / "data" / "results" / "peers.json").read_text())
    assert report["contestants"].keys() == race.CONTESTANTS.keys()
    for facts in report["contestants"].values():
        if "skipped" in facts:
            continue
        assert facts["told"] in ("class", "sound", "nothing") and facts["memory_mb"] > 0
        for mark in facts["marks"]:
            assert {
                "minutes",
                "steps",
                "pictures",
                "frechet",
                "floor",
                "precision",
                "recall",
                "accuracy",
            } <= mark.keys()
