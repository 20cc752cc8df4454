"""Contract of avgen.tuning: equal forms, off means committed, a run keeps what it began with wherever it goes on."""

import dataclasses
import json

import pytest
import torch
from tiny_runs import final, interrupt_at, run_tiny, same

from avgen import tuning
from avgen.core import InputError
from avgen.nets.attention import PROJECTION
from avgen.nets.attention_kernels import ATTENTION, attend_fused
from avgen.nets.grid_transformer import GRID_CONVOLUTION
from avgen.runs.config import RunConfig
from avgen.runs.run import Run
from avgen.signal.spectrogram import MEL_POWER, LogMel
from avgen.training.position import LAYOUT
from avgen.training.runner import resume
from avgen.tuning import Measurement, Operation, kept_measurement, measure_forms, tuned, tuning_on

pytestmark = pytest.mark.usefixtures("tiny")


def random(*shape, dtype=torch.float32):
    numbers = torch.randn(*shape, generator=torch.Generator().manual_seed(0)) / 2
    return numbers.to(dtype).requires_grad_()


def attention(dtype):
    return random(2, 96, 8, dtype=dtype), random(2, 40, 8, dtype=dtype), random(2, 40, 16, dtype=dtype)


def waveform():
    return 0.1 * torch.randn(3, 22050, generator=torch.Generator().manual_seed(0))


CASES = [
    pytest.param(ATTENTION, "fused", lambda: attention(torch.float32), id="attention"),
    pytest.param(ATTENTION, "in pieces", lambda: attention(torch.bfloat16), id="attention in bfloat16"),
    pytest.param(PROJECTION, "convolution", lambda: (random(2, 8, 9, 7), random(12, 8, 1, 1)), id="1 x 1"),
    pytest.param(PROJECTION, "convolution", lambda: (random(2, 8, 9, 7), random(12, 8, 4, 4)), id="4 x 4"),
    pytest.param(GRID_CONVOLUTION, "direct", lambda: (random(2, 6, 5, 4), random(6, 54)), id="grid"),
    pytest.param(LAYOUT, "channels last", lambda: (random(2, 6, 9, 9), random(4, 6, 4, 4)), id="layout"),
    pytest.param(MEL_POWER, "two squares", lambda: (waveform(), LogMel(), 2048, 512, 128), id="log-mel"),
]


@pytest.mark.parametrize("operation, committed, inputs", CASES)
def test_all_forms_agree_with_their_gradients(operation, committed, inputs):
    found = measure_forms(operation, committed, inputs(), seconds=0)
    assert found.errors.keys() == found.seconds.keys() == operation.forms.keys()  # none failed, none was too far off


@pytest.fixture
def doubling():
    operation = Operation("doubling", least=1)
    operation.form("sum")(lambda x: x + x)
    operation.form("product")(lambda x: 2 * x)
    return operation


def test_a_form_that_differs_or_fails_is_never_chosen(doubling):
    doubling.form("wrong")(lambda x: x)
    doubling.form("broken")(lambda x: x @ x)
    doubling.form("nothing")(lambda x: x * float("nan"))
    assert measure_forms(doubling, "sum", (torch.ones(3, 5),), seconds=0).seconds.keys() == {"sum", "product"}


@pytest.mark.parametrize("other, expected", [(0.5, "product"), (0.95, "sum"), (1.5, "sum")])
def test_another_form_must_be_clearly_quicker(doubling, monkeypatch, other, expected):
    monkeypatch.setattr(tuning, "_take_turns", lambda calls, seconds: ({"sum": 1.0, "product": other}, "wall"))
    assert measure_forms(doubling, "sum", (torch.ones(3),)).chosen == expected


def test_on_a_busy_machine_the_processor_s_time_counts(doubling, monkeypatch):
    walls, own = iter(range(10**6)), iter(x / 10 for x in range(10**6))
    monkeypatch.setattr(tuning.time, "perf_counter", lambda: next(walls))
    monkeypatch.setattr(tuning.time, "process_time", lambda: next(own))
    assert measure_forms(doubling, "sum", (torch.ones(3),), seconds=1).clock == "processor"


def test_off_is_off(doubling, monkeypatch):
    monkeypatch.setenv("AVGEN_TUNE", "off")
    monkeypatch.setattr(tuning, "kept_measurement", None)  # would fail when called
    with tuned({}) as forms:
        doubling.run("sum", torch.ones(3))
    assert forms == {} and not tuning_on()
    monkeypatch.setenv("AVGEN_TUNE", "perhaps")
    with pytest.raises(InputError, match="AVGEN_TUNE.*'perhaps'"):
        tuning_on()


def test_small_inputs_run_as_committed(doubling, monkeypatch):
    monkeypatch.setattr(tuning, "kept_measurement", None)
    doubling.least = 100
    with tuned({}, measure=True) as forms:
        doubling.run("sum", torch.ones(99))
    assert forms == {}


def test_measured_once_for_a_machine_and_a_shape(doubling, tmp_path, monkeypatch):
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path))
    first = kept_measurement(doubling, "sum", (torch.ones(3),), seconds=0)
    monkeypatch.setattr(tuning, "measure_forms", lambda *_: pytest.fail("measured again"))
    assert kept_measurement(doubling, "sum", (torch.ones(3),)) == first
    monkeypatch.undo()
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(tuning, "hardware", lambda _: "another processor")
    kept_measurement(doubling, "sum", (torch.ones(3),), seconds=0)
    kept_measurement(doubling, "sum", (torch.ones(4),), seconds=0)
    kept_measurement(doubling, "sum", (torch.ones(3, requires_grad=True),), seconds=0)
    assert len(list((tmp_path / "tuning").iterdir())) == 4


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(doubling, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVGEN_CACHE", str(tmp_path / "file"))
    assert kept_measurement(doubling, "sum", (torch.ones(3),), seconds=0).chosen in doubling.forms


def test_attention_runs_in_the_form_that_was_chosen():
    q, k, v = (t.detach() for t in (random(40, 300, 8), random(40, 200, 8), random(40, 200, 4)))
    key = ATTENTION.key((q, k, v))
    with tuned({key: "written out"}, measure=False):
        chosen = attend_fused(q, k, v)
    assert torch.equal(chosen, ATTENTION.forms["written out"](q, k, v))
    assert torch.equal(attend_fused(q, k, v), ATTENTION.forms["fused"](q, k, v))


@pytest.fixture
def choosing(monkeypatch, tmp_path):
    "Every operation is tuned, whatever its size, and the last of its forms wins."

    def chosen(operation, committed, inputs, seconds=0):
        form = list(operation.forms)[-1]
        return Measurement(operation.key(inputs), committed, form, {}, {}, "wall", {})

    monkeypatch.setenv("AVGEN_TUNE", "on")
    monkeypatch.setattr(tuning, "kept_measurement", chosen)
    monkeypatch.setattr(PROJECTION, "least", 1)
    return monkeypatch


def test_a_run_keeps_its_forms_and_goes_on_exactly_elsewhere(choosing, toys, tmp_path, caplog):
    whole = run_tiny(toys, tmp_path / "whole")
    assert set(whole.config.forms.values()) == {"one product"}
    interrupt_at(choosing, 8)
    run_tiny(toys, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert set(config["forms"].values()) == {"one product"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"hardware": "another processor"}))
    choosing.setenv("AVGEN_TUNE", "off")  # there, nobody measures
    again = resume(tmp_path / "run", toys, quiet=True)
    same(final(whole), final(again))
    said = [record.message for record in caplog.records if "tuned on another processor" in record.message]
    assert len(said) == 1 and "projection: one product" in said[0]


def test_an_untuned_run_has_no_forms_and_stays_so(choosing, toys, tmp_path):
    choosing.setenv("AVGEN_TUNE", "off")
    whole = run_tiny(toys, tmp_path / "whole")
    assert whole.config.forms is None and "forms" not in json.loads((tmp_path / "whole" / "config.json").read_text())
    interrupt_at(choosing, 8)
    run_tiny(toys, tmp_path / "run")
    choosing.setenv("AVGEN_TUNE", "on")  # or it was begun by a version that could not tune
    again = resume(tmp_path / "run", toys, quiet=True)
    same(final(whole), final(again))
    assert Run.open(tmp_path / "run", toys, "cpu").config.forms is None


def test_old_configurations_open(toys, tmp_path):
    config = dataclasses.replace(run_tiny(toys, tmp_path / "run", steps=2).config, forms={"a": "b"})
    assert RunConfig.from_dict(config.to_dict()).forms == {"a": "b"}
    old = {name: value for name, value in config.to_dict().items() if name != "forms"}
    assert RunConfig.from_dict(old).forms is None
    with pytest.raises(InputError, match="forms"):
        RunConfig.from_dict(old | {"forms": ["a"]})
