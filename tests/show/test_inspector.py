"The attention inspector's Python half: what is asked, the compact form, what is refused. No browser needed."

import json
import re

import numpy as np
import pytest
import torch
from attention_examples import CONFIG, HOSTILE, crossed_map, five_partials, map_of, weights_of

from avgen import core
from avgen.core import InputError
from avgen.data.pictures import Picture
from avgen.nets.attention_drawing import strongest_points
from avgen.nets.attention_maps import AttentionMap
from avgen.show.attention_state import DIRECTIONS, unpack_map
from avgen.show.compare import Compare
from avgen.show.hearing import attended_sound, band_sound
from avgen.show.inspector import SCALES, AttentionInspector, asked_words, first_point, look_inside, opening
from avgen.show.inspector import size_advice
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.systems import build_system


@pytest.fixture(scope="module")
def sound():
    return five_partials()


def test_a_large_layer_stays_below_its_bar(sound):
    weights = torch.randn(1, 1024, 1024, generator=torch.Generator().manual_seed(0)).softmax(2)
    view = AttentionInspector(AttentionMap(weights, (32, 32), (32, 32), config=CONFIG, sound=sound.values), sound=sound)
    size = sum(len(v) for v in view.layers[0].values() if isinstance(v, bytes))
    assert 1024 * 1024 * 2 < size <= 2.2e6


def test_opens_on_anything(sound):
    m, arrays = map_of(sound), weights_of().numpy()
    assert list(AttentionInspector({"a": m, "b": m}).maps) == ["a", "b"]
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
    def warned(**more):
        return AttentionInspector(map_of(sound, **more)).layers[0]["warning"]

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
    assert not view.from_browser


def test_orders_have_numbers(sound):
    view = AttentionInspector(map_of(sound), sound=sound)
    view.play("attended", 0.1)
    view.stop()
    view.play()
    assert view.order == {"count": 3, "act": "whole", "seconds": 0.0}


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
    for direction in DIRECTIONS:
        for scale in SCALES:
            AttentionInspector(
                map_of(sound), query=(0.2, 880.0), direction=direction, scale=scale, threshold=0.5
            )._still_()


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
        (lambda: AttentionInspector(m, compact=True, points=[(3.0, 440)]), "seconds"),
        (lambda: AttentionInspector(m, compact=True, layer="other"), "recorded: 'encoder.attention'"),
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


def test_a_map_shows_itself_in_the_inspector():
    assert core._displays[AttentionMap] is AttentionInspector


def test_the_compact_form_holds_one_layer_exactly_enough(sound):
    m = map_of(sound)
    figure = AttentionInspector({"other": m, "this": m}, layer="this", sample=1, compact=True)
    layer = figure.layers[0]
    rows = unpack_map(layer["codes"], layer["floors"], layer["steps"], bits=8)
    assert list(figure.maps) == ["this"] and len(figure.layers) == 1 and len(layer["codes"]) == 64 * 16
    assert np.abs(rows - m.weights[1].numpy()).max() < 0.51 * m.weights[1].max().item() / 239
    assert np.abs(rows.max(1) - m.weights[1].amax(1).numpy()).max() < 1e-6  # what is said of the largest is exact
    assert np.allclose(np.frombuffer(layer["entropies"], "<f4"), m.entropy()[1].numpy())
    assert layer["key_grid"] == [4, 4] and layer["query_grid"] == [8, 8]
    assert layer["effect"] == pytest.approx(0.2) and layer["gamma"] == 0.3


def test_the_compact_form_offers_points_and_plays_what_it_is_given(sound):
    m = map_of(sound)
    silent = AttentionInspector(m, compact=True)
    assert silent.audio == b"" and tuple(silent.query) == pytest.approx(first_point(m), abs=1e-3)
    assert AttentionInspector(m, compact=True, query=[]).query == []
    assert silent.points == [[round(float(x), 4) for x in p] for p in strongest_points(m)]
    figure = AttentionInspector(m, compact=True, query=(0.21, 440), points=[(0.1, 880)], sound=sound, rate=22050)
    assert figure.query == [0.21, 440.0] and figure.points == [[0.1, 880.0]] and len(figure.audio) == CONFIG.samples
    figure.query = [0.1, 1000.0]
    assert figure.heat.shape == (4, 4)


def test_numbers_that_are_not_known_are_none(sound):
    unknown = AttentionInspector(map_of(sound, gamma=float("nan"), effect=None), compact=True)
    assert unknown.layers[0]["gamma"] is None and unknown.layers[0]["effect"] is None
    json.dumps(unknown.payload(), allow_nan=False)


def test_over_a_picture_and_of_some_queries():
    picture = Picture(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    weights, queries = torch.full((1, 3, 16), 1 / 16), torch.tensor([0, 9, 63])
    figure = AttentionInspector(
        AttentionMap(weights, (8, 8), (4, 4), sound=picture.values, queries=queries), compact=True
    )
    assert figure.grounds[0]["kind"] == "picture" and len(figure.grounds[0]["values"]) == 64 * 64 * 3
    assert np.frombuffer(figure.layers[0]["queries"], "<i4").tolist() == [0, 9, 63]


def test_it_looks_at_other_maps_in_place(sound):
    view = AttentionInspector(map_of(sound), sound=sound, query=(0.2, 880.0))
    view.look_at(map_of(sound, layer="another"), sound, note="Later.")
    assert view.recorded == ("another",) and view.note == "Later." and view.map.layer == "another"
    view.look_at(map_of(sound, config=None, sound=torch.zeros(3, 8, 8)))
    assert view.audio == b"" and view.note == ""


@pytest.mark.parametrize("target_is_sound", [False, True])
def test_two_grounds(sound, target_is_sound, tmp_path):
    m = crossed_map(sound, target_is_sound)
    view = AttentionInspector(m, sound=sound, query=m.query_point(9))
    kinds = [view.grounds[view.layers[0][name]]["kind"] for name in ("asks", "ground")]
    assert kinds == (["sound", "picture"] if target_is_sound else ["picture", "sound"]) and len(view.grounds) == 2
    assert view.heat.shape == m.key_grid and len(view.audio) == 2 * CONFIG.samples
    assert np.isnan(np.frombuffer(view.layers[0]["shares"], "<f4")).all()  # a picture has no harmonics
    assert view._still_()[:4] == b"\x89PNG"
    view.direction = "who"
    assert view.query == []  # a point of what asks means nothing on what is looked at
    view.query = m.ground("keys").point(5, m.key_grid)
    assert view.heat.shape == m.query_grid and torch.equal(view.heat.flatten(), m.weights[0, :, 5])
    assert view._still_()[:4] == b"\x89PNG" and "cross" in view.save_html(tmp_path / "v.html").read_text()
    compact = AttentionInspector(m, compact=True)
    assert all(m.query_index(*p) < 128 for p in compact.points) and len(compact.grounds) == 2
    assert 0 <= m.ground("keys").index(first_point(m, "who"), m.key_grid) < 128
    first, second = (view.payload()["layers"][0] for view in (compact, AttentionInspector(map_of(sound))))
    assert "asks" in first and "asks" not in second  # a map of one ground travels as it always did


def test_a_point_of_the_wrong_ground_is_refused(sound):
    m = crossed_map(sound)
    with pytest.raises(InputError, match="outside the picture"):
        AttentionInspector(m, query=(0.2, 880.0))
    with pytest.raises(InputError, match="seconds"):
        AttentionInspector(m, query=(20, 30), direction="who")


@pytest.mark.parametrize("direction", ["S2I", "I2S"])
def test_look_inside_a_system_that_looks_while_it_generates(direction):
    system = build_system("duet", direction, preset="toy").eval()
    maps = look_inside(system, torch.zeros(1, 1 if direction == "S2I" else 3, 64, 64))
    assert list(maps) == list(system.attention_names) and all(m.crossed for m in maps.values())
    view = AttentionInspector(maps)
    assert (len(view.audio) > 0) and len(view.grounds) == 2 and len(view.layers) == 2


NAMES = "bassoon cello clarinet double_bass flute horn oboe sax trombone trumpet tuba viola violin".split()
RED = np.zeros((64, 64, 3), np.uint8)
RED[10:30, 10:30, 0] = 255


def softmaxed(*shape, seed=0):
    return (2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))).softmax(-1)


def test_three_lines_for_an_audio_transformer():
    config = SpectrogramConfig(sample_rate=16000, n_fft=1024, hop_length=160, clip_seconds=10.23)
    sound = Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples))
    half = softmaxed(1, 12, 1213, 1213).numpy().astype(np.float16)
    view = AttentionInspector(half, grid=(12, 101), skip=1, ground=sound, patch=16, stride=10, bits=8)
    assert view.map.query_grid == (12, 101) and len(view.audio) > 0 and "leading token" in view.layers[0]["note"]
    assert view.layers[0]["query_field"][0] == pytest.approx(3 / 126, abs=1e-3)
    json.dumps(view.payload(), allow_nan=False)


def test_three_lines_for_a_vision_transformer():
    view = AttentionInspector((softmaxed(1, 3, 197, 197),) * 2, grid=(14, 14), skip=1, picture=RED, head="all")
    assert len(view.layers) == 6 and view.grounds[0]["grid"] == [64, 64] and len(view.grounds) == 1
    assert view.grounds[0]["values"][(20 * 64 + 20) * 3 :][:3] == bytes([255, 0, 0]) and view.audio == b""


def test_three_lines_for_a_cross_attention_layer(sound):
    view = AttentionInspector(softmaxed(1, 196, 256), query_grid=(14, 14), key_grid=(8, 32), query_ground=RED,
                              key_ground=sound, query=(20, 20))  # fmt: skip
    assert view.map.crossed and view.heat.shape == (8, 32) and len(view.audio) == 2 * CONFIG.samples
    assert not np.isfinite(np.frombuffer(view.layers[0]["shares"], "<f4")).any()
    heard = attended_sound(view.map, view.query, sound)
    assert heard.waveform.abs().max() > 0 and view._still_()[:4] == b"\x89PNG"
    for wrong in (dict(sound=sound), dict(sound=sound, picture=RED), dict(picture=RED)):
        with pytest.raises(InputError, match="query_ground"):
            AttentionInspector(softmaxed(1, 196, 256), query_grid=(14, 14), key_grid=(8, 32), **wrong)


def test_three_lines_for_a_model_of_time_alone():
    config = SpectrogramConfig(clip_seconds=30.0)
    sound = Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples))
    view = AttentionInspector(softmaxed(1, 1500, 1500), grid=(1, 1500), sound=sound, query=(12.0, 440.0), bits=8)
    assert view.heat.shape == (1, 1500) and view.layers[0]["query_grid"] == [1, 1500]
    assert view.map.query_index(12.0, 440.0) == config.column_of(12.0, 1500)


def test_named_queries_have_no_pitch(sound, tmp_path):
    view = AttentionInspector(
        softmaxed(1, 13, 256), query_ground=NAMES, key_ground=sound, key_grid=(8, 32), query="flute"
    )
    assert view.grounds[view.layers[0]["asks"]] == {"kind": "names", "grid": [13, 1], "names": NAMES, "values": b""}
    assert view.layers[0]["query_edges"] == [] and torch.equal(view.heat.flatten(), view.map.weights[0, 4])
    assert view._still_()[:4] == b"\x89PNG" and "flute" in view.save_html(tmp_path / "names.html").read_text()
    with pytest.raises(InputError, match="names"):
        band_sound(view.map, "flute", sound)
    assert attended_sound(view.map, "flute", sound).name.endswith("attended")
    with pytest.raises(InputError, match="one of bassoon"):
        AttentionInspector(view.map, query="piccolo")


def test_a_masked_query_does_not_answer(sound):
    weights = softmaxed(1, 256, 256)
    weights[0, 17] = 0
    view = AttentionInspector(weights, sound=sound)
    positions = np.frombuffer(view.layers[0]["queries"], "<i4")
    assert len(positions) == 255 and 17 not in positions and "masked out" in view.layers[0]["note"]
    with pytest.raises(InputError, match="masked out"):
        view.query = list(view.map.query_point(17))
        view.heat  # noqa: B018


def test_a_large_page_says_so_before_it_is_written(tmp_path):
    heads = softmaxed(1, 4, 900, 900)
    large = AttentionInspector(heads, grid=(30, 30), head="all", keep_above=0)
    assert large.advice == "" == large.note  # 9 MB
    assert "4 maps of 900 queries and 900 keys" in size_advice(large.maps, {"layers": large.layers}, large=1e6)
    large.advice = size_advice(large.maps, {"layers": large.layers}, large=1e6)
    with pytest.warns(UserWarning, match=r"avgen: Saved as a page this is 9 MB.*bits=8.*keep_above.*fewer heads"):
        whole = large.save_html(tmp_path / "large.html").stat().st_size
    small = AttentionInspector(heads, grid=(30, 30), head=0, bits=8, keep_above=0.1).save_html(tmp_path / "s.html")
    assert small.stat().st_size < whole / 10


@pytest.mark.parametrize("more, words", [
    (dict(sound=RED), "sound"), (dict(sound=np.full((64, 64), 9.0)), "to_unit"), (dict(picture="a.png"), "picture"),
    (dict(picture=np.full((3, 8, 8), 99.5)), "normalised"), (dict(effect="much"), "effect"), (dict(gamma="x"), "gamma"),
    (dict(layer=3), "layer"), (dict(sample=1.5), "sample"), (dict(sample=3), "sample"), (dict(bits=4), "bits"),
    (dict(keep_above=2), "keep_above"), (dict(head="3"), "head"), (dict(grid=(8, 9)), "72"), (dict(foo=1), "'foo'"),
    (dict(query="flute"), "flute"),
])  # fmt: skip
def test_what_comes_with_plain_weights_is_checked(more, words):
    with pytest.raises(InputError, match=words):
        AttentionInspector(softmaxed(1, 64, 64), **more)


def test_settings_of_weights_are_not_dropped_for_maps(sound):
    with pytest.raises(InputError, match="'skip' is for plain weights"):
        AttentionInspector(map_of(sound), skip=1)
    with pytest.raises(InputError, match="'skip' is for plain weights"):
        Compare(map_of(sound), map_of(sound), skip=1)


def test_two_grounds_are_compared(sound):
    maps = [
        AttentionInspector(softmaxed(1, 196, 256, seed=i), query_grid=(14, 14), key_grid=(8, 32), query_ground=RED,
                           key_ground=sound) for i in (0, 1)
    ]  # fmt: skip
    both = Compare(*maps, query=(20, 20))
    assert 0 < both.overlap < 1 and both._still_()[:4] == b"\x89PNG"
    both.direction = "who"
    both.query = [0.2, 880.0]
    assert 0 < both.overlap < 1
    turned = AttentionInspector(softmaxed(1, 256, 196), query_grid=(8, 32), key_grid=(14, 14), query_ground=sound,
                                key_ground=RED)  # fmt: skip
    with pytest.raises(InputError, match="queries lie over a picture on one side and over a sound on the other"):
        Compare(maps[0], turned)


def test_a_view_opens_on_a_point_that_says_something(sound):
    """The most selective of the strong points; where these look everywhere alike, the best of all points."""
    weights = torch.full((1, 64, 64), 1 / 64)
    weights[0, 37] = torch.eye(64)[5]
    m = AttentionMap(weights, (8, 8), (8, 8), gamma=0.3, config=sound.config, sound=sound.values)
    assert m.query_index(*AttentionInspector(m, sound=sound).query) == 37 == m.query_index(*first_point(m))


def test_a_still_gives_the_entropy_of_its_point_beside_that_of_the_layer():
    from avgen.show.inspector import inspected_figure

    flat = AttentionMap(torch.full((1, 64, 64), 1 / 64), (8, 8), (8, 8), layer="encoder.stack.layers.attention")
    figure = inspected_figure(flat, (1, 1))
    assert figure.get_suptitle().startswith("encoder, attention at 8 x 8\n")
    assert "entropy 1.000 of uniform in the layer, 1.000 at this point" in figure.get_suptitle()
    assert any(ax.get_title() == "column 1, row 1 looks everywhere alike" for ax in figure.axes)
    who = inspected_figure(flat, (1, 1), direction="who")
    assert "at this point" not in who.get_suptitle()
    view = AttentionInspector(flat, query=(1, 1))
    assert repr(view).endswith("asked at (1, 1), entropy 1.00 of uniform)") or "entropy 1.00" in repr(view)
    assert view.layers[0]["said"] == "encoder, attention at 8 x 8"


def test_the_first_question(sound):
    class Asked(list):
        points = [(0.2, 1000.0), (0.3, 500.0)]

    m = map_of(sound)
    assert opening([m], m) == ([round(x, 4) for x in first_point(m)], [])
    assert opening(Asked([m]), m) == ([0.2, 1000.0], []) and opening(Asked([m]), m, query=[])[0] == []
    assert opening(Asked([m]), m, compact=True)[1] == [[0.2, 1000.0], [0.3, 500.0]]
    assert opening([m], m, compact=True)[1] == [[round(x, 4) for x in p] for p in strongest_points(m)]
    with pytest.raises(InputError, match="seconds"):
        opening([m], m, points=[(9.0, 440.0)])


def test_a_question_in_words(sound):
    m = map_of(sound)
    assert asked_words([], "where", [m], [0]) == asked_words([0.2, 1000.0], "who", [m], [0]) == ""
    spread = float(m.entropy()[1, m.query_index(0.2, 1000.0)])
    assert asked_words([0.2, 1000.0], "where", [m, m], [1, 1]) == (
        f"; asked at (0.2, 1000.0), entropy {spread:.2f} and {spread:.2f} of uniform"
    )
