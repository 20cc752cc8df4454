"""Train every system for a dozen steps in each direction, judge it, and print hashes of weights, log and report.

    python tests/same_numbers.py                     print the hashes as JSON
    python tests/same_numbers.py --write FILE        write them to FILE
    python tests/same_numbers.py --compare FILE      leave with 1, naming each difference, unless they are those of FILE

It works through the command line alone, so that the same script runs before and after a change of the code's structure.
The hashes depend on the processor and on PyTorch: compare two runs of one machine.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent
RUNS = [
    ("sa-cmgan", "S2I"),
    ("sa-cmgan", "I2S"),
    ("cmav-s2i-c", "S2I"),
    ("cmav-s2i-n", "S2I"),
    ("cmav-s2i-a", "S2I"),
    ("cmav-i2s", "I2S"),
    ("cmcgan", "both"),
    ("missing-modality", "both"),
    ("duet", "S2I"),
    ("duet", "I2S"),
]
NOT_NUMBERS = ("seconds", "pairs_per_second", "peak_memory_mb")  # clocks and memory differ from run to run


def avgen(*arguments: str, cache: Path) -> None:
    """Run one command of the package in ROOT with one thread. Raises CalledProcessError when it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AVGEN_THREADS": "1"}
    environment |= {"AVGEN_CACHE": str(cache), "AVGEN_TUNE": "off"}
    command = [sys.executable, "-c", "from avgen.cli import main; main()", *arguments]
    subprocess.run(command, check=True, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)


def hash_of(value) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of bytes, or of a value as sorted JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def without_clocks(value):
    """A JSON value without the entries that a clock or the operating system gave."""
    if isinstance(value, list):
        return [without_clocks(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: without_clocks(v) for k, v in value.items() if k not in NOT_NUMBERS}


def weights_hash(folder: Path) -> str:
    """One hash for all tensors of a run's newest checkpoint: weights, averages and optimiser."""
    tensors = load_file(sorted((folder / "checkpoints").glob("*.safetensors"))[-1])
    parts = [n.encode() + str(t.dtype).encode() + t.tobytes() for n, t in sorted(tensors.items())]
    return hash_of(b"".join(parts))


def measure(system: str, direction: str, folder: Path) -> dict[str, str]:
    """Train and judge one system; return its three hashes."""
    run, cache, data = folder / f"{system}-{direction}", folder / "cache", str(ROOT / "data" / "sample")
    how = ["--preset", "toy", "--steps", "12", "--device", "cpu", "--precision", "float32", "--threads", "1", "--quiet"]
    avgen("train", "--system", system, "--direction", direction, "--data", data, "--run", str(run), *how, cache=cache)
    report = run / "judged.json"
    avgen("evaluate", "--run", str(run), "--data", data, "--json", str(report), "--quiet", cache=cache)
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    judged = without_clocks(json.loads(report.read_text()))
    text = json.dumps(judged).replace(str(folder), "FOLDER")  # a report names its run's folder
    return {"weights": weights_hash(run), "log": hash_of(without_clocks(log)), "report": hash_of(json.loads(text))}


def main() -> None:
    """Measure every system and print, write or compare the hashes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    parser.add_argument("--compare", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {f"{s} {d}": measure(s, d, Path(folder)) for s, d in RUNS}
    text = json.dumps(found, indent=1) + "\n"
    if options.write:
        options.write.write_text(text)
    elif not options.compare:
        print(text, end="")
    if options.compare:
        expected = json.loads(options.compare.read_text())
        differ = [f"{run}: {k}" for run in expected for k, v in expected[run].items() if found.get(run, {}).get(k) != v]
        if differ:
            sys.exit("these numbers differ:\n" + "\n".join(differ))
        print(f"the same to the bit: {3 * len(expected)} hashes of {len(expected)} runs")


if __name__ == "__main__":
    main()
