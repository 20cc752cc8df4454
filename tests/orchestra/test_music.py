"""Contract of avgen.orchestra.music: phrases in range and without long silences, and what they say of a moment."""

import numpy as np
import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.music import PLAYING_STYLES, Note, phrase_at, random_phrase
from avgen.orchestra.voices import voice_of


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_phrases_stay_in_range_and_leave_no_long_silence(instrument):
    voice = voice_of(instrument)
    for seed in range(20):
        notes = random_phrase(instrument, np.random.default_rng(seed), seconds=4)
        assert all(voice.low <= n.midi <= voice.high and 0 < n.loudness <= 1 and n.seconds > 0.05 for n in notes)
        assert all(a.end <= b.start + 1e-9 for a, b in zip(notes, notes[1:])), "one note at a time"
        assert notes[0].start < 0.25 and notes[-1].end > 3.5
        assert max(b.start - a.end for a, b in zip(notes, notes[1:])) < 0.35


def test_every_style_is_played():
    for style in PLAYING_STYLES:
        assert random_phrase("horn", np.random.default_rng(1), 2.0, style)


def test_a_phrase_shares_a_bow_under_a_slur_and_turns_it_after():
    notes = [Note(0.0, 0.5, 60, 0.5), Note(0.5, 0.5, 62, 0.5, slurred=True), Note(1.0, 0.8, 64, 0.5)]
    bow = phrase_at(notes, [0.1, 0.4, 0.6, 0.9, 1.1, 1.5])["bow"]
    assert (np.diff(bow[:4]) > 0).all() and bow[5] < bow[4]
    assert phrase_at(notes, 0.7)["midi"][0] == 62


def test_what_phrase_at_says_belongs_to_the_note_that_sounds():
    notes = [Note(0.0, 0.4, 60, 0.2), Note(0.5, 0.5, 69, 0.9)]
    now = phrase_at(notes, [0.1, 0.45, 0.75])
    assert now["note"].tolist() == [0, 0, 1] and now["f0_hz"][2] == 440 and now["loudness"].tolist() == [0.2, 0.2, 0.9]
    assert np.allclose(now["age"], (0.1, 0.45, 0.25)) and np.allclose(now["left"], (0.3, -0.05, 0.25))


def test_refusals():
    with pytest.raises(InputError, match="kazoo"):
        random_phrase("kazoo", np.random.default_rng(0))
    with pytest.raises(InputError, match="pizzicato"):
        random_phrase("cello", np.random.default_rng(0), style="pizzicato")
    with pytest.raises(InputError, match="empty phrase"):
        phrase_at([], 0.0)
