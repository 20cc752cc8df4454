"The diagnosis of a run: each rule finds what it is for, in plain words, and gives no advice that is followed already."

import pytest
import torch
from small_data import run_config

from avgen.core import InputError
from avgen.show.diagnosis import chance_loss, diagnose, finding, untried
from avgen.runs.film import Film

CONFIG = run_config(
    stages=[{"name": "classifier", "steps": 10}, {"name": "adversarial", "steps": 100}],
    instruments=["a", "b", "c", "d"],
    settings={"loss": "hinge"},
)


def rows(real, fake, wrong, loss, **more):
    return [
        {"step": 50 + i, "D/loss": loss, "D/D(real)": real, "D/D(fake)": fake, "D/D(mismatched)": wrong, **more}
        for i in range(20)
    ]


@pytest.mark.parametrize(("metrics", "level", "words"), [
    (rows(3.0, -4.0, -3.0, 0.05), "trouble", "too strong"),
    (rows(0.01, 0.0, 0.0, 1.99), "watch", "cannot tell"),
    (rows(1.0, -1.0, 0.95, 1.2), "watch", "does not mind whether"),
    (rows(0.8, -0.5, 0.1, 1.3), "good", "in balance"),
    (rows(0.8, -0.5, 0.1, 1.3, **{"gamma/encoder.attention": 0.0001}), "watch", "encoder.attention (1.0e-04)"),
    (rows(0.8, -0.5, 0.1, 1.3, **{"classifier/accuracy": 0.26}), "watch", "names 26% of its training sources"),
    ([*rows(0.8, -0.5, 0.1, 1.3), {"step": 71, "stopped": "stopped: G/loss became nan"}], "trouble", "became nan"),
    (rows(0.8, -0.5, 0.1, 1.3)[:3], "good", "hardly begun"),
    ([], "watch", "No step"),
])  # fmt: skip
def test_diagnosis_in_plain_words(metrics, level, words):
    first = diagnose(metrics, CONFIG)[0]
    assert first["level"] == level and words in first["text"]
    assert level == "good" or not metrics or first["advice"].endswith(".") or "kept" in first["advice"]


def test_collapse_is_seen_in_the_samples():
    real = torch.rand(8, 3, 64, 64) * 2 - 1
    balanced = rows(0.8, -0.5, 0.1, 1.3)

    def film(made):
        return Film([90], [made], real[:, :1], real, ["a"] * 8)

    alike = film(real[:1] + 0.01 * torch.randn(8, 3, 64, 64))
    assert "Collapse" in diagnose(balanced, CONFIG, alike)[0]["text"]
    assert diagnose(balanced, CONFIG, film(real.flip(0)))[0]["level"] == "good"


def test_one_picture_an_instrument_is_collapse():
    "Which the fixed samples, of different instruments, cannot show."
    balanced = rows(0.8, -0.5, 0.1, 1.3)
    row = dict(balanced[-1])
    for columns, level, word in (
        ({"samples/spread": 0.2, "samples/noise_moves": 0.1}, "trouble", "of one instrument"),
        ({"samples/I2S/spread": 0.9, "samples/I2S/noise_moves": 0.01}, "watch", "noise is hardly used"),
        ({"samples/spread": 0.9, "samples/noise_moves": 0.5}, "good", "in balance"),
    ):
        first = diagnose([*balanced, {**row, **columns}], CONFIG)[0]
        assert first["level"] == level and word in first["text"]


def test_advice_leaves_out_what_the_run_has():
    assert untried({"augment": True}, ("augment=True", "augment", True)) == ""
    assert chance_loss({"loss": "hinge"}) == pytest.approx(2.0) and chance_loss({}) == pytest.approx(2.0)


def test_an_unknown_level_is_refused():
    with pytest.raises(InputError, match="level"):
        finding("bad", "something")
