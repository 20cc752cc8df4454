"""Contract of avgen.orchestra.synthesis: determinism, what each family must show in its sound, refusals."""

import numpy as np
import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.orchestra.music import Note, phrase_at, random_phrase
from avgen.orchestra.synthesis import Room, add_partials, apply_room, envelope, pitch_track, play, random_room
from avgen.orchestra.voices import Player, midi_to_hz, random_player, voice_of

DRY = Room(seconds=0.1, wet=-60, floor=-120)


def partial_db(wave, f0, k, rate=44100):
    "Level of partial k of a steady tone."
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    f = np.fft.rfftfreq(len(wave), 1 / rate)
    return 10 * np.log10(spectrum[np.abs(f - k * f0) < 0.25 * f0].sum() + 1e-20)


def tone(instrument, midi, loudness=0.6, seconds=0.6, **settings):
    wave = play(instrument, [Note(0.0, seconds, midi, loudness)], room=DRY, seconds=seconds, **settings)
    return wave[len(wave) // 3 : -len(wave) // 6]


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_play_is_finite_bounded_repeatable_and_sounds(instrument):
    notes = random_phrase(instrument, np.random.default_rng(0), seconds=1.0)
    settings = dict(
        player=random_player(np.random.default_rng(1)), room=random_room(np.random.default_rng(2)), seconds=1.0
    )
    wave = play(instrument, notes, seed=3, **settings)
    assert (
        wave.dtype == np.float32 and wave.shape == (44100,) and np.isfinite(wave).all() and np.abs(wave).max() <= 0.981
    )
    assert (wave == play(instrument, notes, seed=3, **settings)).all() and (
        wave != play(instrument, notes, seed=4, **settings)
    ).any()
    assert 20 * np.log10(wave.std()) > -60


@pytest.mark.parametrize("instrument,midi", [("violin", 69), ("clarinet", 57), ("tuba", 41), ("oboe", 72)])
def test_the_pitch_is_the_one_asked_for(instrument, midi):
    wave, f0 = tone(instrument, midi), float(midi_to_hz(midi))
    spectrum, f = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 2**18)), np.fft.rfftfreq(2**18, 1 / 44100)
    near = np.abs(f - f0) < 0.4 * f0
    assert abs(f[near][spectrum[near].argmax()] / f0 - 1) < 0.02


def test_clarinet_lacks_even_partials_low_down_and_others_do_not():
    f0 = float(midi_to_hz(53))
    low = tone("clarinet", 53)
    assert partial_db(low, f0, 2) < min(partial_db(low, f0, 1), partial_db(low, f0, 3)) - 10
    sax = tone("sax", 53)
    assert partial_db(sax, f0, 2) > partial_db(sax, f0, 3) - 10


@pytest.mark.parametrize("instrument", ["trumpet", "trombone", "horn", "tuba"])
def test_brass_gets_brighter_with_loudness(instrument):
    midi = voice_of(instrument).low + 8
    f0 = float(midi_to_hz(midi))
    share = [
        partial_db(w, f0, 8) - partial_db(w, f0, 1) for w in (tone(instrument, midi, 0.1), tone(instrument, midi, 1.0))
    ]
    assert share[1] > share[0] + 10


def test_high_brass_partials_speak_later():
    notes, t = [Note(0.0, 0.4, 50, 0.8)], np.arange(0, 0.4, 0.005)
    e = envelope(voice_of("trombone"), Player(), phrase_at(notes, t), notes, 16, 200)
    assert np.argmax(e[:, 15] > 0.4) > np.argmax(e[:, 0] > 0.4)


def test_strings_tremble_and_clarinets_do_not():
    notes, t = [Note(0.0, 1.5, 69, 0.6)], np.arange(0.5, 1.5, 0.005)
    swing = [
        np.ptp(pitch_track(voice_of(i), Player(), phrase_at(notes, t), notes, np.random.default_rng(0), 200)[0])
        for i in ("violin", "clarinet")
    ]
    assert swing[0] > 3 * swing[1]


def test_clenshaw_equals_the_sum_of_sines():
    rng = np.random.default_rng(0)
    f0, a = np.full(21, 97.0), rng.random((21, 60))
    t, at = np.arange(20 * 128) / 44100, np.arange(20 * 128) / 128
    slow = sum(np.interp(at, np.arange(21), a[:, k]) * np.sin(2 * np.pi * 97 * (k + 1) * t) for k in range(60))
    assert np.abs(add_partials(f0, a, 128, 44100) - slow).max() < 1e-7


def test_a_room_rings_and_keeps_the_length():
    click = np.zeros(8000)
    click[100] = 1
    wet, dry = (
        apply_room(click, r, np.random.default_rng(0), 44100)
        for r in (Room(1.0, -6, floor=-120), Room(0.1, -40, floor=-120))
    )
    assert wet.shape == (8000,) and (wet[4000:] ** 2).sum() > 100 * (dry[4000:] ** 2).sum()


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_other_sample_rates(rate):
    assert play("violin", [Note(0, 0.3, 69, 0.5)], sample_rate=rate, seconds=0.3).shape == (round(0.3 * rate),)


def test_refusals():
    with pytest.raises(InputError, match="theremin"):
        play("theremin", [Note(0, 1, 60, 0.5)])
    with pytest.raises(InputError, match="empty phrase"):
        play("violin", [])
