"""The kinds of trouble that a foreign model or a foreign machine makes, each with two further instances, tried.

Public bug reports gave one instance of each; a cure of the kind must hold for others. `test_every_kind_has_two` reads
this table: a row's instances are the two tests that are named after it, `test_<kind>_a` and `test_<kind>_b`.

| kind | the instance that was seen | a | b |
|---|---|---|---|
| two_grounds | a place in a picture, called hertz | words look at a sound | a sound looks at a tall picture |
| foreign_shapes | heads, a class token | five leading tokens, one of keys | one axis, a tuple of layers in bf16 |
| any_module | `nn.MultiheadAttention` | a decoder layer, own and cross | keys of another width, batch second |
| what_comes_along | a red square in uint8, drawn white | a float picture in bytes' range | a sound with a NaN in it |
| messages | "pass normalise=True" when it was | a negative weight: its layer and row | scores: how far off, and where |
| size_before | 24 heads of 1,212 places | one layer of 3,000 keys | many small layers of 8 bits are not complained of |
| class_names | "tr808" could never match | a space and digits at the end | one name is the beginning of another |
| long_sounds | ten seconds squeezed into half a second | a loud end after silence | a start beyond the end |
| process_state | two trainings shared a generator | a training leaves generators alone | a repository around it |
| terminals | cp932, ascii, cp852 | KOI8-R, no Latin accents | a program without any stdout |
| signals | SIGTERM, SIGHUP | SIGUSR1 of a scheduler's warning | Ctrl-C keeps its own code |
| read_only | a home that cannot be written to | a cache that is a file | no home at all |
| warnings | Python's warning with a source line | many lines, said as one | the same remark twice is said once |
| said_when_fewer | "26 of 50 instruments" | 30 generated samples | 400 class names in an error |
| order_of_imports | a display that depended on an import | a sound in fresh processes | a generated tensor |
| advice | advice that only Python can follow | `--data` of a file | a direction that no system has |
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import refused
from torch import nn

from avgen import console
from avgen.core import InputError, name_list
from avgen.data.layout import pair_files
from avgen.data.moments import Recording, read_moment
from avgen.data.pairs import toy_pairs
from avgen.data.prepared import writable_cache
from avgen.nets.attention import record_attention
from avgen.nets.attention_maps import map_from_arrays, maps_from_arrays
from avgen.runs.grids import Generated
from avgen.show.inspector import inspector_state, size_advice
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()
ROOT = Path(__file__).parents[1]


def softmax(*shape, seed=0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def test_every_kind_has_two():
    kinds = re.findall(r"^\| (\w+) \|", __doc__, re.M)[1:]
    assert len(kinds) >= 16 and all(f"test_{kind}_{which}" in globals() for kind in kinds for which in "ab")


def test_two_grounds_a():
    found = map_from_arrays(softmax(1, 4, 64), query_ground=["a", "dark", "low", "note"], key_ground=tone())
    assert found.crossed and found.ground("queries", 0).say((0, 1)) == "dark"
    assert "Hz" in found.ground("keys", 0).say((0.1, 440.0))


def test_two_grounds_b():
    other = SpectrogramConfig(sample_rate=16000, n_fft=1024, hop_length=160, clip_seconds=2.0)
    asks = Sound(torch.zeros(1, 64, 64), other)
    found = map_from_arrays(softmax(1, 32, 50), (4, 8), (10, 5), query_ground=asks, key_ground=torch.zeros(3, 200, 100))
    assert found.query_grid == (4, 8) and found.key_grid == (10, 5)
    assert found.query_point(7)[0] > 1.5, "the clip of the queries lasts two seconds"


def tone(hertz=440.0, seconds=0.5) -> Sound:
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    return Sound.from_waveform(0.3 * torch.sin(2 * torch.pi * hertz * time), CONFIG)


def test_foreign_shapes_a():
    found = map_from_arrays(softmax(2, 3, 5 + 36, 1 + 24), (6, 6), (4, 6), skip=(5, 1), head=2)
    assert found.weights.shape == (2, 36, 24) and "leading" in found.note
    assert (found.weights.sum(-1) - 1).abs().max() < 1e-4


def test_foreign_shapes_b():
    layers = tuple(softmax(1, 2, 40, 40, seed=k).bfloat16() for k in range(3))
    found = maps_from_arrays(layers, (1, 40), (1, 40))
    assert len(found) == 3 and all(m.weights.dtype == torch.float32 for m in found.values())


def test_any_module_a():
    layer = nn.TransformerDecoderLayer(16, 2, 32, batch_first=True).eval()
    with record_attention(layer) as maps:
        layer(torch.randn(1, 9, 16), torch.randn(1, 16, 16))
    assert {m.weights.shape[1:] for m in maps.values()} == {(9, 9), (9, 16)}


def test_any_module_b():
    layer = nn.MultiheadAttention(16, 4, kdim=24, vdim=8).eval()
    queries, keys, values = torch.randn(9, 2, 16), torch.randn(25, 2, 24), torch.randn(25, 2, 8)
    with record_attention(layer, head=1) as maps:
        layer(queries, keys, values)
    (found,) = maps.values()
    _, expected = layer(queries, keys, values, average_attn_weights=False)
    torch.testing.assert_close(found.weights, expected[:, 1], atol=1e-5, rtol=0)


def test_what_comes_along_a():
    found = map_from_arrays(softmax(1, 16, 16), ground=torch.full((3, 32, 32), 200.0))
    assert torch.allclose(found.sound, torch.tensor(200 / 127.5 - 1)), "floats as large as bytes are bytes"
    with pytest.raises(InputError, match="colours from 700"):
        map_from_arrays(softmax(1, 16, 16), ground=torch.full((3, 32, 32), 700.0))


def test_what_comes_along_b():
    values = torch.zeros(1, 64, 64)
    values[0, 3, 3] = float("nan")
    with pytest.raises(InputError, match="NaN|not numbers|finite"):
        map_from_arrays(softmax(1, 16, 16), ground=values, config=CONFIG)


def test_messages_a():
    weights = softmax(2, 4, 16, 16)
    weights[1, 3, 7, 2] = -0.25
    weights[1, 3, 7, 3] += 0.25 + softmax(2, 4, 16, 16)[1, 3, 7, 2]
    with pytest.raises(InputError, match="layer 2.*query 7: -0.25"):
        maps_from_arrays([softmax(2, 4, 16, 16), softmax(2, 4, 16, 16), weights], head=3)


def test_messages_b():
    with pytest.raises(InputError, match="sum") as error:
        map_from_arrays(3 * softmax(1, 9, 9))
    assert "row" in str(error.value) and "3" in str(error.value) and "normalise=True" in str(error.value)


def test_size_before_a():
    found = {"one": map_from_arrays(softmax(1, 3000, 3000), (50, 60), (50, 60))}
    assert "MB" in size_advice(found, {"layers": [{"codes": bytes(2 * 3000 * 3000), "bits": 16}]})


def test_size_before_b():
    found = {str(k): map_from_arrays(softmax(1, 64, 64)) for k in range(12)}
    assert size_advice(found, inspector_state(found, bits=8)) == ""


def pairs_of(*names) -> list:
    files = {}
    for name in names:
        for kind, ending in (("img", "png"), ("chunk", "wav")):
            files |= {f"{kind}/{split}/{name}/{name}00_0.{ending}": (1, 1, 1) for split in ("train", "validation")}
    layout = pair_files(Path("/nowhere"), files, tuple(names))
    assert not layout.problems, layout.problems
    return sorted({entry.instrument for entry in layout.entries})


def test_class_names_a():
    assert pairs_of("808 kick 2", "808 kick") == ["808 kick", "808 kick 2"]


def test_class_names_b():
    assert pairs_of("sax", "sax2", "sax20") == ["sax", "sax2", "sax20"]


def test_long_sounds_a(tmp_path):
    import soundfile

    loud = 0.5 * np.sin(np.arange(22050) * 0.1)
    soundfile.write(tmp_path / "late.flac", np.concatenate([np.zeros(6 * 44100), loud]), 44100)
    found = read_moment(tmp_path / "late.flac")
    assert float(found.waveform.square().mean()) > 0.1 and "6.0" in found.name


def test_long_sounds_b():
    recording = Recording(torch.randn(3 * 44100) * 0.1, CONFIG, "three")
    with pytest.raises(InputError, match="start"):
        recording.moment(3.5)


def test_process_state_a(tmp_path):
    import random

    import avgen

    before = torch.get_rng_state(), random.getstate(), torch.get_num_threads()
    avgen.train("sa-cmgan", toy_pairs(12), preset="toy", run=tmp_path / "run", steps=2, quiet=True, device="cpu")
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), torch.get_num_threads())


def test_process_state_b(tmp_path):
    place = tmp_path / "site" / "avgen"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    as_somebody = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
    subprocess.run(["git", "-C", str(tmp_path), *as_somebody, "commit", "-qm", "x", "--allow-empty"], check=True)
    import shutil

    shutil.copytree(ROOT / "avgen", place, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import avgen.runs.config as c; print([v() for k, v in vars(c).items() if k == 'git_commit'])"
    found = in_python(code, tmp_path, PYTHONPATH=str(place.parent))
    assert found.strip() in ("[None]", "['']", "['unknown']"), found


def in_python(code: str, folder: Path, **environment) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("AVGEN_CACHE")}
    env |= {"PYTHONPATH": str(ROOT), **environment}
    found = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr[-1500:]
    return found.stdout


def test_terminals_a():
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, "koi8-r", write_through=True)
    console.tell("flöte γ 0.3 — 大提琴 · ½", stream)
    assert buffer.getvalue().decode("koi8-r").startswith("fl")


def test_terminals_b(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    console.tell("nobody hears this")
    console.advise("and nobody reads that")


def stopped_by(name: str, folder: Path) -> int:
    code = (
        "import os, signal\n"
        "from avgen import console\n"
        "try:\n"
        "    with console.stop_on_signals():\n"
        f"        os.kill(os.getpid(), signal.{name})\n"
        "        import time; time.sleep(20)\n"
        "except KeyboardInterrupt:\n"
        "    print(console.stop_code())\n"
    )
    return int(in_python(code, folder))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_signals_a(tmp_path):
    import signal

    assert stopped_by("SIGUSR1", tmp_path) == 128 + signal.SIGUSR1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_signals_b(tmp_path):
    assert stopped_by("SIGINT", tmp_path) == 130


def test_read_only_a(tmp_path):
    (tmp_path / "cache").write_text("a file")
    try:
        found = writable_cache(tmp_path / "cache")
    except InputError as error:
        assert "--cache" in str(error) or "AVGEN_CACHE" in str(error)
    else:
        assert found != tmp_path / "cache", "a file is no folder: another place is taken"


def test_read_only_b(tmp_path):
    code = "from avgen.data.prepared import writable_cache; print(writable_cache(None))"
    found = in_python(code, tmp_path, HOME="/dev/null/home").strip()
    assert found and not found.startswith("/dev/null")


def test_warnings_a(capsys, monkeypatch):
    monkeypatch.setattr(console.logging.getLogger("avgen"), "hasHandlers", lambda: False)
    console.advise("first line\n   and a second\n\nand a third of test_warnings_a")
    assert capsys.readouterr().err == "avgen: first line and a second and a third of test_warnings_a\n"


def test_warnings_b(capsys, monkeypatch):
    monkeypatch.setattr(console.logging.getLogger("avgen"), "hasHandlers", lambda: False)
    for _ in range(3):
        console.advise("said once, in test_warnings_b")
    assert capsys.readouterr().err.count("said once") == 1


def test_said_when_fewer_a():
    made = Generated.of(torch.zeros(30, 3, 8, 8), torch.zeros(30, 1, 8, 8), "S2I", CONFIG)
    assert "12 of 30 are shown" in made.note and repr(made).startswith("Generated(30 pictures")


def test_said_when_fewer_b():
    text = name_list([f"class {k}" for k in range(400)])
    assert "400" in text or "387" in text, text
    assert len(text) < 600


def test_order_of_imports_a(tmp_path):
    shown = "import torch; from avgen.signal.sound import Sound; s = Sound(torch.zeros(1, 64, 64)); "
    shown += "print(sorted(s._repr_mimebundle_()[0]))"
    assert in_python(shown, tmp_path) == in_python("import avgen.show.pair_grid; " + shown, tmp_path)


def test_order_of_imports_b(tmp_path):
    shown = (
        "import torch; from avgen.runs.grids import Generated; from avgen.signal.spectrogram import SpectrogramConfig; "
    )
    shown += "g = Generated.of(torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8), 'S2I', SpectrogramConfig()); "
    shown += "print(repr(g), sorted(g._repr_mimebundle_()[0]), g.note)"
    assert in_python(shown, tmp_path) == in_python("import avgen.judge.evaluator; " + shown, tmp_path)


def test_advice_a(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"no folder")
    assert "film.mp4" in refused("train", "--data", tmp_path / "film.mp4", "--run", tmp_path / "run")


def test_advice_b(tmp_path):
    words = ("train", "--direction", "S2S", "--data", ROOT / "data" / "sample", "--run", tmp_path / "run")
    assert "S2I" in refused(*words)
