"Contract of avgen.bench: the work that is counted, equal results of what is compared, a report that can be read. No times are asserted."

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from avgen import bench
from avgen.bench import LOGMELS, STEPS, PlainAttention, logmel_of, system_of, table_of, work_of
from avgen.core import InputError

TOY = dict(preset="toy", width=4, batch=4)


def test_work_is_proportional_to_the_batch_and_counts_no_padding():
    assert work_of(**TOY) > 0 and work_of(**TOY | {"batch": 8}) == pytest.approx(2 * work_of(**TOY), rel=0.01)


@pytest.mark.parametrize("which", STEPS)
def test_every_program_makes_steps_that_move_both_players(which):
    system, batches = system_of(**TOY)
    before = {n: p.clone() for n, p in system.named_parameters()}
    step = STEPS[which](system, batches)
    for i in range(2):
        step(i)
    moved = {n.split(".")[0] for n, p in system.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"generator", "discriminator"}


@pytest.mark.parametrize("which", LOGMELS)
def test_all_log_mels_make_the_same(which):
    if which == "nnAudio":
        pytest.importorskip("nnAudio")
    ours, theirs = logmel_of("ours", 2)(), torch.as_tensor(logmel_of(which, 2)())
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pooled", [False, True])
def test_the_plain_block_is_attention(pooled):
    block, x = PlainAttention(16, pooled), torch.randn(2, 16, 8, 8)
    assert torch.equal(block(x), x)  # gamma = 0
    block.gamma.data.fill_(1.0)
    assert block(x).shape == x.shape and not torch.equal(block(x), x)


def test_one_measurement_in_a_process_of_its_own():
    command = [
        sys.executable,
        "-m",
        "avgen.bench",
        "--threads",
        "1",
        "--one",
        "step",
        json.dumps(dict(which="ours", rounds=1, **TOY)),
    ]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["seconds"] > 0 and found["memory_mb"] > 0
    assert "skipped" in bench.in_its_own("step", 1, which="ours", rounds=1, **TOY | {"width": 0.5})


def test_the_committed_report_can_be_read():
    report = json.loads((Path(__file__).parent.parent / "data" / "results" / "bench-cpu.json").read_text())
    lines = table_of(report).splitlines()
    assert (
        any(line.startswith("step of paper") for line in lines)
        and "x the papers'" in lines[0]
        and "% of the peak" in lines[0]
    )


def test_a_data_set_of_any_size_from_a_small_one(tmp_path, capsys, monkeypatch):
    from avgen.data.corpora import open_pairs

    sample = Path(bench.__file__).resolve().parent.parent / "data" / "sample"
    monkeypatch.setattr(sys, "argv", ["bench", "--fill", str(sample), "120", str(tmp_path / "many")])
    bench.main()
    assert capsys.readouterr().out.strip() == str(tmp_path / "many")
    pairs = open_pairs(tmp_path / "many", cache=tmp_path / "cache", tune_share=0)
    assert (
        len(pairs.all_train) + len(pairs.validation) == 120
        and len(set(pairs.all_train.sources) | set(pairs.validation.sources)) == 120
    )
    assert not set(pairs.all_train.take.tolist()) & set(pairs.validation.take.tolist())
    with pytest.raises(InputError, match="no pairs to repeat"):
        bench.repeated(tmp_path / "cache", tmp_path / "none", 3)


def test_what_is_slow_is_measured_once(monkeypatch):
    asked = []

    def in_its_own(name, threads, seconds):
        asked.append(seconds)
        return {"seconds": seconds / len(asked), "memory_mb": 1.0} if seconds else {"skipped": "longer than 240 s"}

    monkeypatch.setattr(bench, "in_its_own", in_its_own)
    found = bench.grown(
        {"a": ("step", {"seconds": 1.0}), "b": ("step", {"seconds": 9.0}), "c": ("step", {"seconds": 0})},
        runs=3,
        threads=1,
    )
    assert (
        asked == [1.0, 9.0, 0, 1.0, 1.0]
        and found["a"]["seconds"] == 0.2
        and found["b"]["seconds"] == 4.5
        and "skipped" in found["c"]
    )


def test_a_link_that_cannot_be_made_is_a_copy_and_wrong_numbers_are_refused(tmp_path, monkeypatch, capsys):
    sample = Path(bench.__file__).resolve().parent.parent / "data" / "sample"
    monkeypatch.setattr("os.link", lambda *a: (_ for _ in ()).throw(OSError(18, "Invalid cross-device link")))
    bench.repeated(sample, tmp_path / "copies", 13)
    found = [p for p in (tmp_path / "copies").rglob("*") if p.is_file()]
    assert len(found) == 26 and all(p.stat().st_size for p in found)
    for many in ("0", "-3", "some"):
        monkeypatch.setattr(sys, "argv", ["bench", "--fill", str(sample), many, str(tmp_path / "none")])
        with pytest.raises(SystemExit, match="avgen: setting 'pairs'.*from 1"):
            bench.main()
    assert not (tmp_path / "none").exists()
    with pytest.raises(InputError, match="parts: found 'stepps'; expected some of steps"):
        bench.bench(["stepps"])


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
    found = bench.brought_up_to_date(old, new)
    assert found == {
        "machine": machine,
        "runs": {"steps": 5, "growth": 3},
        "steps": {"old": 1},
        "growth": {"batch": 2, "pairs": {"10": 1, "20": 2}},
    }
    with pytest.raises(InputError, match="processor was 'b', is 'a' now"):
        bench.brought_up_to_date(old | {"machine": machine | {"processor": "b"}}, new)
