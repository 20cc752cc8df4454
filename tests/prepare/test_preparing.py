"""The whole job: copies, splits, names of any script, bad films set aside, killed and gone on with."""

import json
import shutil

import pytest
from bad_films import flash_and_click, spoiled
from prepare_bars import digest, killed

from avgen.core import InputError
from avgen.data.corpora import open_pairs
from avgen.prepare.clips import ClipSettings
from avgen.prepare.films import a_band
from avgen.prepare.preparing import prepare_films, report_text


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    "Two classes of three films each, one of them a copy, and a class of a single film."
    root = tmp_path_factory.mktemp("films")
    a_band(root, ("flute", "tuba"), films=2, seconds=2.6, rate=6, size=64)
    a_band(root, ("horn",), films=1, seconds=4, rate=6, size=64)
    (root / "flute").rename(root / "Flöte 🎶")
    (root / "tuba").rename(root / "大号")
    first = sorted((root / "大号").iterdir())[0]
    shutil.copy(first, root / "大号/zz copy.mp4")
    (root / "horn/broken.mp4").write_bytes(first.read_bytes()[:3000])
    return root


@pytest.fixture(scope="module")
def prepared(films, tmp_path_factory):
    return prepare_films([films], tmp_path_factory.mktemp("out") / "set", quiet=True, workers=1)


def test_a_data_set_comes_out(prepared):
    report, pairs = prepared.report, prepared.pairs
    assert report["instruments"] == ["Flöte 🎶", "horn", "大号"] == list(pairs.instruments)
    assert report["set_aside"][0][0] == "horn/broken.mp4" and len(report["same_recording"]) == 1
    assert any("only one recording" in note for note in report["notes"])
    for split in (pairs.all_train, pairs.validation):
        assert set(split.counts.values() if isinstance(split.counts, dict) else split.counts().values()) >= {1} or len(
            split
        )
    assert set(pairs.validation.factors) >= {"loudness_db", "brightness_hz", "motion", "film"}
    assert "pairs of 3 classes" in report_text(report) and prepared.write_sheet().stat().st_size > 1000


def test_copies_are_in_one_split_and_no_moment_is_in_both(prepared):
    by_name = {f["film"]: f for f in prepared.report["films"]}
    copies = [f for name, f in by_name.items() if name.startswith("大号")]
    same = [f for f in copies if f["film"] in prepared.report["same_recording"][0]]
    assert len(same) == 2 and same[0]["takes"][0][0] == same[1]["takes"][0][0]
    horn = next(f for name, f in by_name.items() if name.startswith("horn"))
    assert [take[0] for take in horn["takes"]] == ["train", "validation"]
    rows = [line.split(",") for line in (prepared.folder / "pairs.csv").read_text().splitlines() if ",horn," in line]
    ends = max(int(r[5]) + 500 for r in rows if r[0] == "train")
    assert ends <= min(int(r[5]) for r in rows if r[0] == "validation")


def test_a_second_call_finds_it_and_another_is_refused(prepared, films):
    assert prepare_films([films], prepared.folder, quiet=True).report == prepared.report
    with pytest.raises(InputError, match="other settings"):
        prepare_films([films], prepared.folder, ClipSettings(stride=0.2), quiet=True)
    with pytest.raises(InputError, match="something else"):
        prepare_films([films], films, quiet=True)


def test_shards_and_workers_give_the_same_bytes(prepared, films, tmp_path):
    assert prepare_films([films], tmp_path / "set", quiet=True, workers=1, shard=(2, 2)) is None
    both = prepare_films([films], tmp_path / "set", quiet=True, workers=2, shard=(1, 2))
    assert both is not None and digest(tmp_path / "set") == digest(prepared.folder)


def test_killed_and_gone_on_with(prepared, films, tmp_path):
    kills, found = killed(tmp_path, films, 2, seed=3)
    assert kills == 2 and found == digest(prepared.folder) and not list(tmp_path.glob(".*"))


def test_bad_films_are_named_and_good_ones_kept(films, tmp_path):
    good = {ending: flash_and_click(tmp_path / f"g.{ending}", seconds=1.2).read_bytes() for ending in ("mp4", "mkv")}
    bad = spoiled(tmp_path / "films/bad", good, 30)
    shutil.copytree(films / "Flöte 🎶", tmp_path / "films/flute")
    found = prepare_films([tmp_path / "films"], tmp_path / "set", quiet=True, workers=1)
    told = {name for name, _ in found.report["set_aside"]}
    told |= {f["film"] for f in found.report["films"] if f["notes"] or f["dropped"]}
    assert {f"bad/{p.name}" for p in bad} <= told
    kept = [f for f in found.report["films"] if f["film"].startswith("flute/")]
    assert len(kept) == 2 and all(f["takes"] for f in kept)
    with pytest.raises(InputError, match="no film could be used"):
        prepare_films([tmp_path / "films/bad/000_cut.mkv"], tmp_path / "none", quiet=True, workers=1)


def test_it_opens_without_being_told_the_names(tmp_path):
    a_band(tmp_path / "films", ("flute", "tuba"), films=1, seconds=2.6, rate=5, size=64)
    found = prepare_films([tmp_path / "films"], tmp_path / "set", quiet=True, workers=1)
    assert open_pairs(tmp_path / "set").instruments == ("flute", "tuba")
    assert json.loads((tmp_path / "set/prepare.json").read_text())["frame_at"] == 0 and found.pairs
