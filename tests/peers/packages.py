"""Two packages from the registry, each installed into a folder of its own and driven through its own networks.

Neither runs as it is: torch-mimicry imports TensorFlow for its measures and has no SAGAN of 64 x 64; lightweight-gan
refuses to be imported without a GPU. What is done about it is said in each function.
"""

import importlib
import subprocess
import sys
import types
from pathlib import Path
from unittest import mock

import torch
from plain import Contestant, Deck, count, painted

NEEDS = {  # package -> what is installed beside it, none of it with its dependencies: torch is ours, without CUDA
    "torch-mimicry": [],
    "lightweight-gan": ["einops"],
}


class NotHere(Exception):
    """A package that cannot be had here, and why."""


def installed(package: str, folder: Path, constraints: Path) -> Path:
    """Install a package into `folder`/package, where it is not there yet, and put that on the path. Raises NotHere."""
    place = folder / package
    if not (place / "installed").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place)]
        command += ["--upgrade", "-c", str(constraints), package, *NEEDS[package]]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise NotHere((done.stderr.strip().splitlines() or ["pip failed"])[-1][:200])
        (place / "installed").touch()
    sys.path.append(str(place))  # behind ours
    return place


def _bare_packages(place: Path, *names: str) -> None:
    "Let modules of these packages be imported without what each __init__ imports."
    for name in names:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(place / name.replace(".", "/"))]


def mimicry_sagan(pairs, place: Path, batch: int = 64, width: int = 256) -> Contestant:
    """SAGAN of torch-mimicry, class-conditional, with its own blocks, losses and training steps.

    The package has it for 32 and 128; this one is its 128 with one block less in each network, and the widths of its
    32 (256 and 128). Its `__init__`, which needs TensorFlow, is passed over.
    """
    parts = ("", ".nets", ".nets.sagan", ".nets.gan", ".nets.basemodel")
    _bare_packages(place, *(f"torch_mimicry{part}" for part in parts))
    large = importlib.import_module("torch_mimicry.nets.sagan.sagan_128")

    class Generator(large.SAGANGenerator128):
        def __init__(self, **sizes):
            super().__init__(**sizes)
            half = self.ngf >> 1
            self.block3 = large.GBlock(self.ngf, half, upsample=True, num_classes=self.num_classes, spectral_norm=True)
            self.attn_block = large.SelfAttention(self.ngf >> 2, spectral_norm=True)
            self.block6 = torch.nn.Identity()
            self.b7 = torch.nn.BatchNorm2d(self.ngf >> 3)
            self.c7 = large.SNConv2d(self.ngf >> 3, 3, 3, 1, padding=1)

        def forward(self, x, y=None):
            if y is None:
                y = torch.randint(self.num_classes, (len(x),))
            h = self.l1(x).view(len(x), -1, self.bottom_width, self.bottom_width)
            for block in (self.block2, self.block3):
                h = block(h, y)
            h = self.block5(self.attn_block(self.block4(h, y)), y)
            return torch.tanh(self.c7(self.activation(self.b7(h))))

    class Discriminator(large.SAGANDiscriminator128):
        def __init__(self, **sizes):
            super().__init__(**sizes)
            self.block1 = large.DBlockOptimized(3, self.ndf >> 3)
            self.block2 = torch.nn.Identity()

    classes, deck = len(pairs.instruments), Deck(pairs.all_train)
    g, d = Generator(num_classes=classes, ngf=width), Discriminator(num_classes=classes, ndf=width >> 1)
    opt_g = torch.optim.Adam(g.parameters(), 1e-4, betas=(0.0, 0.9))
    opt_d = torch.optim.Adam(d.parameters(), 4e-4, betas=(0.0, 0.9))

    def step():
        real = deck.deal(batch)
        d.train_step(real_batch=real, netG=g, optD=opt_d, log_data=mock.Mock(), device="cpu")
        g.train_step(real_batch=real, netD=d, optG=opt_g, log_data=mock.Mock(), device="cpu")
        return batch

    paint = lambda pairset: painted(g, pairset.instrument, 128)  # noqa: E731
    return Contestant(step, paint, "class", count(g, d), f"0.1.16, batch {batch}, width {width}, hinge, TTUR")


def lightweight(pairs, place: Path, batch: int = 10, pieces: int = 4) -> Contestant:
    """Lightweight GAN with its networks, losses, and augmentation, unconditional, as its trainer has them.

    Its trainer calls `.cuda()`, so its loop is repeated here without that, with the defaults of its command
    (augmentation by its own rule for a data set of this size, a gradient penalty in every fourth step). It averages
    weights only after 20,000 steps, which nobody gets to here. While it is imported a GPU is feigned, and what it
    needs for files, for a blur that is off and for another optimiser is stood in for (it would have to fit our torch).
    """
    absent = {name: mock.MagicMock() for name in ("torchvision", "kornia", "kornia.filters", "adabelief_pytorch")}
    with mock.patch("torch.cuda.is_available", lambda: True), mock.patch.dict(sys.modules, absent):
        theirs = importlib.import_module("lightweight_gan.lightweight_gan")
    theirs.Blur = torch.nn.Identity  # as its trainer does unless `antialias` is set
    deck, sizes = Deck(pairs.all_train), dict(image_size=64, attn_res_layers=[32])
    g, d = theirs.Generator(latent_dim=256, **sizes), theirs.Discriminator(disc_output_size=1, **sizes)
    seen = theirs.AugWrapper(d, 64)
    for module in [*g.modules(), *d.modules()]:
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight, a=0, mode="fan_in", nonlinearity="leaky_relu")
    opt_g, opt_d = (torch.optim.Adam(n.parameters(), 2e-4, betas=(0.5, 0.9)) for n in (g, d))
    how, steps = (
        dict(prob=min(0.5, (1e5 - len(pairs.all_train)) * 3e-6), types=["translation", "cutout"]),
        iter(range(10**9)),
    )

    def step():
        number = next(steps)
        penalised = number % 4 == 0
        opt_d.zero_grad()
        for _ in range(pieces):
            with torch.no_grad():
                fake = g(torch.randn(batch, 256))
            real = deck.deal(batch)[0].add(1).div(2).requires_grad_(penalised)  # theirs are in [0, 1]
            options = dict(detach=True, input_requires_grad=penalised, return_discr_input=True)
            fake, (false, false_32, _) = seen(fake, **options, **how)
            true, true_32, auxiliary = seen(real, calc_aux_loss=True, **how)
            loss = theirs.hinge_loss(true, false) + theirs.hinge_loss(true_32, false_32) + auxiliary
            if penalised:
                slopes = [
                    torch.autograd.grad(sum(t.sum() for t in out), x, create_graph=True)[0].flatten(1)
                    for out, x in (((true, true_32), real), ((false, false_32), fake))
                ]
                loss = loss + 10 * torch.cat(slopes).norm(2, dim=1).square().mean()
            (loss / pieces).backward()
        opt_d.step()
        opt_g.zero_grad()
        for _ in range(pieces):
            false, false_32, _ = seen(g(torch.randn(batch, 256)), **how)
            ((theirs.gen_hinge_loss(false, None) + theirs.gen_hinge_loss(false_32, None)) / pieces).backward()
        opt_g.step()
        return batch * pieces

    class Unconditional(torch.nn.Module):
        def forward(self, z, y):
            return g.eval()(z).clamp(0, 1) * 2 - 1

    def paint(pairset):
        made = painted(Unconditional(), pairset.instrument, 256)
        g.train()
        return made

    return Contestant(step, paint, "nothing", count(g, d), f"1.2.1, batch {batch} x {pieces}, attention at 32")
