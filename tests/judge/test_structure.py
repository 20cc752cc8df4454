"""Contract of avgen.judge.structure: hand-made attention gets the score it deserves; the impossible is refused."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.judge.questions import SHARE_TITLES, read_notes, resolved_partials
from avgen.judge.questions import RIVAL_TITLES, untrained_copy
from avgen.judge.structure import StructureReport, difference_with_interval, study_attention
from avgen.nets.attention import SelfAttention
from avgen.nets.encoders import Encoder
from avgen.signal.spectrogram import SpectrogramConfig
from torch import nn


class Listener(nn.Module):
    "Attention on 32 x 32 by a function of the clip; the classifier hears one region only."

    def __init__(self, pairs, look, region=None):
        super().__init__()
        self.attention, self.look = SelfAttention(1), look
        del self.attention.project
        self.attention.project = self.project
        self.attention.gamma.data.fill_(0.3)
        self.sounds = F.adaptive_avg_pool2d(torch.from_numpy(pairs.sounds).float(), 32)
        self.instrument, self.region = pairs.instrument, torch.zeros(32, 32) if region is None else region
        rows = [
            list(resolved_partials(read_notes(text)[0].hertz, pairs.config, 32).values())
            for text in pairs.factors["notes"]
        ]
        self.partials = torch.stack([F.pad(torch.eye(32)[r].sum(0)[:, None].expand(32, 30), (2, 0)) for r in rows])[
            :, None
        ]

    def clip(self, x):
        return (x.flatten(1)[:, None] - self.sounds.flatten(1)).abs().median(2).values.argmin(1)

    def project(self, x):
        q, k = self.look(self, x)
        return q, k, x

    def forward(self, sound):
        x = F.adaptive_avg_pool2d(sound, 32)
        out, clips = self.attention(x), self.clip(x)
        heard = ((x - self.sounds[clips]) * self.region).sum((1, 2, 3))  # 0 while the region is intact
        return F.one_hot(self.instrument[clips], 3) * (4 + 0.2 * heard[:, None]), out.flatten(1)


def harmonics(net, x):
    return (net.partials[net.clip(x)] * 2.5,) * 2


def energy(net, x):
    return torch.ones_like(x), 4 * x


def nothing(net, x):
    return torch.zeros_like(x), torch.zeros_like(x)


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=12, instruments=("clarinet", "flute", "violin"), seed=1).train


@pytest.fixture(scope="module")
def reports(pairs):
    return {
        look.__name__: study_attention(Listener(pairs, look), pairs, clips=16, untrained=1, queries=16)
        for look in (harmonics, energy, nothing)
    }


def test_attention_to_harmonics_scores_above_every_rival(reports):
    for name in SHARE_TITLES:
        m = reports["harmonics"].measures[name]
        assert all(m[rival]["difference"]["low"] > 0 for rival in RIVAL_TITLES if rival != "untrained")
        assert m["attention"]["value"] > 4 * m["uniform"]["share"]["value"]


def test_attention_to_energy_equals_the_energy_rival(reports):
    for name in SHARE_TITLES:
        m = reports["energy"].measures[name]
        assert m["attention"]["value"] == pytest.approx(m["energy"]["share"]["value"], abs=1e-4)
        assert m["attention"]["value"] == pytest.approx(m["equally_loud"]["share"]["value"], rel=0.15)
        assert m["uniform"]["difference"]["low"] > 0  # it does look more at partials than chance: they are loud


def test_uniform_attention_equals_the_uniform_rival(reports):
    report = reports["nothing"]
    assert report.entropy == pytest.approx(1, abs=1e-5)
    for m in report.measures.values():
        for rival in ("uniform", "energy", "equally_loud", "shifted"):
            assert m[rival]["share"]["value"] == pytest.approx(m["attention"]["value"], abs=1e-4)


def test_occlusion_tells_whether_the_classifier_uses_what_is_attended(pairs):
    where = torch.zeros(32, 32)
    where[20:26, 4:14] = 1

    def look(net, x):
        return torch.ones_like(x), 6 * where.expand_as(x)

    used = study_attention(Listener(pairs, look, region=where), pairs, clips=12, untrained=1, queries=4).occlusion
    elsewhere = study_attention(
        Listener(pairs, look, region=where.flip(1)), pairs, clips=12, untrained=1, queries=4
    ).occlusion
    assert used["difference"]["low"] > 0 > elsewhere["difference"]["value"] - 1e-6
    assert (
        used["attended"]["probability"]["value"]
        < used["random"]["probability"]["value"]
        <= used["intact"]["probability"]["value"] + 1e-9
    )
    assert used["intact"]["accuracy"]["value"] == 1 and used["without_attention"]["accuracy"]["value"] == 1


def test_report_is_data_and_draws_itself(reports):
    report = reports["harmonics"]
    again = StructureReport.from_json(report.to_json())
    assert again.to_json() == report.to_json() and again.key_grid == (32, 32)
    assert report.asked <= report.clips and sum(report.by_instrument.values()) == report.asked and report.takes > 3
    assert report.gamma == pytest.approx(0.3) and report.effect > 0
    text = repr(report)
    assert all(title in text for title in SHARE_TITLES.values()) and "gamma +0.300" in text
    assert report._still_()[:4] == b"\x89PNG"


def test_same_seed_same_numbers(pairs, reports):
    again = study_attention(Listener(pairs, harmonics), pairs, clips=16, untrained=1, queries=16)
    assert again.to_json() == reports["harmonics"].to_json()


@pytest.mark.parametrize("form", ["sa-cmgan", "sagan"])
def test_a_real_encoder_is_left_as_it_was(pairs, form):
    torch.manual_seed(0)
    encoder = Encoder(1, n_classes=3, width=4, form=form).train()
    encoder.stack.layers.attention.gamma.data.fill_(0.2)
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    high = pairs.subset(sorted(range(len(pairs)), key=lambda i: -pairs.factors["f0_hz"][i])[:8])
    report = study_attention(encoder, high, clips=8, untrained=2)
    assert report.key_grid == ((16, 16) if form == "sagan" else (32, 32)) and report.layer == "stack.layers.attention"
    assert encoder.training and all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())
    assert not any(m._recorders or m._muted for m in encoder.modules() if isinstance(m, SelfAttention))
    fresh = untrained_copy(encoder, report.layer, high.tensors()[1], seed=1)
    changed = {k for k, v in fresh.state_dict().items() if not torch.equal(v, before[k])}
    assert changed and all(k.startswith(report.layer) for k in changed) and not any(m.training for m in fresh.modules())


def test_difference_with_interval():
    d = difference_with_interval([0.5, 0.6, 0.4, 0.5], [0.1, 0.3, 0.2, 0.2], [0, 0, 1, 2])
    assert d["value"] == pytest.approx(0.3) and 0 < d["low"] < 0.3 < d["high"] < 0.5


def test_questions_that_cannot_be_put_are_refused(pairs):
    encoder = Listener(pairs, nothing)
    for broken, words in (
        (replace(pairs, factors={}), "notes"),
        (replace(pairs, factors={"notes": ["0-0.5:55"] * len(pairs)}), "resolves"),
    ):
        with pytest.raises(InputError, match=words):
            study_attention(encoder, broken, clips=4, untrained=1)
    with pytest.raises(InputError, match="no SelfAttention"):
        study_attention(nn.Linear(1, 1), pairs)
    with pytest.raises(InputError, match="layer"):
        study_attention(encoder, pairs, layer="elsewhere")
    with pytest.raises(InputError, match="clips"):
        study_attention(encoder, pairs, clips=0)
    encoder.direction = "I2S"
    with pytest.raises(InputError, match="I2S"):
        study_attention(encoder, pairs)
    encoder.direction, encoder.config = "S2I", SpectrogramConfig(f_max=7000.0)
    with pytest.raises(InputError, match="f_max"):
        study_attention(encoder, pairs)
