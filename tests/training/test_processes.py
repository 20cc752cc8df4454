"""Contract of avgen.training.processes: two processes follow one, and resume on another number of them."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from two_processes import WORKER, apart, begin, end, strike, together, until

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.config import RunConfig
from avgen.runs.files import read_metrics
from avgen.runs.lock import is_held
from avgen.runs.status import run_status
from avgen.systems import StepContext, build_system
from avgen.training import processes
from avgen.training.guard import read_incident
from avgen.training.position import plan
from avgen.training.processes import ALONE, PeerLost, _among, check_shares, is_forked

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    path = tmp_path_factory.mktemp("worker") / "worker.py"
    path.write_text(WORKER)
    return path


@pytest.fixture(scope="module")
def one(worker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "run"
    assert together(worker, 1, run=folder) == [(0, "")]
    return folder


def test_two_processes_follow_one_for_50_steps(worker, one, tmp_path):
    assert [code for code, _ in together(worker, 2, run=tmp_path / "two")] == [0, 0]
    assert apart(one, tmp_path / "two") < 1e-8
    ours, theirs = read_metrics(one), read_metrics(tmp_path / "two")
    assert [m["step"] for m in ours] == [m["step"] for m in theirs] and ours[-1]["step"] == 50  # one process writes
    for a, b in zip(ours, theirs):
        assert a["D/loss"] == pytest.approx(b["D/loss"], abs=1e-6) and a["G/loss"] == pytest.approx(
            b["G/loss"], abs=1e-6
        )
    assert sorted(p.name for p in tmp_path.joinpath("two", "samples").glob("*.png")) == sorted(
        p.name for p in (one / "samples").glob("*.png")
    )


def test_pieces_follow_the_whole_too(worker, one, tmp_path):
    assert together(worker, 1, run=tmp_path / "pieces", accumulate=4) == [(0, "")]
    assert apart(one, tmp_path / "pieces") < 1e-8


def test_with_batch_norm_each_process_sees_its_own_statistics(worker, tmp_path):
    for count in (1, 2):
        assert {code for code, _ in together(worker, count, run=tmp_path / str(count), norm=True, steps=10)} == {0}
    assert apart(tmp_path / "1", tmp_path / "2") > 1e-6


def test_stopped_under_two_and_resumed_by_one_and_the_other_way_round(worker, one, tmp_path):
    for first, then in ((2, 1), (1, 2)):
        run = tmp_path / f"{first}{then}"
        together(worker, first, run=run, checkpoint_every=20, poison=27)
        assert read_metrics(run)[-1].get("stopped")  # it stopped at a NaN, seen by one process and told to all
        config = json.loads((run / "config.json").read_text())
        config["settings"]["poison"] = -1
        (run / "config.json").write_text(json.dumps(config))
        assert {code for code, _ in together(worker, then, run=run, resume=True)} == {0}
        assert apart(one, run) < 1e-8


def test_killed_under_two_and_resumed_by_one_and_on_and_on(worker, one, tmp_path):
    chance = random.Random(5)
    for counts in ((1, 2), (2, 1, 2, 1)):
        run, step = tmp_path / "".join(map(str, counts)), 0
        for life, count in enumerate(counts[:-1]):
            step, _ = strike(
                worker, count, run, step, chance, **({"resume": True} if life else {"checkpoint_every": 4})
            )
            assert step < 50
        assert end(begin(worker, counts[-1], run=run, resume=True)) == [(0, "")] * counts[-1]
        assert apart(one, run) < 1e-8
        assert [m["step"] for m in read_metrics(run)] == sorted(
            {1, *range(4, 51, 4), *range(10, 51, 10)}
        )  # no line twice, none missing
        assert (
            not is_held(run)
            and run_status(run)["state"] == "finished"
            and not list(run.rglob("*.tmp"))
            and not list(run.rglob(".*"))
        )


@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_of_two_is_killed_the_other_says_so_and_ends(worker, one, tmp_path, victim):
    run = tmp_path / "run"
    started = begin(worker, 2, run=run, checkpoint_every=10, env={"PAUSE": "0.02"})
    until(lambda: (run / "checkpoints" / "step_00000010.json").exists())
    started[victim].send_signal(signal.SIGKILL)
    begun = time.monotonic()
    ended = end(started, 60)
    assert ended[victim][0] == -signal.SIGKILL and time.monotonic() - begun < 30
    code, line = ended[1 - victim]
    assert (
        code == 1
        and line.startswith(f"avgen: run '{run}' stopped: another of the 2 processes ended")
        and line.endswith(f"go on with: avgen resume --run {run}")
    ), line
    assert not is_held(run) and run_status(run)["state"] == ("failed" if victim else "gone")
    assert together(worker, 1, run=run, resume=True) == [(0, "")] and apart(one, run) < 1e-8


def test_a_process_that_only_falls_silent_is_not_waited_for_longer_than_asked(worker, tmp_path):
    run = tmp_path / "run"
    started = begin(worker, 2, run=run, checkpoint_every=10, env={"PAUSE": "0.02", "AVGEN_WAIT": "4"})
    until(lambda: (run / "checkpoints" / "step_00000010.json").exists())
    started[1].send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        until(lambda: started[0].poll() is not None, 60)
    finally:
        started[1].kill()
    assert time.monotonic() - begun < 30
    (code, line), _ = end(started)
    assert (
        code == 1
        and line.startswith(
            f"avgen: run '{run}' stopped: another of the 2 processes ended, or did not answer within 4 s"
        )
        and not is_held(run)
    ), line


@pytest.mark.parametrize("who, what", [(0, "loss"), (1, "gradient")])
def test_not_a_number_on_one_process_stops_all_at_one_step_with_one_incident(worker, tmp_path, who, what):
    run = tmp_path / "run"
    (code, line), other = together(worker, 2, run=run, checkpoint_every=20, poison=27, poisoned=who, poison_what=what)
    assert (
        code == 1
        and (code, line) == other
        and "stopped at step 30: in step 27" in line
        and "checkpoint of step 20 is kept" in line
    ), line
    incident = read_incident(run)
    assert (
        (incident["step"], incident["phase"], incident["stage_step"], incident["checkpoint"]) == (27, "G", 27, 20)
        and len(incident["batch"]) == 8
        and incident["layers"]
    )
    assert ("loss became nan" in incident["what"]) == (what == "loss")
    assert (
        [m["step"] for m in read_metrics(run) if "stopped" in m] == [30]
        and not list(run.rglob("*.tmp"))
        and not is_held(run)
    )


@pytest.mark.parametrize(
    "count, task, words",
    [
        (3, {}, ["batch_size", "found 8", "multiple of 3"]),
        (2, {"pairs": 1, "batch_size": 2}, []),
        (2, {"accumulate": 3}, ["2 processes x 3 pieces"]),
    ],
)
def test_what_cannot_be_divided_is_said_in_one_line(worker, tmp_path, count, task, words):
    if task.get("pairs"):
        task = task | {"batch_size": 2}
    for code, line in together(worker, count, run=tmp_path / "run", **task):
        if words:
            assert code == 1 and line.startswith("avgen: ") and all(w in line for w in words)
    if words:
        assert not (tmp_path / "run").exists()


def test_more_processes_than_pairs():
    toys = toy_pairs(n=4)
    stages = plan(build_system("sa-cmgan", "S2I", toys.instruments, toys.config, preset="toy"))
    check_shares(stages, 2, 2, len(toys.train))
    with pytest.raises(InputError, match="64 processes for 12 pairs"):
        check_shares(stages, 64, 1, 12)
    for wrong in (0, True, 1.5):
        with pytest.raises(InputError, match="accumulate"):
            check_shares(stages, 1, wrong, 12)


@pytest.mark.parametrize("mismatched", ["instrument", "pose", None])
@pytest.mark.parametrize("balanced", [False, True])
def test_shares_of_a_batch_make_the_batch(mismatched, balanced):
    batches = Batches(toy_pairs(n=12).train, 12, mismatched, seed=1, balanced=balanced)
    whole, parts = batches.at(7), [batches.at(7, (i, 3)) for i in range(3)]
    for name in ("image", "sound", "instrument", "mismatched_image", "mismatched_sound", "index"):
        want = getattr(whole, name)
        if want is None:
            assert all(getattr(p, name) is None for p in parts)
        else:
            assert torch.equal(torch.cat([getattr(p, name) for p in parts]), want)


def test_shares_of_the_noise_make_the_noise():
    def context(*share):
        return StepContext(3, "adversarial", 9, torch.device("cpu"), share=share)

    assert torch.equal(torch.cat([context(i, 4).noise("z", 4, 5) for i in range(4)]), context(0, 1).noise("z", 16, 5))


def test_only_a_lost_connection_is_taken_for_a_lost_process(monkeypatch):
    for words in (
        "[/torch/gloo/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:4022",
        "Timed out waiting 4000ms for recv operation to complete",
        "NCCL error: remote process exited",
    ):
        with pytest.raises(PeerLost, match="another of the 2 processes ended"), _among(2):
            raise RuntimeError(words)
    with (
        pytest.raises(PeerLost, match="3 processes did not find each other"),
        _among(3, "the {count} processes did not find each other"),
    ):
        raise torch.distributed.DistNetworkError("port in use")
    for error in (
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
    ):
        with pytest.raises(type(error), match="CUDA") as found, _among(2):
            raise error
        assert found.value is error


def test_a_fork_that_imports_only_now_is_known_by_accelerates_word(monkeypatch):
    assert not is_forked()
    monkeypatch.setenv("FORK_LAUNCHED", "1")
    assert is_forked()


def test_alone_nothing_is_asked_of_accelerate():
    code = (
        "import sys; from avgen.training.processes import ALONE; ALONE.average([]); ALONE.wait(); "
        "assert ALONE.any(True) and 'accelerate' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ALONE.main and ALONE.count == 1


def launch(run, steps: int) -> subprocess.Popen:
    "The documented line: two processes on CPU, by Accelerate's launcher."
    start = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        "0",
    ]
    env = os.environ | {
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")]),
    }
    command = [
        "-m",
        "avgen.cli",
        "train",
        "--data",
        str(TESTS.parent / "data" / "sample"),
        "--run",
        str(run),
        "--preset",
        "toy",
        "--device",
        "cpu",
        "--steps",
        str(steps),
        "--quiet",
    ]
    return subprocess.Popen(
        [*start, *command], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_accelerate_launch_trains_two_processes_and_they_stop_when_it_is_killed(tmp_path):
    launcher = launch(tmp_path / "run", 6)
    said, wrong = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, wrong
    assert (
        said.count("Run(") == 1
        and (config := RunConfig.read(tmp_path / "run")).processes == 2
        and read_metrics(tmp_path / "run")[-1]["step"] == config.steps
    )
    long = tmp_path / "long"
    launcher = launch(long, 5000)
    try:
        until(lambda: len(read_metrics(long)) > 2)
        launcher.kill()
        until(lambda: run_status(long)["state"] == "stopped", 60)  # nobody is left behind, and a checkpoint is
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
    assert (
        not is_held(long)
        and 0 < read_checkpoint(list_checkpoints(long / "checkpoints")[-1]).step < RunConfig.read(long).steps
    )


def test_the_lines_of_the_notebook_train_two_processes_in_a_kernel(tmp_path):
    """notebook_launcher forks a kernel that has used its threads: the page's own cell, and a batch too small."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    cells = [
        c.source
        for c in nbformat.read(TESTS.parent / "nbs/08_training/01_processes.ipynb", 4).cells
        if c.cell_type == "code" and "\nnotebook_launcher(" in c.source
    ]
    assert len(cells) == 1
    before = (
        "import torch\nfrom avgen.data.pairs import toy_pairs\ntorch.set_num_threads(2)\n"
        "x = torch.randn(1500, 1500)\n(x @ x).sum()\ntoys = toy_pairs(n=24)"
    )
    after = "run.finished, place.exists(), run.config.processes, torch.get_num_threads()"
    refused = (
        cells[0].partition("\nnotebook_launcher(")[0].replace("steps=6", "steps=6, batch_size=9")
        + "\ntry: notebook_launcher(together, num_processes=2, rdzv_backend='c10d', rdzv_endpoint='localhost:0')"
        + "\nexcept Exception as e: print(e)"
    )
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (before, cells[0], after, refused)]
    )
    env = os.environ | {
        "GLOO_SOCKET_IFNAME": "lo",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")]),
    }
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute(cwd=str(tmp_path), env=env)
    assert book.cells[2].outputs[0].data["text/plain"] == "(True, True, 2, 2)"
    assert "found 9 in stage" in "".join(o.get("text", "") for o in book.cells[3].outputs)


def test_threads_are_chosen_by_argument_then_environment(monkeypatch):
    monkeypatch.setenv("AVGEN_THREADS", "3")
    assert processes.default_threads() == 3
    monkeypatch.setenv("AVGEN_THREADS", "many")
    with pytest.raises(InputError, match="AVGEN_THREADS.*'many'"):
        processes.default_threads()
    monkeypatch.delenv("AVGEN_THREADS")
    assert processes.default_threads() == torch.get_num_threads()
