"""Measure the sounds that a run plays for real pictures, and write data/results/generated_sounds.json.

python tests/judge_sounds.py [--run data/systems/duet-i2s] [--data data/orchestra] [--limit 650] [--out FILE]

The pictures are those of the validation split, equally many of each instrument up to the limit. Beside what the run
plays stand the real sounds, and the real sounds after the same journey through a log-mel picture and back.
"""

import argparse
import json
from pathlib import Path

import torch

from avgen.data.corpora import open_pairs
from avgen.judge.evaluator import train_evaluator
from avgen.runs.run import Run
from avgen.signal.inversion import invert
from avgen.signal.listening import level_db, pitch_track
from avgen.signal.spectrogram import LogMel, resize_sound

HERE = Path(__file__).resolve().parent.parent
LOUD = 0.1  # a frame counts where its power is at least this share of the loudest frame's


def steady(waveform: torch.Tensor, sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
    "Measure the periodicity of each sound's loud frames and how many cents its pitch is from the nearest semitone."
    track = pitch_track(waveform, sample_rate)
    loud = track.power >= LOUD * track.power.amax(1, keepdim=True)
    semitones = 12 * torch.log2(track.hertz / 440)
    cents = 100 * (semitones - semitones.round()).abs()
    cents = torch.where(loud & (track.periodicity > 0.8), cents, torch.nan)
    return (track.periodicity * loud).sum(1) / loud.sum(1), cents.nanmedian(1).values


def measure(waveform, instrument, levels, evaluator, config) -> dict:
    "Average what is measured; the level is compared with the mean level of the real sounds of the same instrument."
    rows = [steady(few, config.sample_rate) for few in waveform.split(50)]
    periodicity, cents = (torch.cat(part) for part in zip(*rows))
    above = level_db(waveform) - levels[instrument]
    shown = torch.cat([LogMel(config).prepared(few) for few in waveform.split(50)])
    named = evaluator.classify("sound", shown).argmax(1).cpu() == instrument
    return {
        "periodicity": round(periodicity.mean().item(), 3),
        "cents from a semitone": round(cents.nanmedian().item(), 1),
        "level": round(above.median().item(), 2),
        "within_3_db": round((above.abs() <= 3).float().mean().item(), 3),
        "named": round(named.float().mean().item(), 3),
    }


def main() -> None:
    "Measure and write."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=HERE / "data/systems/duet-i2s")
    parser.add_argument("--data", type=Path, default=HERE / "data/orchestra")
    parser.add_argument("--limit", type=int, default=650)
    parser.add_argument("--out", type=Path, default=HERE / "data/results/generated_sounds.json")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    pairs = open_pairs(wanted.data)
    run, validation = Run.open(wanted.run, pairs=pairs), pairs.validation
    config = validation.config
    order = torch.argsort(validation.instrument, stable=True)
    chosen = order[torch.linspace(0, len(order) - 1, min(wanted.limit, len(order))).round().long()].tolist()
    instrument = validation.instrument[chosen]
    real = torch.stack([torch.as_tensor(validation[i].sound.waveform) for i in chosen])
    pictures = validation.tensors(chosen)[0]
    played = torch.cat([run.system.generate(few, seed=0) for few in pictures.split(50)])
    heard = resize_sound(torch.cat([LogMel(config)(few) for few in real.split(50)]), tuple(played.shape[2:]))
    levels = torch.zeros(len(pairs.instruments))
    for k in instrument.unique():
        levels[k] = level_db(real[instrument == k]).mean()
    sounds = {
        "real": real,
        "real, to a log-mel picture and back": invert(heard, config),
        "generated": invert(played, config),
    }
    evaluator, rows = train_evaluator(pairs, quiet=True), []
    for name, waveform in sounds.items():
        rows.append({"sound": name, **measure(waveform, instrument, levels, evaluator, config)})
        print(rows[-1], flush=True)
    about = {"command": "python tests/judge_sounds.py", "run": wanted.run.name, "sounds": len(real), "rows": rows}
    wanted.out.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
