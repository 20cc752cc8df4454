"""The contract of avgen.prepare.shards: what is written, who writes it, and that reading it gives the same pairs."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_data import make_folder

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.corpora import open_pairs
from avgen.data.pairs import toy_pairs
from avgen.prepare.shards import (
    as_tensors,
    dataset_card,
    parse_share,
    plan_shards,
    push_shards,
    shard_facts,
    shard_features,
    stream_shards,
    write_shards,
)

datasets = pytest.importorskip("datasets")
NAMES = ("grand piano", "tr808", "鋼琴")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(24, NAMES)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    "Everything that is kept goes to a folder of the tests."
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def folder(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "all"
    write_shards(pairs, folder, rows=20, quiet=True)
    return folder


def contents(folder) -> dict:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_features_carry_names_and_factors(pairs):
    features = shard_features(pairs)
    assert features["instrument"].names == list(NAMES)
    assert features["factor_f0_hz"].dtype == "float64" and features["factor_notes"].dtype == "string"


def test_the_plan_covers_every_row_once(pairs):
    plan = plan_shards(pairs, 20)
    for split, n in (("train", 72), ("validation", 36)):
        rows = [row for p in plan if p.split == split for row in range(p.first, p.end)]
        assert rows == list(range(n))
    assert len({p.name for p in plan}) == len(plan) == 6
    with pytest.raises(InputError, match="rows"):
        plan_shards(pairs, 0)


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "a/b", "1/0"])
def test_shares_are_checked(text):
    with pytest.raises(InputError, match="--shard.*0/8"):
        parse_share(text)


def test_two_workers_give_the_bytes_of_one(pairs, folder, tmp_path):
    for i in (1, 0, 1):
        write_shards(pairs, tmp_path / "two", rows=20, share=(i, 2), quiet=True)
    assert contents(tmp_path / "two") == contents(folder)


def test_writing_again_changes_nothing_and_mends_what_is_torn(pairs, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "x")
    before = contents(tmp_path / "x")
    assert write_shards(pairs, tmp_path / "x", rows=20, quiet=True).startswith("0 shards written and 6 kept")
    torn, gone = (tmp_path / "x" / p.name for p in plan_shards(pairs, 20)[1:3])
    torn.write_bytes(torn.read_bytes()[:5000])
    gone.unlink()
    with pytest.raises(InputError, match="1 shards missing.*run `avgen shards` again"):
        open_pairs(tmp_path / "x")
    assert write_shards(pairs, tmp_path / "x", rows=20, quiet=True).startswith("2 shards written and 4 kept")
    assert contents(tmp_path / "x") == before


def test_other_data_are_not_mixed_in(pairs, folder):
    for other, rows in ((toy_pairs(4, NAMES), 20), (pairs, 21)):
        with pytest.raises(InputError, match="choose another --out or remove it"):
            write_shards(other, folder, rows=rows, quiet=True)


def test_opened_shards_are_the_same_data_set(pairs, folder):
    found = open_pairs(folder)
    assert (found.hash, found.instruments, found.config) == (pairs.hash, pairs.instruments, pairs.config)
    for split in ("train", "tune", "validation"):
        a, b = pairs.split(split), found.split(split)
        assert a.sources == b.sources and a.factors == b.factors and a.performers == b.performers
        assert all(torch.equal(x, y) for x, y in zip(a.tensors(), b.tensors()))
    assert found.validation[3].image.values.shape == (3, 64, 64) and found._still_()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match="expected 64 pixels and flute; write them anew"):
        open_pairs(folder, instruments=("flute",))


@pytest.mark.parametrize("mismatched", ["instrument", "pose", None])
def test_shards_and_arrays_deal_the_same_batches(pairs, folder, mismatched):
    resident, streamed = (Batches(p.train, 8, mismatched, seed=3) for p in (pairs, open_pairs(folder)))
    for step in (0, 5, 300):
        for share in ((0, 1), (1, 2)):
            a, b = resident.at(step, share), streamed.at(step, share)
            for name in ("image", "sound", "instrument", "mismatched_image", "mismatched_sound", "index"):
                x, y = getattr(a, name), getattr(b, name)
                assert (x is None and y is None) or torch.equal(x, y), name


def test_training_from_shards_gives_the_weights_of_training_from_files(tiny, tmp_path):
    from avgen.training.runner import train

    files = open_pairs(make_folder(tmp_path / "x", ("drum", "grand piano")))
    write_shards(files, tmp_path / "shards", rows=5, quiet=True)
    weights = []
    for name, pairs in (("files", files), ("shards", open_pairs(tmp_path / "shards"))):
        run = train("tiny", pairs, run=tmp_path / "runs" / name, quiet=True, device="cpu", batch_size=4, steps=4)
        weights.append(run.system.state_dict())
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_any_program_reads_the_folder_by_its_card(pairs, folder, tmp_path):
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))
    assert {split: len(found[split]) for split in found} == {"train": 72, "validation": 36}
    row = found["train"][5]
    assert row["image"].size == (64, 64) and row["source"] == pairs.all_train.sources[5]
    assert found["train"].features["instrument"].names == list(NAMES)


def test_streams_of_two_processes_cover_every_pair_once(pairs, folder, monkeypatch):
    rows = [list(stream_shards(folder, share=(i, 2), seed=1)) for i in range(2)]
    assert sorted(r["source"] for part in rows for r in part) == sorted(pairs.all_train.sources)
    again = [r["source"] for r in stream_shards(folder, share=(0, 2), seed=1)]
    assert again == [r["source"] for r in rows[0]], "the same seed, the same order"
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)  # as accelerate and torchrun set them
    assert [r["source"] for r in stream_shards(folder, seed=1)] == [r["source"] for r in rows[1]]


def test_accelerate_launch_streams_shards_to_two_processes(pairs, folder, tmp_path):
    pytest.importorskip("accelerate")
    script = tmp_path / "count.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "from accelerate import Accelerator\n"
        "from avgen.prepare.shards import as_tensors, stream_shards\n"
        "place = Accelerator(cpu=True)\n"
        "rows = list(stream_shards(sys.argv[1], seed=3))\n"
        "images, sounds, _ = as_tensors(rows[:2])\n"
        "assert place.num_processes == 2 and images.shape == (2, 3, 64, 64)\n"
        "out = pathlib.Path(sys.argv[2]) / f'{place.process_index}.json'\n"
        "out.write_text(json.dumps([r['source'] for r in rows]))\n"
        "place.wait_for_everyone()\n"
    )
    start = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    more = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    env = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": paths}
    command = [*start, *more, str(script), str(folder), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    parts = [json.loads((tmp_path / f"{i}.json").read_text()) for i in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(pairs.all_train.sources) and all(parts)


def test_streamed_tensors_are_those_of_the_set(pairs, folder):
    images, sounds, instruments = as_tensors(list(stream_shards(folder, seed=None).take(9)))
    expected = pairs.all_train.tensors(range(9))
    assert torch.equal(images, expected[0]) and torch.equal(sounds, expected[1])
    assert instruments.tolist() == pairs.all_train.instrument[:9].tolist()


def test_the_card_and_the_facts_say_what_is_inside(pairs, folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == dataset_card(pairs) and card.startswith("---\nlicense: other\n")
    assert "| 鋼琴 | 24 | 12 |" in card and "license: cc0-1.0" in dataset_card(pairs, "cc0-1.0")
    facts = json.loads((folder / "shards.json").read_text(encoding="utf-8"))
    assert facts == json.loads(json.dumps(shard_facts(pairs, 20))) and facts["instruments"] == list(NAMES)


class FakeHub:
    "What `HfApi` is asked to do, done in a local folder."

    def __init__(self, hub):
        self.hub = hub

    def __call__(self, token=None):
        return self

    def create_repo(self, repo, repo_type, private, exist_ok):
        assert repo_type == "dataset" and private
        (self.hub / repo).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, repo_id, repo_type, folder_path, commit_message):
        shutil.copytree(folder_path, self.hub / repo_id, dirs_exist_ok=True)


def test_what_is_pushed_loads_as_a_dataset(pairs, folder, tmp_path, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "HfApi", FakeHub(tmp_path))
    assert push_shards(folder, "ada/band", "cc-by-4.0") == "https://huggingface.co/datasets/ada/band"
    assert contents(tmp_path / "ada/band") == contents(folder)
    assert len(datasets.load_dataset(str(tmp_path / "ada/band"), split="train", cache_dir=str(tmp_path / "c"))) == 72


def test_pushing_wants_a_licence_shards_and_a_network(folder, tmp_path):
    with pytest.raises(InputError, match="--licence cc-by-4.0"):
        push_shards(folder, "ada/band")
    with pytest.raises(InputError, match="write it first"):
        push_shards(tmp_path, "ada/band", "cc-by-4.0")
    with pytest.raises(InputError, match="--push ada/band: .*HF_TOKEN"):
        push_shards(folder, "ada/band", "cc-by-4.0", token="hf_none")


def test_damaged_shards_are_named(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "x")
    next((tmp_path / "x/data").glob("train-*")).write_bytes(io.BytesIO(b"no parquet").getvalue())
    with pytest.raises(InputError, match="do not read back"):
        open_pairs(tmp_path / "x")
