"Checkpoints: whole or not there, checked by checksum, never executed, and exact."

import errno
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from avgen.runs.checkpoints import (
    CheckpointError,
    list_checkpoints,
    newest_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from avgen.runs.checkpoints import load_optimiser_state, load_state, optimiser_state_of, state_of
from avgen.core import InputError, channels_last


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
