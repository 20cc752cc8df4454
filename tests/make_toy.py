"""Make data/toy, the trained toy that comes with the kit.

python tests/make_toy.py [data/orchestra [a finished run of these settings]]

The `small` recipe at a quarter of its width, SA-CMGAN's own form of attention in the encoder (all 1,024 keys), trained
on the orchestra of seed 0. Optimisers are left out: it can be looked at, not resumed.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from avgen.orchestra import dataset as orchestra
from avgen.training import runner as training
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint, save_checkpoint
from avgen.runs.run import Run

HERE = Path(__file__).resolve().parent.parent
SETTINGS = dict(
    width=6,
    encoder_width=8,
    classifier_steps=500,
    adversarial_steps=5000,
    form="sa-cmgan",
    game_form="same",
    game_attention=16,
)


def ship(run) -> None:
    "The weights of a finished run, and what it is."
    shutil.rmtree(HERE / "data/toy", ignore_errors=True)
    (HERE / "data/toy").mkdir(parents=True)
    for name in ("config.json", "metrics.jsonl"):
        shutil.copy(run.folder / name, HERE / "data/toy" / name)
    last = read_checkpoint(list_checkpoints(run.folder / "checkpoints")[-1])
    kept = {n: t for n, t in last.tensors.items() if n.startswith(("model.", "average."))}
    facts = {k: v for k, v in last.facts.items() if k not in ("format", "step", "bytes", "sha256", "facts_sha256")}
    save_checkpoint(HERE / "data/toy/checkpoints", last.step, kept, **facts)
    size = sum(file.stat().st_size for file in (HERE / "data/toy").rglob("*") if file.is_file())
    print(f"{HERE / 'data/toy'}: {size / 1e6:.2f} MB")


def main(data: str = "data/orchestra", run: str | None = None) -> None:
    pairs = orchestra.build(data)
    if run:
        return ship(Run.open(run, pairs, "cpu"))
    with tempfile.TemporaryDirectory() as folder:
        ship(
            training.train(
                "sa-cmgan",
                pairs,
                direction="S2I",
                preset="small",
                run=Path(folder) / "toy",
                seed=0,
                threads=1,
                sample_every=10**6,
                **SETTINGS,
            )
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
