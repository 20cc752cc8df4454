"""Contract of avgen.training.runner: a run to the end, exact resume, forks, and what bad input gets."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from tiny_runs import TOTAL, final, interrupt_at, run_tiny, same

from avgen.console import STOP_SIGNALS, stop_code
from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.runs.checkpoints import list_checkpoints
from avgen.runs.status import run_status
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.systems import build_system
from avgen.training.runner import fork, resume, train
from avgen.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("tiny")


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


@pytest.mark.parametrize("k", [0, 2, 5, 6, 9, 10, 16])
def test_interrupt_and_resume_is_exact_to_the_bit(whole, toys, tmp_path, monkeypatch, k):
    interrupt_at(monkeypatch, k)
    run = run_tiny(toys, tmp_path / "run")
    assert run.interrupted and run.step == k + 1 and not run.finished
    again = resume(tmp_path / "run", toys, quiet=True)
    assert again.finished and not again.interrupted
    same(final(whole), final(again))
    assert torch.equal(whole.generate(toys.validation), again.generate(toys.validation))


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda n: signal.Signals(n).name)
def test_a_machine_that_wants_us_to_stop_gets_a_checkpoint(whole, toys, tmp_path, monkeypatch, number):
    "A time limit, a closed laptop, a machine that is taken back: as Ctrl-C, with its own name and exit code."
    before = signal.signal(number, signal.SIG_DFL)
    try:
        interrupt_at(monkeypatch, 7, number=number)
        run = run_tiny(toys, tmp_path / "run")
    finally:
        signal.signal(number, before)
    told = run_status(tmp_path / "run")
    assert run.interrupted and run.step == 8 and stop_code() == 128 + number
    assert (told["state"], told["signal"], told["alive"]) == ("stopped", signal.Signals(number).name, False)
    same(final(whole), final(resume(tmp_path / "run", toys, quiet=True)))


def test_a_signal_that_comes_twice_does_not_tear_a_step(whole, toys, tmp_path, monkeypatch):
    "Slurm repeats itself; only a second Ctrl-C stops at once."
    original = Trainer.one_step

    def one_step(self):
        if self.position.step == 7:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
        original(self)

    monkeypatch.setattr(Trainer, "one_step", one_step)
    run = run_tiny(toys, tmp_path / "run")
    assert run.interrupted and run.step == 8


def in_thread(function) -> list:
    "What a function returns, or raises, in a thread of its own."
    found = []

    def work():
        try:
            found.append(function())
        except Exception as e:
            found.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found


def test_a_second_thread_is_refused_and_the_first_is_as_if_alone(whole, toys, tmp_path, monkeypatch):
    original, refused = Trainer.one_step, []

    def one_step(self):
        if self.position.step in (2, 9):
            refused.extend(in_thread(lambda: run_tiny(toys, tmp_path / "second")))
            refused.extend(in_thread(lambda: resume(whole.folder, toys, quiet=True)))
            refused.extend(in_thread(lambda: fork(whole.folder, toys, tmp_path / "third", quiet=True)))
        original(self)

    monkeypatch.setattr(Trainer, "one_step", one_step)
    first = run_tiny(toys, tmp_path / "first")
    assert len(refused) == 6 and all(isinstance(e, InputError) and "training.start" in str(e) for e in refused)
    assert not (tmp_path / "second").exists() and not (tmp_path / "third").exists()
    same(final(whole), final(first))
    monkeypatch.undo()
    same(final(whole), final(in_thread(lambda: run_tiny(toys, tmp_path / "alone in a thread"))[0]))


def test_what_other_threads_draw_does_not_reach_a_run(whole, toys, tmp_path):
    "A notebook opens other systems, which seeds PyTorch's global generator, while a run is trained in a thread."
    ended, built = threading.Event(), []

    def look_around():
        while not ended.is_set():
            built.append(build_system("tiny", "S2I", toys.instruments, toys.config, seed=5).state_dict())

    watching = threading.Thread(target=look_around)
    watching.start()
    try:
        run = run_tiny(toys, tmp_path / "run")
    finally:
        ended.set()
        watching.join()
    same(final(whole), final(run))
    alone = build_system("tiny", "S2I", toys.instruments, toys.config, seed=5).state_dict()
    for found in built[:3] + built[-3:]:
        same(alone, found)


def test_exact_through_several_interrupts_and_in_bfloat16(toys, tmp_path, monkeypatch):
    more = {"precision": "bfloat16", "direction": "I2S", "seed": 7}
    once = run_tiny(toys, tmp_path / "once", **more)
    interrupt_at(monkeypatch, 3)
    assert run_tiny(toys, tmp_path / "often", **more).interrupted
    for k in (8, 13):
        interrupt_at(monkeypatch, k)
        assert resume(tmp_path / "often", toys, quiet=True).interrupted
    same(final(once), final(resume(tmp_path / "often", toys, quiet=True)))


def test_same_seed_same_numbers_whatever_was_drawn_before(whole, toys, tmp_path):
    torch.manual_seed(99)
    torch.rand(5)
    before = torch.get_rng_state()
    run = run_tiny(toys, tmp_path / "a")
    assert torch.equal(before, torch.get_rng_state())  # and the caller's chance is left as it was
    same(final(whole), final(run))
    other = run_tiny(toys, tmp_path / "b", seed=1)
    assert not torch.equal(final(whole)["model.generator.0.weight"], final(other)["model.generator.0.weight"])


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


HERE = Path(__file__).resolve().parents[1]


def test_killed_four_times_in_the_middle_and_still_the_same():
    command = [
        sys.executable,
        str(HERE / "kill_and_resume.py"),
        "--times",
        "4",
        "--steps",
        "24",
        "--systems",
        "sa-cmgan:S2I",
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert told.returncode == 0, told.stdout + told.stderr
    found = json.loads(told.stdout)
    assert found["kills"] == 4 and found["same"] == "to the bit" and found["while_a_checkpoint_was_written"] >= 2


def test_a_fork_begins_anew_from_the_weights(whole, toys, tmp_path):
    forked = fork(
        whole.folder, toys, tmp_path / "fork", quiet=True, device="cpu", sample_every=1000, learning_rate=1e-9
    )
    assert forked.finished and forked.config.fork["step"] == TOTAL and forked.config.settings["learning_rate"] == 1e-9
    assert {row["stage"] for row in forked.metrics} == {"adversarial"} and forked.metrics[0]["step"] == 7
    mine, its = final(forked), final(whole)
    assert torch.allclose(
        mine["model.generator.0.weight"], its["model.generator.0.weight"], atol=1e-6
    )  # so small a rate moves nothing
    assert torch.allclose(mine["average.generator.0.weight"], its["average.generator.0.weight"], atol=2e-2)
    with pytest.raises(InputError, match="has shape .*expected"):
        fork(whole.folder, toys, tmp_path / "wide", quiet=True, device="cpu", width=16)
    with pytest.raises(InputError, match="colour"):
        fork(whole.folder, toys, tmp_path / "wide", quiet=True, device="cpu", colour=16)
    assert not (tmp_path / "wide").exists()
    with pytest.raises(InputError, match="begin a new run from its weights with fork"):
        resume(whole.folder, toys, width=16)


def test_a_fork_that_is_killed_goes_on_from_its_own_folder(whole, toys, tmp_path, monkeypatch):
    more = dict(quiet=True, device="cpu", sample_every=1000, seed=4)
    once = fork(whole.folder, toys, tmp_path / "once", **more)
    interrupt_at(monkeypatch, 9)
    assert fork(whole.folder, toys, tmp_path / "twice", **more).interrupted
    same(final(once), final(resume(tmp_path / "twice", toys, quiet=True)))
