"""How fast the views are in a browser, beside the same page with an empty widget: ratios that hold on any machine.

Usage: bench_browser.py [ROUNDS]. Prints, and returns as a dict:

- hover: milliseconds from a pointer event to the last draw call that it caused, over a layer of 1024 x 1024 weights;
  beside it a widget that draws one pixel. On a quiet machine the 95th percentile is a few milliseconds, so that the
  heat is there within the frame of 16 ms.
- across: the same over two grounds, where 12 x 101 patches look at 12 x 101 patches of another model's layer (1,212
  queries and keys), and back again.
- opening: seconds from the start of a saved page with four such layers until they are drawn; beside it a page of the
  same size whose widget only reads what came.
- cursor: milliseconds between two positions of the cursor of a player that plays; beside it the browser's own frames.

Wants Chromium, playwright and a quiet machine.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import traitlets as t
from chrome import launched, opened_offline

from avgen.nets.attention_maps import AttentionMap
from avgen.show.inspector import AttentionInspector
from avgen.show.live import Live, page, page_script, page_style, inline
from avgen.show.sound_player import SoundPlayer
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig

# When a stage was last painted; and for each move of the pointer how long its painting took.
WATCH = """(() => {
  window.painted = 0;
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    put.apply(this, all);
    window.painted = performance.now();
  };
})();"""
HOVER = """(number) => {
  window.took = [];
  const stage = document.querySelectorAll(".avgen-stage")[number];
  addEventListener("pointermove", (event) => { window.begun = event.timeStamp; }, true);
  stage.addEventListener("pointermove", () => {
    if (window.painted > window.begun) window.took.push(window.painted - window.begun);
  });
}"""
CURSOR = """(player) => new Promise((done) => {
  const cursor = player.querySelector(".avgen-stage .avgen-cursor"), seen = [], frames = [];
  let last = cursor.style.left;
  const look = (now) => {
    frames.push(now);
    if (cursor.style.left !== last) { last = cursor.style.left; seen.push(now); }
    if (frames.length < 90) requestAnimationFrame(look); else done([seen, frames]);
  };
  requestAnimationFrame(look);
})"""


class Empty(Live):
    "The least that answers a pointer: one pixel, painted anew at every move, beside values of any size."

    _esm = """export default { render({ model, el }) {
      const canvas = document.createElement("canvas"), pixel = new ImageData(1, 1);
      canvas.className = "avgen-stage";
      canvas.style.cssText = "width:600px;height:450px;display:block;background:#888";
      canvas.addEventListener("pointermove", () => canvas.getContext("2d").putImageData(pixel, 0, 0));
      el.append(canvas);
      canvas.getContext("2d").putImageData(pixel, 0, 0);
    } };"""
    values = t.Bytes().tag(sync=True, page=True)

    def page_text(self) -> str:
        "A saved page; the module stands in it, since it is no file of the package."
        script = page_script([]).replace(
            "const widgets = {};", f"const widgets = {{}};\nwidgets.Empty = (() => {{{self._source}}})();"
        )
        return "<!doctype html>" + page_style() + inline(self) + script.replace("export default", "return")


def attention_page(folder: Path, layers: int) -> Path:
    "A saved inspector with some layers of 1024 x 1024 weights."
    config = SpectrogramConfig()
    time = torch.arange(config.samples) / config.sample_rate
    sound = Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * 440 * time), config, "a tone")
    known = dict(config=config, sound=sound.values, gamma=0.5, effect=torch.tensor([0.3]))
    maps = []
    for i in range(layers):
        weights = torch.randn(1, 1024, 1024, generator=torch.Generator().manual_seed(i)).softmax(2)
        maps.append(AttentionMap(weights, (32, 32), (32, 32), layer=f"layer {i}", **known))
    view = AttentionInspector(maps, sound=sound, query=[])  # a kept point would leave nothing to preview
    return view.save_html(folder / f"attention_{layers}.html")


def across_page(folder: Path) -> Path:
    "A saved inspector with 1,212 places of a picture that look at 1,212 patches of a sound."
    config = SpectrogramConfig(sample_rate=16000, n_fft=1024, hop_length=160, clip_seconds=10.23)
    sound = Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples))
    weights = torch.randn(1, 1212, 1212, generator=torch.Generator().manual_seed(0)).softmax(2)
    grounds = dict(query_ground=torch.zeros(3, 120, 1010), key_ground=sound)
    return AttentionInspector(weights, grid=(12, 101), query=[], **grounds).save_html(folder / "across.html")


def player_page(folder: Path) -> Path:
    "A saved player with three seconds of sound."
    config = SpectrogramConfig(clip_seconds=3.0)
    time = torch.arange(config.samples) / config.sample_rate
    player = SoundPlayer(Sound.from_waveform(0.1 * torch.sin(2 * torch.pi * 220 * time), config, "a tone"))
    (folder / "player.html").write_text(page([player]))
    return folder / "player.html"


def hover_ms(browser, path: Path, moves: int = 120, stage: int = 0) -> list[float]:
    "Milliseconds from each move of the pointer over a stage to the last draw call that it caused."
    shown = opened_offline(browser, path, WATCH)
    shown.evaluate(HOVER, stage)
    place = shown.locator(".avgen-stage").nth(stage)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    for x, y in np.random.default_rng(1).uniform(0.02, 0.98, (moves, 2)):
        shown.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    took = shown.evaluate("window.took")
    shown.context.close()
    return took


def opening_seconds(browser, path: Path) -> float:
    "Seconds from the start of a page to its last draw call."
    shown = opened_offline(browser, path, WATCH)
    seconds = shown.evaluate("window.painted") / 1000
    shown.context.close()
    return seconds


def cursor_ms(browser, path: Path) -> tuple[float, float]:
    "Median milliseconds between two positions of a cursor that runs, and between two frames of the browser."
    shown = opened_offline(browser, path, WATCH)
    shown.locator(".avgen-play").first.click()
    seen, frames = shown.locator(".avgen-player").first.evaluate(CURSOR)
    shown.context.close()
    return float(np.median(np.diff(seen))), float(np.median(np.diff(frames)))


def measure(rounds: int = 3) -> dict:
    "All measurements: each the median over rounds, with that of the empty widget and their ratio."
    rows = ("hover p95, ms", "across p95, ms", "across back p95, ms", "opening, s", "cursor, ms")
    found = {name: ([], []) for name in rows}
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        folder = Path(folder)
        one, four, player = attention_page(folder, 1), attention_page(folder, 4), player_page(folder)
        across = across_page(folder)
        empty_one, empty_four = folder / "empty_1.html", folder / "empty_4.html"
        for full, empty in ((one, empty_one), (four, empty_four)):
            empty.write_text(Empty(values=bytes(full.stat().st_size * 3 // 4)).page_text())
        for _ in range(rounds):
            for path, kept in zip((one, empty_one), found["hover p95, ms"]):
                kept.append(float(np.percentile(hover_ms(browser, path), 95)))
            for stage, row in enumerate(("across p95, ms", "across back p95, ms")):
                found[row][0].append(float(np.percentile(hover_ms(browser, across, stage=stage), 95)))
                found[row][1].append(found["hover p95, ms"][1][-1])
            for path, kept in zip((four, empty_four), found["opening, s"]):
                kept.append(opening_seconds(browser, path))
            for value, kept in zip(cursor_ms(browser, player), found["cursor, ms"]):
                kept.append(value)
    result = {}
    for name, (ours, empty) in found.items():
        mine, bare = statistics.median(ours), statistics.median(empty)
        result[name] = {"view": mine, "empty": bare, "ratio": mine / max(bare, 1e-9)}
    return result


def main(rounds: int = 3) -> dict:
    "Measure, and print one line each."
    torch.set_num_threads(1)
    result = measure(rounds)
    for name, x in result.items():
        print(f"{name}: {x['view']:.2f}; an empty widget {x['empty']:.2f}; ratio {x['ratio']:.1f}")
    return result


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
