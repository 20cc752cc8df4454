"""The same recording is found, however it was copied; different ones are told apart; splits keep copies together."""

import numpy as np
import pytest

from avgen.prepare.films import write_film
from avgen.prepare.recordings import SAME, Link, alike, choose_splits, fingerprint, group_takes
from avgen.prepare.video import read_track

RATE = 22050


def performance(seed, seconds=6):
    "Notes of random lengths and pitches with a few partials and a noise of their own."
    rng, made = np.random.default_rng(seed), []
    while sum(map(len, made)) < seconds * RATE:
        t = np.arange(int(rng.uniform(0.12, 0.5) * RATE)) / RATE
        f0 = 200 * 2 ** (rng.integers(0, 18) / 12)
        made.append(
            np.exp(-3 * t) * sum(np.sin(2 * np.pi * k * f0 * t) / k for k in range(1, 6)) * rng.uniform(0.1, 0.3)
        )
    return np.concatenate(made)[: seconds * RATE] + 1e-3 * rng.standard_normal(seconds * RATE)


@pytest.fixture(scope="module")
def original():
    return performance(0)


def through_aac(sound, folder, rate=RATE):
    path = write_film(folder / "copy.mp4", [np.zeros((32, 32, 3), np.uint8)] * 9, 9, sound, rate)
    return read_track(path, 44100, folder).samples


@pytest.mark.parametrize("shift", [0.0, 0.33, 1.717])
def test_a_copy_is_heard(original, shift, tmp_path):
    copy = fingerprint(through_aac(0.4 * original[round(shift * RATE) :], tmp_path), 44100)
    score, found = alike(fingerprint(original, RATE), copy)
    assert score > SAME + 0.05 and abs(found - shift) < 0.1


def test_others_are_told_apart(original):
    ours = fingerprint(original, RATE)
    assert max(alike(ours, fingerprint(performance(k), RATE))[0] for k in range(1, 8)) < SAME - 0.15
    noise = 0.1 * np.random.default_rng(1).standard_normal((2, 6 * RATE))
    assert alike(*(fingerprint(n, RATE) for n in noise))[0] < 0.3
    silence = fingerprint(np.zeros(6 * RATE), RATE)
    assert alike(silence, silence)[0] == 0 and alike(ours, ours[:5])[0] == 0


def test_links_join_groups(original):
    prints = [fingerprint(original, RATE), fingerprint(performance(1), RATE), fingerprint(original[RATE:], RATE)]
    groups, links = group_takes(prints + [prints[1][:3]], [Link(1, 3, "equal")])
    assert groups == [0, 1, 0, 1] and len(links) == 2


def test_splits_keep_copies_together_and_leave_something_to_train():
    rng = np.random.default_rng(0)
    for trial in range(50):
        n = int(rng.integers(1, 12))
        names = [str(k) for k in rng.integers(0, 3, n)]
        groups = sorted(int(k) for k in rng.integers(0, n, n))
        found = choose_splits(names, groups, [""] * n, [5] * n, seed=trial)
        for group in set(groups):
            used = {s for s, g in zip(found.split, groups) if g == group and s}
            assert len(used) == 1, (names, groups, found)
        assert "train" in found.split
    kept = choose_splits(["a", "a", "a"], [0, 1, 2], ["validation", "", "train"], [1, 1, 1])
    assert kept.split[0] == "validation" and kept.split[2] == "train"
