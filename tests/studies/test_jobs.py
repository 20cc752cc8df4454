"""Contract of avgen.studies.jobs: what a run is found by, and intervals over takes and seeds."""

import numpy as np
import pytest
from avgen.studies.jobs import Job, jobs_of, mean_over_seeds


def test_a_line_counts_takes_and_seeds():
    def width(*counts):
        line = mean_over_seeds(*counts)
        return line["high"] - line["low"]

    even = {f"t{i}": [2, 4] for i in range(50)}
    mixed = {f"t{i}": [4 * (i % 2), 4] for i in range(50)}
    assert width(even) == 0 < width(mixed) and mean_over_seeds(mixed)["accuracy"] == 0.5
    both = mean_over_seeds({t: [4, 4] for t in even}, {t: [1, 4] for t in even})
    assert both["low"] == pytest.approx(0.25) and both["high"] == pytest.approx(1.0)
    assert 0.8 < mean_over_seeds({f"t{i}": [4, 4] for i in range(20)})["low"] < 1


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(0)
    held = 0
    for k in range(60):
        line = mean_over_seeds({f"t{i}": [int(rng.binomial(4, 0.6)), 4] for i in range(60)}, seed=k)
        held += line["low"] <= 0.6 <= line["high"]
    assert held >= 50


def test_the_key_of_a_run_follows_from_everything_that_matters():
    plain = Job("a", "sa-cmgan", "S2I")

    def key(job=plain, preset="toy", data="d", steps=None):
        return job.key(preset, data, steps)

    assert key() == key(Job("b", "sa-cmgan", "S2I", (("width", 4),)))
    others = [
        key(preset="small"),
        key(data="e"),
        key(steps=3),
        key(Job("a", "sa-cmgan", "S2I", seed=1)),
        key(Job("a", "sa-cmgan", "I2S")),
        key(Job("a", "sa-cmgan", "S2I", (("width", 8),))),
    ]
    assert len({key(), *others}) == 7


def test_a_job_for_each_direction_and_seed():
    jobs = jobs_of("a", "sa-cmgan", ("S2I", "I2S"), 2, width=8, augment=False)
    assert [(j.direction, j.seed) for j in jobs] == [("S2I", 0), ("S2I", 1), ("I2S", 0), ("I2S", 1)]
    assert all(j.changes == (("augment", False), ("width", 8)) for j in jobs)
