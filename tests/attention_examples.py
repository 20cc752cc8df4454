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


def crossed_map(heard: Sound, target_is_sound=False, **more) -> AttentionMap:
    "A map of two grounds: the cells of a picture look at a sound, or the cells of a sound look at a picture."
    picture = torch.rand(3, 48, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    given = {"config": CONFIG, "sound": heard.values, "target": picture}
    if target_is_sound:
        given = {"sound": picture, "target": heard.values, "target_config": CONFIG}
    grids = ((8, 16), (8, 8)) if target_is_sound else ((8, 8), (8, 16))
    weights = weights_of(grids[0][0] * grids[0][1], grids[1][0] * grids[1][1], samples=1)
    return AttentionMap(weights, *grids, **{"layer": "cross-attention", **given, **more})
