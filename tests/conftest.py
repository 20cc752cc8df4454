"Shared by all tests: pinned threads, a drawing back end without a window, and small things to test on."

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["AVGEN_THREADS"] = "1"
os.environ["AVGEN_TUNE"] = "off"  # the committed forms: the same on every processor

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch import nn
from torch.nn import functional as F


@pytest.fixture(autouse=True, scope="session")
def _threads():
    "Tests run beside each other: one thread each, so that they neither fight for cores nor differ between machines."
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    "The real data, where AVGEN_REAL_DATA names their folder."
    folder = os.environ.get("AVGEN_REAL_DATA")
    if not folder:
        pytest.skip("AVGEN_REAL_DATA is not set: no real data here")
    return Path(folder)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Make a folder once for all workers of a test run: `once(name, make)` calls `make(folder)`, or finds it made."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own in it

    def once(name: str, make) -> Path:
        folder, made = base / name, base / f"{name}.made"
        with FileLock(base / f"{name}.lock"):
            if not made.exists():
                make(folder)
                made.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def small_orchestra(once) -> Path:
    "The folder of an orchestra of fourteen clips of each instrument."
    from avgen.orchestra.dataset import build

    return once("orchestra", lambda folder: build(folder, train=9, validation=5, seed=0, workers=1))


@pytest.fixture(scope="session")
def toys():
    "A small data set of three instruments."
    from avgen.data.pairs import toy_pairs

    return toy_pairs(n=24)


@pytest.fixture(scope="module")
def browser():
    "A headless Chromium; tests that ask for it are skipped where a machine has none."
    from chrome import launched

    with launched() as browser:
        yield browser


@dataclass(frozen=True)
class TinySettings:
    width: int = 8
    learning_rate: float = 1e-3
    dropout: float = 0.2
    average: float = 0.9
    classifier_steps: int = 6
    adversarial_steps: int = 12
    batch_size: int = 8
    poison: int = -1  # step of the second stage whose loss is not a number
    poison_gradient: int = -1  # step of the second stage in which the gradient of one layer is not a number


def _register_tiny():
    """Register a small system with everything that training must carry over.

    That is batch norm, spectral norm, dropout, attention, averages, a schedule, and a phase every second step.
    """
    from avgen.nets.attention import SelfAttention
    from avgen.systems import Phase, Stage, System, register

    class Encoder(nn.Module):
        def __init__(self, channels, width, classes, dropout):
            super().__init__()
            seen = nn.Conv2d(channels, width, 4, 8), nn.BatchNorm2d(width), nn.ReLU()
            self.stack = nn.Sequential(*seen, SelfAttention(width, form="sagan"), nn.Dropout(dropout))
            self.code, self.head = nn.Linear(width * 64, 64), nn.Linear(64, classes)

        def forward(self, x):
            code = self.code(self.stack(x).flatten(1))
            return self.head(F.relu(code)), code

    @register("tiny")
    class Tiny(System):
        Settings = TinySettings
        PRESETS = {"small": {}, "toy": {}, "plain": {"average": 0.0}}

        def __init__(self, settings, direction, instruments, config=None):
            super().__init__(settings, direction, instruments, config)
            s, target = settings, self.channels["target"]
            norm = nn.utils.parametrizations.spectral_norm
            self.encoder = Encoder(self.channels["source"], s.width, len(self.instruments), s.dropout)
            self.generator = nn.Sequential(
                nn.Linear(72, s.width * 64),
                nn.Unflatten(1, (s.width, 8, 8)),
                nn.BatchNorm2d(s.width),
                nn.ReLU(),
                nn.ConvTranspose2d(s.width, target, 8, 8),
                nn.Tanh(),
            )
            self.discriminator = nn.Sequential(
                norm(nn.Conv2d(target, s.width, 8, 8)),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
                norm(nn.Linear(s.width * 64, 1)),
            )
            self.begun = 0

        def classify(self, batch, context):
            return {"loss": F.cross_entropy(self.encoder(self.source(batch))[0], batch.instrument)}

        def fake(self, batch, context):
            if "fake" not in context.cache:
                with torch.no_grad():
                    code = self.encoder(self.source(batch))[1].float()
                context.cache["fake"] = self.generator(torch.cat([code, context.noise("z", len(batch), 8)], 1))
            return context.cache["fake"]

        def judge(self, batch, context):
            real, fake = self.discriminator(self.target(batch)), self.discriminator(self.fake(batch, context).detach())
            return {
                "loss": F.softplus(-real).mean() + F.softplus(fake).mean(),
                "D(real)": real.detach().mean(),
                "D(fake)": fake.detach().mean(),
            }

        def paint(self, batch, context):
            loss = F.softplus(-self.discriminator(self.fake(batch, context))).mean()
            if context.step == self.settings.poison_gradient:
                self.generator[0].weight.register_hook(lambda gradient: gradient * float("nan"))
            return {"loss": loss * float("nan") if context.step == self.settings.poison else loss}

        def begin(self, pairs, device):
            self.begun += 1

        def stages(self):
            s = self.settings
            first = Phase("C", ("encoder",), self.classify, s.learning_rate)
            d = Phase("D", ("discriminator",), self.judge, s.learning_rate, (0.0, 0.9))
            g = Phase("G", ("generator",), self.paint, s.learning_rate, (0.5, 0.9), every=2)
            classifier = Stage(
                "classifier",
                s.classifier_steps,
                s.batch_size,
                (first,),
                average=("encoder",) if s.average else (),
                decay=s.average,
            )
            adversarial = Stage(
                "adversarial",
                s.adversarial_steps,
                s.batch_size,
                (d, g),
                average=("generator",) if s.average else (),
                decay=s.average,
                mismatched="instrument",
                balanced=True,
                begin=self.begin,
                schedule=lambda f: 1 - f,
            )
            return classifier, adversarial

        @torch.no_grad()
        def generate(self, source, seed=0):
            noise = torch.randn(len(source), 8, generator=torch.Generator().manual_seed(seed)).to(source.device)
            return self.generator(torch.cat([self.encoder(source)[1], noise], 1))

    return Tiny


@pytest.fixture(scope="session")
def tiny():
    "The registered system 'tiny', which training has never heard of."
    return _register_tiny()


@pytest.fixture(scope="session")
def whole(toys, tiny, tmp_path_factory):
    "One run of the tiny system without interruption; tests that change its folder work on a copy."
    from tiny_runs import run_tiny

    return run_tiny(toys, tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(scope="session")
def several(toys, tiny, tmp_path_factory):
    "A folder with several runs, and with things that are none (see `tiny_runs.several_runs`)."
    from tiny_runs import several_runs

    return several_runs(toys, tmp_path_factory.mktemp("logbook") / "runs")
