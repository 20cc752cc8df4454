"""Make avgen/signal/vocoder.safetensors, the trained vocoder that comes with the kit, and its report.

python tests/make_vocoder.py [--minutes 40] [--seed 1] [--phrases 1040] [--out avgen/signal/vocoder.safetensors]

It hears phrases of the orchestra, five seconds each, by players and in rooms drawn for it alone: none of them is in any
built data set. Each step cuts clips out of them and shows the vocoder their log-mel pictures: a third at full size, the
others through 64 x 64, some of these blurred and with noise, as a generator paints them. One thread.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from avgen.core import INSTRUMENTS, stream_seed
from avgen.orchestra.music import random_phrase
from avgen.orchestra.synthesis import play, random_room
from avgen.orchestra.voices import random_player
from avgen.signal.phases import undo_resize
from avgen.signal.spectrogram import LogMel, SpectrogramConfig, resize_sound
from avgen.signal.vocoder import LOSS_WEIGHTS, Vocoder, vocoder_losses

HERE = Path(__file__).resolve().parent.parent
BATCH, RATE, AVERAGE = 24, 2e-3, 0.998
NETWORK = dict(width=144, blocks=4, bands=16)


def phrases(count: int, seed: int, seconds: float = 5.0) -> np.ndarray:
    "Play phrases, (count, samples) int16: instruments in turn, everything else by chance."
    played = []
    for i in range(count):
        instrument = INSTRUMENTS[i % len(INSTRUMENTS)]
        rng = np.random.default_rng(stream_seed(seed, "vocoder", i))
        player, room = random_player(rng), random_room(rng)
        notes = random_phrase(instrument, rng, seconds)
        wave = play(instrument, notes, player, room, seed=int(rng.integers(2**31)), seconds=seconds)
        played.append(np.round(wave * 32767).astype(np.int16))
    return np.stack(played)


def cut_clips(played: np.ndarray, count: int, samples: int, rng) -> torch.Tensor:
    "Cut clips from anywhere and turn each up or down, (count, samples)."
    rows, starts = rng.integers(len(played), size=count), rng.integers(played.shape[1] - samples, size=count)
    clips = np.stack([played[r, s : s + samples] for r, s in zip(rows, starts)]).astype(np.float32) / 32767
    return torch.from_numpy(clips * 10 ** (rng.uniform(-8, 6, (count, 1)) / 20).astype(np.float32))


def as_shown(sound: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    "Let most pictures go through 64 x 64, and some of these be blurred and noisy."
    sound, full = sound.clone(), tuple(sound.shape[-2:])
    small = torch.rand(len(sound), generator=chance)
    rough = small < 0.35
    for chosen in (rough, (small >= 0.35) & (small < 0.68)):
        if not chosen.any():
            continue
        picture = resize_sound(sound[chosen], (64, 64))
        if chosen is rough:
            blur, noise = torch.rand(2, len(picture), 1, 1, 1, generator=chance)
            soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
            picture = picture + blur * (soft - picture)
            picture = picture + 0.03 * noise * torch.randn(picture.shape, generator=chance)
        sound[chosen] = undo_resize(picture.clamp(-1, 1), full)
    return sound


def train(played: np.ndarray, minutes: float, seed: int, config: SpectrogramConfig):
    "Train a vocoder for so long; return the average of its weights, the steps taken and the last losses."
    torch.manual_seed(seed)
    rng, chance = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    vocoder, logmel = Vocoder(config, **NETWORK), LogMel(config)
    optimiser = torch.optim.AdamW(vocoder.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    average = {name: weights.clone() for name, weights in vocoder.state_dict().items()}
    begun, step, recent = time.monotonic(), 0, {}
    while (share := (time.monotonic() - begun) / 60 / minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * share) + 0.005)
        clips = cut_clips(played, BATCH, config.samples, rng)
        decibels = config.to_decibels(as_shown(logmel(clips), chance))[:, 0]
        losses = vocoder_losses(vocoder, clips, decibels)
        optimiser.zero_grad()
        sum(LOSS_WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        torch.nn.utils.clip_grad_norm_(vocoder.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(AVERAGE, step / (step + 10))
        for name, weights in vocoder.state_dict().items():
            average[name].lerp_(weights, 1 - keep)
        for name, loss in losses.items():
            recent[name] = 0.98 * recent.get(name, loss.item()) + 0.02 * loss.item()
        if step % 100 == 0:
            print(step, f"{60 * minutes * share:.0f} s", {k: round(v, 3) for k, v in recent.items()}, flush=True)
    return average, step, recent


def ship(average: dict, config: SpectrogramConfig, out: Path, report: dict) -> None:
    "Write the weights in half precision with their settings, and the report."
    settings = {"spectrogram": config.to_dict(), "network": NETWORK, "report": report}
    settings = {name: json.dumps(value) for name, value in settings.items()}
    save_file({name: weights.half().contiguous() for name, weights in average.items()}, out, settings)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    "Play, train, ship."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phrases", type=int, default=1040)
    parser.add_argument("--out", type=Path, default=HERE / "avgen/signal/vocoder.safetensors")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    config = SpectrogramConfig()
    played = phrases(wanted.phrases, wanted.seed)
    average, steps, losses = train(played, wanted.minutes, wanted.seed, config)
    report = {
        "command": f"python tests/make_vocoder.py --minutes {wanted.minutes:g} --seed {wanted.seed}",
        "seed": wanted.seed,
        "steps": steps,
        "clips": steps * BATCH,
        "minutes": wanted.minutes,
        "parameters": sum(weights.numel() for weights in average.values()),
        "losses": {name: round(loss, 4) for name, loss in losses.items()},
    }
    ship(average, config, wanted.out, report)


if __name__ == "__main__":
    main()
