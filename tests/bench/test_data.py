"""Contract of avgen.bench.data: data sets of any size, by links or copies; wrong numbers are refused."""

import sys
from pathlib import Path

import pytest

from avgen.bench.__main__ import main
from avgen.bench.data import repeat_pairs
from avgen.core import InputError

ROOT = Path(__file__).resolve().parents[2]


def test_a_data_set_of_any_size_from_a_small_one(tmp_path, capsys, monkeypatch):
    from avgen.data.corpora import open_pairs

    sample = ROOT / "data" / "sample"
    monkeypatch.setattr(sys, "argv", ["bench", "--fill", str(sample), "120", str(tmp_path / "many")])
    main()
    assert capsys.readouterr().out.strip() == str(tmp_path / "many")
    pairs = open_pairs(tmp_path / "many", cache=tmp_path / "cache", tune_share=0)
    assert (
        len(pairs.all_train) + len(pairs.validation) == 120
        and len(set(pairs.all_train.sources) | set(pairs.validation.sources)) == 120
    )
    assert not set(pairs.all_train.take.tolist()) & set(pairs.validation.take.tolist())
    with pytest.raises(InputError, match="no pairs to repeat"):
        repeat_pairs(tmp_path / "cache", tmp_path / "none", 3)


def test_a_link_that_cannot_be_made_is_a_copy_and_wrong_numbers_are_refused(tmp_path, monkeypatch, capsys):
    sample = ROOT / "data" / "sample"
    monkeypatch.setattr("os.link", lambda *a: (_ for _ in ()).throw(OSError(18, "Invalid cross-device link")))
    repeat_pairs(sample, tmp_path / "copies", 13)
    found = [p for p in (tmp_path / "copies").rglob("*") if p.is_file()]
    assert len(found) == 26 and all(p.stat().st_size for p in found)
    for many in ("0", "-3", "some"):
        monkeypatch.setattr(sys, "argv", ["bench", "--fill", str(sample), many, str(tmp_path / "none")])
        with pytest.raises(SystemExit, match="avgen: setting 'pairs'.*from 1"):
            main()
    assert not (tmp_path / "none").exists()
