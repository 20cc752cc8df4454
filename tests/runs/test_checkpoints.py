"""Contract of avgen.runs.checkpoints: whole or not there, checked by checksum, never executed, exact.

Files that were cut, flipped or forged get one clear line, and never take more memory than the file has.
"""

import errno
import json
import os
import pickle
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from avgen.core import InputError, channels_last
from avgen.runs.checkpoints import (
    CheckpointError,
    _digest,
    _facts_digest,
    list_checkpoints,
    load_optimiser_state,
    load_state,
    newest_checkpoint,
    optimiser_state_of,
    read_checkpoint,
    read_facts,
    save_checkpoint,
    state_of,
)


@pytest.fixture
def folder(tmp_path):
    "Three checkpoints were saved here; two are kept."
    for step in (10, 20, 30):
        save_checkpoint(
            tmp_path,
            step,
            {"a.weight": torch.full((4, 3), float(step)), "n": torch.tensor(step)},
            stage="game",
            seconds=1.5,
        )
    return tmp_path


def test_what_was_saved_comes_back(folder):
    found = read_checkpoint(list_checkpoints(folder)[-1])
    assert found.step == 30 and found.facts["stage"] == "game" and found.facts["seconds"] == 1.5
    assert torch.equal(found.tensors["a.weight"], torch.full((4, 3), 30.0)) and found.tensors["n"].item() == 30
    assert [p.stem for p in list_checkpoints(folder)] == ["step_00000020", "step_00000030"]
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool])
def test_every_kind_of_number_survives(tmp_path, dtype):
    x = torch.randn(5, 3, 2, 2).mul(3).to(dtype)
    path = save_checkpoint(
        tmp_path, 1, {"x": channels_last(x), "view": x[::2], "scalar": x.flatten()[0], "empty": x[:0]}
    )
    found = read_checkpoint(path).tensors
    assert (
        torch.equal(found["x"], x)
        and torch.equal(found["view"], x[::2])
        and found["scalar"].shape == ()
        and found["empty"].shape == (0, 3, 2, 2)
    )
    assert found["x"].dtype == dtype


@pytest.mark.parametrize("place", ["first", "header", "middle", "last"])
def test_one_flipped_bit_is_noticed(folder, place):
    path = list_checkpoints(folder)[-1]
    data = bytearray(path.read_bytes())
    at = {"first": 0, "header": 12, "middle": len(data) // 2, "last": len(data) - 1}[place]
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged.*checksum"):
        read_checkpoint(path)


@pytest.mark.parametrize("size", [0, 7, 40])
def test_a_truncated_file_is_noticed(folder, size):
    path = list_checkpoints(folder)[-1]
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=f"truncated or foreign: found {size} bytes; expected"):
        read_checkpoint(path)


@pytest.mark.parametrize("change", ["step", "half", "list", "empty", "format"])
def test_changed_facts_are_noticed(folder, change):
    path = list_checkpoints(folder)[-1].with_suffix(".json")
    text = path.read_text()
    changed = {"half": text[: len(text) // 2], "list": "[]", "empty": ""}
    changed |= {"step": text.replace('"step": 30', '"step": 31'), "format": text.replace("point 1", "point 9")}
    path.write_text(changed[change])
    with pytest.raises(CheckpointError, match="step_00000030.json"):
        read_checkpoint(path.with_suffix(".safetensors"))


class Trap:
    "A pickle of it writes a file when it is opened."

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


@pytest.mark.parametrize("honest", [False, True])
def test_a_pickle_is_never_opened(folder, tmp_path, honest):
    sprung = tmp_path / "sprung"
    data = pickle.dumps(Trap(sprung))
    path = list_checkpoints(folder)[-1]
    path.write_bytes(data)
    if honest:  # even where the facts vouch for it
        from avgen.runs.checkpoints import _digest, _facts_digest

        facts = json.loads(path.with_suffix(".json").read_text()) | {"bytes": len(data), "sha256": _digest(data)}
        path.with_suffix(".json").write_text(json.dumps(facts | {"facts_sha256": _facts_digest(facts)}))
    with pytest.raises(CheckpointError, match="foreign|not a safetensors file"):
        read_checkpoint(path)
    assert not sprung.exists()
    pickle.loads(data)
    assert sprung.exists()  # the trap does work


def test_a_foreign_file_beside_is_no_checkpoint(folder, tmp_path):
    (folder / "best.pt").write_bytes(b"x")
    (folder / "step_best.safetensors").write_bytes(b"x")
    (folder / "step_00000040.safetensors").write_bytes(b"x")  # without facts: cut off between the two files
    assert newest_checkpoint(folder).step == 30
    with pytest.raises(CheckpointError, match="no step_00000040.json beside it"):
        read_checkpoint(folder / "step_00000040.safetensors")


def test_the_previous_good_one_is_used_and_said(folder):
    said = []
    newest = list_checkpoints(folder)[-1]
    newest.write_bytes(b"")
    assert newest_checkpoint(folder, said.append).step == 20
    assert len(said) == 1 and newest.name in said[0] and "going on from step 20" in said[0] and "\n" not in said[0]
    list_checkpoints(folder)[0].write_bytes(b"")
    with pytest.raises(CheckpointError, match="no checkpoint in .* can be used.*train again"):
        newest_checkpoint(folder, said.append)
    assert newest_checkpoint(folder / "nothing") is None


@pytest.mark.parametrize("n", [0, 1])
def test_a_full_disk_keeps_what_was_there(folder, monkeypatch, n):
    count, fsync = [0], os.fsync

    def full(descriptor):
        count[0] += 1
        if count[0] > n:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fsync(descriptor)

    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="cannot write .*step_00000040.*No space left on device.*free some space"):
        save_checkpoint(folder, 40, {"x": torch.ones(3)})
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_an_unwritable_place_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        save_checkpoint(tmp_path / "file", 1, {"x": torch.ones(1)})


def test_weights_of_another_network_are_refused():
    table = state_of(nn.Linear(3, 2), "model.")
    with pytest.raises(CheckpointError, match=r"'weight' has shape \(2, 3\); expected \(2, 4\)"):
        load_state(nn.Linear(4, 2), table, "model.", "x")
    with pytest.raises(CheckpointError, match="'running_mean' is missing"):
        load_state(nn.BatchNorm1d(2), table, "model.", "x")
    with pytest.raises(CheckpointError, match="'bias' is unknown here"):
        load_state(nn.Linear(3, 2, bias=False), table, "model.", "x")


def network():
    torch.manual_seed(0)
    norm = nn.utils.parametrizations.spectral_norm
    net = nn.Sequential(norm(nn.Conv2d(3, 8, 3)), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))
    return channels_last(net)


@pytest.mark.parametrize("fused", [True, False])
def test_three_steps_are_two_and_a_checkpoint_and_one(tmp_path, fused):
    def begin():
        net = network()
        adam = torch.optim.Adam(net.parameters(), 0.01, betas=(0.0, 0.9), fused=fused or None, weight_decay=0.01)
        return net, adam, {p: n for n, p in net.named_parameters()}

    def teach(net, adam, s):
        adam.zero_grad()
        net(
            channels_last(torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(s)))
        ).square().mean().backward()
        adam.step()

    net, adam, names = begin()
    for s in range(2):
        teach(net, adam, s)
    path = save_checkpoint(tmp_path, 2, state_of(net, "model.") | optimiser_state_of(adam, names, "adam."))
    teach(net, adam, 2)
    again, adam_again, names_again = begin()
    tensors = read_checkpoint(path).tensors
    load_state(again, tensors, "model.")
    load_optimiser_state(adam_again, names_again, tensors, "adam.")
    teach(again, adam_again, 2)
    for a, b in zip(net.state_dict().items(), again.state_dict().items()):
        assert torch.equal(a[1], b[1]), a[0]
    for p, q in zip(net.parameters(), again.parameters()):
        for key, value in adam.state[p].items():
            assert torch.equal(value, adam_again.state[q][key])
        assert adam_again.state[q]["exp_avg"].stride() == q.stride()


def test_the_fused_adam_agrees_with_the_plain_one_in_channels_last():
    nets = [network() for _ in range(2)]
    adams = [torch.optim.Adam(n.parameters(), 0.01, betas=(0.5, 0.999), fused=f) for n, f in zip(nets, (True, None))]
    for s in range(5):
        for net, adam in zip(nets, adams):
            draw = torch.Generator().manual_seed(s)
            for p in net.parameters():
                p.grad = torch.empty_like(p).copy_(torch.randn(p.shape, generator=draw))
            adam.step()
    for p, q in zip(*[n.parameters() for n in nets]):
        assert torch.allclose(p, q, atol=1e-6)


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
