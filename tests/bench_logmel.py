"""How much quicker is LogMel than librosa and torchaudio's own MelSpectrogram? Ratios first.

    python tests/bench_logmel.py                  # 64 clips of 0.5 s, five fresh processes each, two threads
    python tests/bench_logmel.py --threads 1 --processes 3

All make mel power from the same clips with the same settings and threads; librosa is asked clip by clip, as programs that read a file at a time do, and for
the whole batch at once ("librosa at once"). Each is measured in fresh processes, in turn, so that a busy moment
meets them all; the fastest call of the fastest process counts for each. Page faults show where time is lost beside computing: whole batches go through
buffers that the system must hand out anew at every call.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time


NAMES = ("ours", "torchaudio", "librosa", "librosa at once")


def prepare(which: str, clips: int):
    "A function that makes the mel power of `clips` clips of 0.5 s at 44.1 kHz, and its result."
    import torch

    waveform = 0.1 * torch.randn(clips, 22050, generator=torch.Generator().manual_seed(0))
    if which.startswith("librosa"):
        import librosa
        import numpy as np

        array = waveform.numpy()
        settings = dict(sr=44100, n_fft=2048, hop_length=512, n_mels=128, fmax=8000, htk=True, norm=None, pad_mode="reflect")
        if which == "librosa at once": return lambda: librosa.feature.melspectrogram(y=array, **settings)
        return lambda: np.stack([librosa.feature.melspectrogram(y=clip, **settings) for clip in array])
    if which == "torchaudio":
        from avgen.representations import torchaudio_cpu

        transform = torchaudio_cpu().transforms.MelSpectrogram(44100, n_fft=2048, hop_length=512, n_mels=128, f_max=8000)
        return lambda: transform(waveform)
    from avgen.spectrogram import LogMel

    logmel = LogMel()
    return lambda: logmel.power(waveform)


def measure(which: str, clips: int, threads: int, repeats: int) -> dict:
    "Fastest and median call in milliseconds, page faults a call, a checksum of the result."
    import torch

    torch.set_num_threads(threads)
    call = prepare(which, clips)
    with torch.inference_mode():
        for _ in range(3): result = call()
        faults, times = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, []
        for _ in range(repeats):
            start = time.perf_counter()
            call()
            times.append(1000 * (time.perf_counter() - start))
    faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults) / repeats
    return {"fastest": min(times), "median": sorted(times)[len(times) // 2], "faults": faults, "mean": float(result.mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=5, help="fresh processes for each")
    parser.add_argument("--repeats", type=int, default=20, help="calls timed in a process")
    parser.add_argument("--only", choices=NAMES)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child: return print(json.dumps(measure(a.child, a.clips, a.threads, a.repeats)))
    names = [a.only] if a.only else list(NAMES)
    runs = {name: [] for name in names}
    environment = {**os.environ, "OMP_NUM_THREADS": str(a.threads), "MKL_NUM_THREADS": str(a.threads)}
    for _ in range(a.processes):
        for name in names:
            command = [sys.executable, __file__, "--child", name, "--clips", str(a.clips), "--threads", str(a.threads), "--repeats", str(a.repeats)]
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            if done.returncode: sys.exit(done.stderr)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    best = {name: min(run["fastest"] for run in found) for name, found in runs.items()}
    for name in names:
        if name != "ours": print(f"{best[name] / best['ours']:5.1f} x {name}")
    print(f"{a.clips} clips of 0.5 s, {a.threads} threads, fastest of {a.processes} fresh processes; in brackets the slowest process's median")
    for name, found in runs.items():
        print(f"{name:>15}: {best[name]:6.1f} ms ({max(run['median'] for run in found):6.1f}), {min(run['faults'] for run in found):7.0f} page faults a call")
    if len({round(found[0]["mean"], 2) for found in runs.values()}) != 1: sys.exit("the results differ: this is no comparison")


if __name__ == "__main__": main()
