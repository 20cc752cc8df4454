"""Measure every way from a log-mel picture back to a sound, and write data/results/inversion.json.

python tests/judge_inversion.py [--data data/orchestra] [--limit 650] [--unnamed] [--out data/results/inversion.json]

The sounds are those of the validation split, or equally many of each instrument up to the limit. The kit's evaluator,
trained on the same data set or taken from the cache, names the picture of each new sound; `--unnamed` goes without it.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from avgen.data.corpora import open_pairs
from avgen.judge.evaluator import train_evaluator
from avgen.signal.inversion import METHODS, invert
from avgen.signal.listening import compare_sounds
from avgen.signal.phases import griffin_lim, mel_to_power
from avgen.signal.spectrogram import LogMel, resize_sound
from avgen.signal.vocoder import load_vocoder

HERE = Path(__file__).resolve().parent.parent


def resized_only(sound: torch.Tensor, config) -> torch.Tensor:
    "Invert as this kit once did: resize back, fit the bands, Griffin-Lim, and nothing about the loudness."
    unit = resize_sound(sound, (config.n_mels, config.frames))[:, 0].clamp(-1, 1)
    mel = 10 ** (config.to_decibels(unit) / 10) * (unit > -0.9999)
    return torch.cat([griffin_lim(mel_to_power(few, config).sqrt(), config) for few in mel.split(4)])


def measure(waveform: torch.Tensor, real: torch.Tensor, instrument: torch.Tensor, evaluator, config) -> dict:
    "Average the four numbers over the sounds, the level and the pitch as medians, and count what is named rightly."
    parts = [compare_sounds(*both, config.sample_rate) for both in zip(waveform.split(50), real.split(50))]
    values = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    row = {name: value.nanmean().item() for name, value in values.items()}
    row["level"], row["cents"] = values["level"].median().item(), values["cents"].nanmedian().item()
    row["within_3_db"] = (values["level"].abs() <= 3).float().mean().item()
    if evaluator is not None:
        shown = torch.cat([LogMel(config).prepared(few) for few in waveform.split(50)])
        row["named"] = (evaluator.classify("sound", shown).argmax(1).cpu() == instrument).float().mean().item()
    return {name: round(value, 4) for name, value in row.items()}


def main() -> None:
    "Measure and write."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE / "data/orchestra")
    parser.add_argument("--limit", type=int, default=650)
    parser.add_argument("--unnamed", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "data/results/inversion.json")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    pairs = open_pairs(wanted.data)
    config, validation = pairs.validation.config, pairs.validation
    order = torch.argsort(validation.instrument, stable=True)
    chosen = order[torch.linspace(0, len(order) - 1, min(wanted.limit, len(order))).round().long()].tolist()
    real = torch.stack([torch.as_tensor(validation[i].sound.waveform) for i in chosen])
    instrument = validation.instrument[chosen]
    evaluator = None if wanted.unnamed else train_evaluator(pairs, quiet=True)
    whole = torch.cat([LogMel(config)(few) for few in real.split(50)])
    ways = {"resized only": resized_only}
    ways |= {method: lambda sound, config, method=method: invert(sound, config, method) for method in reversed(METHODS)}
    load_vocoder()
    rows = [{"size": "-", "method": "the real sound", **measure(real, real, instrument, evaluator, config)}]
    for size, sound in (("128 x 44", whole), ("64 x 64", resize_sound(whole, (64, 64)))):
        for method, way in ways.items():
            begun = time.process_time()
            waveform = way(sound, config)
            seconds = round((time.process_time() - begun) / len(real), 3)
            measured = measure(waveform, real, instrument, evaluator, config)
            rows.append({"size": size, "method": method, **measured, "seconds": seconds})
            print(rows[-1], flush=True)
    about = {"command": "python tests/judge_inversion.py", "sounds": len(real), "threads": 1, "rows": rows}
    wanted.out.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
