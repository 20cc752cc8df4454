"Checkpoints that were cut, flipped, forged: never a crash without one clear line, never more memory than the file has."

import json
import os
import random

import struct
import subprocess
import sys

import pytest
import torch
from torch import nn

from avgen.runs.checkpoints import (
    CheckpointError,
    list_checkpoints,
    newest_checkpoint,
    load_optimiser_state,
    load_state,
    read_checkpoint,
    read_facts,
    save_checkpoint,
    state_of,
)
from avgen.runs.checkpoints import _digest, _facts_digest

TENSORS = {
    "model.a": torch.arange(600.0).reshape(20, 30),
    "model.b": torch.ones(7, dtype=torch.int64),
    "average.a": torch.randn(50),
}


@pytest.fixture
def path(tmp_path):
    "The newer of two checkpoints."
    save_checkpoint(tmp_path, 10, TENSORS)
    return save_checkpoint(tmp_path, 20, TENSORS, stage="game")


def refused(path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    said = str(caught.value)
    assert "\n" not in said and path.stem in said and len(said) < 600
    return said


def honest(path, data: bytes) -> None:
    "Write `data`, with facts beside it that vouch for it: as somebody would who means harm."
    path.write_bytes(data)
    facts = {k: v for k, v in json.loads(path.with_suffix(".json").read_text()).items() if k != "facts_sha256"} | {
        "bytes": len(data),
        "sha256": _digest(data),
    }
    path.with_suffix(".json").write_text(json.dumps(facts | {"facts_sha256": _facts_digest(facts)}))


def parts(data: bytes) -> tuple[dict, bytes]:
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def whole(header, rest: bytes, claimed: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if claimed is None else claimed) + text + rest


def test_cut_at_two_hundred_places(path):
    data, facts, chance = path.read_bytes(), path.with_suffix(".json").read_bytes(), random.Random(0)
    for _ in range(200):
        path.write_bytes(data[: (cut := chance.randrange(len(data)))])
        assert "truncated" in refused(path), cut
        honest(path, data[:cut])
        assert "not a safetensors file" in refused(path), cut
        path.write_bytes(data), path.with_suffix(".json").write_bytes(facts)
    assert newest_checkpoint(path.parent).step == 20
    for _ in range(100):
        path.with_suffix(".json").write_bytes(facts[: chance.randrange(len(facts))])
        refused(path)


def test_flipped_bytes(path):
    data, facts, chance = path.read_bytes(), path.with_suffix(".json").read_bytes(), random.Random(1)
    for _ in range(200):
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :])
        assert "damaged" in refused(path)
    path.write_bytes(data)
    for _ in range(200):  # of the facts: a flip that leaves their meaning is no harm
        at = chance.randrange(len(facts))
        flipped = facts[:at] + bytes([facts[at] ^ (1 << chance.randrange(8))]) + facts[at + 1 :]
        path.with_suffix(".json").write_bytes(flipped)
        try:
            same = json.loads(flipped) == json.loads(facts)
        except ValueError:
            same = False
        if not same:
            refused(path)
    path.with_suffix(".json").write_bytes(facts)
    said = []
    path.write_bytes(data[:-1])
    assert newest_checkpoint(path.parent, said.append).step == 10 and len(said) == 1


def test_flipped_headers_that_are_vouched_for(path):
    "With honest checksums the header alone must not be able to do harm."
    data, chance = path.read_bytes(), random.Random(2)
    size = 8 + struct.unpack("<Q", data[:8])[0]
    for _ in range(300):
        at = chance.randrange(size)
        honest(path, data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :])
        try:
            tensors = read_checkpoint(path).tensors
        except CheckpointError as e:
            assert "\n" not in str(e)
        else:
            assert sum(t.numel() * t.element_size() for t in tensors.values()) <= len(data)


FAR = {"dtype": "F32", "shape": [2**30], "data_offsets": [0, 2**32]}
HEADERS = {
    "terabytes": lambda h, r: whole(h, r, 2**40),
    "the largest number": lambda h, r: whole(h, r, 2**64 - 1),
    "a hundred megabytes": lambda h, r: whole(h, r, 10**8),
    "beyond the end": lambda h, r: whole(h | {"model.a": FAR}, r),
    "a huge shape": lambda h, r: whole(h | {"model.a": h["model.a"] | {"shape": [2**31, 2**31]}}, r),
    "a negative shape": lambda h, r: whole(h | {"model.a": h["model.a"] | {"shape": [-20, -30]}}, r),
    "overlapping": lambda h, r: whole(h | {"model.b": h["model.a"]}, r),
    "another kind": lambda h, r: whole(h | {"model.a": h["model.a"] | {"dtype": "OBJ"}}, r),
    "a list": lambda h, r: whole([], r),
    "deep": lambda h, r: whole(b"[" * 100_000, r),
    "nothing": lambda h, r: b"",
    "zeros": lambda h, r: bytes(4096),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_that_lies(path, what):
    honest(path, HEADERS[what](*parts(path.read_bytes())))
    assert "not a safetensors file" in refused(path)


def test_a_lying_header_takes_no_memory(path):
    "In a process that may take 200 MB more than it has: a header of terabytes is refused, not tried."
    for what in ("terabytes", "beyond the end", "a huge shape"):
        (folder := path.parent / what.replace(" ", "_")).mkdir()
        save_checkpoint(folder, 1, TENSORS)
        honest(folder / "step_00000001.safetensors", HEADERS[what](*parts(path.read_bytes())))
    code = """
import resource, sys, pathlib
from avgen.runs.checkpoints import CheckpointError, read_checkpoint
taken = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 200 * 2**20,) * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/step_00000001.safetensors")):
    try: read_checkpoint(path)
    except CheckpointError: print("refused")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000)
"""
    told = subprocess.run([sys.executable, "-c", code, path.parent], capture_output=True, text=True, timeout=120)
    assert told.stdout.split() == ["refused"] * 3 + ["True"], told.stdout + told.stderr


def test_reading_takes_the_memory_of_the_tensors(tmp_path):
    path = save_checkpoint(tmp_path, 1, {"x": torch.ones(100 * 2**18)})  # 100 MB
    code = """
import resource, sys
import torch
from avgen.runs.checkpoints import read_checkpoint
anonymous = lambda: int(next(l for l in open("/proc/self/status") if l.startswith("RssAnon")).split()[1])
before = anonymous()
found = read_checkpoint(sys.argv[1])
print(anonymous() - before)
"""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("no /proc here")
    told = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=120, check=True)
    assert int(told.stdout) < 1.15 * 100 * 1024


def test_a_wrong_shape_or_kind_of_number_is_named():
    net = nn.Linear(3, 2)
    table = state_of(net, "model.")
    with pytest.raises(CheckpointError, match=r"'weight' has shape \(3, 2\); expected \(2, 3\)"):
        load_state(net, table | {"model.weight": torch.ones(3, 2)}, "model.")
    with pytest.raises(CheckpointError, match="'weight' holds torch.int64; expected torch.float32"):
        load_state(net, table | {"model.weight": torch.ones(2, 3).long()}, "model.")
    adam = torch.optim.Adam(net.parameters())
    names = {p: n for n, p in net.named_parameters()}
    for name, bad in (("exp_avg", torch.ones(2)), ("exp_avg_sq", torch.ones(3, 2)), ("step", torch.ones(2))):
        with pytest.raises(CheckpointError, match=f"optimiser.weight.{name} has shape"):
            load_optimiser_state(adam, names, {f"optimiser.weight.{name}": bad}, "optimiser.")


def test_a_newer_version_and_facts_that_are_no_facts(path):
    beside = path.with_suffix(".json")
    text = beside.read_text()
    beside.write_text(text.replace("checkpoint 1", "checkpoint 2"))
    assert "written by a newer avgen" in refused(path) and "update avgen" in refused(path)
    for bad in (
        "[" * 200_000,
        "null",
        "3",
        "\x00",
        '{"format": 3}',
        '{"format": "avgen checkpoint 99999999999999999999"}',
    ):
        beside.write_text(bad)
        refused(path)
    facts = {"format": "avgen checkpoint 1", "stage": "game"}
    beside.write_text(json.dumps(facts | {"facts_sha256": _facts_digest(facts)}))
    assert "found no step" in refused(path)
    with open(beside, "wb") as file:
        file.truncate(2**30)  # a gigabyte of nothing
    assert "too many" in refused(path)
    beside.unlink()
    with pytest.raises(CheckpointError, match="no step_00000020.json beside it"):
        read_facts(path)


def test_what_was_cut_off_between_the_two_files_is_cleared_away(path):
    (path.parent / "step_00000030.safetensors").write_bytes(b"half")
    save_checkpoint(path.parent, 40, TENSORS)
    assert [p.stem for p in list_checkpoints(path.parent)] == ["step_00000020", "step_00000040"] and not (
        path.parent / "step_00000030.safetensors"
    ).exists()
    save_checkpoint(path.parent, 50, TENSORS, keep=1, protect=(20,))
    assert [p.stem for p in list_checkpoints(path.parent)] == ["step_00000020", "step_00000050"]
