"""Make the small reports that no other command writes: python tests/make_reports.py [data/orchestra-3 [runs/studies]]

They are of the runs that `avgen study --steps 2500` keeps; what is not there yet is trained here:
data/results/averaged-weights.json (for the page on evaluation), data/results/choices.json (for those on CMAV, CMCGAN
and the studies), nbs/images/cmcgan_ablations.png (for the one on CMCGAN).
"""

import json
import sys
from pathlib import Path

import torch
from avgen.judge.evaluation import evaluate
from avgen.orchestra import dataset as orchestra
from avgen.runs.files import write_json
from avgen.studies.jobs import Job, mean_over_seeds
from avgen.studies.rows import encoder_accuracy
from avgen.studies.tables import poster2_jobs
from avgen.studies.workplace import StudySettings, Workplace
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
REPORTED_SETTINGS = (
    "classifier_steps",
    "classifier_learning_rate",
    "l2",
    "cycle_weight",
    "discriminator_batch_norm",
    "discriminator_spectral_norm",
)


def short(value):
    return round(value, 4) if isinstance(value, float) else value


def averaged(work: Workplace) -> dict:
    """Judge each run of poster-2 twice: with averaged weights, and with those of the last step."""
    found = []
    for job in poster2_jobs(work):
        e = evaluate(
            work.runner.run(job),
            work.settings.pairs,
            evaluator=work.judge.evaluator,
            device="cpu",
            quiet=True,
            raw=True,
        )
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
        "data": f"{work.settings.pairs.name} ({work.settings.pairs.hash}), validation",
        "steps": work.settings.steps,
        "average": 0.998,
        "runs": found,
    }


def choices(work: Workplace) -> dict:
    """Score the settings that were chosen between, on the split that they were chosen on."""
    found = []
    for what, job in CHOICES.items():
        config = work.runner.run(job).config
        for d in ("S2I", "I2S") if job.direction == "both" else (job.direction,):
            row = dict(
                what=what,
                system=job.system,
                direction=d,
                steps={s["name"]: s["steps"] for s in config["stages"]},
                seed=job.seed,
                data=work.settings.pairs.hash,
                commit=config.get("commit"),
                settings={k: config["settings"][k] for k in REPORTED_SETTINGS if k in config["settings"]},
            )
            judged = {k: short(v) for k, v in mean_over_seeds(work.judged(job, d)).items() if k != "by_seed"}
            names = encoder_accuracy(work, [job], d) if job.system.startswith("cmav") else None
            found.append(row | judged | {"encoder names": short(names)})
    return {"data": f"orchestra, seed 3 ({work.settings.pairs.hash}), validation split", "runs": found}


def ablations(work: Workplace, path: Path) -> None:
    """Draw what CMCGAN and its ablations paint from one sound of each instrument."""
    import matplotlib.pyplot as plt
    from PIL import Image

    pairs = work.settings.pairs.validation
    some = [int((pairs.instrument == c).nonzero()[7]) for c in range(len(pairs.instruments))]
    rows = {"real": pairs.tensors(some)[0]}
    for name, changes in ABLATIONS.items():
        run = work.runner.run(Job("", "cmcgan", "both", tuple(sorted(changes.items()))))
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
    pairs = orchestra.build(data, seed=3)
    work = Workplace(StudySettings(pairs, Path(studies), seeds=3, device="cpu", limit=2500))
    write_json(HERE / "data/results/averaged-weights.json", averaged(work))
    write_json(HERE / "data/results/choices.json", choices(work))
    ablations(work, HERE / "nbs/images/cmcgan_ablations.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
