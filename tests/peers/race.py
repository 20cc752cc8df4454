"""Train GANs on the same pictures for the same time, one after the other, and judge all of them by our measures.

    python tests/peers/race.py --minutes 10                 all contestants, the orchestra in data/orchestra
    python tests/peers/race.py --minutes 0.5 --only dcgan   a trial of one

Each works in a process of its own with as many threads as the others; its pictures at 2, 5 and 10 minutes of training
are kept in --work, so that a race that was stopped goes on with the next contestant. The packages are installed below
--work from the registry; one that cannot be had is left out, with the reason in the report. Run it with nothing else
running: the time is wall time. `nbs/14_bench/09_peers.ipynb` shows the report.
"""

import argparse
import base64
import io
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import numpy as np
import torch
from ours import ours
from packages import NotHere, installed, lightweight, mimicry_sagan
from PIL import Image
from plain import dcgan, r3gan

from avgen.core import hardware
from avgen.data.corpora import open_pairs
from avgen.judge.evaluation import check_collapse
from avgen.judge.evaluator import train_evaluator
from avgen.tuning import tuning_on

CONTESTANTS = {  # name -> function(pairs, given) -> Contestant
    "duet": lambda pairs, given: ours("duet", "etude", pairs, given.minutes, given.threads),
    "sa-cmgan": lambda pairs, given: ours("sa-cmgan", "small", pairs, given.minutes, given.threads),
    "R3GAN": lambda pairs, given: r3gan(pairs),
    "DCGAN": lambda pairs, given: dcgan(pairs),
    "torch-mimicry SAGAN": lambda pairs, given: mimicry_sagan(pairs, _package("torch-mimicry", given)),
    "lightweight-gan": lambda pairs, given: lightweight(pairs, _package("lightweight-gan", given)),
}


def _package(name: str, given) -> Path:
    return installed(name, Path(given.work) / "packages", ROOT / "constraints.txt")


def parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", default=str(ROOT / "data" / "orchestra"), help="a folder in Sub-URMP's layout")
    p.add_argument("--minutes", type=float, default=10.0, help="of training for each")
    p.add_argument("--marks", default="2,5,10", help="minutes at which pictures are kept; the last minute always is")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--only", default=",".join(CONTESTANTS), help=f"which, with commas: {', '.join(CONTESTANTS)}")
    p.add_argument("--work", default=str(ROOT / "runs" / "peers"), help="packages and pictures are kept here")
    p.add_argument("--out", default=str(ROOT / "data" / "results" / "peers.json"))
    p.add_argument("--remark", default="", help="about the machine, for the report: loaded, quiet")
    p.add_argument("--one", help=argparse.SUPPRESS)
    return p


def marks_of(given) -> list[float]:
    """The minutes at which pictures are kept, in order."""
    wanted = {float(m) for m in given.marks.split(",") if m} | {given.minutes}
    return sorted(m for m in wanted if 0 < m <= given.minutes)


def key_of(given) -> dict:
    """What a contestant's kept pictures must have been made with."""
    facts = dict(minutes=given.minutes, at=marks_of(given), threads=given.threads, data=str(Path(given.data)))
    return facts | dict(processor=hardware("cpu"), torch=torch.__version__)


def work_on(name: str, given, folder: Path) -> dict:
    """Train one contestant for its time, keep what it paints at each mark in `folder`, and return the facts."""
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    pairs = open_pairs(given.data, tune_share=0.0)
    contestant = CONTESTANTS[name](pairs, given)
    seen, steps, clock, marks = 0, 0, 0.0, []
    for mark in marks_of(given):
        while clock < 60 * mark:
            start = time.perf_counter()
            looked_at = contestant.step()
            clock += time.perf_counter() - start
            seen, steps = seen + looked_at, steps + bool(looked_at)
            if not looked_at:
                clock = 60 * mark  # it has nothing more to do, and waits for the mark
        made = contestant.paint(pairs.validation)
        np.savez_compressed(folder / f"{mark:g}.npz", made=((made + 1) * 127.5).round().byte().numpy())
        marks.append({"minutes": mark, "steps": steps, "pictures": seen})
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = dict(told=contestant.told, parameters=contestant.parameters, note=contestant.note, memory_mb=round(memory))
    return facts | dict(pictures_a_second=round(seen / clock, 2), marks=marks, **key_of(given))


def run_one(name: str, given) -> dict:
    """Return the facts of a contestant, from an earlier race where there was one, or trained now in a process."""
    folder = Path(given.work) / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "facts.json"
    if place.exists():
        kept = json.loads(place.read_text())
        if all(kept.get(k) == v for k, v in key_of(given).items()):
            return kept
    command = [sys.executable, str(HERE / "race.py"), "--one", name]
    for option in ("data", "minutes", "marks", "threads", "work"):
        command += [f"--{option}", str(getattr(given, option))]
    threads = str(given.threads)
    environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "AVGEN_THREADS": threads}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        return {"skipped": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1][:200]}
    return json.loads(place.read_text())


def sheet(made: np.ndarray, pairset, rows: int = 3) -> str:
    """A sheet of `rows` pictures for each instrument, side by side, as base64 of a small WebP."""
    columns = []
    for number in range(len(pairset.instruments)):
        mine = (pairset.instrument == number).nonzero().flatten().tolist()
        columns.append(np.concatenate([made[i].transpose(1, 2, 0) for i in mine[:: max(1, len(mine) // rows)][:rows]]))
    out = io.BytesIO()
    Image.fromarray(np.concatenate(columns, 1)).save(out, "WEBP", quality=60, method=6)
    return base64.b64encode(out.getvalue()).decode()


def judge(facts: dict, name: str, given, pairs, evaluator) -> dict:
    """Add our measures to each mark of a contestant, and a sheet of its last pictures."""
    for mark in facts["marks"]:
        made = np.load(Path(given.work) / name.replace(" ", "-") / f"{mark['minutes']:g}.npz")["made"]
        found = check_collapse(torch.from_numpy(made) / 127.5 - 1, pairs, "S2I", evaluator, system=name)
        mark |= {"frechet": found.frechet["value"], "floor": found.frechet["real"]}
        mark |= {"precision": found.precision, "recall": found.recall, "real": found.real_precision_recall}
        told = facts["told"] != "nothing"
        mark |= {"accuracy": found.accuracy if told else None, "interval": [found.low, found.high] if told else None}
    return facts | {"sheet": sheet(made, pairs.validation)}


def main() -> None:
    """Let all take part, judge them, and write the report after each."""
    given = parser().parse_args()
    if given.one:
        folder = Path(given.work) / given.one.replace(" ", "-")
        try:
            facts = work_on(given.one, given, folder)
        except (NotHere, ImportError) as e:
            sys.exit(f"{type(e).__name__}: {e}")
        (folder / "facts.json").write_text(json.dumps(facts))
        return
    pairs = open_pairs(given.data, tune_share=0.0)
    report = {"data": pairs.name, "train": len(pairs.all_train), "judged": len(pairs.validation)}
    report |= {k: v for k, v in key_of(given).items() if k != "data"}
    report |= {"remark": given.remark, "tuned": tuning_on(), "instruments": list(pairs.instruments), "contestants": {}}
    evaluator = train_evaluator(pairs, device="cpu")
    for name in [n.strip() for n in given.only.split(",")]:
        print(f"avgen: {name}", file=sys.stderr, flush=True)
        facts = run_one(name, given)
        if "skipped" not in facts:
            facts = judge(facts, name, given, pairs, evaluator)
            facts = {k: v for k, v in facts.items() if k not in key_of(given)}
        report["contestants"][name] = facts
        Path(given.out).parent.mkdir(parents=True, exist_ok=True)
        Path(given.out).write_text(json.dumps(report, indent=1) + "\n")
        last = facts.get("marks", [{}])[-1]
        told = facts.get("skipped") or ", ".join(
            f"{k} {last[k]}" for k in ("frechet", "precision", "recall", "accuracy")
        )
        print(f"avgen: {name}: {told}", flush=True)


if __name__ == "__main__":
    main()
