"The widgets in the other places where notebooks live: Notebook 7, and Voila (`make app`), in a headless Chromium."

from pathlib import Path

import pytest
from chrome import ask, drawn, missing, opened, shoot
from lab import answering, environment, free_port, installed, served, until

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
NOTEBOOK = """
import json, torch
from pathlib import Path
from avgen.nets.attention_maps import AttentionMap
from avgen.show.inspector import AttentionInspector
from avgen.show.link import link
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.show.sound_player import SoundPlayer
config = SpectrogramConfig()
t = torch.arange(config.samples) / config.sample_rate
sound = Sound.from_waveform(sum(0.06 * torch.sin(2 * torch.pi * 440 * k * t) for k in range(1, 15)), config, "a tone")
known = dict(config=config, sound=sound.values, gamma=0.5, effect=torch.tensor([0.3]))
draw = lambda i: (torch.randn(1, 256, 256, generator=torch.Generator().manual_seed(i)) * 2).softmax(2)
maps = [AttentionMap(draw(i), (16, 16), (16, 16), layer=f"layer {i}", **known) for i in range(2)]
note = lambda name: lambda change: Path(name).write_text(json.dumps(change["new"]))
#---
inspector, player = AttentionInspector(maps, sound=sound, query=[]), SoundPlayer(sound)
link(inspector, player)
for name in ("query", "layer", "playing"): inspector.observe(note(f"{name}.json"), name)
inspector
#---
player
#---
maps[1]
"""


def test_notebook_7(browser, tmp_path):
    "Hover, click, keys, layers, hearing, links and a map that opens the inspector by itself."
    if not installed("notebook"):
        missing("notebook is not installed")
    with served(tmp_path, "notebook", view=NOTEBOOK) as address:
        page = opened(browser, f"{address}/notebooks/view.ipynb", 120_000, viewport={"width": 1300, "height": 2000})
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.add_locator_handler(page.locator(".jp-Dialog button.jp-mod-accept"), lambda accept: accept.click())
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")  # a kernel that can run cells
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(
            "document.querySelectorAll('.avgen-inspector').length === 2"
        )  # the second is the map at the end of a cell
        ask(page, 0.3, 0.6, "hover")
        assert (
            drawn(page)["position"] == 9 * 16 + 4
            and page.locator(".avgen-inspector").first.get_attribute("data-locked") == "false"
        )
        ask(page, 20.5 / 32, 10.5 / 32)
        seconds, hertz = until(tmp_path / "query.json", lambda query: len(query) == 2)
        assert 0.3 < seconds < 0.35 and 800 < hertz < 1000
        before = drawn(page)["position"]
        page.locator(".avgen-stage").first.press("ArrowRight")
        page.wait_for_function(f"document.querySelector('.avgen-inspector').drawn().position === {before + 1}")
        page.locator(".avgen-thumb").nth(1).click()
        assert until(tmp_path / "layer.json", lambda layer: layer == "layer 1")
        page.get_by_role("button", name="Attended only").first.click()
        page.wait_for_function("window.heard.length === 1")
        assert page.evaluate("window.heard[0].loudest") > 0.001
        until(tmp_path / "playing.json", lambda playing: playing == "")
        page.locator(".avgen-ruler").first.click(position={"x": 100, "y": 8})
        page.wait_for_function(
            "document.querySelector('.avgen-player').dataset.seconds === "
            "Number(document.querySelector('.avgen-ruler').getAttribute('aria-valuenow')).toFixed(3)"
        )
        assert (
            float(page.locator(".avgen-player").get_attribute("data-seconds")) > 0
        )  # the linked player's cursor went along
        shoot(page, "notebook7", full_page=True)
        assert page.outside == [] and not [e for e in page.errors if "blob:" in e], (
            page.errors
        )  # Notebook has one of its own (a setting without a schema), in an empty notebook too
        page.close()


@pytest.mark.parametrize("width", [600, 1600])
def test_the_workbench_in_voila(browser, tmp_path, width):
    "`make app`: the notebook as a page without code, with what it shows of the network that comes with the kit."
    if not installed("voila"):
        missing("voila is not installed")
    port = free_port()
    assert (
        "JUPYTER_PATH=$(CURDIR)/avgen/show/static voila --template=workbench nbs/app.ipynb"
        in (ROOT / "Makefile").read_text()
    )  # what is tested is what is run
    command = [
        "voila",
        "--template=workbench",
        "nbs/app.ipynb",
        "--no-browser",
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
        "--show_tracebacks=True",
    ]
    with answering(
        command,
        f"http://127.0.0.1:{port}",
        tmp_path,
        environment(AVGEN_RUN="", JUPYTER_CONFIG_DIR=tmp_path, JUPYTER_PATH=ROOT / "avgen" / "show" / "static"),
        ROOT,
    ) as address:
        page = opened(browser, address, 120_000, viewport={"width": width, "height": 1000})
        page.wait_for_function(
            "document.querySelector('.avgen-gallery')?.dataset.cards > 0 && "
            "document.querySelector('.avgen-inspector')?.dataset.layer"
        )
        assert "Traceback" not in page.inner_text("body") and "import ipywidgets" not in page.inner_text(
            "body"
        )  # no code
        assert page.locator(".avgen-dashboard .avgen-chart").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        name = page.locator(".avgen-inspector .avgen-title").inner_text()
        page.locator(".avgen-gallery .avgen-card").nth(3).locator(".avgen-tile").first.click()
        page.wait_for_function("window.heard.length === 1")
        assert page.evaluate("window.heard[0].loudest") > 0.001
        page.wait_for_function(
            "before => document.querySelector('.avgen-inspector .avgen-title').innerText !== before", arg=name
        )  # what is chosen is looked at
        ask(page, 0.4, 0.3)
        page.wait_for_function("document.querySelector('.avgen-inspector').dataset.locked === 'true'")
        assert max(drawn(page)["values"]) > 0
        shoot(page, f"workbench_{width}", full_page=True)
        assert page.outside == [] and page.errors == []
        page.close()
