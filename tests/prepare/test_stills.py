"""Recordings and photographs: nothing lies in both splits, and what is missing is said."""

import csv

import numpy as np
import pytest
import soundfile
from PIL import Image

from avgen.core import InputError
from avgen.data.loading import check_folder
from avgen.prepare.stills import pair_by_class, pair_by_table, recorder


@pytest.fixture(scope="module")
def stuff(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("stuff"), np.random.default_rng(0)
    for name, sounds, photos in (("bell", 4, 4), ("口琴", 2, 1), ("gong", 2, 0)):
        for k in range(sounds):
            (root / "sounds" / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(root / "sounds" / name / f"{k}.wav", 0.1 * rng.standard_normal(48000), 48000)
        for k in range(photos):
            (root / "photos" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (50, 70, 3), dtype=np.uint8)).save(root / "photos" / name / f"{k}.png")
    (root / "photos/bell/broken.jpg").write_bytes(b"\xff\xd8 nothing")
    return root


def test_by_class(stuff, tmp_path):
    found = pair_by_class(stuff / "sounds", stuff / "photos", tmp_path / "set")
    assert found.classes == {"bell": (4, 4), "口琴": (2, 1)} and found.problems[0][0] == "broken.jpg"
    said = "\n".join(found.notes)
    assert "gong: only recordings" in said and "口琴: one photograph" in said
    rows = list(csv.DictReader(open(tmp_path / "set/pairs.csv", encoding="utf-8")))
    for column in ("recording", "photo"):
        sides = [
            {r[column] for r in rows if r["split"] == s and r["instrument"] == "bell"} for s in ("train", "validation")
        ]
        assert sides[0] and sides[1] and not sides[0] & sides[1], column
    assert check_folder(tmp_path / "set", instruments=("bell", "口琴")).ok


def test_the_same_seed_gives_the_same_files(stuff, tmp_path):
    for name in ("a", "b"):
        pair_by_class(stuff / "sounds", stuff / "photos", tmp_path / name)
    one, other = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.*") if p.is_file()} for n in "ab"
    )
    assert one == other


def test_by_table(stuff, tmp_path):
    lines = [f"sounds/bell/{k}.wav,photos/bell/{k}.png,bell" for k in range(4)]
    (stuff / "t.csv").write_text(
        "\n".join(["sound,image,instrument", *lines, "sounds/bell/9.wav,photos/bell/0.png,bell"])
    )
    found = pair_by_table(stuff / "t.csv", tmp_path / "set")
    assert found.pairs == 8 and len(found.problems) == 1
    (stuff / "u.csv").write_text("sound,picture\na,b\n")
    with pytest.raises(InputError, match="image"):
        pair_by_table(stuff / "u.csv", tmp_path / "other")


def test_real_recordings_and_photographs(real_data, tmp_path):
    for kind in ("recordings", "photos"):
        for name in ("flute", "oboe"):
            (tmp_path / kind / name).mkdir(parents=True)
            for file in sorted((real_data / kind / name).iterdir())[:6]:
                (tmp_path / kind / name / file.name).write_bytes(file.read_bytes())
    found = pair_by_class(tmp_path / "recordings", tmp_path / "photos", tmp_path / "set")
    assert set(found.classes) == {"flute", "oboe"} and any(n.startswith("oboe") for n in found.notes)
    assert check_folder(tmp_path / "set").ok


def test_the_recorder_keeps_what_the_browser_sends(tmp_path):
    widget = recorder(tmp_path / "a/take.webm")
    widget.recorded = b"\x1aE\xdf\xa3"
    assert (tmp_path / "a/take.webm").read_bytes() == b"\x1aE\xdf\xa3"
