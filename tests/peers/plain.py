"""Two GANs written from their papers, as plainly as they can be: DCGAN and R3GAN, both told the class.

Each function returns a `Contestant`. Pictures are (B, 3, 64, 64) in [-1, 1].
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Contestant:
    """What takes part: one function that trains a step, one that paints, and what is known about it."""

    step: Callable  # function() -> how many real pictures it has looked at
    paint: Callable  # function(pair set) -> (N, 3, 64, 64), one for each pair
    told: str  # what it is told: "class", "sound" or "nothing"
    parameters: int
    note: str = ""


class Deck:
    """Deals batches of real pictures and classes, each epoch in another order."""

    def __init__(self, pairset, seed: int = 0):
        self.pairs, self.order = pairset, []
        self.generator = torch.Generator().manual_seed(seed)

    def deal(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return n pictures (n, 3, 64, 64) in [-1, 1] and their classes (n,)."""
        while len(self.order) < n:
            self.order += torch.randperm(len(self.pairs), generator=self.generator).tolist()
        index, self.order = torch.tensor(self.order[:n]), self.order[n:]
        return self.pairs.tensors(index)[0], self.pairs.instrument[index]


def count(*networks) -> int:
    """Count the parameters of some networks."""
    return sum(p.numel() for network in networks for p in network.parameters())


@torch.no_grad()
def painted(generator, labels, noise_size: int, **how) -> torch.Tensor:
    """Paint one picture for each label, from noise that follows from nothing else; 50 at a time."""
    noise = torch.randn(len(labels), noise_size, generator=torch.Generator().manual_seed(0))
    was = generator.training
    generator.train(how.get("training", False))
    made = torch.cat([generator(z, y) for z, y in zip(noise.split(50), labels.split(50))])
    generator.train(was)
    return made.clamp(-1, 1)


# --- DCGAN: Radford, Metz and Chintala 2016; the class as in Mirza and Osindero 2014


def _small_weights(module):
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


class DCGenerator(nn.Module):
    """Noise and class to a picture, by five transposed convolutions with batch normalisation."""

    def __init__(self, classes: int, noise: int = 100, width: int = 64):
        super().__init__()
        self.classes, sizes = classes, [noise + classes, 8 * width, 4 * width, 2 * width, width]
        layers = []
        for number, (a, b) in enumerate(zip(sizes, sizes[1:])):
            stride, padding = (2, 1) if number else (1, 0)
            layers += [nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False), nn.BatchNorm2d(b), nn.ReLU(True)]
        self.stack = nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())
        self.apply(_small_weights)

    def forward(self, z, y):
        """Return (B, 3, 64, 64) from noise (B, noise) and classes (B,)."""
        return self.stack(torch.cat([z, F.one_hot(y, self.classes).float()], 1)[:, :, None, None])


class DCDiscriminator(nn.Module):
    """A picture, and its class as constant planes, to one score, by five strided convolutions."""

    def __init__(self, classes: int, width: int = 64):
        super().__init__()
        self.classes, sizes = classes, [3 + classes, width, 2 * width, 4 * width, 8 * width]
        layers = []
        for number, (a, b) in enumerate(zip(sizes, sizes[1:])):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(b)] * bool(number) + [nn.LeakyReLU(0.2, True)]
        self.stack = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, bias=False))
        self.apply(_small_weights)

    def forward(self, x, y):
        """Return a score (B,) of pictures and classes."""
        planes = F.one_hot(y, self.classes).float()[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.stack(torch.cat([x, planes], 1)).flatten()


def dcgan(pairs, batch: int = 64, rate: float = 2e-4) -> Contestant:
    """DCGAN with the paper's Adam (2e-4, beta1 0.5) and widths."""
    deck, classes = Deck(pairs.all_train), len(pairs.instruments)
    g, d = DCGenerator(classes), DCDiscriminator(classes)
    opt_g, opt_d = (torch.optim.Adam(n.parameters(), rate, betas=(0.5, 0.999)) for n in (g, d))

    def step():
        real, y = deck.deal(batch)
        fake = g(torch.randn(batch, 100), y)
        opt_d.zero_grad()
        (F.softplus(-d(real, y)).mean() + F.softplus(d(fake.detach(), y)).mean()).backward()
        opt_d.step()
        opt_g.zero_grad()
        F.softplus(-d(fake, y)).mean().backward()
        opt_g.step()
        return batch

    paint = lambda pairset: painted(g, pairset.instrument, 100)  # noqa: E731
    return Contestant(step, paint, "class", count(g, d), f"batch {batch}, width 64, Adam 2e-4")


# --- R3GAN: Huang, Gokaslan, Kuleshov and Tompkin 2024


class R3Block(nn.Module):
    """Two pointwise convolutions around a grouped 3 x 3 one, no normalisation, and the input added (Fix-up start)."""

    def __init__(self, channels: int, blocks: int, group: int = 16, wider: int = 2):
        super().__init__()
        inner = wider * channels
        self.into = nn.Conv2d(channels, inner, 1)
        self.grouped = nn.Conv2d(inner, inner, 3, padding=1, groups=max(1, inner // group))
        self.out = nn.Conv2d(inner, channels, 1, bias=False)
        for conv in (self.into, self.grouped):
            nn.init.kaiming_normal_(conv.weight, a=0.2)
            conv.weight.data *= blocks**-0.25
            nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.out.weight)

    def forward(self, x):
        """Return x and what the block adds to it."""
        return x + self.out(F.leaky_relu(self.grouped(F.leaky_relu(self.into(x), 0.2)), 0.2))


class R3Generator(nn.Module):
    """Noise and class to a picture, from a learned 4 x 4 start, two blocks at each size."""

    def __init__(self, classes: int, noise: int, widths: list[int]):
        super().__init__()
        self.embed, self.start = nn.Linear(classes, noise), nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.scale, self.classes = nn.Linear(2 * noise, widths[0], bias=False), classes
        stages, blocks = [], 2 * len(widths)
        for a, b in zip([widths[0], *widths], widths):
            change = [nn.Conv2d(a, b, 1, bias=False)] if a != b else []
            larger = [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)] if stages else []
            stages += [nn.Sequential(*change, *larger, R3Block(b, blocks), R3Block(b, blocks))]
        self.stages, self.picture = nn.Sequential(*stages), nn.Conv2d(widths[-1], 3, 1)

    def forward(self, z, y):
        """Return (B, 3, 64, 64) from noise (B, noise) and classes (B,)."""
        w = torch.cat([z, self.embed(F.one_hot(y, self.classes).float())], 1)
        return self.picture(self.stages(self.start * self.scale(w)[:, :, None, None]))


class R3Discriminator(nn.Module):
    """A picture to features, and their product with the embedding of the class."""

    def __init__(self, classes: int, widths: list[int], size: int = 128):
        super().__init__()
        self.classes, blocks, widths = classes, 2 * len(widths), widths[::-1]
        self.picture, stages = nn.Conv2d(3, widths[0], 1), []
        for number, (a, b) in enumerate(zip(widths, [*widths[1:], widths[-1]])):
            smaller = [nn.AvgPool2d(2)] if number + 1 < len(widths) else []
            change = [nn.Conv2d(a, b, 1, bias=False)] if a != b else []
            stages += [nn.Sequential(R3Block(a, blocks), R3Block(a, blocks), *smaller, *change)]
        self.stages = nn.Sequential(*stages)
        self.last = nn.Sequential(nn.Conv2d(widths[-1], widths[-1], 4, groups=widths[-1]), nn.Flatten())
        self.features, self.embed = nn.Linear(widths[-1], size), nn.Linear(classes, size)

    def forward(self, x, y):
        """Return a score (B,) of pictures and classes."""
        f, e = self.features(self.last(self.stages(self.picture(x)))), self.embed(F.one_hot(y, self.classes).float())
        return (f * e).sum(1) / f.shape[1] ** 0.5


def r3gan(pairs, batch: int = 32, rate: float = 2e-4, gamma: float = 2.0, decay: float = 0.995) -> Contestant:
    """R3GAN: a relativistic loss, gradient penalties on real and painted pictures, averaged weights.

    Its widths are an eighth of those that the paper trains on eight GPUs.
    """
    deck, classes, widths = Deck(pairs.all_train), len(pairs.instruments), [128, 128, 64, 32, 16]
    g, d = R3Generator(classes, 64, widths), R3Discriminator(classes, widths)
    averaged = copy.deepcopy(g)
    opt_g, opt_d = (torch.optim.Adam(n.parameters(), rate, betas=(0.0, 0.99)) for n in (g, d))

    def step():
        real, y = deck.deal(batch)
        fake = g(torch.randn(batch, 64), y)
        seen, made = real.requires_grad_(), fake.detach().requires_grad_()
        true, false = d(seen, y), d(made, y)
        slopes = torch.autograd.grad(true.sum() + false.sum(), (seen, made), create_graph=True)
        penalty = sum(s.square().sum((1, 2, 3)).mean() for s in slopes)
        opt_d.zero_grad()
        (F.softplus(false - true).mean() + gamma / 2 * penalty).backward()
        opt_d.step()
        opt_g.zero_grad()
        F.softplus(d(real.detach(), y) - d(fake, y)).mean().backward()
        opt_g.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(averaged.parameters()), list(g.parameters()), 1 - decay)
        return batch

    paint = lambda pairset: painted(averaged, pairset.instrument, 64)  # noqa: E731
    return Contestant(
        step, paint, "class", count(g, d), f"batch {batch}, widths {widths}, gamma {gamma:g}, EMA {decay}"
    )
