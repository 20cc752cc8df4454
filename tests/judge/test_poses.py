"""Contract of avgen.judge.poses: readers see real pictures, repeat themselves, are kept, and refuse other data."""

import json

import numpy as np
import pytest
import torch
from avgen.core import InputError
from avgen.data.corpora import open_pairs
from avgen.data.pairs import toy_pairs
from avgen.judge.poses import (
    PEOPLE,
    POSES,
    PoseReader,
    draw_poses,
    pose_readers,
    poses_of,
    r_squared,
    read_poses,
    train_pose_reader,
)


@pytest.fixture(scope="module")
def orchestra(small_orchestra):
    return open_pairs(small_orchestra)


@pytest.fixture(scope="module")
def trombone():
    return train_pose_reader("trombone", drawings=700, steps=300, device="cpu")


def test_poses_are_read_off_real_pictures_and_not_off_blank_ones(orchestra, trombone, monkeypatch):
    pairs = orchestra
    monkeypatch.setattr(
        "avgen.judge.poses.train_pose_reader",
        lambda name, *a, **k: (
            trombone if name == "trombone" else train_pose_reader(name, drawings=4, steps=1, device="cpu")
        ),
    )
    readers = pose_readers(pairs, quiet=True)
    real = read_poses(readers, pairs.all_train, pairs.validation, pairs.validation.tensors()[0])
    blank = read_poses(readers, pairs.all_train, pairs.validation, torch.zeros(len(pairs.validation), 3, 64, 64))
    assert real["pose"] > blank["pose"] and set(real["by_instrument"]) == set(pairs.instruments)
    assert real["pose"] > 0.3 and {p for p in POSES if real["poses"][p] is not None} <= {
        "slide",
        "lean",
        "hand",
    }  # the untrained twelve read nothing, and are left out
    assert all(f["n"] == 5 and 0 <= f["performer"] <= 1 for f in real["by_instrument"].values())


def test_what_the_pictures_do_not_show_does_not_count(orchestra, trombone):
    train = orchestra.all_train
    found = read_poses({"trombone": trombone}, train, train, train.tensors()[0])
    assert (
        set(found["by_instrument"]) == {"trombone"}
        and "bow" not in found["by_instrument"]["trombone"]["poses"]
        and found["poses"]["bow"] is None
    )
    sees = found["by_instrument"]["trombone"]["sees"]
    assert set(found["by_instrument"]["trombone"]["poses"]) == {p for p in POSES if sees[p] > 0.5}
    deaf = read_poses({"trombone": PoseReader("trombone").eval()}, train, train, train.tensors()[0])
    assert deaf["pose"] is None and deaf["by_instrument"]["trombone"]["poses"] == {}


def test_drawings_are_the_orchestras_people_and_the_same_every_time():
    pictures, poses, people = draw_poses("violin", 6, seed=3)
    again = draw_poses("violin", 3, seed=3, first=3)
    assert all(torch.equal(a[3:], b) for a, b in zip((pictures, poses, people), again))
    assert (
        pictures.shape == (6, 3, 64, 64)
        and pictures.dtype == torch.uint8
        and poses.shape == (6, 4)
        and int(people.max()) < len(PEOPLE) == 36
    )
    assert not torch.equal(draw_poses("violin", 6, seed=4)[0], pictures)
    assert [poses_of(n) for n in ("cello", "trombone", "tuba")] == [
        ("bow", "hand", "lean"),
        ("slide", "hand", "lean"),
        ("hand", "lean"),
    ]


def test_the_same_seed_gives_the_same_reader_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, two = (train_pose_reader("oboe", drawings=8, steps=2, device="cpu") for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    images = torch.rand(5, 3, 64, 64) * 2 - 1
    assert all(torch.equal(a, b) for a, b in zip(one.read(images), two.read(images)))
    assert one.read(torch.rand(2, 3, 128, 128))[0].shape == (2, 4)  # of any size


def test_readers_are_kept_and_found_again(orchestra, tmp_path, monkeypatch):
    few = dict(drawings=4, steps=1, device="cpu", quiet=True)
    first = pose_readers(orchestra, tmp_path, **few)
    assert len(list(tmp_path.glob("*.safetensors"))) == 13 and not list(tmp_path.glob("*.tmp*"))
    monkeypatch.setattr("avgen.judge.poses.train_pose_reader", lambda *a, **k: pytest.fail("trained again"))
    second, images = pose_readers(orchestra, tmp_path, **few), torch.rand(3, 3, 64, 64)
    assert all(torch.equal(first[n].read(images)[0], second[n].read(images)[0]) for n in orchestra.instruments)
    with pytest.raises(pytest.fail.Exception):
        pose_readers(orchestra, tmp_path, **few | {"steps": 2})  # other settings, another reader


def test_r_squared():
    true = np.array([0.0, 1.0, 2.0])
    assert (
        r_squared(true, true) == 1
        and abs(r_squared(true, np.full(3, 1.0))) < 1e-12
        and r_squared(true, true[::-1]) == -3
        and np.isnan(r_squared(np.ones(3), true))
    )
    assert np.allclose(r_squared(np.stack([true, true], 1), np.stack([true, true[::-1]], 1)), [1, -3])


def test_other_data_and_other_numbers_are_refused(orchestra, tmp_path):
    toys, cases = toy_pairs(n=8), []
    cases += [
        (lambda: pose_readers(toys), "orchestra.json"),
        (lambda: read_poses({}, toys.train, toys.train, torch.zeros(1, 3, 64, 64)), "know none"),
    ]
    cases += [
        (
            lambda: read_poses({}, orchestra.train, orchestra.validation, torch.zeros(2, 3, 64, 64)),
            "2 pictures for 65 pairs",
        )
    ]
    cases += [
        (lambda: draw_poses("violin", 0), "'n'"),
        (lambda: train_pose_reader("violin", steps=0), "'steps'"),
        (lambda: train_pose_reader("kazoo", drawings=1, steps=1), "kazoo"),
    ]
    for call, words in cases:
        with pytest.raises(InputError, match=words):
            call()
    (tmp_path / "orchestra.json").write_text(json.dumps({"arguments": {}}))
    toys.root = tmp_path
    with pytest.raises(InputError, match="KeyError"):
        pose_readers(toys)
