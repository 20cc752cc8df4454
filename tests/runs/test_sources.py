"""Contract of avgen.runs.sources: data found again, and sources that fit a system."""

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.data.files import write_sound
from avgen.data.moments import Recording
from avgen.runs.sources import Given, find_data, open_source, source_tensor
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

pytestmark = pytest.mark.usefixtures("tiny")


def test_data_are_found_again_after_the_project_was_moved(tmp_path, monkeypatch):
    (tmp_path / "data" / "orchestra").mkdir(parents=True)
    monkeypatch.chdir("/")
    assert find_data("data/orchestra", tmp_path / "runs" / "first") == (tmp_path / "data" / "orchestra").resolve()


def test_generating_from_what_does_not_fit(whole, toys):
    config = SpectrogramConfig()
    assert source_tensor([toys.validation[0], toys.validation[1].sound], "S2I", config).shape == (2, 1, 64, 64)
    assert source_tensor(torch.zeros(1, 128, 44), "S2I", config).shape == (1, 1, 64, 64)
    assert source_tensor(np.zeros((2, 3, 64, 64), dtype=np.float32), "I2S", config).shape == (2, 3, 64, 64)
    for bad in (
        torch.zeros(2, 3, 64, 64),
        toys.validation[0].image,
        "sound.wav",
        torch.full((1, 1, 64, 64), float("nan")),
    ):
        with pytest.raises(InputError):
            whole.generate(bad)
    with pytest.raises(InputError, match="f_max"):
        source_tensor(toys.validation[0].sound, "S2I", SpectrogramConfig(f_max=4000.0))
    with pytest.raises(InputError, match="does not know the instrument 'sax'"):
        whole.data.require_compatible(toy_pairs(n=8, instruments=("sax", "tuba")))


def test_long_recordings_become_moments_and_short_ones_stay(whole, toys, tmp_path):
    config = SpectrogramConfig()
    tones = 0.3 * np.sin(2 * np.pi * np.repeat([220.0, 440.0, 880.0, 330.0], 22050) * np.arange(4 * 22050) / 44100)
    write_sound(tmp_path / "four.wav", tones, 44100)
    made = whole.generate(tmp_path / "four.wav")
    assert made.shape == (4, 3, 64, 64) and made.starts == [0.0, 0.5, 1.0, 1.5]
    alone = whole.generate(made.given(4)[2])
    torch.testing.assert_close(alone[0], made[2], atol=1e-4, rtol=0)  # one noise for all moments
    for given in (
        tones,
        torch.from_numpy(tones),
        Recording(tones, config),
        Sound(torch.zeros(1, 64, 64), config, tones),
    ):
        assert len(whole.generate(given)) == 4, type(given)
    assert len(whole.generate(tones, moments=2)) == 2 and len(whole.generate(tones[:22050])) == 1
    assert len(whole.generate([tmp_path / "four.wav", toys.validation[0]])) == 2, "in a list each gives one"
    assert len(open_source(np.zeros(60 * 44100), "S2I", config).what) == 12, "at most twelve, unless asked for more"
    with pytest.raises(InputError, match="count"):
        whole.generate(tones, moments=9)
    with pytest.raises(InputError, match="f_max"):
        whole.generate(Recording(tones, SpectrogramConfig(f_max=4000.0)))


def test_what_was_given_is_shown_as_it_was_recorded_or_as_the_network_saw_it(toys):
    config, chosen = SpectrogramConfig(), toys.validation[[0, 1, 2]]
    images, sounds = chosen.tensors()
    for direction, source, kind in (("S2I", sounds, "sound"), ("I2S", images, "image")):
        known, unknown = Given(chosen, source, direction, config), Given(None, source, direction, config)
        for shown in (known.shown(2), unknown.shown(2)):
            assert [torch.equal(item.values, row) for item, row in zip(shown, source)] == [True, True]
            assert all(isinstance(item, Sound) for item in shown) == (kind == "sound")
        assert (
            known.titles(9) == [pair.instrument.replace("_", " ") for pair in chosen] and unknown.titles(9) == [""] * 3
        )
    tone = Sound(torch.zeros(1, 64, 64), name="a_tone")
    one = Given(tone, torch.zeros(1, 1, 64, 64), "S2I", config)
    assert one.shown(5) == [tone] and one.titles(5) == ["a tone"]
    assert Given([tone], sounds, "S2I", config).titles(3) == [""] * 3  # one recording for three: which is whose?
