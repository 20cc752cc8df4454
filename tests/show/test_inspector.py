"""The Python half of the attention inspector: what travels, what is asked, what is refused. No browser needed."""

import json
import re

import numpy as np
import pytest
import torch

from avgen.show import inspector as module
from avgen.show import widgets
from avgen.nets.attention_maps import AttentionMap
from avgen.core import InputError
from avgen.show.inspector import (
    AttentionInspector,
    Compare,
    gather_maps,
    harmonic_shares,
    heat_of,
    look_inside,
    pack_map,
    unpack_map,
)
from avgen.data.pictures import Picture
from avgen.signal.spectrogram import Sound, SpectrogramConfig
from avgen.judge.structure import find_questions, read_notes, shares
from avgen.systems import build_system

CONFIG = SpectrogramConfig()
HOSTILE = "</script><script>alert('x')</script>\"'&$x$ \u202eright to left \U0001f3ba"


@pytest.fixture(scope="module")
def sound():
    time = torch.arange(CONFIG.samples) / CONFIG.sample_rate
    return Sound.from_waveform(
        sum(0.2 * torch.sin(2 * torch.pi * 440 * k * time) for k in range(1, 6)), CONFIG, "a tone"
    )


def weights_of(queries=64, keys=16, samples=2, sharp=6.0, seed=1):
    return torch.rand(samples, queries, keys, generator=torch.Generator().manual_seed(seed)).mul(sharp).softmax(2)


def map_of(heard, form=(8, 8), keys=(4, 4), **more):
    known = {
        "gamma": 0.3,
        "effect": torch.tensor([0.1, 0.2]),
        "layer": "encoder.attention",
        "config": CONFIG,
        "sound": heard.values,
        **more,
    }
    return AttentionMap(weights_of(form[0] * form[1], keys[0] * keys[1]), form, keys, **known)


@pytest.mark.parametrize("sharp", [1e-7, 1e-3, 1.0, 30.0, 300.0])
def test_rows_travel_with_their_own_ruler(sharp):
    weights = (
        (torch.randn(128, 1024, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * sharp)
        .softmax(1)
        .float()
    )
    codes, floors, steps = pack_map(weights)
    assert len(codes) == 2 * weights.numel() and len(floors) == len(steps) == 4 * 128
    back, true = unpack_map(codes, floors, steps), weights.numpy()
    assert (np.abs(back - true).max(1) / true.max(1)).max() < 0.001
    order = np.argsort(-back, axis=1, kind="stable")[:, :10]
    assert (np.take_along_axis(true, order, 1) == -np.sort(-true, axis=1)[:, :10]).all()


def test_uniform_and_single_keys_survive():
    uniform = unpack_map(*pack_map(torch.full((2, 9), 1 / 9)))
    assert np.allclose(uniform, 1 / 9)
    assert np.allclose(unpack_map(*pack_map(torch.eye(12))), np.eye(12))
    assert np.allclose(unpack_map(*pack_map(torch.ones(3, 1))), 1)


def test_a_large_layer_stays_below_its_bar(sound):
    weights = torch.randn(1, 1024, 1024, generator=torch.Generator().manual_seed(0)).softmax(2)
    view = AttentionInspector(AttentionMap(weights, (32, 32), (32, 32), config=CONFIG, sound=sound.values), sound=sound)
    size = sum(len(v) for v in view.layers[0].values() if isinstance(v, bytes))
    assert 1024 * 1024 * 2 < size <= 2.2e6


def test_shares_are_those_of_the_structure_report(sound):
    m = AttentionMap(weights_of(1024, 1024, 1), (32, 32), (32, 32), config=CONFIG, sound=sound.values)
    hertz = float(CONFIG.frequencies(32)[CONFIG.row_of(440, 32)])
    asked = find_questions(read_notes(f"0.000-0.500:{hertz}"), sound.values, CONFIG, (32, 32), (32, 32))
    level = torch.nn.functional.adaptive_avg_pool2d(sound.values, (32, 32)).flatten()
    theirs = shares(m.weights[0, asked.queries], level, asked)["partials"]
    first = [i for i, q in enumerate(asked.queries.tolist()) if q // 32 == CONFIG.row_of(440, 32)]
    ours = harmonic_shares(m)[asked.queries[first]]
    columns = len([t for t in CONFIG.times(32) if 0 <= t <= 0.5]) / 32  # the note ends before the last column does
    for i, rival in enumerate(("attention", "uniform", "equally_loud")):
        assert np.allclose(ours[:, i] * columns, theirs[rival][first], rtol=0.08)
    assert np.isfinite(ours).all() and np.allclose(ours[:, 1], ours[0, 1])


def test_shares_of_maps_without_an_answer(sound):
    assert np.isnan(harmonic_shares(map_of(sound, config=None, sound=None))).all()
    assert np.isnan(harmonic_shares(map_of(sound))[-8:]).all()  # the highest row has no harmonic
    few = AttentionMap(
        weights_of(3, 1024),
        (32, 32),
        (32, 32),
        config=CONFIG,
        sound=sound.values,
        queries=torch.tensor([40, 200, 1000]),
    )
    every = AttentionMap(few.weights[:, [0] * 1024], (32, 32), (32, 32), config=CONFIG, sound=sound.values)
    assert np.allclose(harmonic_shares(few)[0], harmonic_shares(every)[40], equal_nan=True)


def test_opens_on_anything(sound):
    m, arrays = map_of(sound), weights_of().numpy()
    assert list(gather_maps(m)) == ["encoder.attention"] and list(gather_maps({"a": m, "b": m})) == ["a", "b"]
    assert list(gather_maps([m, m])) == ["encoder.attention", "encoder.attention′"]
    theirs = AttentionInspector(arrays, sound=sound, query=(0.2, 1000.0))
    assert (
        theirs.layers[0]["query_grid"] == [8, 8]
        and theirs.grounds[0]["kind"] == "sound"
        and len(theirs.audio) == 2 * CONFIG.samples
    )
    heads = AttentionInspector(
        {"block 3": arrays[:, None].repeat(2, 1)}, picture=Picture(torch.zeros(3, 16, 16)), query=(3, 4)
    )
    assert heads.grounds == [{"kind": "picture", "grid": [16, 16], "values": bytes([128]) * 768}] and heads.audio == b""
    bare = AttentionInspector(arrays)
    assert bare.grounds[0]["values"] == b"" and bare.layers[0]["gamma"] is None
    json.dumps(bare.payload(), allow_nan=False)


def test_both_directions_are_rows_and_columns(sound):
    m = map_of(sound)
    assert torch.equal(heat_of(m, (0.3, 2000.0), "where", 1), m.at(0.3, 2000.0, sample=1))
    key = CONFIG.row_of(2000.0, 4) * 4 + CONFIG.column_of(0.3, 4)
    assert torch.equal(heat_of(m, (0.3, 2000.0), "who", 1).flatten(), m.weights[1, :, key])
    some = AttentionMap(m.weights[:, :2], (8, 8), (4, 4), config=CONFIG, queries=torch.tensor([5, 9]))
    given = heat_of(some, (0.3, 2000.0), "who").flatten()
    assert given.isfinite().nonzero().flatten().tolist() == [5, 9]


def test_layers_share_their_ground_and_the_sound(sound):
    picture = map_of(sound, config=None, sound=torch.zeros(3, 64, 64), layer="generator.attention")
    view = AttentionInspector([map_of(sound), map_of(sound, layer="second"), picture], sound=sound)
    assert [layer["ground"] for layer in view.layers] == [0, 0, 1] and [g["kind"] for g in view.grounds] == [
        "sound",
        "picture",
    ]
    view.query = [0.2, 880.0]
    view.layer = "second"
    assert view.query == [0.2, 880.0] and view.heat.shape == (4, 4)
    view.layer = "generator.attention"
    assert view.query == [] and view.heat is None  # a point of a sound means nothing on a picture


def test_a_sound_without_waveform_is_rebuilt_a_long_one_cut_an_empty_one_said(sound):
    assert "Rebuilt" in AttentionInspector(map_of(sound)).note
    long = SpectrogramConfig(clip_seconds=60.0)
    minute = Sound(torch.zeros(1, 64, 64), long, torch.zeros(long.samples))
    view = AttentionInspector(weights_of(), sound=minute)
    assert len(view.audio) == 2 * 10 * 44100 and "first 10 s of 60.0 s" in view.note
    empty = AttentionInspector(map_of(sound), sound=Sound(sound.values, CONFIG, torch.zeros(0)))
    assert empty.audio == b"" and "empty" in empty.note
    assert len(AttentionInspector(map_of(sound), sound=Sound(sound.values, CONFIG, torch.zeros(1))).audio) == 2


def test_maps_that_mean_nothing_say_so(sound):
    warned = lambda **more: AttentionInspector(map_of(sound, **more)).layers[0]["warning"]
    assert (
        "gamma is 0" in warned(gamma=0.0)
        and "Almost no effect" in warned(effect=torch.tensor([0.001, 0.2]))
        and warned() == ""
    )


def test_python_is_refused_but_a_browser_is_answered(sound):
    view = AttentionInspector(map_of(sound))
    with pytest.raises(InputError, match="recorded: 'encoder.attention'"):
        view.layer = "no such layer"
    view.set_state(
        {"layer": "no such layer", "query": [99.0, 1.0]}
    )  # no exception where nobody would see it: the view says it
    assert view.layer == "no such layer" and view.map.layer == "encoder.attention"
    assert widgets.Live._incoming == 0


def test_orders_have_numbers(sound):
    view = AttentionInspector(map_of(sound), sound=sound)
    view.play("attended", 0.1), view.stop(), view.play()
    assert view.order == {"count": 3, "act": "whole", "seconds": 0.0}


def test_compare_shares_its_questions(sound):
    a, b = (
        map_of(sound),
        AttentionMap(weights_of(seed=2), (8, 8), (4, 4), config=CONFIG, sound=sound.values, layer="other.attention"),
    )
    both = Compare(a, AttentionInspector(b), labels=("step 1", "step 2"), sound=sound, query=(0.2, 1000.0))
    assert len(both.sides) == 2 and both.recorded == ("encoder.attention", "other.attention")
    expected = torch.minimum(a.at(0.2, 1000.0), b.at(0.2, 1000.0)).sum()
    assert both.overlap == pytest.approx(float(expected)) and Compare(
        a, a, query=(0.2, 1000.0)
    ).overlap == pytest.approx(1)
    both.layer = "other.attention"
    assert both.map_of(0) is both.maps[0]["encoder.attention"] and both.map is both.maps[1]["other.attention"]
    with pytest.raises(InputError, match="recorded"):
        both.layer = "none"
    with pytest.raises(InputError, match="floor_db"):
        Compare(a, AttentionMap(weights_of(), (8, 8), (4, 4), config=SpectrogramConfig(floor_db=-60)))
    with pytest.raises(InputError, match="same kind"):
        Compare(a, weights_of())


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
def test_look_inside_a_system(direction):
    system = build_system("sa-cmgan", direction, preset="toy").eval()
    source = torch.zeros(1, 1 if direction == "S2I" else 3, 64, 64)
    maps = look_inside(system, source)
    assert [name.split(".")[0] for name in maps] == ["encoder", "generator", "discriminator"]
    assert [m.config is None for m in maps.values()] == (
        [False, True, True] if direction == "S2I" else [True, False, False]
    )
    assert maps["generator.layers.attention"].sound.shape[1] == (3 if direction == "S2I" else 1)
    AttentionInspector(maps)
    with pytest.raises(InputError, match="no SelfAttention"):
        look_inside(build_system("sa-cmgan", direction, preset="toy", attention=None, game_attention=None), source)


def test_hostile_text_stays_text(sound, tmp_path):
    hostile = Sound(sound.values, CONFIG, sound.waveform, HOSTILE)
    view = AttentionInspector({HOSTILE: map_of(sound, layer=HOSTILE)}, sound=hostile, query=(0.2, 880.0), name=HOSTILE)
    page = view.save_html(tmp_path / "hostile.html").read_text()
    assert "<script>alert" not in page and page.count("<script") == 2
    both = Compare(view, view, labels=(HOSTILE, HOSTILE)).save_html(tmp_path / "both.html").read_text()
    assert "<script>alert" not in both
    svg = view.save_svg(tmp_path / "hostile.svg").read_text()
    assert "<script" not in svg and view.save_png(tmp_path / "hostile.png").read_bytes()[:4] == b"\x89PNG"


def test_saved_in_three_ways(sound, tmp_path):
    for view in (
        AttentionInspector(map_of(sound), sound=sound, query=(0.2, 880.0)),
        Compare(map_of(sound), map_of(sound)),
    ):
        kind = type(view).__name__
        assert f'data-widget="{kind}"' in view.save_html(tmp_path / "v.html").read_text()
        assert (
            view.save_png(tmp_path / "v.png", dpi=60).read_bytes()[:4] == b"\x89PNG"
            and "<svg" in view.save_svg(tmp_path / "v.svg").read_text()
        )
        assert view.save(tmp_path / "w.svg").exists() and set(view._repr_mimebundle_()[0]) >= {
            "text/plain",
            "image/png",
        }
    for direction in module.DIRECTIONS:
        for scale in module.SCALES:
            AttentionInspector(
                map_of(sound), query=(0.2, 880.0), direction=direction, scale=scale, threshold=0.5
            )._still_()


def test_modules_fetch_nothing():
    for name in ("attention_inspector", "compare"):
        source = widgets.module_source(name)
        assert not re.search(r"^import |https?://|innerHTML|insertAdjacentHTML|document\.write", source, re.MULTILINE)
        assert re.findall(r"^export .*", source, re.MULTILINE) == ["export default { render };"]
        assert source.count("class Speaker") == source.count("class Transform") == 1
    script = widgets.page_script(["AttentionInspector", "Compare"])
    assert script.count("function inspectorView") == 1 and "export " not in script


def test_bad_input_is_named(sound, tmp_path):
    m, weights = map_of(sound), weights_of()
    spoilt = map_of(sound)
    spoilt.weights[0, 0, 0] = float("nan")
    for wrong, word in (
        (lambda: AttentionInspector(weights * 2), "do not sum to 1"),
        (lambda: AttentionInspector(weights.masked_fill(weights > 0.1, float("nan"))), "NaN"),
        (lambda: AttentionInspector(spoilt), "NaN"),
        (lambda: AttentionInspector(weights, query_grid=(7, 7)), "49"),
        (lambda: AttentionInspector(torch.full((1, 65536, 4), 0.25), sound=sound), "no finer"),
        (lambda: AttentionInspector(m, sound=Sound(sound.values, SpectrogramConfig(floor_db=-60))), "floor_db"),
        (lambda: AttentionInspector(m, sound=sound.waveform), "expected a Sound"),
        (lambda: AttentionInspector(m, sound=Sound(sound.values, CONFIG, torch.full((100,), float("nan")))), "NaN"),
        (lambda: AttentionInspector(m, picture=1), "expected a Picture"),
        (lambda: AttentionInspector(m, layer="other"), "recorded: 'encoder.attention'"),
        (lambda: AttentionInspector(m, query=(99.0, 440.0)), "seconds"),
        (lambda: AttentionInspector(m, query=(0.1, 1e6)), "hertz"),
        (lambda: AttentionInspector(m, query=("a", 2)), "two numbers"),
        (lambda: AttentionInspector(m, sample=2), "sample"),
        (lambda: AttentionInspector(m, direction="up"), "direction"),
        (lambda: AttentionInspector(m, scale="linear"), "scale"),
        (lambda: AttentionInspector(m, threshold=1.5), "threshold"),
        (lambda: AttentionInspector(m, max_seconds=0), "max_seconds"),
        (lambda: AttentionInspector("map.npz"), "str"),
        (lambda: AttentionInspector({}), "no map"),
        (lambda: AttentionInspector(m).play("loud"), "what"),
        (lambda: AttentionInspector(m).save_html(tmp_path / "x.png"), ".html"),
        (lambda: AttentionInspector(m).save_html("/proc/none/x.html"), "cannot write"),
        (lambda: AttentionInspector(m).save_svg("/proc/none/x.svg"), "cannot write"),
        (lambda: Compare(m, m, labels=("a",)), "labels"),
    ):
        with pytest.raises(InputError, match=re.escape(word)):
            wrong()
    assert not list(tmp_path.iterdir())
