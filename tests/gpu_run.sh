#!/usr/bin/env bash
# Twelve minutes of one GPU, the most valuable part first. Needs torch, safetensors and matplotlib there, no more.
#
#   tests/gpu_run.sh pack [data/orchestra]   on any machine: put the prepared arrays into gpu/orchestra.tar.gz (about
#                                            50 MB), which is carried to the machine with the GPU
#   tests/gpu_run.sh                         there: train `duet` in both directions at once, judge, ship, measure
#                                            steps, then train `paper` to the end as far as the time goes
#   tests/gpu_run.sh try                     the same in a small form, on the CPU, in about a minute
#
# What is done is remembered in $WORK, so the same command goes on. $LIMIT is how many seconds there are. In $OUT are
# results.json, sheets of samples (.png) and shipped.tar: unpack that in data/systems.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD" MPLBACKEND=Agg OUT="${OUT:-runs/gpu}" WORK="${WORK:-runs/gpu-work}" LIMIT="${LIMIT:-690}"
export AVGEN_CACHE="${AVGEN_CACHE:-$WORK/cache}" PYTHONUNBUFFERED=1
PYTHON="${PYTHON:-python3}"
DEADLINE=$(($(date +%s) + LIMIT)); export DEADLINE

if [ "${1:-}" = pack ]; then
    unset AVGEN_CACHE
    exec "$PYTHON" tests/gpu_run.py pack "${2:-data/orchestra}"
fi
mkdir -p "$OUT" "$WORK"
if [ "${1:-}" = try ]; then
    export SMALL=1
elif [ ! -e "$WORK/orchestra/manifest.json" ]; then
    mkdir -p "$WORK/orchestra"
    tar -xzf gpu/orchestra.tar.gz -C "$WORK/orchestra"
fi
for part in duet judge ship steps paper; do
    [ "$(date +%s)" -lt "$DEADLINE" ] || { echo "gpu_run: no time left for $part; the same command goes on"; break; }
    echo "gpu_run: $part"
    "$PYTHON" tests/gpu_run.py "$part" || echo "gpu_run: $part failed; the other parts go on"
done
cat "$OUT/results.json"
