"Contract of avgen.systems.cmav: the published layers, dropout and L2, what each variant leaves out."

import pytest
import torch

from avgen.nets.discriminators import Discriminator
from avgen.nets.encoders import layer_table
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.systems import StepContext, build_system, settings_of
from avgen.systems.cmav import CMAVEncoder, CMAVSettings


@pytest.mark.parametrize("channels, shapes, weights", [
    (1, ["4x64x64", "8x64x64", "16x64x64", "16x64x64"], [40, 296, 1168, 2320]),
    (
        3,
        ["16x64x64", "16x64x64", "32x32x32", "32x32x32", "64x32x32", "64x32x32"],
        [448, 2320, 4640, 9248, 18496, 36928],
    ),
])  # fmt: skip
def test_the_layers_are_the_published_ones(channels, shapes, weights):
    "CMAV's figures: 3 x 3 convolutions, then 1024, 128, 13 and 64. Built where weights take no memory."
    with torch.device("meta"):
        table = layer_table(CMAVEncoder(channels, 13), torch.zeros(1, channels, 64, 64))
    n = len(shapes)
    assert [(s, w) for _, s, w in table[:n]] == list(zip(shapes, weights))
    flat = {1: 16 * 64 * 64, 3: 64 * 16 * 16}[channels]
    assert [(s, w) for _, s, w in table[n:]] == [
        ("1024", flat * 1024 + 1024),
        ("128", 1024 * 128 + 128),
        ("13", 128 * 13 + 13),
        ("64", 128 * 64 + 64),
    ]


@pytest.mark.parametrize("end", ["drawn", "mixed"])
def test_the_discriminator_ends_as_published(end):
    "512 x 4 x 4, with the code 576 x 4 x 4, then 1 x 4 x 4, then a scalar; 'mixed' has 512 maps in between."
    with torch.device("meta"):
        table = {
            n: (s, w)
            for n, s, w in layer_table(
                Discriminator(3, 64, attention=None, spectral_norm=False, score_map=end),
                torch.zeros(1, 3, 64, 64),
                torch.zeros(1, 64),
            )
        }
    assert (
        table["stack.layers.grid4.0"] == ("512x4x4", 16 * 256 * 512)
        and table["hidden.0"] == (("1x4x4", 577) if end == "drawn" else ("512x4x4", 576 * 512))
        and (end == "drawn" or table["hidden.3"] == ("1x4x4", 513))
        and table["score"] == ("1", 17)
    )


def test_the_published_settings():
    s = settings_of("cmav-s2i-c", "paper")
    assert s == CMAVSettings() and (s.code_size, s.noise_size, s.loss, s.mismatched, s.hidden, s.encoder_width) == (
        64,
        10,
        "bce",
        "instrument",
        1024,
        16,
    )
    assert settings_of("cmav-s2i-n", "paper").mismatched is None and settings_of(
        "cmav-s2i-a", "paper"
    ) == s == settings_of("cmav-i2s", "paper")


def test_dropout_only_while_it_learns():
    encoder, x = CMAVEncoder(1, 3, hidden=32, pool=True, dropout=(0.5, 0.5)), torch.randn(4, 1, 64, 64)
    assert not torch.equal(encoder(x)[0], encoder(x)[0])
    encoder.eval()
    assert torch.equal(encoder(x)[0], encoder(x)[0])


def test_l2_counts_linear_layers_only():
    encoder = CMAVEncoder(1, 3, hidden=8, pool=True)
    encoder.penalty().backward()
    assert all((p.grad is not None) == (p.ndim == 2) for p in encoder.parameters())


def test_what_the_variants_leave_out():
    pairs = toy_pairs()

    def of(name):
        return build_system(name, "S2I", pairs.instruments, preset="toy")

    assert of("cmav-s2i-n").stages()[1].mismatched is None and of("cmav-s2i-c").stages()[1].mismatched == "instrument"
    a = of("cmav-s2i-a")
    assert (
        a.encoder.classifier is None
        and a.encoder.code_classifier is None
        and [s.name for s in a.stages()] == ["autoencoder", "adversarial"]
    )
    stage = a.eval().stages()[0]  # without dropout
    assert set(stage.phases[0].modules) == {"encoder", "decoder"}
    batch, context = Batches(pairs.train, 8, None).at(0), StepContext(0, stage.name, 0, torch.device("cpu"))
    found = stage.phases[0].loss(batch, context)
    batch.instrument = batch.instrument * 0  # an autoencoder does not know the names
    assert torch.equal(
        found["error"], stage.phases[0].loss(batch, StepContext(0, stage.name, 0, torch.device("cpu")))["error"]
    )
