"""Contract of avgen.studies.rows: jobs in groups, accuracy by instrument, and hardware in words."""

from small_data import plain

from avgen.studies.jobs import Job
from avgen.studies.rows import accuracy_by_instrument, group_jobs, hardware_text


def test_a_job_of_both_directions_stands_in_two_groups():
    one, both, again = Job("a", "sa-cmgan", "S2I"), Job("b", "cmcgan", "both"), Job("a", "sa-cmgan", "S2I", seed=1)
    groups = group_jobs([one, both, again])
    assert groups == {("a", "S2I"): [one, again], ("b", "S2I"): [both], ("b", "I2S"): [both]}


def test_accuracy_counts_the_clips_of_an_instruments_takes():
    pairs = plain([0, 0, 0, 1], take=[0, 0, 1, 2])
    first, second, third = pairs.takes
    counts = {first: [1, 2], second: [1, 1], third: [0, 1]}
    found = accuracy_by_instrument(pairs, counts, counts | {third: [1, 1]})
    played = {pairs.instruments[0]: [0.667, 0.667], pairs.instruments[1]: [0.0, 1.0]}
    assert found == dict.fromkeys(pairs.instruments, [0.0, 0.0]) | played


def test_hardware_in_words():
    assert hardware_text("cpu", "Some Processor", 1) == "Some Processor, 1 thread"
    assert hardware_text("cpu", None, 2) == "cpu, 2 threads" and hardware_text("cuda:0", None, 2) == "cuda:0"
    assert hardware_text("cuda:0", "Some GPU", 2) == "Some GPU"
