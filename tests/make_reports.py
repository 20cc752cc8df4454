"""Makes the small reports that no other command writes: python tests/make_reports.py [data/orchestra-3 [runs/studies]]

Of the runs that `avgen study --steps 2500` keeps (trained here where they are not there yet): data/results/averaged-weights.json (15b), data/results/choices.json (13e, 13f, 17), nbs/images/cmcgan_ablations.png (13f).
"""

import json
import sys
from pathlib import Path

import torch
from avgen.orchestra import dataset as orchestra
from avgen.judge.evaluation import evaluate
from avgen.studies.jobs import Job, Work, counted
from avgen.runs.run import write_json
from avgen.studies.study import encoder_names, poster2_jobs
from avgen.systems.cmcgan import ABLATIONS

HERE = Path(__file__).resolve().parent.parent
CHOICES = {  # what settings were chosen by, on the validation split of this orchestra
    "CMAV with the shared recipe's classifier stage": Job(
        "", "cmav-s2i-c", "S2I", (("classifier_learning_rate", 2e-3), ("classifier_steps", 500), ("l2", 1e-4))
    ),
    "CMAV with a stage of its own (small)": Job("", "cmav-s2i-c", "S2I"),
    "CMCGAN, second pass weighing 1": Job("", "cmcgan", "both", (("cycle_weight", 1.0),)),
    "CMCGAN, second pass weighing 10 (small)": Job("", "cmcgan", "both"),
    "the CMCGAN inside missing-modality, all steps of small": Job("", "missing-modality", "both"),
}
SAID = (
    "classifier_steps",
    "classifier_learning_rate",
    "l2",
    "cycle_weight",
    "discriminator_batch_norm",
    "discriminator_spectral_norm",
)


def short(value):
    return round(value, 4) if isinstance(value, float) else value


def averaged(work: Work) -> dict:
    "Each run of poster-2 judged twice: with averaged weights, and with those of the last step."
    found = []
    for job in poster2_jobs(work):
        e = evaluate(work.run(job), work.pairs, evaluator=work.evaluator, device="cpu", quiet=True, raw=True)
        row = dict(
            system="sa-cmgan without attention" if "without" in job.label else "sa-cmgan",
            direction=e.direction,
            seed=job.seed,
            n=e.n,
            takes=e.takes,
            averaged=e.accuracy,
            raw=e.raw["accuracy"],
        )
        found.append(
            {k: short(v) for k, v in row.items()}
            | {
                "averaged_interval": [short(e.low), short(e.high)],
                "raw_interval": [short(e.raw["low"]), short(e.raw["high"])],
            }
        )
    return {
        "data": f"{work.pairs.name} ({work.pairs.hash}), validation",
        "steps": work.steps,
        "average": 0.998,
        "runs": found,
    }


def choices(work: Work) -> dict:
    found = []
    for what, job in CHOICES.items():
        config = work.run(job).config
        for d in ("S2I", "I2S") if job.direction == "both" else (job.direction,):
            row = dict(what=what, system=job.system, direction=d, steps={s["name"]: s["steps"] for s in config["stages"]}, seed=job.seed, data=work.pairs.hash, commit=config.get("commit"),
                       settings={k: config["settings"][k] for k in SAID if k in config["settings"]})  # fmt: skip
            judged = {k: short(v) for k, v in counted(work.judged(job, d)).items() if k != "by_seed"}
            names = encoder_names(work, [job], d) if job.system.startswith("cmav") else None
            found.append(row | judged | {"encoder names": short(names)})
    return {"data": f"orchestra, seed 3 ({work.pairs.hash}), validation split", "runs": found}


def ablations(work: Work, path: Path) -> None:
    "What CMCGAN and its ablations paint from one sound of each instrument."
    import matplotlib.pyplot as plt
    from PIL import Image

    pairs = work.pairs.validation
    some = [int((pairs.instrument == c).nonzero()[7]) for c in range(len(pairs.instruments))]
    rows = {"real": pairs.tensors(some)[0]}
    for name, changes in ABLATIONS.items():
        run = work.run(Job("", "cmcgan", "both", tuple(sorted(changes.items()))))
        rows[name if changes else "cmcgan"] = run.towards("S2I").generate(pairs[some], seed=0)
    figure, axes = plt.subplots(len(rows), len(some), figsize=(10.4, 4.35), dpi=90)
    for line, (name, images) in zip(axes, rows.items()):
        for ax, x in zip(line, images):
            ax.imshow(((x.float().clamp(-1, 1) + 1) / 2).permute(1, 2, 0).numpy())
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(name.replace(" ", "\n", 1), rotation=0, ha="right", va="center", fontsize=8)
    for ax, i in zip(axes[0], some):
        ax.set_title(pairs.instruments[int(pairs.instrument[i])].replace("_", " "), fontsize=7.5)
    figure.subplots_adjust(left=0.085, right=0.998, top=0.95, bottom=0.005, wspace=0.04, hspace=0.05)
    figure.savefig(path)
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


def main(data: str = "data/orchestra-3", studies: str = "runs/studies") -> None:
    torch.set_num_threads(1)
    work = Work(orchestra.build(data, seed=3), Path(studies), seeds=3, device="cpu", limit=2500)
    write_json(HERE / "data/results/averaged-weights.json", averaged(work))
    write_json(HERE / "data/results/choices.json", choices(work))
    ablations(work, HERE / "nbs/images/cmcgan_ablations.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
