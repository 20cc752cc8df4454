"What all widgets share: one module each, numbers as bytes, saved pages and still pictures. No browser needed."

import re

import numpy as np
import pytest
import torch

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.nets.attention_maps import AttentionMap
from avgen.show import live
from avgen.show.compare import Compare
from avgen.show.inspector import AttentionInspector
from avgen.show.pair_grid import Card, PairGrid, Tile
from avgen.show.sound_player import SoundPlayer
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()
HOSTILE = "</script><script>alert('x')</script>"
WIDGETS = ("sound_player", "pair_grid", "pair_gallery", "attention_inspector", "compare", "training_dashboard")


@pytest.fixture(scope="module")
def sound():
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    return Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * 440 * time), CONFIG, "a tone")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=4)


@pytest.fixture(scope="module")
def attention(sound):
    weights = torch.rand(2, 64, 16, generator=torch.Generator().manual_seed(1)).pow(3).mul(6).softmax(2)
    known = {"gamma": 0.3, "effect": torch.tensor([0.1, 0.2]), "layer": "encoder.attention"}
    return AttentionMap(weights, (8, 8), (4, 4), config=CONFIG, sound=sound.values, **known)


@pytest.mark.parametrize("name", WIDGETS)
def test_modules_are_whole_and_fetch_nothing(name):
    source = live.module_source(name)
    assert not re.search(r"^import |https?://|innerHTML|insertAdjacentHTML|document\.write", source, re.MULTILINE)
    assert re.findall(r"^export .*", source, re.MULTILINE) == ["export default { render };"]
    assert source.count("class Speaker") == 1 and source.count("class Transform") <= 1


def test_page_script_holds_every_module_once():
    script = live.page_script()
    assert script.count("class Speaker") == 1
    assert "export " not in script and "import " not in script.replace("import anything", "")
    for name in ("SoundPlayer", "PairGrid", "AttentionInspector"):
        assert f"widgets.{name} = " in script
    script = live.page_script(["AttentionInspector", "Compare"])
    assert script.count("function inspectorView") == 1 and "export " not in script


def test_colours_are_matplotlibs():
    import matplotlib

    text = live.static_text("common.js")
    for name in ("magma", "inferno"):
        block = re.search(rf"const {name.upper()} =\n(.*?);", text, re.DOTALL)[1]
        stops = np.frombuffer(bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', block))), np.uint8).reshape(-1, 3)
        table = np.stack([np.interp(np.linspace(0, 32, 256), np.arange(33), stops[:, c]) for c in range(3)], 1)
        assert np.abs(table - matplotlib.colormaps[name](np.arange(256))[:, :3] * 255).max() < 5


def test_hostile_names_stay_text(sound):
    grid = PairGrid([Card(HOSTILE, [Tile(sound, HOSTILE)], HOSTILE)], name=HOSTILE, note=HOSTILE)
    player = SoundPlayer(Sound(sound.values, CONFIG, sound.waveform, HOSTILE))
    page = live.page([grid, player], HOSTILE)
    assert HOSTILE not in page and "alert('x')" in page
    assert page.count("<script") == 3  # two places and the modules


def test_still_pictures_and_saved_files(sound, pairs, attention, tmp_path, monkeypatch):
    monkeypatch.delenv("AVGEN_STILL", raising=False)
    figure = AttentionInspector(attention, compact=True)
    for widget in (SoundPlayer(sound), PairGrid(pairs, limit=3), figure):
        data, _ = widget._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in data and data["image/png"][:4] == b"\x89PNG"
        monkeypatch.setenv("AVGEN_STILL", "1")
        assert set(widget._repr_mimebundle_()[0]) == {"text/plain", "image/png"}
        monkeypatch.delenv("AVGEN_STILL")
        page = widget.save(tmp_path / "view.html").read_text()
        assert f'data-widget="{type(widget).__name__}"' in page and "http" not in re.sub(r'"bytes": "[^"]*"', "", page)
        assert widget.save(tmp_path / "view.png").read_bytes()[:4] == b"\x89PNG"


def test_pictures_for_a_paper_have_axes_and_a_colour_bar(sound, pairs, attention, tmp_path):
    maps = {"layer": attention}
    views = {
        "player": SoundPlayer(sound),
        "A/B": SoundPlayer(sound, other=sound),
        "grid": PairGrid(pairs, limit=3),
        "compact": AttentionInspector(attention, compact=True),
        "inspector": AttentionInspector(maps),
        "comparison": Compare(maps, maps),
    }
    for name, view in views.items():
        axes = view._figure_().get_figure().axes
        labels = {a.get_xlabel() for a in axes} | {a.get_ylabel() for a in axes}
        assert {"dB", "attention, times uniform"} & labels, (name, labels)
        assert any("time" in x for x in labels) and any("Hz" in x for x in labels), (name, labels)
        drawing = view.save_svg(tmp_path / "view.svg").read_text()
        assert drawing.count("<path") > 30 and view.save_png(tmp_path / "view.png", dpi=60).stat().st_size > 5000, name


def test_bad_input_is_named(sound, tmp_path):
    for wrong, word in (
        (lambda: SoundPlayer(sound).save(tmp_path / "x.pdf"), ".pdf"),
        (lambda: SoundPlayer(sound).save_png(tmp_path / "x.png", dpi=1), "dpi"),
        (lambda: live.pcm(torch.tensor([float("inf")]), 44100), "infinity"),
        (lambda: live.static_text("none.js"), "install avgen again"),
    ):
        with pytest.raises(InputError, match=re.escape(word)):
            wrong()
    assert not list(tmp_path.iterdir())
