"A saved report opened from disk, and the widgets in a real JupyterLab, both in a headless Chromium."

import pytest
from chrome import missing, opened, opened_offline, shoot
from lab import installed, run_all, served, until

pytestmark = pytest.mark.browser
HEAT = """(figure) => {
  const canvas = figure.querySelector(".avgen-heat");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return { width: canvas.width, height: canvas.height, data: Array.from(data).join() };
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    "A page with every kind of widget, from a run of a few steps."
    from avgen.report import report as module
    from avgen.data.pairs import toy_pairs
    from avgen.training.runner import train

    folder, pairs = tmp_path_factory.mktemp("report"), toy_pairs(n=4)
    runs = [train("sa-cmgan", pairs, d, preset="toy", run=folder / d, steps=2, quiet=True) for d in ("S2I", "I2S")]
    return module.write_report(folder / "report.html", runs, pairs=pairs)


@pytest.fixture
def page(browser, report):
    "The report, opened from disk with the network refused; it asks for nothing and nothing goes wrong."
    page = opened_offline(browser, report)
    yield page
    assert page.outside == [] and page.errors == []
    page.context.close()


def test_report_is_alive_without_network(page):
    assert page.locator("[data-widget]").count() >= 5
    assert page.locator("h1").inner_text().startswith("A sound becomes a picture")
    assert page.locator(".avgen-tile-picture").first.evaluate("c => c.width") == 64


def test_click_on_the_spectrogram_changes_the_heat(page):
    figure = page.locator(".avgen-attention").first
    stage = figure.locator(".avgen-stage")
    stage.scroll_into_view_if_needed()
    box, before, query = stage.bounding_box(), figure.evaluate(HEAT), figure.get_attribute("data-query")
    stage.click(position={"x": box["width"] * 0.15, "y": box["height"] * 0.85})
    after = figure.evaluate(HEAT)
    assert (
        figure.get_attribute("data-query") != query
        and after["data"] != before["data"]
        and after["width"] == before["width"] > 1
    )
    assert figure.get_attribute("data-locked") == "true" and "From 0.0" in figure.locator(".avgen-say").inner_text()
    locked = figure.get_attribute("data-query")
    stage.hover(position={"x": box["width"] * 0.8, "y": box["height"] * 0.2})
    assert figure.get_attribute("data-query") == locked  # a locked point does not follow the pointer
    facts = figure.locator(".avgen-facts").inner_text()
    assert "γ" in facts and "effect" in facts and "entropy" in facts


def test_keys_move_keep_and_release_the_point(page):
    figure = page.locator(".avgen-attention").first
    stage = figure.locator(".avgen-stage")
    stage.focus()
    before = int(figure.get_attribute("data-query"))
    stage.press("ArrowRight")
    assert abs(int(figure.get_attribute("data-query")) - before) == 1
    stage.press("Escape")
    assert figure.get_attribute("data-query") is None and figure.get_attribute("data-locked") == "false"
    box = stage.bounding_box()
    stage.hover(position={"x": box["width"] * 0.5, "y": box["height"] * 0.5})
    assert (
        figure.get_attribute("data-query") is not None and figure.get_attribute("data-locked") == "false"
    )  # a preview
    assert "Preview" in figure.locator(".avgen-say").inner_text()


def test_sounds_are_played(page):
    grid = page.locator(".avgen-grid").nth(1)
    tile = grid.locator("button.avgen-tile").first
    tile.scroll_into_view_if_needed()
    tile.click()
    page.wait_for_function("window.heard.length === 1")
    heard = page.evaluate("window.heard[0]")
    assert heard["samples"] == 11025 and heard["loudest"] > 0.001  # half a second at 22,050 Hz, not silent
    page.wait_for_function("document.querySelectorAll('.avgen-grid')[1].dataset.playing === 'false'")  # and it ends


@pytest.mark.parametrize("width,scheme", [(360, "light"), (1600, "dark")])
def test_page_fits_narrow_and_wide(browser, report, width, scheme):
    page = opened(browser, report.as_uri(), viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.wait_for_selector("[data-ready]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground.removeprefix("rgb(").rstrip(")").split(","))) > 384) == (scheme == "light")
    assert page.errors == []
    page.close()


NOTEBOOK = """
import json, torch
from pathlib import Path
from avgen.show.inspector import AttentionInspector
from avgen.show.pair_grid import PairGrid
from avgen.show.sound_player import SoundPlayer
from avgen.nets.attention_maps import AttentionMap
from avgen.data.pairs import toy_pairs
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
config = SpectrogramConfig()
tone = 0.4 * torch.sin(2 * torch.pi * 440 * torch.arange(config.samples) / config.sample_rate)
sound = Sound.from_waveform(tone, config, "a tone")
note = lambda name: lambda change: Path(name).write_text(json.dumps(change["new"]))
#---
player = SoundPlayer(sound)
player.observe(note("playing.json"), "playing")
player
#---
grid = PairGrid(toy_pairs(n=4), limit=3)
grid.observe(note("selected.json"), "selected")
grid
#---
weights = torch.eye(64)[None] * 0.5 + 0.5 / 64
known = dict(config=config, sound=sound.values, gamma=0.5, effect=torch.tensor([0.3]), layer="example")
figure = AttentionInspector(AttentionMap(weights, (8, 8), (8, 8), **known), compact=True, sound=sound, query=[])
figure.observe(note("query.json"), "query")
figure
#---
sound
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "A JupyterLab of our own on the loopback, with a notebook that shows all widgets."
    if not installed():
        missing("jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    with served(folder, widgets=NOTEBOOK) as address:
        yield address, folder


def test_widgets_live_in_jupyterlab(browser, lab):
    address, folder = lab
    page = opened(browser, "about:blank", wait=90_000, viewport={"width": 1300, "height": 2600})
    run_all(page, address, "widgets")
    page.locator(".avgen-attention").hover()
    page.wait_for_function(
        "document.querySelectorAll('.avgen-player').length === 2"
    )  # the widget, and the Sound that shows itself

    player = page.locator(".avgen-player").first
    player.locator(".avgen-stage").click(position={"x": 200, "y": 100})
    page.wait_for_function("window.heard.length === 1")
    heard = page.evaluate("window.heard[0]")
    assert heard["samples"] == 22050 and 0.35 < heard["loudest"] < 0.45 and heard["from"] > 0.05
    until(folder / "playing.json", lambda playing: playing is False)  # it played to the end and Python knows

    page.locator("button.avgen-tile").nth(2).click()
    assert until(folder / "selected.json", lambda card: True) == 1

    figure = page.locator(".avgen-attention")
    stage = figure.locator(".avgen-stage")
    box = stage.bounding_box()
    stage.hover(position={"x": box["width"] * 0.2, "y": box["height"] * 0.2})
    preview = figure.evaluate(HEAT)["data"]
    stage.click(position={"x": box["width"] * 0.69, "y": box["height"] * 0.45})
    seconds, hertz = until(folder / "query.json", lambda query: len(query) == 2)
    assert 0.3 < seconds < 0.4 and 1000 < hertz < 3000
    assert (
        figure.evaluate(HEAT)["data"] != preview and figure.get_attribute("data-query") == "37"
    )  # row 4, column 5 of 8 x 8
    shoot(page, "jupyterlab")
    assert page.outside == [] and page.errors == []
    page.close()
