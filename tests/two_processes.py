"""A system in double precision, trained by several processes that tests start, watch and kill."""

import json
import os
import random
import signal
import socket
import time
from pathlib import Path

from warm_python import Process, warm

from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.lock import is_held
from avgen.runs.status import run_status

# What each process runs: a system of two stages in double precision, all it draws included; batch norm on request.
WORKER = """
import json, os, sys, time
from dataclasses import dataclass
import torch
from torch import nn
from torch.nn import functional as F
from avgen.core import InputError
from avgen.nets.losses import augment
from avgen.data.pairs import toy_pairs
from avgen.systems import Phase, Stage, System, register
from avgen.training.processes import PeerLost, leave
from avgen.training.recording import Diverged
from avgen.training.runner import resume, train


@dataclass(frozen=True)
class Settings:
    norm: bool = False
    batch_size: int = 8
    poison: int = -1  # the step whose loss, or one gradient, is not a number
    poisoned: int = 1  # on this process only
    poison_what: str = "loss"


@register("double")
class Double(System):
    Settings = Settings
    PRESETS = {"small": {}}

    def __init__(self, settings, direction, instruments, config=None):
        super().__init__(settings, direction, instruments, config)
        norm = [nn.BatchNorm2d(4)] if settings.norm else []
        start = [nn.Linear(8, 4 * 64), nn.Unflatten(1, (4, 8, 8)), *norm, nn.ReLU()]
        self.generator = nn.Sequential(*start, nn.ConvTranspose2d(4, 3, 8, 8), nn.Tanh())
        self.discriminator = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(256, 1))
        self.double()

    def see(self, x, context, name):
        if not x.requires_grad:
            x = augment(x.float(), context.random(name), share=context.share).double()
        return self.discriminator(x)

    def fake(self, batch, context):
        if "fake" not in context.cache:
            context.cache["fake"] = self.generator(context.noise("z", len(batch), 8).double())
        return context.cache["fake"]

    def d(self, batch, context):
        time.sleep(float(os.environ.get("PAUSE", 0)))  # where somebody must be able to hit a step
        fake, real, wrong = self.fake(batch, context).detach(), batch.image, batch.mismatched_image
        right = F.relu(1 - self.see(real, context, "a")).mean()
        painted = F.relu(1 + self.discriminator(fake)).mean()
        mismatched = F.relu(1 + self.see(wrong, context, "b")).mean()
        return {"loss": right + painted + 0.5 * mismatched}

    def g(self, batch, context):
        s, fake = self.settings, self.fake(batch, context)
        bad = context.step == s.poison and (context.share[1] == 1 or context.share[0] == s.poisoned)
        if bad and s.poison_what == "gradient":
            fake.register_hook(lambda gradient: gradient * float("nan"))
        return {"loss": -(float("nan") if bad and s.poison_what == "loss" else 1.0) * self.discriminator(fake).mean()}

    def stages(self):
        phases = Phase("D", ("discriminator",), self.d, 1e-3, every=2), Phase("G", ("generator",), self.g, 1e-3)
        how = dict(average=("generator",), decay=0.9, mismatched="instrument")
        return (Stage("adversarial", 50, self.settings.batch_size, phases, **how),)

    def generate(self, source, seed=0):
        return self.eval().generator(torch.zeros(len(source), 8).double()).float()


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    torch.set_num_threads(1)
    toys = toy_pairs(n=task.pop("pairs", 12))
    try:
        if task.pop("resume", False):
            run = resume(task["run"], toys, quiet=True)
        else:
            run = train("double", toys, quiet=True, device="cpu", threads=1, tick_every=10, sample_every=100, **task)
    except PeerLost as e:
        leave(e)
    except (InputError, Diverged) as e:
        sys.exit(f"avgen: {e}")
"""


def begin(worker, count: int, **task) -> list[Process]:
    "The task in `count` processes, just started."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    inherited = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    base = inherited | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"} | task.pop("env", {})

    def env(rank: int) -> dict[str, str]:
        if count == 1:
            return base
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
        return base | place | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}

    text = json.dumps(task, default=str)
    return [warm.popen([worker, text], env=env(r)) for r in range(count)]


def end(started: list[Process], seconds: float = 240) -> list:
    "Wait for all; returns (exit status, last line of stderr) of each."
    try:
        said = [p.communicate(timeout=seconds)[1] for p in started]
    finally:
        for p in started:
            p.kill()
    return [(p.returncode, (text.strip().splitlines() or [""])[-1]) for p, text in zip(started, said)]


def together(worker, count: int, **task) -> list:
    return end(begin(worker, count, **task))


def last(folder):
    return read_checkpoint(list_checkpoints(Path(folder) / "checkpoints")[-1]).tensors


def apart(a, b) -> float:
    "The largest difference of two checkpoints, meters and counters left out."
    a, b = last(a), last(b)
    assert a.keys() == b.keys()
    return max((a[k].double() - b[k].double()).abs().max().item() for k in a if not k.startswith("meter"))


def until(test, seconds: float = 120):
    "Wait for something to be so."
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def half_written(places: Path) -> bool:
    "Whether a checkpoint is half written: a temporary file, or tensors without their facts."
    return any(places.glob(".*.tmp")) or any(
        not p.with_suffix(".json").exists() for p in places.glob("step_*.safetensors")
    )


def strike(
    worker, count: int, run: Path, beyond: int, chance: random.Random, aim: bool = False, **task
) -> tuple[int, bool]:
    """Train until there is a checkpoint after step `beyond`, then kill all processes.

    They are killed at a random moment, or, with `aim`, while a checkpoint is being written. Returns the step that is
    left, and whether a checkpoint was half written.
    """
    started, places = begin(worker, count, run=run, env={"PAUSE": "0.02"}, **task), run / "checkpoints"
    try:
        until(
            lambda: (
                any(p.stem > f"step_{beyond:08d}" for p in list_checkpoints(places))
                or any(p.poll() is not None for p in started)
            )
        )
        late = time.monotonic() + (2 if aim else chance.random() * 0.2)
        while time.monotonic() < late and not (aim and half_written(places)):
            pass
        assert [p.poll() for p in started] == [None] * count, "the run ended before it was killed"
        for p in chance.sample(started, count):
            p.send_signal(signal.SIGKILL)
    finally:
        for p in started:
            p.kill()
    for p in started:
        p.communicate()
    assert not is_held(run) and run_status(run)["state"] == "gone"
    return read_checkpoint(list_checkpoints(places)[-1]).step, half_written(places)
