"""Our two systems as contestants: the steps that `avgen train` makes, for as many as fit into the time."""

import time

import torch
from plain import Contestant

from avgen.judge.generation import generate_split
from avgen.runs.config import RunOptions
from avgen.systems import build_system
from avgen.training.position import Position, Stepper, new_config
from avgen.training.processes import training_environment


def _position(name: str, pairs, preset: str, steps: int | None, threads: int) -> Position:
    system = build_system(name, "S2I", pairs.instruments, pairs.config, preset=preset, seed=0)
    options = RunOptions(steps=steps, device="cpu", threads=threads)
    config = new_config(system, pairs, preset, options, torch.device("cpu"))
    return Position(system, pairs.train, config, torch.device("cpu"))


def _seconds_a_step(position: Position, steps: int = 4) -> list[float]:
    "Seconds of a step of each stage, the fastest of a few, in a rehearsal that is thrown away."
    stepper, found = Stepper(position), []
    for index, _ in enumerate(position.stages):
        position.begin_stage(index)
        position.step = position.first_step
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            stepper.one_step()
            times.append(time.perf_counter() - start)
        found.append(min(times[1:]))
    return found


def ours(name: str, preset: str, pairs, minutes: float, threads: int) -> Contestant:
    """One of our systems, its stages shortened in proportion so that a learning rate that falls has fallen in time."""
    rehearsed = _position(name, pairs, preset, None, threads)
    with training_environment(rehearsed.config, torch.device("cpu")):
        seconds = _seconds_a_step(rehearsed)
    stages = rehearsed.stages
    whole = sum(stage.steps * second for stage, second in zip(stages, seconds))
    steps = max(2, round(stages[-1].steps * 0.95 * 60 * minutes / whole))
    position = _position(name, pairs, preset, steps, threads)
    position.begin_stage(0)
    stepper = Stepper(position)

    def step():
        if position.step >= position.total:
            return 0  # done before its time: the learning rate has fallen to nothing
        position.advance_stage()
        with training_environment(position.config, torch.device("cpu")):
            stepper.one_step()
        return position.stage.batch_size

    def paint(pairset):
        return generate_split(position.averaged.refreshed(), pairset, seed=0)

    planned = ", ".join(f"{stage.name} {stage.steps}" for stage in position.stages)
    parameters = sum(p.numel() for p in position.system.parameters())
    return Contestant(step, paint, "sound", parameters, f"preset {preset}, steps: {planned}")
