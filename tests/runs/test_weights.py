"""Contract of avgen.runs.weights: a shipped run is small, generates the same, and says what it is not."""

import shutil
import json

from pathlib import Path

import pytest
import torch

from avgen.core import InputError
from avgen.runs import run as runs
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.run import Run, shipped, shipped_directions
from avgen.runs.weights import networks_that_generate, ship
from avgen.training.runner import fork, resume, train
from tiny_runs import final, interrupt_at, run_tiny


@pytest.fixture(scope="module")
def trained(toys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "duet"
    return train("duet", toys, "S2I", preset="toy", run=folder, quiet=True, device="cpu", tick_every=1)


@pytest.fixture(scope="module")
def small(trained, toys):
    (trained.folder / "report.json").write_text('{"S2I": "an evaluation"}')
    return Run.open(ship(trained.folder, trained.folder.parent / "small", data="data/orchestra"), toys, "cpu")


def test_a_shipped_run_generates_the_same_within_the_rounding_of_float16(trained, small, toys):
    whole = Run.open(trained.folder, toys, "cpu")
    torch.testing.assert_close(
        small.generate(toys.validation[:4]), whole.generate(toys.validation[:4]), atol=0.02, rtol=0
    )
    assert small.step == whole.step and small.finished and small.attend(toys.validation[0]).weights.shape[0] == 1
    assert {p.dtype for p in small.system.parameters()} == {torch.float32}


def test_it_is_small_and_says_how_it_was_made(trained, small):
    size = list_checkpoints(small.folder / "checkpoints")[0].stat().st_size
    assert size < 0.5 * list_checkpoints(trained.folder / "checkpoints")[-1].stat().st_size
    facts = json.loads((small.folder / "shipped.json").read_text())
    assert facts["command"].startswith("avgen train --system duet --direction S2I --preset toy --data data/orchestra")
    assert (facts["seed"], facts["step"], facts["bytes"]) == (0, trained.step, size) and facts["left_out"] == []
    assert {"commit", "hardware", "versions", "seconds"} <= set(facts)
    assert json.loads((small.folder / "report.json").read_text()) == {"S2I": "an evaluation"}
    assert small.config.data["root"] == "data/orchestra" and small.metrics[-1] == trained.metrics[-1]


def test_what_only_training_asks_is_left_out(tiny, toys, tmp_path):
    run = train("tiny", toys, "S2I", run=tmp_path / "run", quiet=True, device="cpu", sample_every=1000)
    assert networks_that_generate(run.system.eval()) == {"encoder", "generator"}
    there = Run.open(ship(run.folder, tmp_path / "small"), toys, "cpu")
    assert not any(
        "discriminator" in n for n in read_checkpoint(list_checkpoints(tmp_path / "small/checkpoints")[0]).tensors
    )
    torch.testing.assert_close(
        there.generate(toys.validation[:2]), run.generate(toys.validation[:2]), atol=0.02, rtol=0
    )
    again = fork(there.folder, toys, run=tmp_path / "fork", quiet=True, device="cpu")
    assert again.finished  # a fork may begin with it


def test_errors_say_what_to_do(trained, toys, tmp_path):
    with pytest.raises(InputError, match="no config.json"):
        ship(tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(InputError, match="not shipped.*--out"):
        ship(trained.folder, trained.folder)
    assert ship(trained.folder, tmp_path / "out") == ship(
        trained.folder, tmp_path / "out"
    )  # an earlier one is replaced
    (tmp_path / "empty").mkdir()
    trained.config.write(tmp_path / "empty")
    with pytest.raises(InputError, match="no checkpoint"):
        ship(tmp_path / "empty", tmp_path / "other")


def test_the_shipped_pair_is_found_or_its_absence_is_said(small, toys, monkeypatch):
    monkeypatch.setattr(runs, "SHIPPED", {"S2I": str(small.folder), "I2S": "systems/nowhere"})
    assert shipped_directions() == ("S2I",) and shipped("S2I", toys, "cpu").direction == "S2I"
    with pytest.raises(InputError, match="no trained I2S system came.*avgen train"):
        shipped("I2S")
    with pytest.raises(InputError, match="direction"):
        shipped("both")


def test_several_noises_of_each_source(small, toys):
    found = small.variations([toys.validation[i] for i in (0, 9, 17)], noises=2)
    assert found.made.shape == (3, 2, 3, 64, 64)
    assert not torch.equal(found.made[:, 0], found.made[:, 1])
    sheet = found.picture(scale=3, across=3)
    assert sheet.width >= 3 * 3 * 64 and sheet.height >= 3 * 3 * 64
    assert len(small.variations()) == 3  # one of each instrument


@pytest.mark.usefixtures("tiny")
def test_raw_and_averaged_weights(whole, toys):
    run = Run.open(whole.folder, toys, device="cpu")
    its = final(whole)
    assert torch.equal(run.system.generator[0].weight, its["average.generator.0.weight"])
    assert torch.equal(run.raw().system.generator[0].weight, its["model.generator.0.weight"])


@pytest.mark.usefixtures("tiny")
def test_without_averages_the_live_weights_are_shown(toys, tmp_path):
    run = run_tiny(toys, tmp_path / "run", preset="plain")
    assert not [n for n in final(run) if n.startswith("average.")]
    assert torch.equal(run.system.generator[0].weight, final(run)["model.generator.0.weight"])


@pytest.mark.usefixtures("tiny")
def test_a_checkpoint_of_another_system_is_refused(whole, toys, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 8)
    other = run_tiny(toys, tmp_path / "run", direction="I2S")
    folder = other.folder / "checkpoints"
    for path in folder.iterdir():
        path.unlink()
    for path in (whole.folder / "checkpoints").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for action in (lambda: Run.open(other.folder, toys).system, lambda: resume(other.folder, toys, quiet=True)):
        with pytest.raises(InputError, match="is of direction 'S2I'; expected 'I2S'"):
            action()


def test_a_run_knows_what_it_was_judged_on(small, toys, tmp_path):
    folder = Path(shutil.copytree(small.folder, tmp_path / "copy"))
    run = Run.open(folder, toys, "cpu")
    learned_from = run.config.data["hash"]
    for report, expected in (
        ({run.direction: {"data": {"hash": "another"}}}, "another"),
        ({run.direction: 3}, learned_from),
    ):
        (folder / "report.json").write_text(json.dumps(report))
        assert run.judged_data == expected
    (folder / "report.json").unlink()
    assert run.judged_data == learned_from
