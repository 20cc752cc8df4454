"""Contract of avgen.report.memory_meter: the whole family is counted, children included."""

import subprocess
import sys
import time

from avgen.report.memory_meter import MemoryMeter, family_memory_mb


def test_a_child_counts():
    code = "block = b'x' * (96 * 2**20); print('held', flush=True); import time; time.sleep(60)"
    with MemoryMeter(every=0.01) as meter:
        before = family_memory_mb()
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "held\n"
        time.sleep(0.05)
        assert family_memory_mb() - before > 96
        child.kill()
        child.wait()
    assert meter.memory_mb - before > 96 and meter.seconds > 0


def test_it_can_be_used_again():
    meter = MemoryMeter(every=0.01)
    for _ in range(2):
        with meter:
            time.sleep(0.02)
        assert meter.memory_mb > 0 and meter.seconds >= 0.02
