"""Contract of avgen.nets.attention_maps: weights are checked, points find their row, maps draw and save themselves."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from avgen.nets.attention_drawing import plot_attention, strongest_points
from avgen.nets.attention_maps import AttentionMap, load_map, map_bytes, map_from_arrays
from avgen.nets.attention_weights import check_weights
from avgen.core import InputError
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
        "encoder.attention",
        "gamma +0.250",
        "effect 20 %",
        "entropy",
        "times uniform",
        "0.10 s, 440 Hz",
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


def test_memory_is_known_before():
    assert map_bytes((32, 32), (32, 32)) == 4 * 2**20 and map_bytes((32, 32), (16, 16), samples=64) == 64 * 2**20
    assert map_bytes((32, 32), (32, 32), 2, 8) == 65536


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
