"Small attention maps for tests of the views."

import torch

from avgen.nets.attention_maps import AttentionMap
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()
HOSTILE = "</script><script>alert('x')</script>\"'&$x$ \u202eright to left \U0001f3ba"


def five_partials() -> Sound:
    "A tone of 440 Hz with five equal partials."
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    partials = (0.2 * torch.sin(2 * torch.pi * 440 * k * time) for k in range(1, 6))
    return Sound.from_waveform(sum(partials), CONFIG, "a tone")


def weights_of(queries=64, keys=16, samples=2, sharp=6.0, seed=1) -> torch.Tensor:
    "Random weights (samples, queries, keys)."
    return torch.rand(samples, queries, keys, generator=torch.Generator().manual_seed(seed)).mul(sharp).softmax(2)


def map_of(heard: Sound, form=(8, 8), keys=(4, 4), **more) -> AttentionMap:
    "A map of two samples over a sound."
    known = {"gamma": 0.3, "effect": torch.tensor([0.1, 0.2]), "layer": "encoder.attention"}
    weights = weights_of(form[0] * form[1], keys[0] * keys[1])
    return AttentionMap(weights, form, keys, **{"config": CONFIG, "sound": heard.values, **known, **more})
