"""What preparing must show, measured: python tests/prepare_bars.py sync | speed | faults | kills | real [more].

sync    worst error of flash against click at all rates and offsets, in pictures
speed   real time over time for 1080p h264 with the log-mel cache made, beside plain decoding of the same films
faults  300 bad films among good ones: named, within memory and time, the good ones kept
kills   preparing killed 20 times at random moments, compared byte by byte with an undisturbed run
real    $AVGEN_REAL_DATA: recordings x photographs, and Sub-URMP: checked, trained a little, a film made of a recording
"""

import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bad_films import OFFSETS, RATES, flash_and_click, spoiled

from avgen.prepare.films import a_band, write_film
from avgen.prepare.preparing import prepare_films


def sync_error(path, folder) -> float:
    """Return the largest distance of flash and click, as cut by preparing, in pictures of the film."""
    from avgen.prepare.video import first_moment, frames_at, probe, read_track, to_rgb

    rate, track = probe(path).rate, read_track(path, 44100, folder)
    origin, fine = first_moment(path), np.arange(0.5, 3.1, 0.001)
    bright = np.array([to_rgb(frame).mean() > 120 for _, frame in frames_at(path, fine)])
    onsets = fine[1 : len(bright)][bright[1:] & ~bright[:-1]]
    errors = []
    for onset in onsets:
        clip = track.clip(origin + onset - 0.3, round(0.6 * 44100))
        if clip is not None:
            click = int(np.argmax(np.abs(clip) > 0.3)) / 44100 - 0.3
            errors.append(abs(click) * rate)
    assert len(errors) >= 2, (path, onsets)
    return max(errors)


def sync() -> None:
    with tempfile.TemporaryDirectory() as folder:
        worst = 0.0
        for name, settings in RATES.items():
            found = []
            for ending in ("mp4", "mkv"):
                for offset in OFFSETS:
                    path = flash_and_click(Path(folder) / f"film.{ending}", offset=offset, **settings)
                    found.append(sync_error(path, folder))
            print(
                f"{name:9} pictures a second: worst error {max(found):.2f} pictures over {len(found)} films", flush=True
            )
            worst = max(worst, *found)
    print(f"worst: {worst:.2f} pictures")
    assert worst <= 1


def two_films(films: Path, seconds: float) -> Path:
    """Write two films of 1080p h264 that move, with sound, in folders of two instruments."""
    rng = np.random.default_rng(0)
    for name in ("cello", "flute"):
        (films / name).mkdir(parents=True)
        base = rng.integers(0, 255, (1080 // 8, 1920 // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        pictures = (np.roll(base, 3 * i, 1) for i in range(round(30 * seconds)))
        sound = 0.2 * rng.standard_normal(round(48000 * seconds)) * (0.2 + rng.random(1))
        write_film(films / name / "film.mp4", pictures, 30, sound, 48000)
    return films


def cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def speed(seconds: float = 20.0, kept: str = "") -> None:
    """Prepare two films, those in the folder `kept` or new ones; a loaded machine is judged by processor time."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AVGEN_CACHE"] = f"{folder}/cache"
        films = Path(kept) if kept else two_films(Path(folder) / "films", seconds)
        found = sorted(films.glob("*/*.mp4"))
        began, spent, total = time.perf_counter(), cpu_seconds(), 0.0
        for film in found:
            with av.open(str(film)) as container:
                total += container.duration / 1e6
                container.streams.video[0].thread_type = "AUTO"
                for packet in container.demux(video=0, audio=0):
                    packet.decode()
        plain, plain_cpu = time.perf_counter() - began, cpu_seconds() - spent
        began, spent = time.perf_counter(), cpu_seconds()
        prepared = prepare_films([films], Path(folder) / "out", quiet=True)
        cut = cpu_seconds() - spent
        prepared.pairs.train.tensors([0])
        ours, ours_cpu, cores = time.perf_counter() - began, cpu_seconds() - spent, os.cpu_count()
        print(f"{total:.0f} s of 1080p h264, 30 pictures a second, {cores} cores, load {os.getloadavg()[0]:.1f}")
        print(f"plain decoding {plain:.1f} s ({total / plain:.1f} x real time); {plain_cpu:.1f} s of processor time")
        print(f"avgen prepare with log-mels {ours:.1f} s ({total / ours:.1f} x real time), {prepared}")
        print(f"its processor time {ours_cpu:.1f} s (cut {cut:.1f}), {ours_cpu / plain_cpu:.2f} of plain decoding:")
        print(f"{total / (ours_cpu / min(cores, 2)):.1f} x real time on two cores that do nothing else")


def faults(count: int = 300) -> None:
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        good, films = {}, folder / "films"
        for ending in ("mp4", "mkv", "avi", "mov"):
            path = flash_and_click(folder / f"good.{ending}", seconds=2.2)
            good[ending] = path.read_bytes()
        bad = spoiled(films / "bad", good, count)
        short = {"no sound": dict(sound=False), "one picture": dict(seconds=0.04), "a tenth": dict(seconds=0.1)}
        for name, settings in short.items():
            flash_and_click(films / "bad" / f"{name}.mp4", **settings)
        a_band(films, ("flute", "tuba"), films=3, seconds=2, rate=8, size=64)
        began = time.perf_counter()
        found = prepare_films([films], folder / "out", quiet=True, workers=2)
        took = time.perf_counter() - began
        report = found.report
        aside = {name for name, _ in report["set_aside"]}
        kept = {f["film"]: f for f in report["films"]}
        noted = {name for name, f in kept.items() if f["notes"] or f["dropped"]}
        named = [p for p in bad if f"bad/{p.name}" in aside or f"bad/{p.name}" in noted]
        whole = [p.name for p in bad if p not in named]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        assert all(sum(t[2] for t in f["takes"]) for n, f in kept.items() if not n.startswith("bad"))
        print(
            f"{len(bad) + 3} bad files in {took:.0f} s: {len(aside)} set aside, {len(named) - len(aside & set())} named"
        )
        print(f"no crash, no hang; largest worker {peak:.0f} MB; all 6 good films kept")
        print(f"read without a remark ({len(whole)}): {', '.join(whole[:12])}")
        assert peak < 1000


def digest(folder: Path) -> str:
    """Hash names and bytes of all files below a folder."""
    total = hashlib.sha256()
    for path in sorted(
        p for p in folder.rglob("*") if p.is_file() and p.name not in ("contact_sheet.png", "player.html")
    ):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def killed(folder: Path, films: Path, times: int, seed: int = 0) -> tuple[int, str]:
    """Prepare `films`, killed up to `times` times at random moments; returns how often, and the hash of the result."""
    code = "from avgen.prepare.preparing import prepare_films as p; import sys; "
    code += "p([sys.argv[1]], sys.argv[2], quiet=True, workers=2)"
    rng, out, kills = random.Random(seed), folder / "out", 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", code, str(films), str(out)], start_new_session=True)
        try:
            wait = rng.uniform(1.0, 5.0) if kills < times else 600
            assert process.wait(wait) == 0
            return kills, digest(out)
        except subprocess.TimeoutExpired:
            process.kill()  # the process alone: its workers are left to find out
            process.wait()
            kills += 1


def kills(times: int = 20) -> None:
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        a_band(folder / "films", ("flute", "tuba", "cello"), films=6, seconds=3, rate=8, size=96)
        prepare_films([folder / "films"], folder / "calm", quiet=True, workers=1)
        calm, total, rounds = digest(folder / "calm"), 0, 0
        while total < times:
            (folder / f"{rounds}").mkdir()
            happened, found = killed(folder / f"{rounds}", folder / "films", times - total, rounds)
            assert found == calm, "other bytes"
            assert not list((folder / f"{rounds}").glob(".*")), "something is left behind"
            total, rounds = total + happened, rounds + 1
        print(f"killed {total} times in {rounds} runs: byte-identical to an undisturbed run each time")


def learned(data: Path, recording: Path, folder: Path, steps: int) -> None:
    """Train a little on a data set, and make a film of a recording: `folder` holds the run, film.mp4 and film.png."""
    from avgen.data.corpora import open_pairs
    from avgen.report.filming import film_from_sound
    from avgen.training.runner import train

    pairs = open_pairs(data)
    more = dict(classifier_steps=steps, main_steps=steps, batch_size=8)
    run = train("duet", pairs, direction="S2I", preset="etude", run=folder / "run", quiet=True, **more)
    print(run)
    film = film_from_sound(run, recording, rate=10)
    film.save(folder / "film.mp4")
    (folder / "film.png").write_bytes(film._still_())
    (folder / "samples.png").write_bytes(run.samples()._still_())
    print(film, "->", folder)


def real(folder: str = "", steps: str = "60") -> None:
    """Prepare, check, train a little, and make a film; what is made is kept where a folder is named."""
    from avgen.data.loading import check_folder
    from avgen.prepare.stills import pair_by_class

    root = Path(os.environ["AVGEN_REAL_DATA"])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("AVGEN_CACHE", f"{scratch}/cache")
        kept = Path(folder or scratch)
        recording = sorted((root / "recordings").rglob("*.*"))[0]
        print(pair_by_class(root / "recordings", root / "photos", kept / "inis"))
        for name, data in (("inis", kept / "inis"), ("sub-urmp", root / "Sub-URMP")):
            print(f"== {name}, {data.name} checked:", check_folder(data), sep="\n", flush=True)
            learned(data, recording, kept / f"{name}-learned", int(steps))


if __name__ == "__main__":
    name, *more = sys.argv[1:] or ["help"]
    commands = dict(sync=sync, speed=speed, faults=faults, kills=kills, real=real)
    if name not in commands:
        sys.exit(__doc__)
    first = {"speed": float, "real": str}.get(name, int)
    commands[name](*map(first, more[:1]), *more[1:])
