"""Contract of avgen.runs.sources: data found again, and sources that fit a system."""

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.runs.sources import find_data, source_tensor
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
