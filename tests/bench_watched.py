"""How much slower a watched run is: the same run with and without a dashboard, in turn, medians.

python tests/bench_watched.py [PAIRS] [STEPS]       wants a quiet machine
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch

from avgen.data.corpora import open_pairs
from avgen.show.dashboard import TrainingDashboard
from avgen.runs.files import read_small_json
from avgen.training.runner import start


def measure(data, folder: Path, steps: int, watched: bool) -> dict:
    "Seconds of training by the clock and of the processor, and what the watching took of it."
    run = start(
        "sa-cmgan",
        data,
        preset="toy",
        steps=steps,
        run=folder,
        device="cpu",
        threads=1,
        sample_every=100,
        tick_every=20,
    )
    boards, busy, process = (
        [TrainingDashboard(run)] * watched,
        time.process_time(),
        psutil.Process(read_small_json(run.folder / "state.json")["process"]),
    )
    spent = 0.0
    while run.state in ("starting", "running"):
        try:
            spent = sum(process.cpu_times()[:2])
        except psutil.Error:
            pass
        time.sleep(0.5)
    for board in boards:
        board.close()
    return {"clock": run.metrics[-1]["seconds"], "trainer": spent, "watcher": time.process_time() - busy}


def main(pairs: int = 5, steps: int = 400) -> None:
    torch.set_num_threads(1)
    data, work, found = (
        open_pairs(Path(__file__).parent.parent / "data" / "sample"),
        Path(tempfile.mkdtemp()),
        {False: [], True: []},
    )
    for n in range(pairs):
        for watched in (False, True) if n % 2 else (True, False):
            found[watched].append(measure(data, work / f"{n}-{watched}", steps, watched))
            print(n, "watched" if watched else "alone", json.dumps(found[watched][-1]), flush=True)

    def middle(watched, key):
        return statistics.median(f[key] for f in found[watched])

    for key in ("clock", "trainer"):
        alone, watched = middle(False, key), middle(True, key)
        print(f"{key}: alone {alone:.2f} s, watched {watched:.2f} s ({100 * (watched / alone - 1):+.1f} %)")
    print(f"the watching itself took {middle(True, 'watcher'):.2f} s of a processor")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
