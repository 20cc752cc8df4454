"""Contract of avgen.core: refusals, chance, devices, atomic files, displays."""

import errno
import os

import pytest
import torch

from avgen import core
from avgen.core import (
    Displayed,
    InputError,
    atomic_folder,
    check_setting,
    choose_device,
    choose_precision,
    own_random,
    pinned_threads,
    stream,
    write_atomically,
)


@pytest.mark.parametrize(
    "value, kind, limits, words",
    [
        (0, int, dict(low=1), ["'n'", "0", "from 1"]),
        (True, int, {}, ["True", "int"]),
        ("False", bool, {}, ["'False'", "bool"]),
        (float("nan"), float, {}, ["nan"]),
        (2.5, int, {}, ["2.5", "int"]),
        (9, float, dict(high=1), ["9", "to 1"]),
        ("x", str, dict(choices=("a", "b")), ["'x'", "'a', 'b'"]),
        (1, str, dict(choices=(True,)), ["one of True"]),
    ],
)
def test_wrong_settings_name_the_setting_the_value_and_the_range(value, kind, limits, words):
    with pytest.raises(InputError) as e:
        check_setting("n", value, kind, **limits)
    assert all(w in str(e.value) for w in words) and "\n" not in str(e.value)


@pytest.mark.parametrize(
    "value, kind", [(3, int), (3, float), (0.5, float), (False, bool), ("a", str), (None, (int, type(None)))]
)
def test_right_settings_come_back(value, kind):
    assert check_setting("n", value, kind) is value


def test_streams_depend_on_seed_and_names_only():
    def draw(*names):
        return torch.rand(4, generator=stream(*names)).tolist()

    assert draw(0, "a", 1) == draw(0, "a", 1) == draw(0, "a", "1")
    assert len({tuple(draw(*n)) for n in ((0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2), (0, "a1"))}) == 5


def test_seeded_runs_are_equal_bit_for_bit():
    def run():
        torch.manual_seed(5)
        net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 2))
        adam = torch.optim.Adam(net.parameters(), 1e-2)
        for _ in range(5):
            adam.zero_grad()
            net(torch.randn(8, 1, 8, 8)).square().mean().backward()
            adam.step()
        return torch.cat([p.flatten() for p in net.parameters()])

    with pinned_threads(1):
        assert torch.equal(run(), run())


def test_threads_come_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), pinned_threads(before + 1):
        raise RuntimeError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("device", ["cuda:99", "mps:7", "tpu", "gpu", 3.5])
def test_absent_devices_are_refused(device):
    with pytest.raises(InputError, match="device"):
        choose_device(device)


def test_precision_is_a_choice_or_auto():
    assert choose_precision("cpu", "float32") == torch.float32 and choose_precision("cpu", "bfloat16") == torch.bfloat16
    assert choose_precision("cpu") in (torch.float32, torch.bfloat16)
    with pytest.raises(InputError):
        choose_precision("cpu", "float16")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("old")
    monkeypatch.setattr(
        core.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    )
    with pytest.raises(InputError, match="No space left.*free some space"), write_atomically(path, "w") as file:
        file.write("new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.json"]


def test_an_interrupted_folder_is_not_there(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "data") as folder:
        (folder / "x").write_text("half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"), atomic_folder(tmp_path / "file" / "data"):
        pass


def test_displays_are_still_pictures_without_a_kernel():
    class Dot(Displayed):
        def __repr__(self):
            return "Dot()"

        def _still_(self):
            return b"\x89PNG"

    core.register_display(Dot, lambda _: pytest.fail("no kernel, no widget"))
    data, _ = Dot()._repr_mimebundle_()
    assert data == {"text/plain": "Dot()", "image/png": b"\x89PNG"}


def test_a_helper_shows_what_a_wrong_argument_gets(capsys, tmp_path):
    def fail():
        raise InputError(f"{tmp_path}/a.wav: found nothing")

    assert core.raises(InputError, fail, "found", hide=tmp_path) == f"{tmp_path}/a.wav: found nothing"
    assert capsys.readouterr().out == "InputError: folder/a.wav: found nothing\n"
    with pytest.raises(AssertionError, match="not all in"):
        core.raises(InputError, fail, "something else")
    with pytest.raises(AssertionError, match="InputError was expected"):
        core.raises(InputError, list)
    with pytest.raises(InputError):
        core.raises(KeyError, fail)


def test_threads_that_seed_the_global_generator_do_not_disturb_each_other():
    from concurrent.futures import ThreadPoolExecutor

    def draw(seed):
        with own_random():
            torch.manual_seed(seed)
            return [torch.nn.functional.dropout(torch.ones(64)).sum().item() for _ in range(30)]

    before = torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(draw, range(12)))
    assert together == [draw(seed) for seed in range(12)] and torch.equal(before, torch.get_rng_state())


@pytest.fixture
def katakana(tmp_path):
    "A font with the letters of ピアノ in it and nothing else, installed where matplotlib finds it."
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from matplotlib import font_manager

    def square():
        pen = TTGlyphPen(None)
        pen.moveTo((100, 0)), pen.lineTo((100, 700)), pen.lineTo((900, 700)), pen.lineTo((900, 0)), pen.closePath()
        return pen.glyph()

    letters = {f"uni{ord(c):04X}": ord(c) for c in "ピアノ"}
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *letters])
    font.setupCharacterMap({code: name for name, code in letters.items()})
    font.setupGlyf({name: square() for name in (".notdef", *letters)})
    font.setupHorizontalMetrics({name: (1000, 0) for name in (".notdef", *letters)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Test CJK", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=800)
    font.setupPost()
    font.save(tmp_path / "test.ttf")
    fonts = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "test.ttf")
    core.font_with.cache_clear()
    yield tmp_path / "test.ttf"
    font_manager.fontManager.ttflist = fonts
    core.font_with.cache_clear()


def _titled(text):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(2, 1))
    ax.set_title(text)
    return figure


def test_a_name_in_another_script_is_drawn_with_an_installed_font(katakana):
    from remarks import nothing_said

    figure = _titled("ピアノ, piano")
    with nothing_said(), core.all_letters(figure):
        assert figure.axes[0].title.get_fontfamily() == ["sans-serif", "Test CJK"]
        figure.canvas.draw()
    with nothing_said():
        core.figure_png(_titled("скрипка, Geige, βιολί"))


def test_boxes_are_explained_once_where_no_font_has_the_letters():
    from remarks import nothing_said, said

    core.font_with.cache_clear()
    if core.font_with("𓀀"):  # an Egyptian hieroglyph
        pytest.skip("this machine has a font for everything")
    with said("no font on this machine has all letters of '𓀀 in a title'.*install a font"):
        core.figure_png(_titled("𓀀 in a title"))
    with nothing_said():
        core.figure_png(_titled("𓀀 in a title"))
