"""Contract of avgen.bench.report: a report that can be read, and brought up to date on one machine only."""

import json
from pathlib import Path

import pytest

from avgen.bench.report import measure_machine, report_text, update_report
from avgen.core import InputError

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_report_can_be_read():
    report = json.loads((ROOT / "data" / "results" / "bench-cpu.json").read_text())
    lines = report_text(report).splitlines()
    assert (
        any(line.startswith("step of paper") for line in lines)
        and "x the papers'" in lines[0]
        and "% of the peak" in lines[0]
    )


def test_a_report_names_the_processor_and_the_help_beside_an_empty_program():
    report = json.loads((ROOT / "data" / "results" / "bench-cpu.json").read_text())
    assert report["machine"]["processor"] in report_text(report)
    report["cold"] |= {"python": 0.02, "avgen --help": 0.1}
    assert "avgen --help 5 x an empty program" in report_text(report)


def test_a_part_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="parts: found 'stepps'; expected some of steps"):
        measure_machine(["stepps"])


def test_a_report_is_brought_up_to_date_part_by_part_on_one_machine_only():
    machine = {"processor": "a", "threads": 2, "torch": "2", "precision": "bfloat16", "peaks": {"float32": 2.0}}
    old = {
        "machine": machine,
        "runs": {"steps": 5, "growth": 2},
        "steps": {"old": 1},
        "growth": {"batch": 1, "pairs": {"10": 1}},
    }
    new = {
        "machine": machine | {"peaks": {"float32": 1.0}},
        "runs": {"growth": 3},
        "growth": {"batch": 2, "pairs": {"20": 2}},
    }
    found = update_report(old, new)
    assert found == {
        "machine": machine,
        "runs": {"steps": 5, "growth": 3},
        "steps": {"old": 1},
        "growth": {"batch": 2, "pairs": {"10": 1, "20": 2}},
    }
    with pytest.raises(InputError, match="processor was 'b', is 'a' now"):
        update_report(old | {"machine": machine | {"processor": "b"}}, new)


def test_a_step_of_duet_is_said_beside_one_with_adam():
    found = {"muon": {"seconds": 0.5, "memory_mb": 900}, "adam": {"seconds": 0.4}, "operations": 1e9, "batch": 50}
    machine = {"precision": "float32", "peaks": {"float32": 1e10}, "processor": "a", "threads": 1, "torch": "2"}
    text = report_text({"machine": machine | {"tf32": "no GPU"}, "runs": {"duet": 1}, "duet": {"small": found}})
    assert "step of duet, small: 1.25 x one with Adam alone; 20% of the peak in float32; 0.500 s, 100 pairs/s" in text
