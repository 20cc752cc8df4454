"Training: a run to the end, exactness of resume, interrupts, NaN, full disks, and what bad input gets."

import errno
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from tiny_runs import TOTAL, final, interrupt_at, run_tiny, same

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.runs.checkpoints import list_checkpoints, newest_checkpoint, read_checkpoint
from avgen.runs.run import Run
from avgen.runs.sources import find_data, source_tensor
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.systems import build_system
from avgen.training import checkpointer, position, processes, recording, runner, trainer
from avgen.training.position import Position, plan
from avgen.training.recording import Diverged
from avgen.training.runner import resume, train
from avgen.training.trainer import Trainer
from avgen.training.updates import Averaged, MeanMeter, Update
from avgen.training.watching import InterruptHandler

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def whole(toys, tiny, tmp_path_factory):
    "One run of the tiny system without interruption."
    return run_tiny(toys, tmp_path_factory.mktemp("runs") / "whole")


def test_a_run_leaves_what_it_says(whole):
    assert whole.finished and whole.step == TOTAL and not whole.interrupted
    config = json.loads((whole.folder / "config.json").read_text())
    expected = "system direction preset settings instruments spectrogram data seed stages device"
    expected += " precision threads versions commit"
    assert set(expected.split()) <= config.keys() and config["system"] == "tiny" and config["data"]["hash"]
    assert [s["name"] for s in config["stages"]] == ["classifier", "adversarial"]
    assert {
        "D/loss",
        "D/D(real)",
        "G/loss",
        "pairs_per_second",
        "peak_memory_mb",
        "seconds",
        "gamma/encoder.stack.3",
    } <= whole.metrics[-1].keys()
    assert [m["step"] for m in whole.metrics] == sorted({m["step"] for m in whole.metrics}) and whole.metrics[-1][
        "step"
    ] == TOTAL
    assert sorted(p.name for p in (whole.folder / "samples").iterdir())[-1] == f"step_{TOTAL:08d}.png"
    assert len(list_checkpoints(whole.folder / "checkpoints")) == 2
    assert not list(whole.folder.rglob("*.tmp"))


def test_what_a_checkpoint_holds(whole):
    names = final(whole)
    assert {n.split(".")[0] for n in names} == {"model", "average", "optimiser"}
    assert {n.split(".")[1] for n in names if n.startswith("average.")} == {"generator"}
    assert any("running_var" in n for n in names) and any("parametrizations" in n and n.endswith("_u") for n in names)
    assert any(n.startswith("optimiser.D.discriminator.") and n.endswith("exp_avg_sq") for n in names)


@pytest.mark.parametrize("k", [0, 2, 5, 6, 9, 10, 16])
def test_interrupt_and_resume_is_exact_to_the_bit(whole, toys, tmp_path, monkeypatch, k):
    interrupt_at(monkeypatch, k)
    run = run_tiny(toys, tmp_path / "run")
    assert run.interrupted and run.step == k + 1 and not run.finished
    again = resume(tmp_path / "run", toys, quiet=True)
    assert again.finished and not again.interrupted
    same(final(whole), final(again))
    assert torch.equal(whole.generate(toys.validation), again.generate(toys.validation))


def test_exact_through_several_interrupts_and_in_bfloat16(toys, tmp_path, monkeypatch):
    more = {"precision": "bfloat16", "direction": "I2S", "seed": 7}
    once = run_tiny(toys, tmp_path / "once", **more)
    interrupt_at(monkeypatch, 3)
    assert run_tiny(toys, tmp_path / "often", **more).interrupted
    for k in (8, 13):
        interrupt_at(monkeypatch, k)
        assert resume(tmp_path / "often", toys, quiet=True).interrupted
    same(final(once), final(resume(tmp_path / "often", toys, quiet=True)))


def test_metrics_go_on_without_gaps_or_repeats(whole, toys, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 10, hard=True)
    run = run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    assert run.interrupted and run.step == 8  # torn in the middle of a step: the checkpoint before it stands
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write('{"step": 9, "stage": "adversarial", "seconds": 1.0}\n{"step": 10, "sta')
    again = resume(tmp_path / "run", toys, quiet=True)
    steps = [m["step"] for m in again.metrics]
    assert steps == sorted(set(steps)) and steps[-1] == TOTAL and 9 not in steps
    same(final(whole), final(again))


def test_same_seed_same_numbers_whatever_was_drawn_before(whole, toys, tmp_path):
    torch.manual_seed(99)
    torch.rand(5)
    before = torch.get_rng_state()
    run = run_tiny(toys, tmp_path / "a")
    assert torch.equal(before, torch.get_rng_state())  # and the caller's chance is left as it was
    same(final(whole), final(run))
    other = run_tiny(toys, tmp_path / "b", seed=1)
    assert not torch.equal(final(whole)["model.generator.0.weight"], final(other)["model.generator.0.weight"])


def test_threads_are_chosen_by_argument_then_environment(monkeypatch):
    monkeypatch.setenv("AVGEN_THREADS", "3")
    assert processes.default_threads() == 3
    monkeypatch.setenv("AVGEN_THREADS", "many")
    with pytest.raises(InputError, match="AVGEN_THREADS.*'many'"):
        processes.default_threads()
    monkeypatch.delenv("AVGEN_THREADS")
    assert processes.default_threads() == torch.get_num_threads()


def test_data_are_found_again_after_the_project_was_moved(tmp_path, monkeypatch):
    (tmp_path / "data" / "orchestra").mkdir(parents=True)
    monkeypatch.chdir("/")
    assert find_data("data/orchestra", tmp_path / "runs" / "first") == (tmp_path / "data" / "orchestra").resolve()


def test_a_run_shows_samples_of_other_data_too(whole):
    other = toy_pairs(n=4, seed=9)
    assert len(Run.open(whole.folder, other, device="cpu").samples()) == 6


def test_threads_are_pinned_and_given_back(toys, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 2)
    run = run_tiny(toys, tmp_path / "run")
    assert run.config.threads == 1
    torch.set_num_threads(2)
    try:
        resume(tmp_path / "run", toys, quiet=True)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_steps_shortens_the_last_stage_and_caps_the_others(toys):
    system = build_system("tiny", "S2I", toys.instruments)
    assert [s.steps for s in plan(system)] == [6, 12]
    assert [s.steps for s in plan(system, 4)] == [2, 4]
    assert [s.steps for s in plan(system, 24)] == [6, 24]


def test_phases_stages_schedule_and_modes(toys, tmp_path, monkeypatch):
    seen = []
    original = Update.run

    def spy(self, batch, context, dtype, factor=1.0):
        modes = {name: module.training for name, module in system.named_children()}
        seen.append((context.stage, context.step, self.phase.name, round(factor, 3), modes))
        return original(self, batch, context, dtype, factor)

    monkeypatch.setattr(Update, "run", spy)
    system = build_system("tiny", "S2I", toys.instruments)
    monkeypatch.setattr(runner, "build_system", lambda *a, **k: system)
    run_tiny(toys, tmp_path / "run")
    assert [(s, n) for s, n, *_ in seen if s == "classifier"] == [("classifier", n) for n in range(6)]
    assert [n for s, n, phase, *_ in seen if phase == "G"] == [0, 2, 4, 6, 8, 10] and system.begun == 1
    assert {phase: f for s, n, phase, f, _ in seen if s == "adversarial" and n == 6} == {"D": 0.5, "G": 0.5}
    assert seen[0][-1] == {"encoder": True, "generator": False, "discriminator": False}
    assert seen[-1][-1] == {"encoder": False, "generator": True, "discriminator": True}


def test_the_next_stage_starts_from_the_averages(toys, tmp_path, monkeypatch):
    handed = {}
    original = Position.begin_stage

    def begin(self, index, saved=None):
        if index == 1:
            handed["average"] = {k: v.clone() for k, v in self.averaged.refreshed().encoder.state_dict().items()}
        original(self, index, saved)

    monkeypatch.setattr(Position, "begin_stage", begin)
    tensors = final(run_tiny(toys, tmp_path / "run"))
    for name, t in handed["average"].items():
        assert torch.equal(t, tensors[f"model.encoder.{name}"])


def test_average_follows_its_formula(toys):
    system = build_system("tiny", "S2I", toys.instruments)
    averaged = Averaged(system)
    averaged.begin(("generator",), decay=0.5)
    expected = system.generator[0].weight.detach().clone()
    for n in range(12):
        with torch.no_grad():
            system.generator[0].weight.add_(1.0)
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * system.generator[0].weight.detach()
        averaged.update(n)
    assert torch.allclose(averaged.refreshed().generator[0].weight, expected, atol=1e-5)
    system.generator[2].running_mean.fill_(3.0)
    assert bool((averaged.refreshed().generator[2].running_mean == 3).all())


def test_without_averages_the_live_weights_are_shown(toys, tmp_path):
    run = run_tiny(toys, tmp_path / "run", preset="plain")
    assert not [n for n in final(run) if n.startswith("average.")]
    assert torch.equal(run.system.generator[0].weight, final(run)["model.generator.0.weight"])


def test_meter_reads_means_of_what_came():
    meter = MeanMeter()
    for n in range(4):
        meter.add("D", {"loss": torch.tensor(float(n))})
        if n % 2 == 0:
            meter.add("G", {"loss": torch.tensor(n, dtype=torch.bfloat16)})
    assert meter.read() == {"D/loss": 1.5, "G/loss": 1.0} and meter.read() == {}


def test_a_loss_that_is_no_number_stops_the_run(toys, tmp_path):
    with pytest.raises(Diverged, match="stopped at step 10: .*G/loss became nan.*checkpoint of step 8 is kept"):
        run_tiny(toys, tmp_path / "run", poison=2, checkpoint_every=8)
    run = Run.open(tmp_path / "run", toys, device="cpu")
    assert run.step == 8 and not run.finished and torch.isfinite(run.generate(toys.validation)).all()
    assert "became nan" in run.metrics[-1]["stopped"] and run.metrics[-1]["G/loss"] is None
    assert "stopped" in repr(run)


def test_a_weight_that_is_no_number_is_never_saved(toys, tmp_path, monkeypatch):
    original = Trainer.one_step

    def one_step(self):
        original(self)
        if self.position.step == 9:
            next(iter(self.position.updates[0].names)).data.fill_(float("inf"))

    monkeypatch.setattr(Trainer, "one_step", one_step)
    with pytest.raises(Diverged):
        run_tiny(toys, tmp_path / "run", checkpoint_every=3)
    assert newest_checkpoint(tmp_path / "run" / "checkpoints").step == 6


@pytest.fixture
def interruptible():
    "SIGINT raises KeyboardInterrupt, also where whoever started the tests has it ignored."
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupt_is_deferred_once_then_immediate():
    with pytest.raises(KeyboardInterrupt), InterruptHandler() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.wanted
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(("wrong", "words"), [
    ({"system": "sa-cmgam"}, ["system", "'sa-cmgam'", "'tiny'"]),
    ({"preset": "huge"}, ["preset", "'huge'", "'small'"]),
    ({"direction": "S2S"}, ["direction", "'S2S'", "'I2S'"]),
    ({"colour": "red"}, ["colour", "width"]),
    ({"device": "cuda:9"}, ["cuda:9", "cpu"]),
    ({"device": "abacus"}, ["abacus", "cpu"]),
    ({"precision": "float16"}, ["precision", "'float16'", "'bfloat16'"]),
    ({"seed": -1}, ["seed", "-1", "0"]),
    ({"seed": 1.5}, ["seed", "1.5", "int"]),
    ({"steps": 0}, ["steps", "0", "from 1"]),
    ({"threads": 0}, ["threads", "0", "from 1"]),
    ({"tick_every": 0}, ["tick_every", "from 1"]),
    ({"checkpoint_every": 0}, ["checkpoint_every", "from 1"]),
    ({"batch_size": 4000}, ["batch_size", "4000", "54"]),
])  # fmt: skip
def test_bad_settings_are_refused_before_anything_is_written(toys, tmp_path, wrong, words):
    given = {"system": "tiny", "pairs": toys, "run": tmp_path / "run", "quiet": True, "device": "cpu", **wrong}
    with pytest.raises(InputError) as caught:
        train(**given)
    assert all(w in str(caught.value) for w in words), caught.value
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_a_used_run_folder_is_refused(whole, toys, tmp_path):
    with pytest.raises(InputError, match="holds a run already.*avgen resume"):
        run_tiny(toys, whole.folder)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="in use by something else"):
        run_tiny(toys, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_folders_are_numbered_when_none_is_given(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(run_tiny(toys, None, steps=1).folder) for _ in range(2)] == [
        str(Path("runs") / f"tiny-S2I-small-{n}") for n in (1, 2)
    ]


def fail_after(monkeypatch, n: int) -> None:
    "From the n-th file on, the disk is full."
    count, fsync = [0], os.fsync

    def full(descriptor):
        count[0] += 1
        if count[0] > n:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6])
def test_a_full_disk_leaves_nothing_half_written(whole, toys, tmp_path, monkeypatch, n):
    fail_after(monkeypatch, n)
    with pytest.raises(InputError, match="cannot write .*No space left.*free some space"):
        run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.tmp"))
    files = {p.name for p in (tmp_path / "run").rglob("step_*") if p.suffix in (".json", ".safetensors")}
    assert {Path(f).stem for f in files if f.endswith("json")} == {
        Path(f).stem for f in files if f.endswith("safetensors")
    }
    for path in list_checkpoints(tmp_path / "run" / "checkpoints"):
        read_checkpoint(path)
    if (tmp_path / "run" / "config.json").exists():
        same(final(whole), final(resume(tmp_path / "run", toys, quiet=True)))


def test_a_full_disk_under_the_metrics(toys, tmp_path, monkeypatch):
    real_open = open

    def no_room(path, mode="r", *a, **k):
        if str(path).endswith("metrics.jsonl") and mode == "a" and os.path.exists(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_open(path, mode, *a, **k)

    monkeypatch.setattr("builtins.open", no_room)
    with pytest.raises(InputError, match="metrics.jsonl.*No space left"):
        run_tiny(toys, tmp_path / "run")
    assert len(Run.open(tmp_path / "run").metrics) == 1


def test_a_folder_that_cannot_be_written_to(toys, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        run_tiny(toys, tmp_path / "file" / "run")


def test_resume_refuses_what_changed_and_says_what(whole, toys):
    with pytest.raises(InputError, match="width was 8, is 16 now.*seed was 0, is 3 now"):
        resume(whole.folder, toys, quiet=True, width=16, seed=3)
    with pytest.raises(InputError, match="'colour' is unknown"):
        resume(whole.folder, toys, quiet=True, colour="red")
    with pytest.raises(InputError, match="other data: found hash"):
        resume(whole.folder, toy_pairs(n=24, seed=3), quiet=True)
    with pytest.raises(InputError, match="never on disk"):
        assert resume(whole.folder, quiet=True).pairs
    with pytest.raises(InputError, match="no config.json"):
        resume(whole.folder / "samples", toys)
    assert resume(whole.folder, toys, quiet=True, width=8, seed=0).finished


def test_resume_refuses_another_spectrogram_config(whole, toys):
    other = toy_pairs(n=24)
    object.__setattr__(other, "config", SpectrogramConfig(f_max=4000.0))
    with pytest.raises(InputError) as caught:
        resume(whole.folder, other, quiet=True)
    assert all(w in str(caught.value) for w in ("f_max", "8000", "4000"))


def test_resume_from_the_checkpoint_before_a_damaged_one(whole, toys, tmp_path, monkeypatch, capsys):
    interrupt_at(monkeypatch, 12)
    run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    newest = list_checkpoints(tmp_path / "run" / "checkpoints")[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    again = resume(tmp_path / "run", toys, quiet=True)
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(said) == 1 and newest.name in said[0] and "truncated" in said[0] and "step 12" in said[0]
    same(final(whole), final(again))


def test_resume_with_every_checkpoint_damaged_is_refused(toys, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 8)
    run_tiny(toys, tmp_path / "run", checkpoint_every=4)
    for path in list_checkpoints(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="no checkpoint in .* can be used"):
        resume(tmp_path / "run", toys, quiet=True)


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


def test_a_run_opened_again_does_the_same(whole, toys):
    """To the bit among opened runs; the trainer's networks lie in memory otherwise, so they may round differently."""
    run, again = (Run.open(whole.folder, toys, device="cpu") for _ in range(2))
    assert torch.equal(run.generate(toys.validation), again.generate(toys.validation))
    assert torch.allclose(run.generate(toys.validation), whole.generate(toys.validation), atol=1e-4)
    weights = whole.system.state_dict()
    assert all(torch.equal(t, weights[name]) for name, t in run.system.state_dict().items())
    assert run.step == TOTAL and run.finished and "tiny S2I" in repr(run)
    grid = run.samples()
    assert len(grid) == 8 and grid.generated.shape == (8, 3, 64, 64)
    assert torch.allclose(grid.generated, whole.samples().generated, atol=1e-4)
    assert run._repr_mimebundle_()[0]["image/png"][:4] == b"\x89PNG" and grid._still_()[:4] == b"\x89PNG"
    assert len(run.losses().axes) == 3


def test_attend_shows_the_point_that_was_asked(whole, toys):
    sound = toys.validation[3].sound
    found = whole.attend(sound, at=(0.21, 440))
    assert (
        found.points == [(0.21, 440)]
        and found.layer
        and found.query_grid == (8, 8)
        and torch.allclose(found.weights.sum(-1), torch.ones(1, 64), atol=1e-5)
    )
    assert whole.attend(sound, at=[(0.1, 300), (0.3, 900)]).points == [(0.1, 300), (0.3, 900)]
    assert found._still_()[:4] == b"\x89PNG" and found._still_() != whole.attend(sound, at=(0.4, 2000))._still_()
    with pytest.raises(InputError):
        whole.attend(sound, at=(0.7, 440))
    with pytest.raises(InputError):
        whole.attend(sound, layer="nowhere")
    with pytest.raises(InputError, match="reads a sound"):
        whole.attend(toys.validation[3].image)


def test_generating_from_what_does_not_fit(whole, toys):
    config = SpectrogramConfig()
    assert source_tensor([toys.validation[0], toys.validation[1].sound], "S2I", config).shape == (2, 1, 64, 64)
    assert source_tensor(torch.zeros(1, 128, 44), "S2I", config).shape == (1, 1, 64, 64)
    assert source_tensor(np.zeros((2, 3, 64, 64), dtype=np.float32), "I2S", config).shape == (2, 3, 64, 64)
    for bad in (
        torch.zeros(2, 3, 64, 64),
        toys.validation[0].image,
        "sound.wav",
        torch.full((1, 1, 64, 64), float("nan")),
    ):
        with pytest.raises(InputError):
            whole.generate(bad)
    with pytest.raises(InputError, match="f_max"):
        source_tensor(toys.validation[0].sound, "S2I", SpectrogramConfig(f_max=4000.0))
    with pytest.raises(InputError, match="does not know the instrument 'sax'"):
        whole.data.require_compatible(toy_pairs(n=8, instruments=("sax", "tuba")))


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match="no config.json"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match="not written by avgen"):
        Run.open(tmp_path)


def test_training_names_no_system():
    source = "".join(
        Path(module.__file__).read_text().lower() for module in (runner, trainer, position, recording, checkpointer)
    )
    for word in ("cmgan", "cmav", "encoder", "generator", "discriminator"):
        lines = [
            line
            for line in source.splitlines()
            if word in line and 'system: str = "sa-cmgan"' not in line and not line.strip().startswith(("#", '"'))
        ]
        assert not lines, lines
