"""The contract of avgen.data.corpora: any folder in the layout opens as pairs, real Sub-URMP included."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from small_data import make_folder
from remarks import said

from avgen.core import InputError
from avgen.data.corpora import open_pairs
from avgen.data.files import read_picture, read_sound, read_waveform
from avgen.data.layout import instruments_of
from avgen.data.loading import check_folder

pytest.importorskip("soundfile")


@pytest.mark.parametrize("sound,picture", [(".wav", ".jpg"), (".flac", ".png"), (".WAV", ".JPEG")])
def test_layout_is_read(tmp_path, sound, picture):
    pairs = open_pairs(make_folder(tmp_path / "x", sound=sound, picture=picture))
    assert (len(pairs.train), len(pairs.tune), len(pairs.validation)) == (8, 4, 4)
    assert pairs.instruments == ("flute", "tuba") and pairs.name == "x" and pairs.root == tmp_path / "x"
    first = pairs.all_train[1]
    assert (first.source, first.take, first.seconds, first.performer) == (
        "train/flute/flute00_500",
        "flute00",
        0.5,
        "flute00",
    )
    file = tmp_path / "x" / "chunk" / f"{first.source}{sound}"
    assert sound != ".wav" or torch.allclose(first.sound.values, read_sound(file).values, atol=1e-3)
    assert (
        first.image.values - read_picture(tmp_path / "x" / "img" / f"{first.source}{picture}").values
    ).abs().max() < 1e-6
    assert torch.equal(first.sound.waveform, read_waveform(file)[0])


def test_instruments_of_the_user(tmp_path):
    pairs = open_pairs(make_folder(tmp_path / "x", ("piano", "drum")), instruments=("drum", "piano"))
    assert (
        pairs.instruments == ("drum", "piano")
        and pairs.train.counts() == {"drum": 4, "piano": 4}
        and pairs.train.instrument[-1] == 1
    )


@pytest.mark.parametrize(
    "settings", [dict(image_size=0), dict(image_size="64"), dict(skip_bad="False"), dict(tune_share=0.7)]
)
def test_settings_are_checked(band, settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        open_pairs(band, **settings)


def test_opening_imports_no_audio_library(band, cache):
    import subprocess
    import sys

    code = f"""
import sys
for name in ('soundfile', 'librosa', 'soxr', 'av'): sys.modules[name] = None
from avgen.data.corpora import open_pairs
pairs = open_pairs({str(band)!r})
assert pairs.train[0].sound.waveform is not None
assert not {{'scipy', 'sklearn', 'pandas'}} & set(sys.modules), 'too much is imported'
print(len(pairs.train))"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"AVGEN_CACHE": str(cache)}
    )
    assert done.stdout.strip() == "8", done.stderr


REAL = os.environ.get("AVGEN_REAL_DATA")


@pytest.mark.real
@pytest.mark.skipif(not REAL, reason="AVGEN_REAL_DATA is not set: no real Sub-URMP pairs to open")
def test_real_pairs():
    root = Path(REAL) / "Sub-URMP"
    with said("validation takes are also in train"):
        pairs = open_pairs(root)
    assert (len(pairs.train), len(pairs.tune), len(pairs.validation)) == (
        318,
        0,
        79,
    ) and "tune split is empty" in " ".join(pairs.notes)
    assert set(pairs.instruments) == {pairs.instruments[i] for i in pairs.train.instrument.unique()}
    pair = pairs.train[100]
    decibels = np.load(root / "lms" / f"{pair.source}.npy").astype(np.float32)
    shown = pairs.config.to_decibels(pair.sound.values)
    assert abs(float(shown.mean()) - decibels.mean()) < 0.5
    heard = pairs.config.to_decibels(read_sound(root / "chunk" / f"{pair.source}.wav").values)
    assert float((heard - shown).abs().median()) < 6
    assert check_folder(root).ok and len({p.performer for p in pairs.train}) >= 13


def test_a_folder_may_name_its_instruments(tmp_path):
    root = make_folder(tmp_path / "x", ("piano", "drum"))
    (root / "instruments.txt").write_text("piano\ndrum\n")
    assert open_pairs(root).instruments == ("piano", "drum")
    assert open_pairs(root, instruments=("drum", "piano")).instruments == ("drum", "piano")
    for text, says in (("", "no name"), ("drum\ndrum\n", "drum, drum")):
        (root / "instruments.txt").write_text(text)
        with pytest.raises(InputError, match=f"{says}.*each once"):
            open_pairs(root)


def test_a_list_may_hold_any_names(tmp_path):
    names = ("grand piano", "鋼琴", "🥁", "tr808", "TROMBONE")
    root = make_folder(tmp_path / "x", names, takes=1, clips=1)
    assert open_pairs(root).instruments == tuple(sorted(names))
    (root / "instruments.txt").write_text("\ufeff" + "\r\n".join(names) + "\r\n\r\n", encoding="utf-8")
    pairs = open_pairs(root)
    assert pairs.instruments == names and pairs.train.counts() == dict.fromkeys(names, 1)
    (root / "instruments.txt").write_bytes("flöte".encode("latin-1"))
    assert instruments_of(root) == ("flöte",)  # an older program's list


def test_the_names_travel_with_a_prepared_folder(tmp_path, cache):
    pairs = open_pairs(make_folder(tmp_path / "x", ("drum", "piano")))
    carried = open_pairs(cache / "pairs" / pairs.hash)
    assert carried.instruments == ("drum", "piano") and carried.hash == pairs.hash


def test_left_out_is_counted(band):
    (band / "img/train/flute/flute00_0.jpg").write_text("no picture")
    with pytest.raises(InputError, match="--skip-bad"):
        open_pairs(band)
    with said("1 problem, left out"):
        assert open_pairs(band, skip_bad=True).left_out == 1
