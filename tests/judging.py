"""Small things to judge: pairs that anybody can tell apart, and systems that generate what they are told."""

from dataclasses import replace

import torch
from avgen.core import stream
from avgen.data.pairs import Pairs, toy_pairs
from avgen.judge.classifier import EvaluatorSettings, samples
from avgen.judge.generation import modalities

QUICK = EvaluatorSettings(image_steps=40, sound_steps=40, batch_size=32)


def easy_pairs(n: int = 16) -> Pairs:
    """Three instruments, each with a colour and a band of rows of its own: learned in 40 steps on any machine."""
    toys = toy_pairs(n)
    sets = []
    for split in (toys.all_train, toys.validation):
        generator = stream(0, "easy pairs", split.split)
        images = torch.full((len(split), 3, 64, 64), -0.7)
        sounds = torch.full((len(split), 1, 64, 64), -0.9)
        for i, instrument in enumerate(split.instrument.tolist()):
            images[i, instrument] = 0.7
            sounds[i, :, 6 + 20 * instrument : 18 + 20 * instrument] = 0.7
        images += 0.2 * (torch.rand(len(split), 3, 1, 1, generator=generator) - 0.5)
        images += 0.2 * (torch.rand(images.shape, generator=generator) - 0.5)
        sounds += 0.2 * (torch.rand(sounds.shape, generator=generator) - 0.5)
        stored = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8), sounds.clamp(-1, 1).half()
        sets.append(replace(split, stored_images=stored[0], stored_sounds=stored[1]))
    return Pairs(*sets, tune_share=0.25, name="easy")


class FakeSystem:
    """Generates what `function(source, seed)` says."""

    name = "fake"

    def __init__(self, direction, function, config=None):
        self.direction, self.function, self.config = direction, function, config

    def generate(self, source, seed=0):
        return self.function(source, seed)


class FakeRun:
    """A run of a system, for what looks for `run.system`."""

    def __init__(self, system):
        self.system = system


def oracle(pairs, direction, split="validation"):
    """A system that gives back the real target of each source of a split."""
    source, target = modalities(direction)
    sources = samples(pairs.split(split), source).flatten(1)
    targets = samples(pairs.split(split), target)
    return FakeSystem(direction, lambda x, seed: targets[torch.cdist(x.flatten(1), sources).argmin(1)], pairs.config)
