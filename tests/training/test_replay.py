"""Contract of avgen.training.replay: a step that broke is done again from the last good checkpoint."""

import json
import math

import pytest
import torch
from tiny_runs import run_tiny

from avgen.core import InputError
from avgen.runs.run import Run
from avgen.training.guard import read_incident
from avgen.training.recording import Diverged
from avgen.training.replay import observed, replay
from avgen.training.runner import resume

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def broken(toys, tiny, tmp_path_factory):
    "A run whose loss, and one whose gradient of one layer, is not a number in step 4 of its second stage."
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for name in ("poison", "poison_gradient"):
        with pytest.raises(Diverged) as caught:
            run_tiny(toys, folder / name, checkpoint_every=8, **{name: 4})
        found[name] = folder / name, str(caught.value)
    return found


def test_a_loss_that_is_no_number(broken, toys):
    folder, said = broken["poison"]
    incident = read_incident(folder)
    assert (incident["step"], incident["stage"], incident["stage_step"], incident["phase"]) == (
        10,
        "adversarial",
        4,
        "G",
    )
    assert (
        "G/loss became nan" in said
        and "in step 10" in said
        and "checkpoint of step 8 is kept" in said
        and incident["loss"] == "nan"
    )
    assert len(incident["batch"]) == 8 and incident["checkpoint"] == 8 and incident["seen_after_step"] > 10
    again = replay(folder, toys)
    assert (
        again.same
        and again.start == 8
        and again.batch.index.tolist() == incident["batch"]
        and "loss became nan" in repr(again)
    )
    assert len(again.bad_gradients) == len(again.gradients) and again.first_layer is None
    assert again._still_()[:4] == b"\x89PNG"


def test_a_gradient_of_one_layer_that_is_no_number(broken, toys):
    folder, said = broken["poison_gradient"]
    incident = read_incident(folder)
    assert (
        incident["layers"] == ["generator.0.weight"] and incident["stage_step"] == 4 and math.isfinite(incident["loss"])
    )
    assert "the gradient of generator.0.weight became nan" in said
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    again = replay(folder, toys)
    assert (
        again.same
        and again.bad_gradients == ["generator.0.weight"]
        and "began in the gradient of generator.0.weight" in repr(again)
    )
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before  # looking changes nothing


def test_the_good_state_is_kept_and_breaks_again(broken, toys):
    folder, _ = broken["poison_gradient"]
    run = Run.open(folder, toys, device="cpu")
    assert run.step == 8 and torch.isfinite(run.generate(toys.validation)).all() and "generator.0.weight" in run.stopped
    with pytest.raises(Diverged, match="generator.0.weight"):
        resume(folder, toys, quiet=True)


def test_a_step_that_did_not_break(broken, toys):
    folder, _ = broken["poison"]
    incident = read_incident(folder)
    calm = replay(folder, toys, incident=incident | {"step": 8, "stage_step": 2})
    assert not calm.same and not calm.bad_gradients and "all was finite this time" in repr(calm)


def test_nothing_to_replay(toys, tmp_path):
    run_tiny(toys, tmp_path / "run", steps=1)
    with pytest.raises(InputError, match="found no incident.json"):
        replay(tmp_path / "run", toys)
    for text in ("[" * 99_999, "{}", json.dumps({"format": "avgen incident 1", "step": "x"})):
        (tmp_path / "run" / "incident.json").write_text(text)
        with pytest.raises(InputError, match="incident.json"):
            replay(tmp_path / "run", toys)


def test_observed_leaves_no_hooks(broken, toys):
    net = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with pytest.raises(ZeroDivisionError), observed(net):
        print(1 / 0)
    assert not net[0]._forward_hooks
