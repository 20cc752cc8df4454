"""Contract of avgen.processor: threads follow from what is allowed and free, never more than there are cores."""

import math
import subprocess
import sys

import pytest

from avgen import processor
from avgen.core import InputError
from avgen.processor import allowed_cores, busy_cores, free_cores, quota_cores, shared_threads
from avgen.training.processes import default_threads


@pytest.fixture
def machine(monkeypatch):
    "Pretend that so many cores are there, we may use some of them, and others are busy."

    def pretend(cores, allowed=math.inf, busy=0.0, taken=64):
        monkeypatch.setattr(processor.os, "cpu_count", lambda: cores)
        monkeypatch.setattr(processor, "allowed_cores", lambda: min(cores, allowed))
        monkeypatch.setattr(processor, "busy_cores", lambda: busy)
        monkeypatch.setattr("torch.get_num_threads", lambda: taken)
        monkeypatch.delenv("AVGEN_THREADS", raising=False)

    return pretend


@pytest.mark.parametrize(
    "cores, allowed, busy, expected",
    [
        (2, math.inf, 0.0, 2),
        (2, math.inf, 1.0, 1),  # one other busy process
        (2, math.inf, 2.0, 1),  # all taken: one thread has to be
        (2, math.inf, 0.1, 2),  # a desktop that breathes
        (64, 2, 10.0, 2),  # a container with two of 64 cores: the neighbours do not matter
        (64, 2, 63.0, 1),  # until there are too many
        (64, 0.5, 0.0, 1),
        (8, 1.5, 0.0, 2),
    ],
)
def test_threads_are_the_cores_that_are_free(machine, cores, allowed, busy, expected):
    machine(cores, allowed, busy)
    assert free_cores() == expected == default_threads()


def test_never_more_threads_than_torch_takes_or_somebody_says(machine, monkeypatch):
    machine(16, taken=4)
    assert default_threads() == 4
    monkeypatch.setenv("AVGEN_THREADS", "7")
    assert default_threads() == 7


@pytest.mark.parametrize("jobs", [1, 2, 3, 5])
@pytest.mark.parametrize("cores", [1, 2, 7])
def test_jobs_side_by_side_never_have_more_threads_than_cores(jobs, cores):
    threads = shared_threads(jobs, cores)
    assert sum(threads) == cores and min(threads) >= 1 and len(threads) == min(jobs, cores)


def test_a_quota_of_any_group_above_counts(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/a/b\n")
    assert quota_cores(tmp_path, tmp_path / "own") == math.inf
    for folder, words, expected in ((inner, "400000 100000", 4), (tmp_path / "a", "50000 100000", 0.5)):
        (folder / "cpu.max").write_text(words)
        assert quota_cores(tmp_path, tmp_path / "own") == expected
    (tmp_path / "a" / "cpu.max").write_text("nonsense")
    assert quota_cores(tmp_path, tmp_path / "own") == 4


def test_what_others_use_is_read_and_own_work_is_not_counted(tmp_path, monkeypatch):
    stat = tmp_path / "stat"
    stat.write_text("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 1 1 1\n")
    ticks = processor.os.sysconf("SC_CLK_TCK")
    own = iter([0.0, 1.0])
    monkeypatch.setattr(processor.time, "process_time", lambda: next(own))
    clock = iter([0.0, 1.0])
    monkeypatch.setattr(processor.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(processor.time, "sleep", lambda _: stat.write_text(f"cpu {3 * ticks} 0 0 900 0 0 0 0 0 0\n"))
    assert busy_cores(1.0, stat) == 2  # three cores worked, one of them for us
    with pytest.raises(InputError, match="seconds"):
        busy_cores(-1)


def test_pinning_is_seen():
    if not hasattr(processor.os, "sched_setaffinity"):
        pytest.skip("no affinity on this system")
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from avgen.processor import *; print(allowed_cores() <= 1, free_cores())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True 1\n"
    assert allowed_cores() > 0
