"""How much faster is our training step at `paper` width than the step as the papers write it? Ratios first.

    python tests/bench_step.py                 # five fresh processes each, in turn; the fastest of each is compared
    python tests/bench_step.py --width 32 --runs 3

The papers' step: float32, attention as the softmax of a product, channels first, the encoder run at every step, the generated pictures made once for
each player, losses read at every step. Ours: bfloat16 where the processor has it, fused attention, channels last, codes looked up, one generator pass, nothing
read. Both move D at every second step (two steps are one round) and have the same networks, batch, threads and allocator.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import torch

from avgen.attention import SelfAttention
from avgen.core import autocast, channels_last, choose_precision
from avgen.losses import discriminator_loss, generator_loss
from avgen.pairs import Batches, toy_pairs
from avgen.systems import build
from avgen.systems.base import StepContext


def papers_round(system, batches):
    "Two steps as the papers' program makes them."
    s = system.settings
    adam = {name: torch.optim.Adam(getattr(system, name).parameters(), lr, betas=(0.5, 0.999), foreach=False)
            for name, lr in (("discriminator", s.discriminator_learning_rate), ("generator", s.generator_learning_rate))}

    def step(i):
        batch = batches.at(i)
        with torch.no_grad(): code = system.encoder(batch.sound)[1]
        noise = torch.randn(len(code), s.noise_size)
        if i % 2 == 0:
            with torch.no_grad(): fake = system.generator(code, noise)
            scores = [system.discriminator(x, code) for x in (batch.image, fake, batch.mismatched_image)]
            loss = discriminator_loss(*scores)
            adam["discriminator"].zero_grad(); loss.backward(); adam["discriminator"].step()
            loss.item()
        loss = generator_loss(system.discriminator(system.generator(code, noise), code))
        adam["generator"].zero_grad(); loss.backward(); adam["generator"].step()
        return loss.item()

    return lambda i: (step(2 * i), step(2 * i + 1))


def our_round(system, batches):
    "Two steps as `training` makes them."
    stage, dtype = system.stages()[1], choose_precision("cpu")
    adam = {p.name: torch.optim.Adam([w for m in p.modules for w in getattr(system, m).parameters()], p.learning_rate, betas=p.betas, fused=True) for p in stage.phases}

    def step(i):
        batch, context = batches.at(i), StepContext(0, stage.name, i, torch.device("cpu"))
        for phase in stage.phases:
            if i % phase.every: continue
            adam[phase.name].zero_grad(set_to_none=True)
            with autocast("cpu", dtype): loss = phase.loss(batch, context)["loss"]
            loss.backward()
            adam[phase.name].step()

    return lambda i: (step(2 * i), step(2 * i + 1))


def measure(which: str, width: int, batch: int, rounds: int) -> float:
    "Seconds a step, the fastest of `rounds` rounds after one that is not counted."
    pairs = toy_pairs(n=128)
    system = build("sa-cmgan", "S2I", preset="paper", instruments=pairs.instruments, width=width, encoder_width=width, batch_size=batch)
    system.train()
    system.freeze_encoder(pairs.train, torch.device("cpu"))
    if which == "papers":
        for m in system.modules():
            if isinstance(m, SelfAttention): m.fused = False
    else: channels_last(system)
    go = (papers_round if which == "papers" else our_round)(system, Batches(pairs.train, batch, "instrument"))
    go(0)
    seconds = []
    for i in range(rounds):
        start = time.perf_counter()
        go(i + 1)
        seconds.append(time.perf_counter() - start)
    return min(seconds) / 2


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--width", type=int, default=64)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    p.add_argument("--one", choices=("papers", "ours"), help=argparse.SUPPRESS)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    if a.one:
        print(json.dumps(measure(a.one, a.width, a.batch, a.rounds)))
        return
    found = {"papers": [], "ours": []}
    for _ in range(a.runs):
        for which in found:
            command = [sys.executable, __file__, "--one", which, *(f"--{k}={getattr(a, k)}" for k in ("width", "batch", "rounds", "threads"))]
            found[which].append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]))
    best = {k: min(v) for k, v in found.items()}
    print(f"papers / ours: {best['papers'] / best['ours']:.2f} x   (width {a.width}, batch {a.batch}, {a.threads} threads, fastest of {a.runs} fresh processes each, {choose_precision('cpu')})")
    for k, v in found.items(): print(f"{k:7} {best[k]:.3f} s a step; all: {', '.join(f'{s:.3f}' for s in v)}")


if __name__ == "__main__": main()
