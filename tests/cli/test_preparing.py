"""avgen prepare, and films by avgen generate."""

import numpy as np
import pytest
import soundfile
from command_line import refused, run

from avgen.cli.preparing import parse_shard
from avgen.core import InputError
from avgen.prepare.films import a_band
from avgen.prepare.video import probe


def test_films_become_pairs_and_a_page(tmp_path):
    a_band(tmp_path / "films", ("flute", "tuba"), films=2, seconds=1.6, rate=5, size=64)
    result = run("prepare", tmp_path / "films", "--out", tmp_path / "set", "--workers", 1, "--quiet")
    assert result.exit_code == 0, result.output
    assert "pairs of 2 classes from 4 films" in result.output
    made = {p.name for p in (tmp_path / "set").iterdir()}
    assert made == {"img", "chunk", "pairs.csv", "prepare.json", "report.txt", "contact_sheet.png", "player.html"}
    again = run("prepare", tmp_path / "films", "--out", tmp_path / "set", "--quiet")
    assert again.exit_code == 0 and again.output == result.output


def test_what_prepare_refuses(tmp_path):
    assert "no such file" in refused("prepare", tmp_path / "none", "--out", tmp_path / "a")
    assert "found no films" in refused("prepare", tmp_path, "--out", tmp_path / "a")
    for text in ("3", "0/2", "3/2", "a/b"):
        with pytest.raises(InputError, match="shard"):
            parse_shard(text)
    assert parse_shard("1/2") == (1, 2) and parse_shard(None) is None


def test_generate_a_film(folder, tmp_path):
    soundfile.write(tmp_path / "take.wav", 0.2 * np.sin(np.arange(44100) * 0.05), 44100)
    options = ("--run", folder, "--sound", tmp_path / "take.wav", "--rate", 5, "--device", "cpu")
    result = run("generate", *options, "--film", tmp_path / "film.mp4")
    assert result.exit_code == 0 and "a film:" in result.output
    assert probe(tmp_path / "film.mp4").tracks
    assert "no --out" in refused("generate", *options)
    assert "--sound" in refused("generate", "--run", folder, "--film", tmp_path / "film.mp4")
