"""Contract of avgen.orchestra.voices: ranges, the spectra that follow from a voice, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.voices import VOICES, Player, Voice, midi_to_hz, random_player, spectrum_db, voice_of


def test_pitch_in_hertz():
    assert midi_to_hz(69) == 440 and np.allclose(midi_to_hz([57, 81]), (220, 880))


def test_every_instrument_has_a_voice():
    assert set(VOICES) == set(INSTRUMENTS) and all(v.high - v.low >= 24 for v in VOICES.values())


def test_oboe_formants_stay_while_the_note_moves():
    for midi in (60, 64, 67):
        k = np.arange(1, 41)
        db = spectrum_db(voice_of("oboe"), midi_to_hz([midi]), np.array([0.5]))[0]
        assert abs(k[db.argmax()] * midi_to_hz(midi) - 1100) < 0.6 * midi_to_hz(midi)


def test_spectrum_keeps_its_power_whatever_the_loudness():
    for name in INSTRUMENTS:
        voice = voice_of(name)
        db = spectrum_db(voice, midi_to_hz([voice.low, voice.high]), np.array([0.0, 1.0]))
        assert np.allclose((10 ** (db / 10)).sum(1), 1)


def test_players_differ_and_come_back():
    players = [random_player(np.random.default_rng(i)) for i in range(20)]
    assert len(set(players)) == 20 and players[3] == random_player(np.random.default_rng(3))
    bright, dull = (
        spectrum_db(voice_of("horn"), midi_to_hz([50]), np.array([0.5]), Player(bright=b))[0] for b in (1, -1)
    )
    assert bright[12] > dull[12] + 3


def test_refusals():
    with pytest.raises(InputError, match="kazoo"):
        voice_of("kazoo")
    with pytest.raises(InputError, match="high"):
        replace(VOICES["flute"], high=61)
    with pytest.raises(InputError, match="attack"):
        Voice("flute", 60, 90, -12.0, 3.0, attack=2.0)
