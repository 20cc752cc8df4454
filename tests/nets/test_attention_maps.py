"""Contract of avgen.nets.attention_maps: weights are checked, points find their row, maps draw and save themselves."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from avgen.nets.attention_drawing import plot_attention, strongest_points
from avgen.nets.attention_maps import AttentionMap, Evidence, Placement, answering_row, check_table, checked_effect
from avgen.nets.attention_maps import load_map, map_from_arrays, maps_from_arrays
from avgen.nets.attention_weights import check_weights
from avgen.core import InputError
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()


def weights(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def a_map(samples=2, keys=(4, 4), **rest):
    sound = torch.rand(samples, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    rest = (
        dict(gamma=0.25, effect=torch.full((samples,), 0.2), layer="encoder.attention", config=CONFIG, sound=sound)
        | rest
    )
    return AttentionMap(weights(samples, 64, keys[0] * keys[1]), (8, 8), keys, **rest)


@pytest.mark.parametrize("array, words", [
    (weights(2, 16, 16) * 2, "normalise=True"), (weights(1, 16, 16).transpose(1, 2).contiguous(), "transpose"),
    (torch.full((1, 16, 16), float("nan")), "NaN"), (torch.eye(16)[None] - 0.1, "negative"),
    (weights(16, 16), r"expected \(B, Q, 16\)"), (weights(1, 16, 9), r"expected \(B, Q, 16\)"),
    (torch.zeros(0, 16, 16), "empty"),
])  # fmt: skip
def test_what_is_no_attention_is_refused(array, words):
    with pytest.raises(InputError, match=words):
        AttentionMap(array, (4, 4), (4, 4))
    with pytest.raises(InputError, match=words):
        check_weights(array, (4, 4))


def test_entropy_and_ratio_at_the_extremes():
    uniform = AttentionMap(torch.full((1, 4, 16), 1 / 16), (2, 2), (4, 4))
    one = AttentionMap(torch.eye(16)[None, :4], (2, 2), (4, 4))
    torch.testing.assert_close(uniform.entropy(), torch.ones(1, 4))
    assert uniform.ratio_to_uniform().eq(1).all()
    assert one.entropy().abs().max() == 0 and one.ratio_to_uniform().max() == 16
    assert AttentionMap(torch.ones(1, 4, 1), (2, 2), (1, 1)).entropy().eq(1).all()


def test_points_find_their_query_on_the_grid():
    m = a_map()
    for seconds, hertz in ((0.0, 0.0), (0.21, 440.0), (0.5, 8000.0)):
        index = CONFIG.row_of(hertz, 8) * 8 + CONFIG.column_of(seconds, 8)
        assert m.query_index(seconds, hertz) == index
        assert torch.equal(m.at(seconds, hertz, sample=1), m.weights[1, index].reshape(4, 4))
    assert CONFIG.row_of(100, 8) < CONFIG.row_of(4000, 8)  # row 0 is the lowest band
    for point in ((0.9, 440), (-0.1, 440), (0.1, 9000), (0.1, float("nan"))):
        with pytest.raises(InputError):
            m.at(*point)
    with pytest.raises(InputError, match="sample"):
        m.at(0.1, 440, sample=2)


def test_the_centre_of_a_cell_is_found_on_its_own_cell():
    for m in (a_map(), AttentionMap(weights(1, 64, 16), (8, 8), (4, 4), sound=torch.zeros(3, 32, 48))):
        assert [m.query_index(*m.query_point(i)) for i in range(64)] == list(range(64))


def test_arrays_that_were_changed_are_checked_again():
    m = a_map()
    m.check()
    m.queries = torch.tensor([1, 2])
    with pytest.raises(InputError, match="found 64 queries; expected 2"):
        m.check()


def test_pictures_use_pixels():
    m = AttentionMap(weights(1, 64, 16), (8, 8), (4, 4), sound=torch.zeros(3, 32, 48))
    assert m.query_index(47, 0) == 7 and m.query_index(0, 31) == 56 and m.at(10, 10).shape == (4, 4)
    with pytest.raises(InputError, match="outside the picture"):
        m.at(48, 0)
    assert len(m._still_()) > 1000


def test_recorded_queries_only():
    m = AttentionMap(weights(1, 2, 16), (8, 8), (4, 4), config=CONFIG, queries=torch.tensor([3, 20]))
    seconds, hertz = float(CONFIG.times(8)[4]), float(CONFIG.frequencies(8)[2])
    assert torch.equal(m.at(seconds, hertz), m.weights[0, 1].reshape(4, 4))
    with pytest.raises(InputError, match="not recorded"):
        m.at(0.5, 8000)
    assert all(m.query_index(*p) in (3, 20) for p in strongest_points(m))
    with pytest.raises(InputError, match="found 2 queries; expected 64"):
        AttentionMap(weights(1, 2, 16), (8, 8), (4, 4))


def test_verdict_is_plain():
    first_is_idle = a_map(effect=torch.tensor([0.001, 0.2]))
    assert "Almost no effect" in first_is_idle.verdict() and "Almost no effect" not in first_is_idle.verdict(sample=1)
    flat = AttentionMap(torch.full((1, 64, 16), 1 / 16), (8, 8), (4, 4), 0.3, torch.tensor([0.3]))
    assert "Almost uniform" in flat.verdict()
    sharp = AttentionMap(torch.eye(16).repeat(4, 1)[None], (8, 8), (4, 4), 0.3, torch.tensor([0.3]))
    assert sharp.verdict() == "" and "gamma +0.300, effect 30 %" in sharp.summary()
    assert "64" not in repr(sharp).split("samples")[0]


def test_figure_says_what_it_shows():
    m = a_map()
    figure = m.plot(at=[(0.1, 440), (0.3, 2000)], sample=1)
    texts = " ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))
    for words in (
        "encoder, attention at 8 x 8, keys 4 x 4",
        "gamma +0.250",
        "effect 20 %",
        "entropy",
        "times uniform",
        "0.10 s, 440 Hz\nentropy 0.",
        "time (s)",
        "frequency (Hz)",
    ):
        assert words in texts, words
    heat = figure.axes[1].collections[-1]
    assert heat.get_array().size == 16 and heat.get_clim()[0] == 1  # keys on their own grid, colour from uniform up
    assert m._still_()[:8] == b"\x89PNG\r\n\x1a\n" and set(m._repr_mimebundle_()[0]) >= {"image/png", "text/plain"}
    assert len(plot_attention(m, at=(0.1, 440)).axes) == 3
    import matplotlib.pyplot as plt

    plt.close("all")


def test_strongest_points_are_loud():
    sound = torch.full((1, 16, 16), -1.0)
    sound[0, 5, 3], sound[0, 12, 8], sound[0, 9, 14] = 1, 1, 1
    m = AttentionMap(weights(1, 256, 16), (16, 16), (4, 4), config=CONFIG, sound=sound)
    assert sorted(m.query_index(*p) for p in strongest_points(m)) == sorted((5 * 16 + 3, 12 * 16 + 8, 9 * 16 + 14))


def test_from_arrays_takes_any_model():
    heads = np.random.default_rng(0).random((2, 4, 64, 16), dtype=np.float32)
    with pytest.raises(InputError, match="normalise=True"):
        map_from_arrays(heads)
    mean = AttentionMap.from_arrays(heads, normalise=True)
    third = map_from_arrays(heads, head=3, normalise=True, config=CONFIG, layer="foreign")
    assert mean.query_grid == (8, 8) and mean.key_grid == (4, 4)
    assert third.layer == "foreign" and np.isnan(third.gamma) and torch.isnan(third.effect).all()
    np.testing.assert_allclose(third.weights[1], heads[1, 3] / heads[1, 3].sum(1, keepdims=True), rtol=1e-5)
    assert map_from_arrays(weights(12, 6), (3, 4), (2, 3)).weights.shape == (1, 12, 6)
    assert map_from_arrays(weights(2, 6).double(), (3, 4), (2, 3), queries=[0, 11]).queries.tolist() == [0, 11]
    for array, words in ((weights(12, 6), "no square"), (weights(2, 2, 2, 2, 2), "expected"), (weights(4), "expected")):
        with pytest.raises(InputError, match=words):
            map_from_arrays(array)
    with pytest.raises(InputError, match="head"):
        map_from_arrays(heads, head=4, normalise=True)
    with pytest.raises(InputError, match="rows, columns"):
        map_from_arrays(weights(12, 6), (12,), (2, 3))


def test_saved_and_read_back(tmp_path):
    m = a_map(sound=None, queries=None)
    m.save(tmp_path / "map.npz")
    again = AttentionMap.load(tmp_path / "map.npz")
    assert torch.equal(again.weights, m.weights) and again.config == CONFIG
    assert (again.gamma, again.layer, again.sound) == (0.25, "encoder.attention", None)
    assert set(np.load(tmp_path / "map.npz").files) >= {"weights", "query_grid", "key_grid", "gamma", "effect", "layer"}
    a_map().save(tmp_path / "with_sound.npz")
    assert torch.equal(load_map(tmp_path / "with_sound.npz").sound, a_map().sound)


def test_files_that_are_no_maps(tmp_path):
    a_map().save(tmp_path / "good.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:900])
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", weights=np.array([{"a": 1}], dtype=object))
    for name in ("cut", "text", "other", "pickled", "missing"):
        with pytest.raises(InputError, match=f"{name}.npz"):
            load_map(tmp_path / f"{name}.npz")
    with pytest.raises(InputError, match="cannot write"):
        a_map().save(tmp_path / "text.npz" / "inside.npz")
    assert not list(tmp_path.glob("*.tmp"))


def crossed_map(target_is_sound=False, samples=2):
    "A map from a picture to a sound, or from a sound to a picture."
    picture, sound = torch.rand(samples, 3, 64, 48) * 2 - 1, torch.rand(samples, 1, 64, 64) * 2 - 1
    given = dict(config=CONFIG, sound=sound, target=picture)
    if target_is_sound:
        given = dict(sound=picture, target=sound, target_config=CONFIG)
    return AttentionMap(weights(samples, 64, 16), (8, 8), (4, 4), layer="across", **given)


def test_two_grounds():
    painted, played = crossed_map(), crossed_map(True)
    assert painted.crossed and played.crossed and not a_map().crossed
    assert painted.query_index(47, 63) == 63 and painted.query_index(0, 0) == 0  # pixels of the picture
    assert played.query_index(0.01, 100) == 0  # seconds and hertz of the sound
    for m in (painted, played):
        assert [m.query_index(*m.query_point(i)) for i in range(64)] == list(range(64))
        assert all(torch.isfinite(m.at(*p, sample=1)).all() for p in strongest_points(m, 1))
    assert painted.ground("keys").config == CONFIG and painted.ground("queries").size == (64, 48)
    assert torch.equal(painted.ground("queries", 1).given, painted.target[1])
    with pytest.raises(InputError, match="outside the picture"):
        painted.at(48, 0)
    with pytest.raises(InputError, match="queries"):
        painted.ground("values")


def test_grounds_of_self_attention_are_one():
    m = AttentionMap(weights(1, 64, 16), (8, 8), (4, 4))
    assert m.ground("keys").size == m.ground("queries").size == (8, 8)


@pytest.mark.parametrize("target_is_sound", [False, True])
def test_two_grounds_are_drawn_each_with_its_axes(target_is_sound):
    m = crossed_map(target_is_sound)
    figure = m.plot(at=m.query_point(10), sample=1)
    asks, goes_in, answer = figure.axes[:3]
    assert [ax.get_title() for ax in (asks, goes_in)] == ["what asks, and where we ask", "what is looked at"]
    expected = ["time (s)", "column", "column"] if target_is_sound else ["column", "time (s)", "time (s)"]
    assert [ax.get_xlabel() for ax in (asks, goes_in, answer)] == expected
    assert len(asks.texts) == 1 and not answer.texts  # the ring stands on what asks
    plt.close(figure)


@pytest.mark.parametrize("target_is_sound", [False, True])
def test_two_grounds_to_a_file_and_back(tmp_path, target_is_sound):
    m = crossed_map(target_is_sound)
    m.save(tmp_path / "map.npz")
    again = AttentionMap.load(tmp_path / "map.npz")
    assert torch.equal(again.target, m.target) and torch.equal(again.sound, m.sound)
    assert (again.config, again.target_config) == (m.config, m.target_config)
    a_map().save(tmp_path / "old.npz")
    assert not {"target", "target_config"} & set(np.load(tmp_path / "old.npz").files)
    assert not AttentionMap.load(tmp_path / "old.npz").crossed


PICTURE = np.zeros((3, 64, 64), np.uint8)
PICTURE[0, 10:30, 10:30] = 255


def heard(rows=64, columns=64):
    return Sound(torch.full((1, rows, columns), -0.5), CONFIG, name="a sound")


def test_a_picture_that_looks_at_a_sound_from_arrays():
    m = map_from_arrays(weights(1, 196, 256), (14, 14), (8, 32), query_ground=PICTURE, key_ground=heard())
    assert m.crossed and m.ground("queries").kind == "picture" and m.ground("keys").kind == "sound"
    assert m.at(40, 20).shape == (8, 32) and m.query_index(40, 20) == (20 * 14 // 64) * 14 + 40 * 14 // 64
    assert m.target[:, 20, 20].tolist() == [1, -1, -1]  # red
    other = map_from_arrays(weights(1, 256, 196), (8, 32), (14, 14), query_ground=heard(), key_ground=PICTURE)
    assert other.target_config == CONFIG and other.config is None and other.at(0.2, 440).shape == (14, 14)
    sounds = map_from_arrays(weights(1, 16, 256), (4, 4), (8, 32), query_ground=heard(), key_ground=heard())
    assert sounds.crossed and sounds.config == sounds.target_config == CONFIG
    for wrong in (dict(sound=heard()), dict(sound=heard().values[0]), dict(ground=PICTURE)):
        with pytest.raises(InputError, match="14 x 14 and keys 8 x 32 do not lie on one"):
            map_from_arrays(weights(1, 196, 256), (14, 14), (8, 32), **wrong)
    bare = map_from_arrays(weights(1, 196, 256), (14, 14), (8, 32))
    assert bare.crossed and bare.ground("queries").kind == "picture"  # no seconds and hertz for what is not known
    with pytest.raises(InputError, match="beside another ground"):
        map_from_arrays(weights(1, 16, 16), ground=heard(), key_ground=heard())


def test_named_queries_and_keys(tmp_path):
    names = [f"class {i}" for i in range(13)]
    m = map_from_arrays(weights(1, 13, 256), key_grid=(8, 32), query_ground=names, key_ground=heard())
    assert m.query_grid == (13, 1) and m.at("class 4").equal(m.weights[0, 4].reshape(8, 32))
    assert [m.ground().say(p) for p in strongest_points(m)] == sorted({m.ground().say(p) for p in strongest_points(m)})
    words = map_from_arrays(weights(1, 5, 5), ground=np.array(list("abcde")))
    assert not words.crossed and words.at("c").shape == (5, 1)
    back = map_from_arrays(weights(1, 256, 13), query_grid=(8, 32), query_ground=heard(), key_ground=names)
    for one in (m, words, back):
        plt.close(one.plot())
        one.save(tmp_path / "named.npz")
        again = load_map(tmp_path / "named.npz")
        assert (again.query_names, again.key_names, again.apart) == (one.query_names, one.key_names, one.apart)
        assert again.crossed == one.crossed and torch.equal(again.weights, one.weights)
    for wrong, words in ((names[:12], "found 12 names; expected 13"), (["a", 1], "list of names"), ("abc", "names")):
        with pytest.raises(InputError, match=words):
            map_from_arrays(weights(1, 13, 256), key_grid=(8, 32), query_ground=wrong, key_ground=heard())
    with pytest.raises(InputError, match="one of class 0"):
        m.at("flute")


def test_an_audio_transformer_with_overlapping_patches(tmp_path):
    config = SpectrogramConfig(sample_rate=16000, n_fft=1024, hop_length=160, clip_seconds=10.23)
    sound = Sound(torch.zeros(1, 128, 1024), config)
    half = weights(1, 12, 50, 50).numpy().astype(np.float16)
    m = map_from_arrays(half, grid=(7, 7), skip=1, ground=sound, patch=16, stride=(18, 160))
    assert m.query_field == (0.0, 0.0, pytest.approx(1.0, abs=0.03), 1.0)
    top, left, bottom, right = (3 / 128, 3 / 1024, 123 / 128, 1013 / 1024)
    full = map_from_arrays(weights(1, 1212, 1212), (12, 101), (12, 101), ground=sound, patch=16, stride=10)
    assert full.query_field == pytest.approx((top, left, bottom, right))
    assert full.query_index(5.0, 1000.0) == full.query_index(*full.query_point(full.query_index(5.0, 1000.0)))
    row = full.query_index(5.0, 1000.0) // 101
    band = config.row_of(1000.0, 128)
    assert 3 + 10 * row <= band < 13 + 10 * row
    full.weights = full.weights[:, :, :1212]
    full.save(tmp_path / "ast.npz")
    assert load_map(tmp_path / "ast.npz").query_field == pytest.approx(full.query_field)
    vit = map_from_arrays(weights(1, 2, 197, 197), grid=(14, 14), skip=1, ground=np.zeros((224, 224, 3)), patch=16)
    assert vit.query_field is None and "leading token took" in vit.note
    guessed = map_from_arrays(weights(1, 24, 24), ground=np.zeros((64, 96, 3), np.uint8), patch=16)
    assert guessed.query_grid == (4, 6)  # from the size of picture and patch


def test_masked_queries_do_not_answer():
    w = weights(2, 256, 256)
    w[0, 17] = 0
    m = map_from_arrays(w, ground=heard())
    assert len(m.recorded(0)) == 255 and len(m.recorded(1)) == 256 and "1 of 256 queries masked out" in m.summary()
    with pytest.raises(InputError, match="query 17, which was masked out"):
        m.at(*m.query_point(17))
    assert m.at(*m.query_point(17), sample=1).sum() == pytest.approx(1, abs=1e-4)
    assert "masked" not in m.summary(1) and np.isfinite(float(m.summary(0).split("entropy ")[1][:5]))


def test_layers_and_heads():
    stack = weights(3, 1, 2, 17, 17)
    maps = maps_from_arrays(tuple(stack), head="all", skip=1, ground=PICTURE)
    assert list(maps)[:2] == ["layer 0, head 0", "layer 0, head 1"] and len(maps) == 6
    assert all(m.layer == name and m.query_grid == (4, 4) for name, m in maps.items())
    mean = maps_from_arrays(stack, skip=1)["layer 2"]
    torch.testing.assert_close(mean.weights.sum(2), torch.ones(1, 16))
    broken = stack.clone()
    broken[1, 0, 1, 4] *= 2
    with pytest.raises(InputError, match="layer 'layer 1': .*head 1, query 4"):
        maps_from_arrays(broken, skip=1)


@pytest.mark.parametrize("more, words", [
    (dict(gamma="0.5"), "gamma"), (dict(gamma=[0.1, 0.2]), "gamma"), (dict(gamma=object()), "gamma"),
    (dict(effect="much"), "effect"), (dict(effect=[0.1, 0.2]), "effect"), (dict(effect=-1.0), "effect"),
    (dict(effect=float("inf")), "effect"), (dict(layer=3), "layer"), (dict(head="3"), "head"),
    (dict(queries=["a"]), "query_ground"), (dict(queries=[99]), "positions from 0 to 15"), (dict(grd=3), "'grd'"),
    (dict(sound="a.wav"), "sound"), (dict(sound=np.zeros(9000)), "from_waveform"), (dict(patch="16"), "patch"),
    (dict(sound=np.full((64, 64), 3.0)), "to_unit"), (dict(sound=np.zeros((100, 1000))), "100 x 1000"),
    (dict(sound=torch.full((1, 64, 64), torch.nan)), "NaN"), (dict(ground=np.zeros((2, 64, 64), bool)), "bool"),
    (dict(ground=np.full((3, 64, 64), -2.1)), "normalised"), (dict(ground=np.zeros((5, 64, 64), np.uint8)), "5, 64"),
    (dict(ground=torch.zeros(2, 3, 8, 8)), "each of the 1 samples"), (dict(config="44100"), "config"),
    (dict(skip=20), "leaves none"), (dict(grid=(3, 3)), "expected 9|B, Q, 9"), (dict(target_config=5), "config"),
])  # fmt: skip
def test_what_comes_with_the_weights_is_checked(more, words):
    rows = weights(1, 1 if "queries" in more else 16, 16)
    with pytest.raises(InputError, match=words):
        map_from_arrays(rows, **({"query_grid": (4, 4)} if "queries" in more else {}), **more)


def test_what_comes_straight_into_a_map_is_checked():
    for more in (
        dict(sound=PICTURE),
        dict(sound=torch.from_numpy(PICTURE)),
        dict(target=torch.zeros(8, 8)),
        dict(sound=torch.full((3, 8, 8), torch.nan)),
        dict(gamma="a"),
        dict(query_names=("a",)),
        dict(layer=None),
    ):
        with pytest.raises(InputError):
            AttentionMap(weights(1, 16, 16), (4, 4), (4, 4), **more)


def test_a_placement_knows_its_grounds_and_refuses_what_cannot_be():
    sounds = torch.zeros(2, 1, 64, 64)
    one = Placement((8, 8), (4, 4), CONFIG, sounds, query_field=(0.1, 0, 0.9, 1))
    assert not one.crossed and one.ground("keys", 1).given.shape == (1, 64, 64)
    assert one.ground("keys").field == one.ground().field == (0.1, 0, 0.9, 1)  # one field for both on one ground
    two = Placement((8, 8), (8, 32), CONFIG, sounds, target=torch.zeros(3, 48, 48), key_field=(0, 0, 1, 0.5))
    assert two.crossed and two.ground().field is None and two.ground("keys").field == (0, 0, 1, 0.5)
    assert [two.ground(of).kind for of in ("queries", "keys")] == ["picture", "sound"]
    assert Placement((14, 14), (8, 32)).crossed and not Placement((8, 8), (4, 4)).crossed
    one.check_given(2)
    two.check_grids()
    with pytest.raises(InputError, match="the 3 samples"):
        one.check_given(3)
    with pytest.raises(InputError, match="target_config"):
        Placement((8, 8), (4, 4), target_config="usual").check_given(1)
    with pytest.raises(InputError, match="8 x 8 and keys 5 x 7 do not lie on one sound"):
        Placement((8, 8), (5, 7), CONFIG).check_grids()
    with pytest.raises(InputError, match="query_names: found 1 names; expected 64"):
        Placement((8, 8), (4, 4), query_names=("all",)).check_grids()


def test_a_map_says_what_its_parts_say():
    for m in (a_map(), a_map(target=torch.zeros(3, 48, 48))):
        placement = Placement.of(m)
        assert placement.crossed == m.crossed and Evidence.of(m, 1).summary() == m.summary(1)
        for of in ("queries", "keys"):
            assert placement.ground(of, 1).size == m.ground(of, 1).size
    m.target = None  # a placement is as the fields are now
    assert not Placement.of(m).crossed and not m.crossed


@pytest.mark.parametrize("evidence, summary, verdict", [
    (Evidence(0.25, 0.2, 0.7), "gamma +0.250, effect 20 %, entropy 0.700 of uniform", ""),
    (Evidence(float("nan"), float("nan"), 0.7, 3, 64), "entropy 0.700 of uniform, 3 of 64 queries masked out", ""),
    (Evidence(0.0, 0.004, 0.7), "gamma +0.000, effect 0.4 %, entropy 0.700 of uniform", "Almost no effect"),
    (Evidence(0.25, 0.2, 0.995), "gamma +0.250, effect 20 %, entropy 0.995 of uniform", "Almost uniform"),
])  # fmt: skip
def test_evidence_in_words(evidence, summary, verdict):
    assert evidence.summary() == summary and evidence.verdict().startswith(verdict)
    assert bool(evidence.verdict()) == bool(verdict)


def test_rows_are_as_many_as_queries_and_answer_only_if_recorded():
    check_table(weights(2, 3, 16), (8, 8), (4, 4), queries=torch.tensor([0, 5, 63]))
    for rows, queries, words in ((4, None, "expected 64"), (3, torch.tensor([0, 5, 64]), "0 to 63")):
        with pytest.raises(InputError, match=words):
            check_table(weights(2, rows, 16), (8, 8), (4, 4), queries)
    with pytest.raises(InputError, match="from_arrays"):
        check_table([[1.0]], (1, 1), (1, 1))
    with pytest.raises(InputError, match="the layer's name"):
        check_table(weights(1, 1, 1), (1, 1), (1, 1), layer=3)
    rows = weights(3, 16)
    rows[1] = 0
    assert answering_row(rows, None, 2, "p") == 2 and answering_row(rows, torch.tensor([7, 8, 9]), 9, "p") == 2
    with pytest.raises(InputError, match="point p is query 1, which was masked out"):
        answering_row(rows, None, 1, "p")
    with pytest.raises(InputError, match=r"not recorded; recorded: \[7, 8, 9\]"):
        answering_row(rows, torch.tensor([7, 8, 9]), 0, "p")


def test_the_effect_has_a_number_for_each_sample():
    assert checked_effect(None, 2).isnan().tolist() == [True, True]
    assert checked_effect(np.float32(0.5), 2).tolist() == checked_effect([0.5, 0.5], 2).tolist() == [0.5, 0.5]
    for wrong in (-1, "much", [0.1, 0.2, 0.3], float("inf")):
        with pytest.raises(InputError, match="one for each of 2 samples"):
            checked_effect(wrong, 2)
