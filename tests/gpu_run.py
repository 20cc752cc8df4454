"""The parts of tests/gpu_run.sh, see there: each uses $WORK, and adds what it found to $OUT/results.json."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import torch

from avgen.core import choose_device, hardware
from avgen.data.corpora import open_pairs
from avgen.data.pairs import toy_pairs
from avgen.data.prepared import cache_folder
from avgen.judge.classifier import EvaluatorSettings
from avgen.judge.evaluation import evaluate, write_evaluations
from avgen.judge.evaluator import train_evaluator
from avgen.runs.run import Run
from avgen.runs.weights import ship
from avgen.systems import settings_of
from avgen.training.runner import resume, train

SMALL = os.environ.get("SMALL") == "1"  # the small form: toy networks on toy pairs
WORK, OUT = Path(os.environ.get("WORK", "runs/gpu-work")), Path(os.environ.get("OUT", "runs/gpu"))
LIMIT, DEADLINE = float(os.environ.get("LIMIT", 690)), float(os.environ.get("DEADLINE", time.time() + 690))
DIRECTIONS = ("S2I", "I2S")
SHARE = 0.45  # of the time for the two trainings of duet, which run beside each other
MOST = 20_000  # steps of the flow


def pairs_of():
    "The orchestra that was carried here; in the small form a toy."
    return toy_pairs(n=16) if SMALL else open_pairs(WORK / "orchestra")


def left() -> float:
    "Seconds until the time is up."
    return DEADLINE - time.time()


def keep(name: str, value) -> None:
    "Add to the results, whole or not at all."
    path = OUT / "results.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    path.with_suffix(".tmp").write_text(json.dumps(found | {name: value}, indent=1) + "\n")
    path.with_suffix(".tmp").replace(path)


def seconds_of_a_step(system: str, direction: str, preset: str, pairs, **settings) -> dict:
    "Seconds of a step in the last stage of a short training, its batch and memory."
    device = choose_device("auto")
    with tempfile.TemporaryDirectory() as folder:
        options = dict(run=Path(folder) / "run", quiet=True, device=device, tick_every=2 if SMALL else 20)
        run = train(system, pairs, direction, preset, sample_every=10**6, checkpoint_every=10**6, **options, **settings)
        a, b = run.metrics[-2], run.metrics[-1]
    seconds = (b["seconds"] - a["seconds"]) / (b["step"] - a["step"])
    batch = settings_of(system, preset).batch_size
    found = {"seconds": seconds, "batch": batch, "pairs_per_second": batch / seconds, "memory_mb": b["peak_memory_mb"]}
    if device.type == "cuda":
        found["gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return found


def train_one(system: str, direction: str) -> None:
    "Train one direction, or go on with it; how many steps there is time for is measured first."
    pairs, folder = pairs_of(), WORK / f"{system}-{direction.lower()}"
    if (folder / "config.json").is_file():
        return print(resume(folder, pairs, device="auto"))
    if system == "duet" and not SMALL:
        few = seconds_of_a_step("duet", direction, "small", pairs, classifier_steps=20, main_steps=60)
        steps = min(MOST, int(0.85 * min(SHARE * LIMIT, left()) / few["seconds"]))
        settings = {"preset": "small", "main_steps": steps, "average": 0.9995 if steps > 8000 else 0.998}
    else:
        settings = {"preset": "toy" if SMALL else "paper"}
    print(train(system, pairs, direction, run=folder, device="auto", sample_every=10**6, **settings))


def train_both(system: str, seconds: float) -> None:
    "Train both directions, each in a process of its own; after so many seconds each keeps a checkpoint and stops."
    command = [sys.executable, __file__, "one", system]
    processes = [subprocess.Popen([*command, direction]) for direction in DIRECTIONS]
    end = time.time() + seconds
    for process in processes:
        try:
            process.wait(max(1.0, end - time.time()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
    for process in processes:
        process.wait()


def runs_of(system: str) -> list[Run]:
    "The runs of a system that have begun, opened."
    folders = [WORK / f"{system}-{direction.lower()}" for direction in DIRECTIONS]
    return [Run.open(folder, pairs_of()) for folder in folders if (folder / "config.json").is_file()]


def told(run: Run) -> dict:
    "What a run says of itself."
    last = run.metrics[-1]
    names = ("seconds", "pairs_per_second", "peak_memory_mb")
    return {"step": run.step, "steps": run.config.steps, **{name: last.get(name) for name in names}}


def judged(system: str) -> dict:
    "Judge the runs of a system; reports go into the runs' folders."
    settings = EvaluatorSettings(image_steps=2, sound_steps=2) if SMALL else None
    evaluator = train_evaluator(pairs_of(), cache=WORK / "evaluator", settings=settings, quiet=True)
    found = {}
    for run in runs_of(system):
        if not run.step:
            continue
        e = evaluate(run, run.pairs, evaluator=evaluator, quiet=True)
        write_evaluations(run.folder / "report.json", e)
        brief = {name: getattr(e, name) for name in ("accuracy", "low", "high", "precision", "recall", "kid")}
        found[run.direction] = {**told(run), **brief, "said": repr(e)}
        run.variations().picture(scale=1, across=13).save(OUT / f"{run.folder.name}.png")
    return found


def steps() -> dict:
    "Seconds of a step of the systems, the peak of the device, and the share of it that SA-CMGAN's step reaches."
    pairs, preset = pairs_of(), "toy" if SMALL else "paper"
    short = {"classifier_steps": 4, "adversarial_steps": 8 if SMALL else 120}
    flow = {"classifier_steps": 4, "main_steps": 8 if SMALL else 120}
    device, found = choose_device("auto"), {}
    for direction in DIRECTIONS:
        found[f"sa-cmgan {preset} {direction}"] = seconds_of_a_step("sa-cmgan", direction, preset, pairs, **short)
    for name in ("toy",) if SMALL else ("small", "paper"):
        found[f"duet {name} S2I"] = seconds_of_a_step("duet", "S2I", name, pairs, **flow)
    if device.type == "cuda":
        from avgen.bench.steps import operations_of

        a, b = (torch.randn(8192, 8192, device=device, dtype=torch.bfloat16) for _ in range(2))
        for _ in range(20):
            a @ b
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(50):
            a @ b
        torch.cuda.synchronize()
        peak = 2 * 8192**3 * 50 / (time.perf_counter() - began)
        step, operations = found[f"sa-cmgan {preset} S2I"], operations_of(preset)
        found |= {"peak_bfloat16": peak, "share_of_peak": operations / step["seconds"] / peak, "operations": operations}
    return found


def ship_both() -> dict:
    "Slim the finished runs, and put them into one file."
    found = {}
    with tarfile.open(OUT / "shipped.tar", "w") as tar:
        for run in runs_of("duet"):
            small = ship(run.folder, WORK / "shipped" / run.folder.name, data="data/orchestra")
            tar.add(small, run.folder.name)
            found[run.direction] = json.loads((small / "shipped.json").read_text())
    return found


def pack(data: str) -> None:
    "Put the prepared arrays of a data set into gpu/orchestra.tar.gz."
    folder = cache_folder() / "pairs" / open_pairs(data).hash
    target = Path("gpu/orchestra.tar.gz")
    target.parent.mkdir(exist_ok=True)
    with tarfile.open(target, "w:gz", compresslevel=6) as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)
    print(f"{target}: {target.stat().st_size / 2**20:.0f} MB; carry it with the repository")


def main(part: str, *more: str) -> None:
    torch.set_num_threads(1 if SMALL else max(1, (os.cpu_count() or 2) // 2))
    if part == "pack":
        return pack(*more)
    if part == "one":
        return train_one(*more)
    if (WORK / f"{part}.done").exists():
        return print(f"gpu_run: {part} is done already")
    if part == "duet":
        train_both("duet", min(left(), 1.15 * SHARE * LIMIT + 30))
        keep("machine", {"hardware": hardware(choose_device("auto")), "torch": torch.__version__})
        keep("duet", {run.direction: told(run) for run in runs_of("duet")})
        if not all(run.finished for run in runs_of("duet")) or len(runs_of("duet")) < 2:
            return None
    elif part == "judge":
        keep("judged", judged("duet"))
    elif part == "ship":
        keep("shipped", ship_both())
    elif part == "steps":
        keep("steps", steps())
    elif part == "paper":
        train_both("sa-cmgan", max(5.0, left() - (0 if SMALL else 45)))
        keep("paper", {run.direction: told(run) for run in runs_of("sa-cmgan")})
        if left() > 20:
            keep("paper judged", judged("sa-cmgan"))
        if not all(run.finished for run in runs_of("sa-cmgan")):
            return None
    (WORK / f"{part}.done").touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
