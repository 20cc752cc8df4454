"""The tables of the front page and of the site, made from the results that are committed: no figure is typed.

`tests/gates.py maps --write` puts each between `<!-- table: name -->` and `<!-- end of table -->`.
"""

import json
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def read(path: str) -> dict:
    """Read a result, such as "data/results/bench-cpu.json"."""
    return json.loads((ROOT / path).read_text())


def table(head: list[str], rows: list[list[str]]) -> str:
    """Lay out a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def interval(row: dict) -> str:
    """Write an accuracy with its interval."""
    return f"{row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def pair_reports() -> tuple[dict, dict]:
    """Return the reports of the trained pair: sound to image, and image to sound."""
    return tuple(read(f"data/systems/duet-{d.lower()}/report.json")[d] for d in ("S2I", "I2S"))


def pair_rows() -> dict[str, list[str]]:
    """Return each measure of the trained pair: of pictures, real pictures, sounds, real sounds."""
    rows = {name: [] for name in ("accuracy", "recall", "precision", "frechet", "spread", "noise", "follows")}
    for report in pair_reports():
        real_precision, real_recall = report["real_precision_recall"]
        rows["accuracy"] += [interval(report), f"{report['evaluator_accuracy']:.3f}"]
        rows["recall"] += [f"{report['recall']:.2f}", f"{real_recall:.2f}"]
        rows["precision"] += [f"{report['precision']:.2f}", f"{real_precision:.2f}"]
        rows["frechet"] += [f"{report['frechet']['value']:.1f}", f"{report['frechet']['real']:.1f}"]
        rows["spread"] += [f"{report['pixel_spread']['ratio']:.2f}", "1"]
        rows["noise"] += [f"{report['noise_moves']['ratio']:.2f}", ""]
        rows["follows"] += [f"{report['follows'][of]:z.2f}" for of in ("score", "real")]
    return rows


def made() -> str:
    """Make the front page's table of what the kit makes."""
    said = {
        "accuracy": "**accuracy**: the right instrument, says a judge taught to refuse blur and shuffles",
        "recall": "**recall**: how much of the real variety is there",
        "frechet": "**Fréchet distance** to the real set (lower is nearer)",
        "follows": "**follows**: what comes back beyond the instrument (pose; pitch, loudness, onset)",
    }
    rows = pair_rows()
    return table(
        ["", "pictures from sounds", "real pictures", "sounds from pictures", "real sounds"],
        [[sentence, *rows[name]] for name, sentence in said.items()],
    )


def pair() -> str:
    """Make the whole table of the trained pair."""
    said = {
        "accuracy": "accuracy",
        "recall": "recall: how much of the real lies among the generated",
        "precision": "precision: how much of the generated lies among the real",
        "frechet": "Fréchet distance, and between real sets",
        "spread": "spread within an instrument, of the real",
        "noise": "what another noise moves, of that spread",
        "follows": "follows: pose from the sound; pitch, loudness, onset from the picture",
    }
    rows = pair_rows()
    head = ["", "sound to image", "real images", "image to sound", "real sounds"]
    return table(head, [[sentence, *rows[name]] for name, sentence in said.items()])


def seeds() -> str:
    """Make the table of the first system on three orchestras."""
    head = ["seed", "direction", "right", "accuracy", "the evaluator on real samples", "recall (real samples)"]
    names = {"200": "seed-200", "0": "seed-0", "1, performers held out": "seed-1-held-out"}
    rows = []
    for seed, name in names.items():
        for direction, what in (("S2I", "sound to image"), ("I2S", "image to sound")):
            r = read(f"data/results/small-orchestra-{name}.json")[direction]
            lottery = f"{r['one_batch_of_64']['low']:.2f} to {r['one_batch_of_64']['high']:.2f} by luck alone"
            recall = f"{r['recall']:.3f} ({r['real_precision_recall'][1]:.2f})"
            right = f"{r['correct']} of {r['n']}"
            rows.append([seed, what, right, interval(r), f"{r['evaluator_accuracy']:.3f}", recall, lottery])
    return table([*head, "one batch of 64, as the papers report"], rows)


def systems() -> str:
    """Make the table of the papers' systems beside each other, from the reports of `avgen study`."""
    wanted = (
        ("CMAV: classified code, mismatched pairs (`cmav-s2i-c`, `cmav-i2s`)", "poster-1", "cmav-s2i-c", "cmav-i2s"),
        ("CMAV without mismatched pairs (`cmav-s2i-n`)", "cmav", "cmav-s2i-n", None),
        ("CMAV with an autoencoder's code (`cmav-s2i-a`)", "cmav", "cmav-s2i-a", None),
        ("`cmcgan`", "poster-1", "cmcgan", "cmcgan"),
        ("`cmcgan` without its second pass", "cmcgan", "no cycle", "no cycle"),
        ("`cmcgan` without latent vector", "cmcgan", "no latent", "no latent"),
        ("`cmcgan` with separate losses", "cmcgan", "separate losses", "separate losses"),
        ("`sa-cmgan`", "poster-1", "sa-cmgan", "sa-cmgan"),
        ("`sa-cmgan` with CMAV's longer classifier stage", "poster-1", "sa-cmgan, CMAV's classifier stage", None),
        ("`sa-cmgan` without attention", "poster-2", "without attention", "without attention"),
    )
    rows = []
    for said, study, *labels in wanted:
        known = {(r["label"], r["direction"]): r for r in read(f"data/results/study-{study}.json")["rows"]
                 if r["split"] == "validation"}  # fmt: skip
        found = [known.get((label, d)) for label, d in zip(labels, ("S2I", "I2S"))]
        count = str(max(r["seeds"] for r in found if r))
        rows.append([said, count, *(interval(r) if r else "" for r in found)])
    return table(["system", "seeds", "sound to image", "image to sound"], rows)


def took() -> list[str]:
    """Say how long the two directions of the trained pair took to train."""
    found = [read(f"data/systems/duet-{d}/shipped.json") for d in ("s2i", "i2s")]
    return [f"{f['seconds'] / 60:.0f} min" for f in found]


def memory(mb: float) -> str:
    """Write an amount of memory."""
    return f"{mb / 1000:.1f} GB"


def cost_rows() -> list[list[str]]:
    """Return what each preset of `sa-cmgan` costs: measured, or said not to be."""
    steps = read("data/results/bench-cpu.json")["steps"]
    small, paper = (steps[name] for name in ("small", "paper"))
    one = "CPU, 1 thread, the other direction beside it"
    return [
        ["`toy`", "CPU, 1 thread", "4, 8", "seconds", "0.4 GB"],
        ["`small`", one, "500, 5,000", "8 to 9 min", "0.7 GB; the whole demo 2.1 GB"],
        ["`small`", "CPU, 2 threads, alone", "500, 5,000",
         f"{small['ours']['seconds']:.2f} s a step of {small['batch']} pairs", memory(small["ours"]["memory_mb"])],
        ["`paper`", "CPU, 2 threads", "8,000, 12,000",
         f"not run to the end; {paper['ours']['seconds']:.2f} s a step of {paper['batch']} pairs",
         memory(paper["ours"]["memory_mb"])],
        ["`paper`", "GPU", "8,000, 12,000", "not measured yet", ""],
    ]  # fmt: skip


def presets() -> str:
    """Make the table of what each preset costs."""
    return table(["preset", "device", "steps (classifier, game)", "time a direction", "peak memory"], cost_rows())


def costs() -> str:
    """Make the front page's table of what it costs."""
    duet = " and ".join(took())
    return table(
        ["what", "device", "time a direction", "peak memory"],
        [
            ["a few steps to try things out (`--preset toy`)", "CPU, 1 thread", "seconds", "0.4 GB"],
            ["the demo: four instruments of the étude", "CPU, 1 thread", "2 and a half min", "0.8 GB"],
            ["a small `duet`, 1,200 steps on the orchestra", "CPU, 1 thread", "4 and a half min", ""],
            ["the pair that comes with the kit (`duet`)", "CPU, 1 thread", duet, ""],
            ["`sa-cmgan`, `small`, 5,500 steps", "CPU, 1 thread", "8 to 9 min", "0.7 GB"],
            [
                "`sa-cmgan`, `paper`: 0.86 s a step of 64 pairs, 20,000 steps",
                "CPU, 2 threads",
                "not run to the end",
                memory(read("data/results/bench-cpu.json")["steps"]["paper"]["ours"]["memory_mb"]),
            ],
            ["`sa-cmgan`, `paper`", "GPU", "not measured yet", ""],
        ],
    )


def speed() -> str:
    """Make the table of how fast it is beside other programs."""
    bench = read("data/results/bench-cpu.json")
    steps, attention = bench["steps"]["paper"], {k: v["seconds"] for k, v in bench["attention"].items()}
    mel, many = {k: v["seconds"] for k, v in bench["logmel"].items()}, bench["growth"]["pairs"]["80805"]
    ours = steps["ours"]["seconds"]
    share = steps["operations"] / ours / bench["machine"]["peaks"]["bfloat16"]
    versus = [f"{mel[name] / mel['ours']:.0f} x {said}" for name, said in
              (("librosa", "librosa clip by clip"), ("librosa at once", "librosa at once"),
               ("torchaudio", "torchaudio"), ("nnAudio", "nnAudio"))]  # fmt: skip
    return table(
        ["what", "ours against"],
        [
            [
                f"training step at `paper` width, {steps['batch']} pairs",
                f"{steps['papers']['seconds'] / ours:.2f} x the papers', {steps['plain']['seconds'] / ours:.2f} x "
                f"a plain loop with today's tools; {ours:.2f} s, {100 * share:.0f} % of the processor's peak",
            ],
            [
                "attention block alone, pooled",
                f"{attention['full map'] / attention['ours']:.0f} x the papers' full map, "
                f"{attention['plain pooled'] / attention['ours']:.1f} x a plain pooled block",
            ],
            [f"mel power of 64 clips, {1000 * mel['ours']:.0f} ms", ", ".join(versus)],
            [
                f"{many['pairs']:,} pairs (`--fill` makes a folder of as many)",
                f"open in {many['opened_seconds']:.1f} s; an epoch over them takes no memory of its own",
            ],
        ],
    )


TABLES = dict(made=made, pair=pair, seeds=seeds, systems=systems, costs=costs, presets=presets, speed=speed)
