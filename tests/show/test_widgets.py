"""The Python half of the widgets: what travels to the browser, and what is refused. No browser needed."""

import json
import re

import numpy as np
import pytest
import torch

from avgen.show import widgets
from avgen.nets.attention_maps import AttentionMap
from avgen.core import InputError
from avgen.data.pairs import Pair, Pairs, PairSet, toy_pairs
from avgen.data.pictures import Picture
from avgen.runs.run import SampleGrid
from avgen.signal.spectrogram import Sound, SpectrogramConfig
from avgen.show.widgets import AttentionFigure, Card, PairGrid, SoundPlayer, Tile

CONFIG = SpectrogramConfig()
HOSTILE = "</script><script>alert('x')</script>"


@pytest.fixture(scope="module")
def sound():
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    return Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * 440 * time), CONFIG, "a tone")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=4)


def map_of(sound, form=(8, 8), keys=(4, 4), **more):
    generator = torch.Generator().manual_seed(1)
    weights = torch.rand(2, form[0] * form[1], keys[0] * keys[1], generator=generator).pow(3).mul(6).softmax(2)
    known = {"gamma": 0.3, "effect": torch.tensor([0.1, 0.2]), "layer": "encoder.attention", **more}
    return AttentionMap(weights, form, keys, config=CONFIG, sound=sound.values, **known)


@pytest.mark.parametrize("name", ["sound_player", "pair_grid", "attention_figure"])
def test_modules_are_whole_and_fetch_nothing(name):
    source = widgets.module_source(name)
    assert not re.search(r"^import |https?://|innerHTML|insertAdjacentHTML|document\.write", source, re.MULTILINE)
    assert re.findall(r"^export .*", source, re.MULTILINE) == ["export default { render };"]


def test_page_script_holds_every_module_once():
    script = widgets.page_script()
    assert (
        script.count("class Speaker") == 1
        and "export " not in script
        and "import " not in script.replace("import anything", "")
    )
    for name in ("SoundPlayer", "PairGrid", "AttentionFigure"):
        assert f"widgets.{name} = " in script


def test_colours_are_matplotlibs():
    import matplotlib

    text = widgets.static_text("common.js")
    for name in ("magma", "inferno"):
        block = re.search(rf"const {name.upper()} =\n(.*?);", text, re.DOTALL)[1]
        stops = np.frombuffer(bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', block))), np.uint8).reshape(-1, 3)
        table = np.stack([np.interp(np.linspace(0, 32, 256), np.arange(33), stops[:, c]) for c in range(3)], 1)
        assert np.abs(table - matplotlib.colormaps[name](np.arange(256))[:, :3] * 255).max() < 5


def test_player_sends_what_it_shows(sound):
    player = SoundPlayer(sound)
    samples = np.frombuffer(player.audio, "<i2")
    assert len(samples) == CONFIG.samples and player.sample_rate == CONFIG.sample_rate
    assert np.abs(samples / 32767 - sound.waveform.numpy()).max() < 1e-4
    drawn = np.frombuffer(player.spectrogram, np.uint8).reshape(player.grid)
    assert np.abs(drawn / 127.5 - 1 - sound.values[0].numpy()).max() < 0.005
    assert len(player.frequencies) == player.grid[0] and player.frequencies == sorted(player.frequencies)
    assert abs(player.frequencies[int(drawn.mean(1).argmax())] - 440) < 60
    assert player.span[0] <= 0 and player.span[1] >= CONFIG.clip_seconds


def test_player_obeys_and_refreshes(sound):
    player = SoundPlayer(sound, rate=22050)
    assert player.sample_rate == 22050 and len(player.audio) == CONFIG.samples  # half the samples, two bytes each
    seen = []
    player.observe(lambda change: seen.append(change["new"]), "order")
    player.play(), player.play(0.2), player.stop()
    assert [s["count"] for s in seen] == [1, 2, 3] and seen[1]["seconds"] == 0.2 and seen[2]["act"] == "stop"
    before = player.spectrogram
    player.sound = Sound(torch.full((1, 32, 16), -1.0), CONFIG, torch.zeros(CONFIG.samples), "silence")
    assert (
        player.grid == [32, 16]
        and player.spectrogram != before
        and set(player.spectrogram) == {0}
        and set(player.audio) == {0}
    )


def test_a_long_sound_is_cut_and_says_so():
    config = SpectrogramConfig(clip_seconds=3.0)
    player = SoundPlayer(Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples)), max_seconds=1.0)
    assert len(player.audio) == 2 * 44100 and "first 1 s of 3.0 s" in player.note


def test_a_sound_without_waveform_is_rebuilt_and_says_so(sound):
    player = SoundPlayer(Sound(sound.values, CONFIG, name="made"))
    assert (
        "Rebuilt from the spectrogram" in player.note
        and len(player.audio) == 2 * CONFIG.samples
        and max(player.audio) > 0
    )


def test_pair_grid_holds_each_thing_once(pairs):
    grid = PairGrid(pairs, limit=6)
    assert len(grid.cards) == 6 and "6 of" in grid.note
    assert (
        len(grid.sounds) == 6 * 64 * 64
        and len(grid.audio_offsets) == 7
        and grid.audio_offsets[-1] * 2 == len(grid.audio)
    )
    assert grid.pictures[:4] == b"\x89PNG" and grid.picture_grid == [64, 64]
    kinds = [tile["kind"] for tile in grid.cards[0]["tiles"]]
    assert (
        kinds == ["picture", "sound"] and grid.cards[0]["tiles"][0]["audio"] == grid.cards[0]["tiles"][1]["audio"] >= 0
    )


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
def test_samples_stand_side_by_side(pairs, direction):
    image, sound = pairs.validation.tensors(range(3))
    source, real = (sound, image) if direction == "S2I" else (image, sound)
    names = [p.instrument for p in pairs.validation[:3]]
    grid = SampleGrid(source, real.flip(3), real, names, direction, CONFIG, pairs=list(pairs.validation[:3]))
    cards = widgets.sample_cards(grid, [names[0], "no such instrument", names[2]])
    target = Picture if direction == "S2I" else Sound
    assert [isinstance(t.shown, target) for t in cards[0].tiles] == [False, True, True]
    assert [c.tiles[1].verdict for c in cards] == ["right", "wrong", "right"]
    assert len(PairGrid(grid).cards) == 3


@pytest.mark.parametrize("bits", [8, 16])
def test_attention_travels_exactly_enough(sound, bits):
    map = map_of(sound)
    figure = AttentionFigure(map, sample=1, bits=bits)
    rows = (
        np.frombuffer(figure.weights, f"<u{bits // 8}").reshape(64, 16)
        / (2**bits - 1)
        * np.frombuffer(figure.scales, "<f4")[:, None]
    )
    assert np.abs(rows - map.weights[1].numpy()).max() < 1.01 * map.weights[1].max().item() / (2**bits - 1)
    assert np.allclose(np.frombuffer(figure.entropies, "<f4"), map.entropy()[1].numpy())
    assert (
        figure.key_grid == [4, 4]
        and figure.query_grid == [8, 8]
        and figure.effect == pytest.approx(0.2)
        and figure.gamma == 0.3
    )


def test_the_point_is_readable_and_settable(sound):
    map = map_of(sound)
    figure = AttentionFigure(map, at=(0.21, 440))
    assert figure.at == [0.21, 440.0]
    figure.at = [0.1, 1000.0]
    assert map.at(*figure.at).shape == (4, 4)
    assert AttentionFigure(map).at == [] and all(map.query_index(*p) >= 0 for p in AttentionFigure(map).points)


def test_a_map_without_effect_says_so(sound):
    assert "Almost no effect" in AttentionFigure(map_of(sound, effect=torch.tensor([0.001, 0.2]))).warning
    assert AttentionFigure(map_of(sound)).warning == ""
    unknown = AttentionFigure(map_of(sound, gamma=float("nan"), effect=None))
    assert unknown.gamma is None and unknown.effect is None
    json.dumps(unknown.payload(), allow_nan=False)


def test_attention_over_a_picture_and_of_some_queries(pairs):
    weights = torch.full((1, 3, 16), 1 / 16)
    picture = pairs.train[0].image
    figure = AttentionFigure(
        AttentionMap(weights, (8, 8), (4, 4), sound=picture.values, queries=torch.tensor([0, 9, 63]))
    )
    assert (
        figure.picture
        and len(figure.spectrogram) == 64 * 64 * 3
        and np.frombuffer(figure.queries, "<i4").tolist() == [0, 9, 63]
    )


def test_hostile_names_stay_text(sound):
    grid = PairGrid([Card(HOSTILE, [Tile(sound, HOSTILE)], HOSTILE)], name=HOSTILE, note=HOSTILE)
    player = SoundPlayer(Sound(sound.values, CONFIG, sound.waveform, HOSTILE))
    page = widgets.page([grid, player], HOSTILE)
    assert HOSTILE not in page and "alert('x')" in page
    assert page.count("<script") == 3  # two places and the modules


def test_still_pictures_and_saved_files(sound, pairs, tmp_path, monkeypatch):
    monkeypatch.delenv("AVGEN_STILL", raising=False)
    for widget in (SoundPlayer(sound), PairGrid(pairs, limit=3), AttentionFigure(map_of(sound))):
        data, _ = widget._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in data and data["image/png"][:4] == b"\x89PNG"
        monkeypatch.setenv("AVGEN_STILL", "1")
        assert set(widget._repr_mimebundle_()[0]) == {"text/plain", "image/png"}
        monkeypatch.delenv("AVGEN_STILL")
        page = widget.save(tmp_path / "view.html").read_text()
        assert f'data-widget="{type(widget).__name__}"' in page and "http" not in re.sub(r'"bytes": "[^"]*"', "", page)
        assert widget.save(tmp_path / "view.png").read_bytes()[:4] == b"\x89PNG"


def test_pictures_for_a_paper_have_axes_and_a_colour_bar(sound, pairs, tmp_path):
    from avgen.show.inspector import AttentionInspector, Compare

    maps = {"layer": map_of(sound)}
    views = {"player": SoundPlayer(sound), "A/B": SoundPlayer(sound, other=sound), "grid": PairGrid(pairs, limit=3), "figure": AttentionFigure(maps["layer"]),
             "inspector": AttentionInspector(maps), "comparison": Compare(maps, maps)}  # fmt: skip
    for name, view in views.items():
        axes = view._figure_().get_figure().axes
        labels = {a.get_xlabel() for a in axes} | {a.get_ylabel() for a in axes}
        assert (
            {"dB", "attention, times uniform"} & labels
            and any("time" in x for x in labels)
            and any("Hz" in x for x in labels)
        ), (name, labels)
        drawing = view.save_svg(tmp_path / "view.svg").read_text()
        assert drawing.count("<path") > 30 and view.save_png(tmp_path / "view.png", dpi=60).stat().st_size > 5000, name


def test_objects_are_registered():
    from avgen import core
    from avgen.show.inspector import (
        AttentionInspector,
    )  # with it a map opens the inspector; with avgen.show.widgets alone the lighter figure of one layer

    expected = {
        Sound: SoundPlayer,
        Pair: PairGrid,
        PairSet: PairGrid,
        Pairs: PairGrid,
        SampleGrid: PairGrid,
        AttentionMap: AttentionInspector,
    }
    assert expected.items() <= core._displays.items()


def test_bad_input_is_named(sound, pairs, tmp_path):
    other = Sound(torch.zeros(1, 64, 64), SpectrogramConfig(floor_db=-60))
    with pytest.raises(InputError, match="floor_db"):
        AttentionFigure(map_of(sound), sound=other)
    for wrong, word in (
        (lambda: SoundPlayer(torch.zeros(10)), "Tensor"),
        (lambda: SoundPlayer(sound, max_seconds="10"), "max_seconds"),
        (lambda: PairGrid([1]), "int"),
        (lambda: PairGrid(pairs, limit=0), "limit"),
        (lambda: Tile("x"), "str"),
        (lambda: Tile(sound, verdict="perhaps"), "verdict"),
        (lambda: AttentionFigure(sound), "Sound"),
        (lambda: AttentionFigure(map_of(sound), sample=2), "sample"),
        (lambda: AttentionFigure(map_of(sound), at=(3.0, 440)), "seconds"),
        (lambda: AttentionFigure(map_of(sound), at=(0.1, 1e6)), "hertz"),
        (lambda: AttentionFigure(map_of(sound), bits=4), "bits"),
        (lambda: SoundPlayer(sound).save(tmp_path / "x.pdf"), ".pdf"),
        (lambda: widgets.pcm(torch.tensor([float("inf")]), 44100), "infinity"),
    ):
        with pytest.raises(InputError, match=re.escape(word)):
            wrong()
    assert not list(tmp_path.iterdir())
