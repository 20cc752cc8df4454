"""Kill a training run again and again, resume it each time, and compare its end with a run that was left alone.

    python tests/kill_and_resume.py --times 50                  # every system in turn; the ends are equal bit for bit
    python tests/kill_and_resume.py --times 30 --processes      # two processes and one in turn: within 1e-8

Every second kill (SIGKILL) waits until a checkpoint is being written: its temporary file is there, or its tensors are
and their facts are not yet. The others strike at a random moment. What was hit is told afterwards by what the dead
process left behind. Each life is a process of its own, forked from one that has PyTorch loaded.

Compared are all tensors of the last checkpoint (weights, averages, optimisers, statistics), what the two runs
generate, and the metrics apart from the columns of clock and memory.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch

from avgen.data.pairs import toy_pairs
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.runs.files import read_metrics
from avgen.runs.run import Run
from avgen.runs.status import run_status
from avgen.systems import registered_system, systems
from avgen.training.runner import resume, train

CLOCK = {"pairs_per_second", "seconds", "peak_memory_mb"}
EVERY = 2  # steps between two checkpoints


def in_child(work) -> int:
    "Run `work` in a forked process with nothing to say; returns its number."
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    try:
        work()
        os._exit(0)
    except BaseException as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr, flush=True)
        os._exit(1)


def writing(folder: Path) -> bool:
    "Whether a checkpoint of a run is half written now: a temporary file, or tensors without their facts."
    try:
        names = {entry.name for entry in os.scandir(folder / "checkpoints")}
    except OSError:
        return False
    return any(n.endswith(".tmp") for n in names) or any(
        n.endswith(".safetensors") and n.replace(".safetensors", ".json") not in names for n in names
    )


def live_and_die(work, folder: Path, target: bool, chance: random.Random) -> tuple[str, bool]:
    "One life of a run: how it ended ('killed' or 'finished'), and whether a checkpoint was half written then."
    pid = in_child(work)
    begun, wait, torn = (
        time.monotonic(),
        chance.random() * 2.0,
        chance.randrange(1, 4),
    )  # the first to third checkpoint of this life
    seen = False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if status:
                sys.exit(f"a life ended by itself with status {status}: see above")
            return "finished", False
        now = writing(folder) and time.monotonic() - begun > 0.02
        torn -= now and not seen
        seen = now
        if (target and now and torn <= 0) or (not target and time.monotonic() - begun > wait):
            break
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "killed", writing(folder)


def compare(one: Run, two: Run, pairs) -> None:
    "Leave with a message where two finished runs differ."
    mine, its = (read_checkpoint(list_checkpoints(r.folder / "checkpoints")[-1]) for r in (one, two))
    differ = [
        n
        for n in mine.tensors.keys() | its.tensors.keys()
        if n not in mine.tensors or n not in its.tensors or not torch.equal(mine.tensors[n], its.tensors[n])
    ]
    if differ or mine.step != its.step:
        sys.exit(f"{two.folder}: {len(differ)} tensors differ: {differ[:3]}")
    logs = [[{k: v for k, v in row.items() if k not in CLOCK} for row in read_metrics(r.folder)] for r in (one, two)]
    if logs[0] != logs[1]:
        sys.exit(
            f"{two.folder}: the logs differ: {[(a, b) for a, b in zip(*logs) if a != b][:1] or list(map(len, logs))}"
        )
    left = [str(p) for p in two.folder.rglob("*.tmp")]
    if left:
        sys.exit(f"{two.folder}: left over: {left}")


def trial(name: str, direction: str, times: int, folder: Path, seed: int, steps: int) -> dict:
    "One run left alone and one killed `times` times, or until it is finished."
    pairs, chance = toy_pairs(n=24), random.Random(seed)
    more = dict(
        pairs=pairs,
        direction=direction,
        preset="toy",
        quiet=True,
        device="cpu",
        threads=1,
        steps=steps,
        checkpoint_every=EVERY,
        sample_every=10**6,
        tick_every=3,
        seed=seed,
    )
    whole, cut = folder / f"{name}-{direction}-whole", folder / f"{name}-{direction}-killed"
    if os.waitpid(in_child(lambda: train(name, run=whole, **more)), 0)[1]:
        sys.exit(1)

    def go_on():
        return resume(cut, pairs, quiet=True) if (cut / "config.json").exists() else train(name, run=cut, **more)

    kills, torn, early = 0, 0, False
    while kills < times and not early:
        end, half = live_and_die(go_on, cut, kills % 2 == 0, chance)
        early = end == "finished"
        kills, torn = kills + (not early), torn + half
    if os.waitpid(in_child(go_on), 0)[1]:
        sys.exit(1)
    compare(Run.open(whole, pairs, device="cpu"), Run.open(cut, pairs, device="cpu"), pairs)
    return {
        "system": f"{name}:{direction}",
        "kills": kills,
        "while_a_checkpoint_was_written": torn,
        "steps": Run.open(cut, device="cpu").config.steps,
    }


def across(times: int, folder: Path, seed: int = 0) -> dict:
    """Runs in double precision, each killed six times under two processes and one in turn, and then finished."""
    import two_processes as tested

    chance, worker, kills, torn, worst = random.Random(seed), folder / "worker.py", 0, 0, 0.0
    worker.write_text(tested.WORKER)
    whole = tested.together(worker, 1, run=folder / "whole")
    if whole != [(0, "")]:
        sys.exit(f"the run that is left alone: {whole}")
    for turn in range(-(-times // 6)):
        run, step = folder / f"turn-{turn}", 0
        for life in range(6):
            step, half = tested.strike(
                worker,
                1 + (turn + life) % 2,
                run,
                step,
                chance,
                kills % 2 == 0,
                **({"resume": True} if life else {"checkpoint_every": 2}),
            )
            kills, torn = kills + 1, torn + half
        ended = tested.together(worker, 1 + turn % 2, run=run, resume=True)
        apart, left = tested.apart(folder / "whole", run), [str(p) for p in run.rglob("*.tmp")]
        if any(code for code, _ in ended) or apart > 1e-8 or left or run_status(run)["state"] != "finished":
            sys.exit(f"{run}: {ended}, {apart:g} apart, left over: {left}")
        worst = max(worst, apart)
    return {
        "system": "double, two processes and one in turn",
        "kills": kills,
        "while_a_checkpoint_was_written": torn,
        "apart": worst,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument(
        "--systems",
        nargs="*",
        default=[f"{n}:{d}" for n in systems() for d in registered_system(n).directions],
        help="NAME:DIRECTION, default: all",
    )
    parser.add_argument("--steps", type=int, help="of the last stage; default: enough that the run outlives its kills")
    parser.add_argument(
        "--processes", action="store_true", help="on another number of processes each time, instead of the systems"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if options.processes:
            return print(json.dumps(across(options.times, Path(folder), options.seed)))
        for each in options.systems:
            begun, steps, kills = time.monotonic(), options.steps or max(12, 6 * options.times), 0
            while kills < options.times:  # a quick system is done before it has been killed often enough: a longer run
                found = trial(*each.split(":"), options.times, Path(folder) / str(steps), options.seed, steps)
                kills, steps = found["kills"], 2 * steps
                if kills < options.times and options.steps:
                    sys.exit(f"{each}: finished after {kills} kills: give more --steps")
            print(json.dumps(found | {"seconds": round(time.monotonic() - begun, 1), "same": "to the bit"}), flush=True)


if __name__ == "__main__":
    main()
