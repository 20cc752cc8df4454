"""Contract of avgen.bench.timing: a process of its own, turns, and no time that is asserted."""

import json
import subprocess
import sys

from avgen.bench import timing
from avgen.bench.timing import in_own_process

TOY = dict(preset="toy", width=4, batch=4)


def test_one_measurement_in_a_process_of_its_own():
    command = [
        sys.executable,
        "-m",
        "avgen.bench",
        "--threads",
        "1",
        "--one",
        "step",
        json.dumps(dict(which="ours", rounds=1, **TOY)),
    ]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["seconds"] > 0 and found["memory_mb"] > 0
    assert "skipped" in in_own_process("step", 1, which="ours", rounds=1, **TOY | {"width": 0.5})


def test_what_is_slow_is_measured_once(monkeypatch):
    asked = []

    def in_own_process(name, threads, seconds):
        asked.append(seconds)
        return {"seconds": seconds / len(asked), "memory_mb": 1.0} if seconds else {"skipped": "longer than 240 s"}

    monkeypatch.setattr(timing, "in_own_process", in_own_process)
    found = timing.take_turns_while_quick(
        {"a": ("step", {"seconds": 1.0}), "b": ("step", {"seconds": 9.0}), "c": ("step", {"seconds": 0})},
        runs=3,
        threads=1,
    )
    assert (
        asked == [1.0, 9.0, 0, 1.0, 1.0]
        and found["a"]["seconds"] == 0.2
        and found["b"]["seconds"] == 4.5
        and "skipped" in found["c"]
    )
