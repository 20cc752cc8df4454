"What all widgets share: one module each, numbers as bytes, saved pages and still pictures. No browser needed."

import re

import matplotlib.pyplot as plt
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


NOTEBOOK = """
from avgen.signal.sound import Sound
import torch
sound = Sound(torch.zeros(1, 64, 64), name="silence")
---
sound
---
from avgen.data.pairs import toy_pairs
toy_pairs(n=4).validation
---
from avgen.nets.attention_maps import AttentionMap
AttentionMap(torch.full((1, 64, 16), 1 / 16), (8, 8), (4, 4), sound=sound.values, config=sound.config)
---
from avgen.show.sound_player import SoundPlayer
display(SoundPlayer(sound))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    "A notebook of a sound, pairs, a map and a player: run as a user does, and what `nbconvert --to html` makes of it."
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    cells = [nbformat.v4.new_code_cell(text.strip()) for text in NOTEBOOK.split("---")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AVGEN_STILL", raising=False)
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook, HTMLExporter().from_notebook_node(notebook)[0]


@pytest.mark.slow
def test_an_exported_notebook_shows_every_widget_as_a_picture(exported):
    notebook, page = exported
    assert page.count('<div data-avgen-still="') == 4 and page.count("data:image/png;base64,") >= 4
    for cell in notebook.cells[1:]:
        live, still = cell.outputs
        assert "application/vnd.jupyter.widget-view+json" in live.data and "text/html" in still.data
        mark = re.search(r'data-avgen-still="(\w+)"', still.data["text/html"]).group(1)
        state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
        model = state[live.data["application/vnd.jupyter.widget-view+json"]["model_id"]]["state"]
        assert model["_mark"] == mark, "the picture is hidden by its own live view only"
        assert len(still.data["text/html"]) < 120_000


@pytest.mark.slow
def test_the_same_expression_shows_the_same_whatever_was_imported(exported):
    "The notebook's first sound is shown before anything of avgen.show was imported by hand."
    first = exported[0].cells[1].outputs[0].data
    last = exported[0].cells[4].outputs[0].data
    assert first.keys() == last.keys() and first["text/plain"].startswith("SoundPlayer(")


@pytest.mark.browser
def test_the_picture_is_seen_until_the_view_is_alive(exported, browser, tmp_path):
    (tmp_path / "page.html").write_text(exported[1])
    tab = browser.new_page(offline=True) if hasattr(browser, "new_page") else browser
    tab.set_default_timeout(20_000)
    tab.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    pictures = tab.locator("[data-avgen-still] img")
    assert pictures.count() == 4
    assert all(box["width"] > 100 for box in map(lambda i: pictures.nth(i).bounding_box(), range(4)))
    mark = tab.locator("[data-avgen-still]").first.get_attribute("data-avgen-still")
    tab.evaluate("mark => document.body.insertAdjacentHTML('beforeend', `<p data-avgen-live='${mark}'></p>`)", mark)
    assert not pictures.first.is_visible() and pictures.nth(1).is_visible()
    tab.close()


def test_without_a_kernel_or_with_avgen_still_jupyter_asks_for_the_bundle(sound, monkeypatch):
    for shown in (sound, SoundPlayer(sound)):
        with pytest.raises(NotImplementedError):
            shown._ipython_display_()
    monkeypatch.setattr(live, "in_kernel", lambda: True)
    monkeypatch.setenv("AVGEN_STILL", "1")
    with pytest.raises(NotImplementedError):
        SoundPlayer(sound)._ipython_display_()


def test_every_page_that_registers_a_display_is_loaded_when_one_is_shown():
    from pathlib import Path

    from avgen import core

    folder = Path(live.__file__).parent
    registering = {p.stem for p in folder.glob("*.py") if re.search(r"^ *register_display\(", p.read_text(), re.M)}
    assert registering == set(core._WIDGETS)
    others = {p for p in folder.parent.rglob("*.py") if p.parent != folder and "\nregister_display(" in p.read_text()}
    assert not others


def test_a_widget_carries_a_small_module():
    source = live.module_source("sound_player")
    small = live.small_module(source, ["audio", "name"])
    assert len(small) < 2000 < len(source) and '["audio", "name", "_css"' not in small and '"audio", "name"' in small
    assert "NAME" not in small and "HELD" not in small
    assert live.small_module(source + " ", ["audio", "name"]) != small  # another source is another module


def test_a_view_is_displayed_above_its_picture(monkeypatch):
    shown, png = [], live.figure_png(plt.figure(figsize=(1, 1)))
    monkeypatch.setattr("IPython.display.display", lambda bundle, **rest: shown.append(bundle))
    live.display_beside({"text/plain": "a view", "image/png": png}, {}, "mark")
    live.display_beside({"text/plain": "words alone"}, {}, "other")
    assert [sorted(bundle) for bundle in shown] == [
        ["image/png", "text/plain"],
        ["text/html", "text/plain"],
        ["text/plain"],
    ]
    assert 'data-avgen-still="mark"' in shown[1]["text/html"] and 'alt="a view"' in shown[1]["text/html"]


def test_a_view_is_written_whole_or_not_at_all(tmp_path):
    assert live.write_view(tmp_path / "a.png", ".png", lambda: b"png").read_bytes() == b"png"
    made = []
    with pytest.raises(InputError, match="found the ending '.html'; expected .png"):
        live.write_view(tmp_path / "a.html", ".png", lambda: made.append(1))
    assert not made, "the path is looked at before anything is drawn"
    with pytest.raises(ZeroDivisionError):
        live.write_view(tmp_path / "a.png", ".png", lambda: 1 / 0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"] and (tmp_path / "a.png").read_bytes() == b"png"
