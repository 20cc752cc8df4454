"""How long a folder of very many pairs takes to open and to check: python tests/many_pairs.py make | open | check.

make FOLDER [PAIRS]   make a folder of 80,805 pairs, as many as Sub-URMP has: hard links to a few files of data/sample
open FOLDER           time finding the pairs, and opening them from a cache; the cache is filled without decoding
check FOLDER          time looking into every file

For a comparison run it with another commit's package on PYTHONPATH, on the same folder: it uses what old ones have too.
A loaded machine is judged by processor time.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch

from avgen.core import INSTRUMENTS
from avgen.data import prepared
from avgen.data.corpora import open_pairs
from avgen.data.layout import read_layout
from avgen.data.loading import LoadedPair, check_folder

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def make(folder: Path, pairs: int = 80_805) -> None:
    """Fill a folder with `pairs` pairs in the layout of Sub-URMP, nine of ten for training."""
    sources = {
        name: [sorted((SAMPLE / kind).glob(f"*/{name}/*"))[0] for kind in ("img", "chunk")] for name in INSTRUMENTS
    }
    for split, count in (("train", pairs * 9 // 10), ("validation", pairs - pairs * 9 // 10)):
        for number, name in enumerate(INSTRUMENTS):
            mine = range(number, count, len(INSTRUMENTS))
            for kind, source in zip(("img", "chunk"), sources[name]):
                place = folder / kind / split / name
                place.mkdir(parents=True)
                for k, _ in enumerate(mine):  # 200 clips of a take, one every 100 ms
                    os.link(_near(source, folder), place / f"{name}{k // 200:02d}_{100 * (k % 200)}{source.suffix}")


def _near(source: Path, folder: Path) -> Path:
    """Copy a file beside the links, once: hard links do not reach into another disk."""
    copy = folder.with_name(f"{folder.name}-files") / f"{source.parent.name}{source.suffix}"
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    return copy


def timed(what: str, function, rounds: int = 3):
    """Print the shortest of some rounds: processor time of this process and its children, and the clock."""
    best = (float("inf"), float("inf"))
    for _ in range(rounds):
        spent, began = _spent(), time.perf_counter()
        result = function()
        best = min(best, (_spent() - spent, time.perf_counter() - began))
    print(f"{what}: {best[0]:.2f} s of processor time, {best[1]:.2f} s by the clock, load {os.getloadavg()[0]:.0f}")
    return result


def _spent() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def opening(folder: Path) -> None:
    """Time finding and opening the pairs of a folder."""
    layout = timed("finding the pairs", lambda: read_layout(folder))
    print(f"{len(layout.entries):,} pairs")
    picture, sound = torch.zeros(3, 64, 64, dtype=torch.uint8), torch.zeros(1)
    prepared.load_all = lambda layout, *_, **__: (LoadedPair(e, picture, sound) for e in layout.entries)
    prepared._as_sounds = lambda sounds, config: torch.zeros(len(sounds), 1, 64, 64, dtype=torch.float16)
    with tempfile.TemporaryDirectory(dir=folder.parent) as cache:
        open_pairs(folder, cache=cache)
        pairs = timed("opening them from the cache", lambda: open_pairs(folder, cache=cache))
        print(pairs)


if __name__ == "__main__":
    what, folder, *more = sys.argv[1:] if len(sys.argv) > 2 else ("help", "")
    if what == "make":
        make(Path(folder), *map(int, more))
    elif what == "open":
        opening(Path(folder))
    elif what == "check":
        print(timed("looking into every file", lambda: check_folder(folder), rounds=1))
    else:
        sys.exit(__doc__)
