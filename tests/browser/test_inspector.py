"The attention inspector in a headless Chromium: saved pages with the network refused, and a real JupyterLab."

import json

import numpy as np
import pytest
import torch
from chrome import ask, drawn, inspector, keep_count, missing, opened_offline, shoot
from lab import idle, installed, served, until

pytestmark = pytest.mark.browser
WATCH = """(() => {
  window.played = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    const data = Array.from(this.buffer.getChannelData(0));
    window.played.push({ data, rate: this.buffer.sampleRate, from: when[1] ?? 0 });
    return start.apply(this, when);
  };
})();"""
HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked=1'>"
    "\"'&$x$ \u202eright to left \U0001f3ba"
)


@pytest.fixture(scope="module")
def tone():
    from avgen.signal.sound import Sound
    from avgen.signal.spectrogram import SpectrogramConfig

    config = SpectrogramConfig()
    time = torch.arange(config.samples) / config.sample_rate
    return Sound.from_waveform(
        sum(0.06 * torch.sin(2 * torch.pi * 440 * k * time) for k in range(1, 15)), config, "a tone"
    )


def map_of(tone, seed=0, sharp=2.0, **more):
    "1024 x 1024 weights of very different sharpness, smooth over frequency, as real ones are."
    from avgen.nets.attention_maps import AttentionMap

    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1024, 32, 1, generator=generator) * torch.linspace(0.001, sharp, 1024)[
        :, None, None
    ] + 0.1 * torch.randn(1024, 1, 32, generator=generator)
    known = (
        dict(config=tone.config, sound=tone.values, gamma=0.3, effect=torch.tensor([0.2]), layer=f"layer {seed}") | more
    )
    return AttentionMap(logits.flatten(1).softmax(1)[None], (32, 32), (32, 32), **known)


@pytest.fixture(scope="module")
def maps(tone):
    return [
        map_of(tone, 0),
        map_of(tone, 1, gamma=0.0),
        map_of(tone, 2, config=None, sound=torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(5)) * 2 - 1),
    ]


@pytest.fixture(scope="module")
def saved(tone, maps, tmp_path_factory):
    from avgen.show.inspector import AttentionInspector

    return AttentionInspector(maps, sound=tone, query=[], name="three layers").save_html(
        tmp_path_factory.mktemp("saved") / "attention.html"
    )


@pytest.fixture
def visit(browser):
    "Open a saved page with the network refused; afterwards nothing was asked of it and nothing went wrong."
    pages = []

    def visit(path, before="", **settings):
        pages.append(opened_offline(browser, path, WATCH + before, **settings))
        return pages[-1]

    yield visit
    for page in pages:
        assert page.outside == [] and page.errors == []
        page.context.close()


def test_a_saved_page_of_three_layers_is_small_and_alive(saved, visit):
    assert saved.stat().st_size < 9e6
    page = visit(saved)
    view = inspector(page)
    ask(page, 0.3, 0.4, "hover")
    first = drawn(page)
    assert view.get_attribute("data-locked") == "false" and "Preview" in page.locator(".avgen-say").inner_text()
    ask(page, 0.6, 0.2)
    assert drawn(page)["position"] != first["position"] and view.get_attribute("data-locked") == "true"
    kept = drawn(page)["position"]
    ask(page, 0.1, 0.8, "hover")
    assert drawn(page)["position"] == kept  # a kept point does not follow the pointer
    stage = page.locator(".avgen-stage")
    stage.focus()
    for key, step in (("ArrowRight", 1), ("ArrowUp", 32), ("ArrowLeft", -1), ("ArrowDown", -32)):
        before = drawn(page)["position"]
        stage.press(key)
        page.wait_for_timeout(20)
        assert drawn(page)["position"] - before == step
    page.get_by_role("button", name="Who looks here").click()
    page.wait_for_timeout(30)
    assert drawn(page)["direction"] == "who"
    page.get_by_role("button", name="Where it looks").click()
    for value in ("row", "raw", "log", "uniform"):
        page.locator("select").select_option(value)
    page.get_by_role("button", name="Pitch names").click()
    page.wait_for_timeout(30)
    assert "C6" in page.locator(".avgen-left").inner_text() and "Hz (" in page.locator(".avgen-say").inner_text()
    facts = page.locator(".avgen-facts").inner_text()
    assert all(word in facts for word in ("γ", "effect", "entropy", "of uniform"))
    assert all(
        word in page.locator(".avgen-comb").inner_text() for word in ("attention", "uniform", "as loud", "shifted comb")
    )
    assert page.locator(".avgen-thumb").count() == 3
    page.locator(".avgen-thumb").nth(1).click()
    page.wait_for_timeout(30)
    assert drawn(page)["layer"] == "layer 1" and "gamma is 0" in page.locator(".avgen-warning:visible").inner_text()
    page.locator(".avgen-thumb").nth(2).click()  # a layer that looks at a picture
    page.wait_for_timeout(30)
    assert (
        view.get_attribute("data-picture") == "true" and page.get_by_role("button", name="Attended only").is_disabled()
    )
    ask(page, 0.5, 0.5)
    assert drawn(page)["layer"] == "layer 2" and "column" in page.locator(".avgen-say").inner_text()
    stage.press("Escape")
    page.wait_for_timeout(20)
    assert drawn(page) is None


def test_what_is_drawn_is_the_tensor(saved, maps, visit):
    from avgen.show.attention_state import heat_of

    page, rng = visit(saved), np.random.default_rng(0)
    page.locator("select").select_option("row")
    page.get_by_role("button", name="Attention", exact=True).click()
    table = page.evaluate(
        """() => {
          const scale = document.querySelector(".avgen-scale").getContext("2d");
          return Array.from(scale.getImageData(0, 0, 256, 1).data);
        }"""
    )
    table = np.array(table).reshape(256, 4)[:, :3]
    config = maps[0].config
    for number, (row, column) in enumerate(rng.integers(0, 32, (20, 2))):
        direction = "where" if number < 14 else "who"
        if number == 14:
            page.get_by_role("button", name="Who looks here").click()
        ask(page, (column + 0.5) / 32, (row + 0.5) / 32)
        true = heat_of(maps[0], (config.times(32)[column], config.frequencies(32)[row]), direction).numpy()
        found = drawn(page)
        assert found["direction"] == direction and found["position"] == row * 32 + column and found["grid"] == [32, 32]
        values = np.array(found["values"]).reshape(32, 32)
        limit = 0.01 * true.max() if direction == "where" else 0.01 * maps[0].weights[0].max().item()
        assert np.abs(values - true).max() < 0.001 * limit / 0.01
        if direction == "where":
            assert (
                true.flatten()[np.argsort(-values.flatten(), kind="stable")[:10]].tolist()
                == sorted(true.flatten().tolist(), reverse=True)[:10]
            )
        pixels = inspector(page).evaluate(
            "r => Array.from(r.querySelector('.avgen-heat').getContext('2d').getImageData(0, 0, 32, 32).data)"
        )
        pixels = np.array(pixels).reshape(32, 32, 4)[::-1, :, :3]  # row 0 at the bottom
        seen = np.abs(pixels[:, :, None].astype(int) - table[None, None]).sum(3).argmin(2) / 255
        assert np.abs(seen - true / true.max()).max() <= 0.01 * 1.0 + 1e-6


def play(page, name):
    before = page.evaluate("window.played.length")
    page.get_by_role("button", name=name).click()
    page.wait_for_function(f"window.played.length > {before}")
    return page.evaluate("window.played.at(-1)")


def test_what_is_attended_is_heard(saved, maps, tone, visit):
    from avgen.show.hearing import attended_sound, band_sound, energy_within, gains_of

    page, config = visit(saved), tone.config
    for row, column in ((30, 10), (25, 20), (28, 3)):
        ask(page, (column + 0.5) / 32, (row + 0.5) / 32)
        query = (config.times(32)[column], config.frequencies(32)[row])
        heard = torch.tensor(play(page, "Attended only")["data"])
        reference = attended_sound(maps[0], query, tone).waveform
        assert len(heard) == config.samples and (heard - reference).abs().max() < 2e-4  # 16 bits
        chosen = gains_of(maps[0].at(*query), 1024) > 0
        bands = chosen.any(1, keepdim=True).expand(32, 32)
        inside, before = energy_within(heard, bands, config), energy_within(tone.waveform, bands, config)
        print(
            f"attended from {query}: {100 * inside:.2f} % of the energy in attended bands, "
            f"{100 * before:.2f} % of the whole sound's"
        )
        assert inside > 0.9
        band = torch.tensor(play(page, "This band")["data"])
        assert (band - band_sound(maps[0], query, tone).waveform).abs().max() < 2e-4
    assert (torch.tensor(play(page, "Whole")["data"]) - tone.waveform).abs().max() < 2e-4
    page.wait_for_function("document.querySelector('.avgen-inspector').dataset.playing === ''")  # and it ends


def test_the_cursor_moves_and_a_click_seeks(saved, visit):
    page = visit(saved)
    ruler = page.get_by_role("slider", name="Position in the sound")
    box = ruler.bounding_box()
    ruler.click(position={"x": box["width"] * 0.5, "y": 8})
    assert not page.locator(".avgen-stage .avgen-cursor").first.is_hidden()
    assert 0.2 < float(ruler.get_attribute("aria-valuenow")) < 0.3
    assert 0.2 < play(page, "Whole")["from"] < 0.3
    places = [
        page.locator(".avgen-cursor").first.evaluate(
            "c => (new Promise(f => setTimeout(() => f(parseFloat(c.style.left)), 40)))"
        )
        for _ in range(3)
    ]
    assert places[0] < places[1] <= places[2] or inspector(page).get_attribute("data-playing") == ""
    ruler.focus()
    ruler.press("Home")
    ruler.press("ArrowRight")
    assert 0 < float(ruler.get_attribute("aria-valuenow")) < 0.2


def hover_everywhere(page, moves=40):
    "Move the pointer over the stage: each time the heat of the cell below is drawn (bench_browser.py says how fast)."
    box = page.locator(".avgen-stage").first.bounding_box()
    for x, y in np.random.default_rng(1).uniform(0.02, 0.98, (moves, 2)):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        cell = 32 * int(32 * (1 - y)) + int(32 * x)
        page.wait_for_function(
            """cell => {
              const drawn = document.querySelector('.avgen-inspector').drawn(), at = drawn?.position;
              return drawn && Math.abs(at % 32 - cell % 32) <= 1 && Math.abs((at >> 5) - (cell >> 5)) <= 1;
            }""",
            arg=cell,
        )


def test_every_move_of_the_pointer_is_drawn(saved, visit):
    hover_everywhere(visit(saved))


def test_hover_without_raw_events_is_drawn_too(saved, visit):
    "A browser that has no pointerrawupdate hears of the pointer once a frame."
    without = """const add = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (type, ...rest) {
      if (type !== 'pointerrawupdate') add.call(this, type, ...rest);
    };
    """
    page = visit(saved, before=without)
    ask(page, 0.3, 0.4, "hover")
    first = drawn(page)["position"]
    ask(page, 0.7, 0.4, "hover")
    assert drawn(page)["position"] != first


def test_hostile_text_is_shown_as_text(tone, visit, tmp_path):
    from avgen.show.compare import Compare
    from avgen.show.inspector import AttentionInspector
    from avgen.signal.sound import Sound

    small = map_of(tone)
    small.layer = HOSTILE
    sound = Sound(tone.values, tone.config, tone.waveform, HOSTILE)
    view = AttentionInspector({HOSTILE: small, "b": small}, sound=sound, name=HOSTILE)
    page = visit(view.save_html(tmp_path / "a.html"))
    assert page.evaluate("window.hacked") is None and page.locator("img").count() == 0
    assert "<script>window.hacked = 1</script>" in page.locator(".avgen-title").inner_text()
    assert page.title().startswith("</script><script>")
    assert "<img" in page.locator(".avgen-thumb").first.inner_text().replace("\u200b", "")
    page = visit(Compare(view, view, labels=(HOSTILE, "b")).save_html(tmp_path / "b.html"))
    assert page.evaluate("window.hacked") is None and "<img" in page.locator(".avgen-title").first.inner_text()


@pytest.mark.parametrize("width,scheme", [(600, "light"), (600, "dark"), (1600, "light"), (1600, "dark")])
def test_fits_narrow_and_wide(saved, visit, width, scheme):
    page = visit(saved, viewport={"width": width, "height": 900}, color_scheme=scheme)
    ask(page, 0.4, 0.15)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shoot(page, f"inspector_{width}_{scheme}", full_page=True)


def test_everything_has_a_name_and_is_reached_by_keys(saved, visit):
    page = visit(saved)
    for i in range(page.locator("button:visible, select, input, [tabindex='0']").count()):
        node = page.locator("button:visible, select, input, [tabindex='0']").nth(i)
        assert node.evaluate("n => (n.getAttribute('aria-label') || n.innerText || '').trim().length > 0"), (
            node.evaluate("n => n.outerHTML")
        )
    names = []
    for _ in range(14):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.className + document.activeElement.tagName"))
    assert any("avgen-stage" in n for n in names) or "avgen-stage" in page.evaluate(
        "[...document.querySelectorAll('[tabindex]')].map(n => n.className).join()"
    )


def test_a_browser_without_audio_says_so(saved, visit):
    page = visit(saved, before="delete window.AudioContext; delete window.webkitAudioContext;")
    page.get_by_role("button", name="Whole").click()
    assert "no audio" in page.locator(".avgen-alarm").inner_text()
    ask(page, 0.4, 0.4)
    assert drawn(page) is not None  # and it is not dead


def test_what_cannot_be_shown_is_said(saved, visit, tmp_path):
    text = saved.read_text()
    for old, new, words in (
        ('"layer": "layer 0"', '"layer": "decoder.7"', "recorded: layer 0, layer 1, layer 2"),
        ('"query": []', '"query": [99, 440]', "lies outside"),
    ):
        assert old in text
        other = tmp_path / f"{len(new)}.html"
        other.write_text(text.replace(old, new))
        page = visit(other)
        assert words in page.locator(".avgen-alarm").inner_text()
        ask(page, 0.4, 0.4)
        assert drawn(page)["layer"] == "layer 0"


def test_an_empty_sound_is_said(tone, visit, tmp_path):
    from avgen.show.inspector import AttentionInspector
    from avgen.signal.sound import Sound

    page = visit(
        AttentionInspector(map_of(tone), sound=Sound(tone.values, tone.config, torch.zeros(0))).save_html(
            tmp_path / "empty.html"
        )
    )
    ask(page, 0.4, 0.4)
    assert (
        "empty" in page.locator(".avgen-note:visible").last.inner_text()
        and page.get_by_role("button", name="Whole").is_disabled()
    )
    page = visit(
        AttentionInspector(
            map_of(tone), sound=Sound(tone.values, tone.config, torch.full((1,), 0.5)), query=(0.2, 880.0)
        ).save_html(tmp_path / "one.html")
    )
    assert len(play(page, "Attended only")["data"]) == 1


def test_two_are_asked_at_one_point(tone, visit, tmp_path):
    from avgen.show.compare import Compare

    a, b = map_of(tone, 0), map_of(tone, 1)
    both = Compare({"attention": a}, {"attention": b}, labels=("step 100", "step 200"), sound=tone)
    page = visit(both.save_html(tmp_path / "both.html"), viewport={"width": 1500, "height": 1000})
    sides = page.locator(".avgen-inspector")
    assert sides.count() == 2 and page.locator(".avgen-controls").count() == 1
    ask(page, 0.3, 0.6, "hover")
    one, two = (sides.nth(i).evaluate("r => r.drawn()") for i in (0, 1))
    assert one["position"] == two["position"] and sides.nth(1).get_attribute("data-locked") == "false"
    stage = sides.nth(1).locator(".avgen-stage")
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] * (20.5 / 32), "y": box["height"] * (1 - 25.5 / 32)})
    page.wait_for_timeout(50)
    one, two = (sides.nth(i).evaluate("r => r.drawn()") for i in (0, 1))
    assert one["position"] == two["position"] == 25 * 32 + 20
    both.query = [float(tone.config.times(32)[20]), float(tone.config.frequencies(32)[25])]
    assert float(page.locator(".avgen-overlap").get_attribute("data-shared")) == pytest.approx(both.overlap, abs=1e-3)
    page.get_by_role("button", name="Attention", exact=True).click()
    assert [sides.nth(i).get_attribute("data-view") for i in (0, 1)] == ["heat", "heat"]


def test_linked_views_follow_each_other_without_a_kernel(tone, maps, visit, tmp_path):
    "Two linked inspectors and a player on a saved page share point, layer and cursor; an unlinked one stays as it is."
    from avgen.show.inspector import AttentionInspector
    from avgen.show.link import link
    from avgen.show.live import page as write
    from avgen.show.sound_player import SoundPlayer

    views = [AttentionInspector(maps[:2], sound=tone, query=[], name=f"view {i}") for i in range(3)]
    player = SoundPlayer(tone)
    link(views[0], views[1], player)
    views[0].step = 1200
    (tmp_path / "linked.html").write_text(write([*views, player]))
    page = visit(tmp_path / "linked.html", viewport={"width": 1280, "height": 2600})
    sides = page.locator(".avgen-inspector")
    assert (
        "step 1,200" in sides.nth(1).locator(".avgen-title").inner_text()
        and "step" not in sides.nth(2).locator(".avgen-title").inner_text()
    )
    ask(page, 0.6, 0.3)
    sides.nth(1).locator(".avgen-thumb").nth(1).click()
    page.wait_for_timeout(50)
    one, two, other = (sides.nth(i).evaluate("r => r.drawn()") for i in range(3))
    assert one["layer"] == two["layer"] == "layer 1" and one["position"] == two["position"] and other is None
    sides.nth(0).get_by_role("slider", name="Position in the sound").click(position={"x": 150, "y": 8})
    page.wait_for_timeout(50)
    times = [float(sides.nth(i).locator(".avgen-ruler").get_attribute("aria-valuenow")) for i in range(3)]
    assert (
        times[0] == times[1] > 0
        and times[2] == 0
        and abs(float(page.locator(".avgen-player").get_attribute("data-seconds")) - times[0]) < 1e-3
    )


def test_closing_gives_everything_back(saved, visit):
    "Twenty views opened and closed: no listener stays, and the browser's memory comes back."
    from avgen.show.live import module_source

    page = visit(saved)
    page.evaluate(
        """async (source) => {
      window.module = (await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))).default;
      const decode = (v) => v === null || typeof v !== "object" ? v : Array.isArray(v) ? v.map(decode)
        : typeof v.bytes === "string" ? Uint8Array.from(atob(v.bytes), (c) => c.charCodeAt(0))
        : Object.fromEntries(Object.entries(v).map(([k, x]) => [k, decode(x)]));
      const text = document.querySelector("[data-widget] script").textContent;
      window.open20 = () => Array.from({ length: 20 }, () => {
        const state = decode(JSON.parse(text)), listeners = [], el = document.createElement("div");
        document.body.append(el);
        const model = {
          get: (n) => state[n], set: (n, v) => { state[n] = v; }, save_changes() {},
          on: (e, f) => listeners.push(f), off: (e, f) => listeners.splice(listeners.indexOf(f), 1),
        };
        return { close: window.module.render({ model, el }), listeners, el };
      });
    }""",
        module_source("attention_inspector"),
    )
    session = page.context.new_cdp_session(page)

    def used():
        session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"] + session.send("Runtime.getHeapUsage").get(
            "backingStorageSize", 0
        )

    cycle = """() => { window.views = window.open20(); }"""
    close = """() => {
      const left = window.views.map((v) => { v.close(); v.el.remove(); return v.listeners.length; });
      window.views = null;
      return Math.max(...left);
    }"""
    page.evaluate(cycle)
    assert page.evaluate(close) == 0
    before = used()
    page.evaluate(cycle)
    opened = used()
    assert page.evaluate(close) == 0
    after = used()
    print(f"twenty views: {(opened - before) / 1e6:.0f} MB open, {(after - before) / 1e6:.1f} MB left when closed")
    assert after - before < 0.05 * (opened - before)


def test_keys_are_drawn_on_their_own_grid_and_missing_queries_left_out(tone, visit, tmp_path):
    from avgen.show.inspector import AttentionInspector

    weights = torch.rand(1, 3, 32, generator=torch.Generator().manual_seed(0)).mul(4).softmax(2)
    view = AttentionInspector(
        weights, query_grid=(16, 16), key_grid=(8, 4), sound=tone, queries=torch.tensor([0, 136, 255])
    )
    page = visit(view.save_html(tmp_path / "few.html"))
    ask(page, 0.6, 0.45)
    found = drawn(page)
    assert found["grid"] == [8, 4] and found["index"] == 1 and found["position"] == 136  # the nearest that was recorded
    assert np.allclose(found["values"], weights[0, 1], atol=1e-4)
    page.get_by_role("button", name="Who looks here").click()
    page.wait_for_timeout(50)
    found = drawn(page)
    assert found["grid"] == [16, 16] and [i for i, v in enumerate(found["values"]) if v is not None and v == v] == [
        0,
        136,
        255,
    ]


@pytest.mark.parametrize("target_is_sound", [False, True])
def test_two_grounds_are_asked_either_way(tone, visit, tmp_path, target_is_sound):
    from attention_examples import crossed_map
    from avgen.show.inspector import AttentionInspector

    m = crossed_map(tone, target_is_sound)
    saved = AttentionInspector(m, sound=tone, name="across", query=[]).save_html(tmp_path / "across.html")
    page = visit(saved)
    stages = page.locator(".avgen-stage")
    assert stages.count() == 2

    def press(which, x, y):
        "Click a stage at x, y in 0..1, y from above."
        box = stages.nth(which).bounding_box()
        stages.nth(which).click(position={"x": box["width"] * x, "y": box["height"] * y})
        page.wait_for_timeout(30)
        return drawn(page)

    def cell(x, y, grid, is_sound):
        rows, columns = grid
        return int((1 - y if is_sound else y) * rows) * columns + int(x * columns)

    found = press(0, 0.3, 0.3)
    position = cell(0.3, 0.3, m.query_grid, target_is_sound)
    assert found["direction"] == "where" and found["position"] == position and found["grid"] == list(m.key_grid)
    assert np.abs(np.array(found["values"]) - m.weights[0, position].numpy()).max() < 1e-4
    where = page.locator(".avgen-say").inner_text()
    assert ("Hz it looks most at column" if target_is_sound else "From column") in where
    plots = page.locator(".avgen-plot")
    assert plots.nth(1).get_attribute("data-heated") == "true" and plots.nth(0).get_attribute("data-heated") is None
    shoot(page, f"across_{'I2S' if target_is_sound else 'S2I'}")

    found = press(1, 0.7, 0.6)  # the other ground: who looks here?
    position = cell(0.7, 0.6, m.key_grid, not target_is_sound)
    assert found["direction"] == "who" and found["position"] == position and found["grid"] == list(m.query_grid)
    assert np.abs(np.array(found["values"]) - m.weights[0, :, position].numpy()).max() < 1e-4
    assert plots.nth(0).get_attribute("data-heated") == "true" and plots.nth(1).get_attribute("data-heated") is None

    page.get_by_role("button", name="Where it looks").click()
    page.wait_for_timeout(30)
    assert drawn(page) is None  # a point of one ground means nothing on the other
    stages.nth(0).focus()
    stages.nth(0).press("ArrowRight")
    page.wait_for_timeout(30)
    assert drawn(page)["direction"] == "where"
    heard = page.get_by_role("button", name="This band" if target_is_sound else "Attended only")
    heard.click()
    page.wait_for_function("window.played.length > 0")
    assert max(map(abs, page.evaluate("window.played.at(-1).data"))) > 0


def across_map(tone, picture):
    "196 patches of a picture that look at 8 x 32 bins of a sound, given as another model's weights."
    from avgen.nets.attention_maps import map_from_arrays

    weights = (2 * torch.randn(1, 196, 256, generator=torch.Generator().manual_seed(4))).softmax(2)
    return map_from_arrays(weights, (14, 14), (8, 32), query_ground=picture, key_ground=tone, layer="across")


def point_at(page, which, x, y, act="hover"):
    "Hover or click a stage at x, y in 0..1, y from above; what is drawn then."
    stage = page.locator(".avgen-stage").nth(which)
    box = stage.bounding_box()
    getattr(stage, act)(position={"x": box["width"] * x, "y": box["height"] * y})
    page.wait_for_timeout(20)
    return drawn(page)


def test_picture_patches_on_a_sound_are_read_back_both_ways(tone, visit, tmp_path):
    from avgen.show.attention_state import heat_of
    from avgen.show.hearing import attended_sound
    from avgen.show.inspector import AttentionInspector

    picture = torch.zeros(3, 64, 64, dtype=torch.uint8)
    picture[0, 10:30, 10:30] = 255  # a red square, as bytes
    m = across_map(tone, picture)
    page = visit(AttentionInspector(m, sound=tone, name="across", query=[]).save_html(tmp_path / "across.html"))
    asks, looks, rng = m.ground("queries"), m.ground("keys"), np.random.default_rng(2)
    red = page.locator(".avgen-stage").first.evaluate(
        "s => Array.from(s.querySelector('.avgen-base').getContext('2d').getImageData(20, 20, 1, 1).data)"
    )
    assert red[:3] == [255, 0, 0]
    heated = {"where": (None, "true"), "who": ("true", None)}
    for number in range(20):
        direction = "where" if number < 10 else "who"
        grid, ground = (m.query_grid, asks) if direction == "where" else (m.key_grid, looks)
        row, column = int(rng.integers(grid[0])), int(rng.integers(grid[1]))
        y = (row + 0.5) / grid[0] if direction == "where" else 1 - (row + 0.5) / grid[0]
        found = point_at(page, 0 if direction == "where" else 1, (column + 0.5) / grid[1], y)
        true = heat_of(m, ground.point(row * grid[1] + column, grid), direction)
        assert found["direction"] == direction and found["position"] == row * grid[1] + column
        assert found["grid"] == list(true.shape)
        assert np.abs(np.array(found["values"]) - true.flatten().numpy()).max() < 1e-4 * float(m.weights.max())
        plots = page.locator(".avgen-plot")
        assert tuple(plots.nth(i).get_attribute("data-heated") for i in (0, 1)) == heated[direction]
        words = page.locator(".avgen-say").inner_text()
        place = "From|from column" if direction == "where" else "at [0-9.]+ s"
        assert page.evaluate("([w, p]) => new RegExp(p.replace('From|', '')).test(w)", [words, place]), words
    assert page.locator(".avgen-comb").is_hidden()  # a picture has no harmonics
    found = point_at(page, 0, 0.3, 0.3, "click")
    assert inspector(page).get_attribute("data-locked") == "true" and found["direction"] == "where"
    point_at(page, 1, 0.5, 0.5)  # a kept point stays
    assert drawn(page)["position"] == found["position"]
    heard = torch.tensor(play(page, "Attended only")["data"])
    query = asks.point(found["position"], m.query_grid)
    assert (heard - attended_sound(m, query, tone).waveform).abs().max() < 2e-4
    assert page.get_by_role("button", name="This band").is_disabled()
    shoot(page, "patches_on_a_sound")


def test_names_ask_a_sound(tone, visit, tmp_path):
    from avgen.show.inspector import AttentionInspector

    names = "bassoon cello clarinet double_bass flute horn oboe sax trombone trumpet tuba viola violin".split()
    weights = (2 * torch.randn(1, 13, 256, generator=torch.Generator().manual_seed(5))).softmax(2)
    view = AttentionInspector(weights, query_ground=names, key_ground=tone, key_grid=(8, 32), query="flute")
    page = visit(view.save_html(tmp_path / "names.html"))
    assert drawn(page)["position"] == 4 and page.locator(".avgen-say").inner_text().startswith("From flute it looks")
    assert page.locator(".avgen-name").all_inner_texts() == names
    found = point_at(page, 0, 0.5, 9.5 / 13, "click")
    assert found["position"] == 9 and np.abs(np.array(found["values"]) - weights[0, 9].numpy()).max() < 1e-4
    play(page, "Attended only")
    point_at(page, 1, 0.2, 0.4, "click")
    assert "What looks most at" in page.locator(".avgen-say").inner_text()
    shoot(page, "names_on_a_sound")


def test_overlapping_patches_lie_where_they_are(tone, visit, tmp_path):
    from avgen.show.attention_state import heat_of
    from avgen.show.hearing import attended_sound
    from avgen.show.inspector import AttentionInspector

    weights = (2 * torch.randn(1, 2, 41, 41, generator=torch.Generator().manual_seed(6))).softmax(3).half()
    weights[..., 40, :] = 0  # one padded patch
    placed = dict(grid=(5, 8), skip=1, patch=16, stride=(12, 6), ground=tone)
    view = AttentionInspector((weights,), head="all", **placed, bits=8, keep_above=0.2, query=[])
    page = visit(view.save_html(tmp_path / "patches.html"))
    m, rng = view.map, np.random.default_rng(3)
    assert (
        page.locator(".avgen-thumb").count() == 2 and "leading token took" in page.locator(".avgen-lore").inner_text()
    )
    top, left, bottom, right = m.query_field
    for row, column in rng.integers(0, (5, 8), (8, 2)):
        if (row, column) == (4, 7):
            continue
        x, y = left + (column + 0.5) / 8 * (right - left), top + (row + 0.5) / 5 * (bottom - top)
        found = point_at(page, 0, x, 1 - y)
        assert found["position"] == row * 8 + column
        true = heat_of(m, m.query_point(int(row * 8 + column))).flatten().numpy()
        values = np.array(found["values"])
        large = true >= 0.21 * true.max()
        assert np.abs(values - true)[large].max() < 0.01 * true.max() and values[~large].max() < 0.22 * true.max()
    box = page.locator(".avgen-heat").first.bounding_box()
    stage = page.locator(".avgen-stage").first.bounding_box()
    assert abs(box["height"] / stage["height"] - (bottom - top)) < 0.01
    found = point_at(page, 0, left + 0.5 / 8 * (right - left), 1 - (top + 0.5 / 5 * (bottom - top)), "click")
    heard = torch.tensor(play(page, "Attended only")["data"])
    kept = torch.tensor(found["values"])
    true = heat_of(m, m.query_point(0))
    assert found["position"] == 0 and kept.argmax() == true.argmax()
    assert (heard - attended_sound(m, m.query_point(0), tone, threshold=0.22).waveform).abs().max() < 0.2


def test_two_grounds_are_compared_and_linked(tone, visit, tmp_path):
    from avgen.show.compare import Compare
    from avgen.show.inspector import AttentionInspector
    from avgen.show.link import link
    from avgen.show.live import page as whole_page

    one, other = across_map(tone, torch.zeros(3, 28, 28)), across_map(tone, torch.zeros(3, 28, 28))
    other.weights = other.weights.roll(1, 1)
    both = Compare(one, other, sound=tone)
    alone = AttentionInspector(other, sound=tone, name="alone")
    link(both, alone)
    path = tmp_path / "both.html"
    path.write_text(whole_page([both, alone]))
    page = visit(path)
    sides = page.locator(".avgen-compare .avgen-attention")
    stage = sides.nth(0).locator(".avgen-stage").nth(1)  # the sound of the first side: who looks there?
    box = stage.bounding_box()
    stage.hover(position={"x": box["width"] * 0.4, "y": box["height"] * 0.6})
    page.wait_for_timeout(40)
    found = [sides.nth(i).evaluate("r => r.drawn()") for i in (0, 1)]
    assert [f["direction"] for f in found] == ["who", "who"] and found[0]["position"] == found[1]["position"]
    for values, m in zip(found, (one, other)):
        true = m.weights[0, :, found[0]["position"]].numpy()
        assert np.abs(np.array(values["values"]) - true).max() < 1e-4
    stage = sides.nth(0).locator(".avgen-stage").nth(0)
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] * 0.4, "y": box["height"] * 0.6})
    page.wait_for_timeout(40)
    found = sides.nth(1).evaluate("r => r.drawn()")
    linked = page.locator(".avgen-inspector").last.evaluate("r => r.drawn()")
    assert found["direction"] == linked["direction"] == "where" and found["position"] == linked["position"]
    both.query = [11.0, 17.0]
    shared = both.overlap
    assert 0 < shared < 1 and both._still_()[:4] == b"\x89PNG"
    shoot(page, "two_grounds_compared", full_page=True)


def test_a_compact_figure_of_two_grounds_is_alive(tone, visit, tmp_path):
    from avgen.show.inspector import AttentionInspector

    view = AttentionInspector(across_map(tone, torch.zeros(3, 28, 28)), sound=tone, compact=True)
    page = visit(view.save_html(tmp_path / "compact.html"))
    figure = page.locator(".avgen-compact")
    assert figure.locator(".avgen-stage").count() == 2
    figure.locator(".avgen-chips button").nth(1).click()
    page.wait_for_timeout(30)
    found = figure.evaluate("r => r.drawn()")
    assert found["direction"] == "where" and found["position"] == view.map.query_index(*view.points[1])


NOTEBOOK = """
import json, time, torch
from pathlib import Path
from avgen.nets.attention_maps import AttentionMap
from avgen.show.inspector import AttentionInspector
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
config = SpectrogramConfig()
t = torch.arange(config.samples) / config.sample_rate
sound = Sound.from_waveform(sum(0.06 * torch.sin(2 * torch.pi * 440 * k * t) for k in range(1, 15)), config, "a tone")
known = dict(config=config, sound=sound.values, gamma=0.5, effect=torch.tensor([0.3]))
draw = lambda i: (torch.randn(1, 1024, 1024, generator=torch.Generator().manual_seed(i)) * (i + 1) / 2).softmax(2)
maps = [AttentionMap(draw(i), (32, 32), (32, 32), layer=f"layer {i}", **known) for i in range(4)]
note = lambda name: lambda change: Path(name).write_text(json.dumps(change["new"]))
#---
inspector = AttentionInspector(maps, sound=sound, query=[])
for name in ("query", "layer", "playing", "time"): inspector.observe(note(f"{name}.json"), name)
def sleep(change):
    note("asleep.json")({"new": True})
    time.sleep(20)
    note("asleep.json")({"new": False})
inspector.observe(sleep, "threshold")  # to have a kernel that is busy
inspector
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    if not installed():
        missing("jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    with served(folder, inspector=NOTEBOOK) as address:
        yield address, folder


def test_it_lives_in_jupyterlab(browser, lab):
    address, folder = lab
    page = keep_count(browser.new_page(viewport={"width": 1400, "height": 1500}), 90_000)
    page.add_init_script(WATCH)
    idle(page, address, "inspector")
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("document.querySelectorAll('.jp-InputPrompt')[0].innerText.includes('[1]')")

    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelector('.avgen-inspector')?.dataset.layer === 'layer 0'")
    assert page.locator(".avgen-inspector").count() == 1 and page.locator(".avgen-thumb").count() == 4

    ask(page, 20.5 / 32, 10.5 / 32)
    seconds, hertz = until(folder / "query.json", lambda query: len(query) == 2)
    assert 0.3 < seconds < 0.35 and 850 < hertz < 950 and drawn(page)["position"] == 10 * 32 + 20
    page.locator(".avgen-stage").press("ArrowRight")  # which JupyterLab would like to have
    page.wait_for_function("document.querySelector('.avgen-inspector').drawn().position === 341")
    page.locator(".avgen-thumb").nth(2).click()
    assert until(folder / "layer.json", lambda layer: layer == "layer 2")
    heard = play(page, "Attended only")
    assert len(heard["data"]) == 22050 and max(heard["data"]) > 0.001
    until(folder / "playing.json", lambda playing: playing == "")
    shoot(page, "inspector_lab")

    page.locator(".avgen-stage").press("Escape")
    page.locator("input[type=range]").press("ArrowRight")  # now the kernel sleeps for twenty seconds
    until(folder / "asleep.json", lambda asleep: asleep)
    hover_everywhere(page, 20)  # with a busy kernel
    page.locator(".avgen-thumb").nth(3).click()
    ask(page, 0.5, 0.5)
    assert (
        drawn(page)["layer"] == "layer 3" and max(play(page, "Attended only")["data"]) > 0
    )  # also without an answer of the kernel
    assert json.loads((folder / "asleep.json").read_text()) is True  # which slept through all of it
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text("JupyterLab Dark", exact=True).click()
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    shoot(page, "inspector_lab_dark")
    assert page.outside == [] and page.errors == []
    page.close()
