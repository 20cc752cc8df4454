"Player, gallery, dashboard and links in the browser: saved pages without a network, and a real JupyterLab with a run."

import contextlib
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from chrome import LISTEN, keep_count, missing, opened_offline, shoot
from lab import installed, run_all, served, until

pytestmark = pytest.mark.browser
PICTURE = "(c) => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).join()"
# Seconds that pass during some frames, and how far the cursor of a player moves meanwhile.
RUN = """(player) => new Promise((done) => {
  const begun = performance.now(), from = Number(player.dataset.seconds);
  let frames = 0;
  const look = () => {
    if (++frames < 15) requestAnimationFrame(look);
    else done([(performance.now() - begun) / 1000, Number(player.dataset.seconds) - from]);
  };
  look();
})"""
WENT_ROUND = """() => {
  const now = Number(document.querySelector(".avgen-player").dataset.seconds), before = window.before ?? now;
  window.before = now;
  return now < before;
}"""
HOSTILE = "</script><img src=x onerror=window.hacked=1>'\"\u202e\U0001f3bb"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    "Two runs of a few steps, and the pages made from them."
    from avgen.show.dashboard import TrainingDashboard
    from avgen.show.gallery import PairGallery
    from avgen.show.link import link
    from avgen.data.pairs import toy_pairs
    from avgen.signal.sound import Sound
    from avgen.signal.spectrogram import SpectrogramConfig
    from avgen.training.runner import train
    from avgen.show.live import page
    from avgen.show.sound_player import SoundPlayer

    folder, toys, config = tmp_path_factory.mktemp("pages"), toy_pairs(n=8), SpectrogramConfig()
    runs = [
        train(
            "sa-cmgan",
            toys,
            d,
            preset="toy",
            steps=12,
            run=folder / d,
            device="cpu",
            quiet=True,
            sample_every=4,
            tick_every=2,
        )
        for d in ("S2I", "I2S")
    ]
    moments = torch.arange(config.samples) / config.sample_rate

    def tone(hertz, name):
        return Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * hertz * moments), config, name)

    one, two = SoundPlayer(tone(440, HOSTILE), other=tone(880, "the other side")), SoundPlayer(tone(220, "linked"))
    silent = SoundPlayer(Sound(torch.zeros(1, 64, 64), config, torch.zeros(0), "nothing"))
    joined = link(one, two)
    gallery, board = PairGallery(runs, limit=8, frames=4), TrainingDashboard(runs[0])
    gallery.walk(0, 5, frames=5)
    (folder / "page.html").write_text(page([one, two, silent, gallery, board], HOSTILE))
    joined.unlink()
    board.close()
    return folder


def opened(browser, work, script=LISTEN, **settings):
    page = opened_offline(browser, work / "page.html", script, **settings)
    page.wait_for_function("document.querySelector('.avgen-gallery').dataset.cards > 0")
    return page


@pytest.fixture
def page(browser, work):
    page = opened(browser, work)
    yield page
    assert page.outside == [] and page.errors == [] and page.evaluate("window.hacked") is None
    page.context.close()


def test_the_player_seeks_repeats_and_slows_down(page):
    player = page.locator(".avgen-player").first
    assert player.locator(".avgen-wave canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0)"
    )
    player.locator(".avgen-speed").select_option("0.25")
    player.locator(".avgen-loop").click()
    player.locator(".avgen-wave").click(position={"x": 300, "y": 20})
    page.wait_for_function("window.heard.length === 1")
    heard = page.evaluate("window.heard[0]")
    assert heard["samples"] == 22050 and 0.1 < heard["from"] < 0.3
    passed, moved = player.evaluate(RUN)
    assert moved < 0.6 * passed  # at a quarter of the speed; less than nothing where it began again
    player.locator(".avgen-speed").select_option("2")
    page.wait_for_function(WENT_ROUND)
    assert player.get_attribute("data-playing") == "true"
    assert player.locator(".avgen-loop").get_attribute("aria-pressed") == "true"
    player.locator(".avgen-play").click()
    assert player.get_attribute("data-playing") == "false"


def test_the_player_says_how_loud_it_is_and_turns_up_without_clipping(page):
    player = page.locator(".avgen-player").first
    assert player.locator(".avgen-level").inner_text() == "\N{MINUS SIGN}11 dB"  # a sine of amplitude 0.4
    player.locator(".avgen-louder").click()
    page.wait_for_function("document.querySelector('.avgen-louder').getAttribute('aria-pressed') === 'true'")
    gain = float(player.locator(".avgen-level").get_attribute("data-gain"))
    assert 7 < gain < 8 and player.locator(".avgen-level").inner_text() == "\N{MINUS SIGN}3 dB"
    player.locator(".avgen-louder").click()
    page.wait_for_function("document.querySelector('.avgen-louder').getAttribute('aria-pressed') === 'false'")
    assert player.locator(".avgen-level").get_attribute("data-gain") == "0.0"


def test_the_player_changes_sides_where_it_stands(page):
    player = page.locator(".avgen-player").first
    stage, before = player.locator(".avgen-stage"), player.locator(".avgen-base").evaluate(PICTURE)
    stage.focus()
    for _ in range(4):
        stage.press("ArrowRight")
    seconds = player.get_attribute("data-seconds")
    stage.press("x")
    page.wait_for_function("document.querySelector('.avgen-player').dataset.side === 'B'")
    assert (
        player.get_attribute("data-seconds") == seconds == "0.100"
        and player.locator(".avgen-base").evaluate(PICTURE) != before
    )
    player.locator(".avgen-choice button").first.click()
    page.wait_for_function("document.querySelector('.avgen-player').dataset.side === 'A'")
    assert HOSTILE in player.locator(".avgen-choice button").first.inner_text()


def test_linked_players_share_the_cursor_without_a_kernel(page):
    one, two = (page.locator(".avgen-player").nth(i) for i in (0, 1))
    one.locator(".avgen-stage").focus()
    one.locator(".avgen-stage").press("End")
    assert two.get_attribute("data-seconds") == one.get_attribute("data-seconds") == "0.500"
    two.locator(".avgen-stage").focus()
    two.locator(".avgen-stage").press("ArrowLeft")
    assert one.get_attribute("data-seconds") == two.get_attribute("data-seconds") == "0.475"
    assert page.locator(".avgen-player").nth(2).get_attribute("data-seconds") == "0.000"


def test_an_empty_sound_says_so(page):
    player = page.locator(".avgen-player").nth(2)
    assert "nothing to hear" in player.inner_text() and player.locator(".avgen-play").is_disabled()


def test_a_browser_without_audio_says_so(browser, work):
    page = opened(browser, work, "delete window.AudioContext; window.AudioBufferSourceNode = undefined;")
    player = page.locator(".avgen-player").first
    player.locator(".avgen-play").click()
    assert "cannot play sound" in player.locator("[role=alert]").inner_text() and page.errors == []
    page.locator(".avgen-gallery .avgen-tile").first.click()
    assert "cannot play sound" in page.locator(".avgen-gallery [role=alert]").inner_text()
    page.context.close()


def test_the_gallery_filters_selects_and_runs_its_film(page):
    gallery = page.locator(".avgen-gallery")
    assert gallery.get_attribute("data-shown") == "16"
    gallery.get_by_role("button", name="Sound to picture").click()
    assert gallery.get_attribute("data-shown") == "8"
    gallery.locator("select[aria-label=Instrument]").select_option("cello")
    assert 0 < int(gallery.get_attribute("data-shown")) < 8
    gallery.locator("select[aria-label=Instrument]").select_option("")
    card = gallery.locator(".avgen-card").first
    before = card.locator("canvas").nth(1).evaluate(PICTURE)
    gallery.locator(".avgen-range").fill("0")
    assert (
        "step 4" in gallery.inner_text()
        and card.locator("canvas").nth(1).evaluate(PICTURE) != before
        and card.locator("canvas").nth(0).evaluate("c => c.width") == 64
    )
    gallery.get_by_role("button", name="Run the film").click()
    page.wait_for_function("document.querySelector('.avgen-reel .avgen-clock').textContent === 'now'")
    assert card.locator("canvas").nth(1).evaluate(PICTURE) == before
    card.locator(".avgen-tile").nth(1).click()
    page.wait_for_function("window.heard.length === 1")
    assert page.evaluate("window.heard[0].loudest") > 0.001 and gallery.get_attribute("data-selected") == "0"
    assert gallery.locator(".avgen-detail canvas").count() == 3
    gallery.locator(".avgen-away").click()
    assert gallery.locator(".avgen-detail").is_hidden()


def test_the_walk_is_there_without_a_kernel(page):
    gallery = page.locator(".avgen-gallery")
    assert (
        gallery.get_attribute("data-walk") == "5" and gallery.get_by_role("button", name="Walk", exact=True).is_hidden()
    )
    pictures = gallery.locator(".avgen-path canvas").evaluate_all(f"all => all.map({PICTURE})")
    assert len(set(pictures)) == 5


def test_the_saved_dashboard_reads_at_the_pointer(page):
    board = page.locator(".avgen-dashboard")
    assert (
        board.get_attribute("data-state") == "finished"
        and "saved page" in board.inner_text()
        and board.locator(".avgen-wishes").is_hidden()
    )
    assert board.locator(".avgen-chart").count() >= 4 and board.locator(".avgen-findings li").count() >= 1
    assert board.locator(".avgen-samples").evaluate("i => i.naturalWidth") > 500
    board.locator(".avgen-area").first.hover(position={"x": 60, "y": 40})
    assert "at step" in board.locator(".avgen-chart").first.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (600, "dark"), (1600, "light")])
def test_the_page_fits(browser, work, width, scheme):
    page = opened(browser, work, viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.errors == []
    shoot(page, f"players_{width}", full_page=True)
    page.context.close()


NOTEBOOK = """
import json, torch, time, gc
from pathlib import Path
from avgen.training import runner as training
from avgen.show.dashboard import TrainingDashboard
from avgen.show.gallery import PairGallery
from avgen.show.link import link
from avgen.data.pairs import toy_pairs
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.show.sound_player import SoundPlayer
config, toys = SpectrogramConfig(), toy_pairs(n=16)
moments = torch.arange(config.samples) / config.sample_rate
tone = lambda hertz: Sound.from_waveform(0.4 * torch.sin(2 * torch.pi * hertz * moments), config, f"{hertz} Hz")
note = lambda name: lambda change: Path(name).write_text(json.dumps(change["new"]))
often = dict(tick_every=5, sample_every=200)
run = training.start("sa-cmgan", toys, preset="toy", steps=100000, run="away", device="cpu", threads=1, **often)
one = TrainingDashboard(run)
one.observe(note("facts.json"), "facts")
one
#---
two = TrainingDashboard("away")
two
#---
low, high = SoundPlayer(tone(220)), SoundPlayer(tone(880), other=tone(440))
link(low, high)
high.observe(note("time.json"), "time")
low
#---
high
#---
done = training.train("sa-cmgan", toys, preset="toy", steps=8, run="done", device="cpu", quiet=True, sample_every=4)
gallery = PairGallery(done, limit=8, frames=3)
gallery.observe(note("selected.json"), "selected")
gallery.observe(note("walk.json"), "walk_shown")
gallery
"""
LEAK = """
import json, torch, gc, weakref
from pathlib import Path
import anywidget, ipywidgets
from IPython.display import display
from avgen.nets.attention_maps import AttentionMap
from avgen.show.inspector import AttentionInspector
from avgen.show.link import link
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig
from avgen.show.sound_player import SoundPlayer
config = SpectrogramConfig()
sound = Sound(torch.zeros(1, 64, 64), config, torch.zeros(config.samples), "silence")
weights = torch.rand(1, 256, 256, generator=torch.Generator().manual_seed(0)).softmax(2)
known = dict(config=config, sound=sound.values, gamma=0.5, effect=torch.tensor([0.3]))
seen = AttentionMap(weights, (16, 16), (16, 16), layer="layer", **known)
class Bare(anywidget.AnyWidget):
    _esm = '''export default { render({ el }) {
      const p = document.createElement('p'); p.className = 'bare'; el.append(p); return () => p.remove();
    } };'''
kinds = [lambda: SoundPlayer(sound, other=sound), Bare, lambda: AttentionInspector(seen, sound=sound, query=[])]
place, door = ipywidgets.VBox(), ipywidgets.IntText(description="round")
def turn(change):
    "An odd number opens twenty, an even one closes them; its hundreds say of which kind."
    kind = change["new"] // 100
    if change["new"] % 2:
        made = [kinds[kind]() for _ in range(20)]
        if kind != 1: link(*made)
        place.children = made
        turn.seen = [weakref.ref(m) for m in made]
    else:
        old, place.children = place.children, ()
        for w in old: w.close()
        del old, w
        gc.collect()
        alive = sum(r() is not None for r in turn.seen)
        Path("left.json").write_text(json.dumps({"round": change["new"], "alive": alive}))
door.observe(turn, "value")
display(door, place)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    if not installed():
        missing("jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    with served(folder, work=NOTEBOOK, leak=LEAK) as address:
        yield address, folder
    told = folder / "away" / "state.json"  # a test that failed must not leave a process that trains on
    if told.exists() and (state := json.loads(told.read_text()))["state"] in ("starting", "running", "paused"):
        with contextlib.suppress(OSError):
            os.kill(state["process"], signal.SIGKILL)


def new_page(browser):
    page = keep_count(browser.new_page(viewport={"width": 1300, "height": 3200}), 180_000)
    page.add_init_script(LISTEN)
    return page


def test_all_of_it_in_jupyterlab(browser, lab):
    address, folder = lab
    page = new_page(browser)
    run_all(page, address, "work")
    page.wait_for_function("document.querySelector('.avgen-gallery')?.dataset.cards === '8'")
    boards = [page.locator(".avgen-dashboard").nth(i) for i in (0, 1)]

    def state(i, word):
        page.wait_for_function(f"document.querySelectorAll('.avgen-dashboard')[{i}].dataset.state === '{word}'")

    state(0, "running")
    page.wait_for_function("Number(document.querySelector('.avgen-dashboard').dataset.step) > 20")
    boards[0].get_by_role("button", name="Pause").click()
    state(0, "paused"), state(1, "paused")  # the second dashboard shows the same
    page.wait_for_function(
        "(([a, b]) => a.dataset.step === b.dataset.step && a.dataset.points === b.dataset.points)"
        "(document.querySelectorAll('.avgen-dashboard'))"
    )
    facts = until(folder / "facts.json", lambda f: f["state"] == "paused")
    assert [p.stem for p in (folder / "away" / "checkpoints").glob(f"step_{facts['step']:08d}.safetensors")]
    boards[1].get_by_role("button", name="One discriminator step").click()
    page.wait_for_selector(".avgen-changed:visible")
    for board in boards:
        board.get_by_text("D(mismatched)", exact=True).first.wait_for()
    boards[0].get_by_role("button", name="One generator step").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.avgen-changed')]"
        ".every((e) => e.textContent.includes('Single step 2: one generator step'))"
    )
    shoot(page, "players_lab")
    boards[0].get_by_role("button", name="Resume").click()
    state(1, "running")
    boards[1].get_by_role("button", name="Stop").click()
    state(0, "stopped"), state(1, "stopped")
    boards[0].get_by_role("button", name="Resume").click()  # a new process, from the checkpoint
    state(1, "running")
    page.wait_for_function(f"Number(document.querySelector('.avgen-dashboard').dataset.step) > {facts['step']}")
    boards[0].get_by_role("button", name="Stop").click()
    state(0, "stopped")
    assert page.locator(".avgen [role=alert]:visible").count() == 0

    players = page.locator(".avgen-player")
    players.nth(0).locator(".avgen-stage").focus()
    players.nth(0).locator(".avgen-stage").press("End")
    assert players.nth(1).get_attribute("data-seconds") == "0.500"  # in the browser at once
    assert abs(until(folder / "time.json", lambda v: v > 0) - 0.5) < 1e-6  # and in Python

    gallery = page.locator(".avgen-gallery")
    gallery.locator(".avgen-card").nth(2).locator(".avgen-tile").nth(0).click()
    assert until(folder / "selected.json", lambda v: v == 2) == 2
    gallery.locator("select[aria-label='Walk to']").select_option("4")
    gallery.get_by_role("button", name="Walk", exact=True).click()
    page.wait_for_function("document.querySelector('.avgen-gallery').dataset.walk === '9'")
    assert until(folder / "walk.json", lambda w: w["to"] == 4)["from"] == 0
    assert page.outside == [] and page.errors == []
    page.close()


OURS = """
// Listeners that widgets' modules (anywidget imports them from blob: addresses) add to anything, and elements that
// widgets draw: which of them are still there?
(() => {
  Error.stackTraceLimit = 100;
  const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype, listeners = [], elements = [];
  const captures = (o) => Boolean(typeof o === 'object' && o ? o.capture : o);
  EventTarget.prototype.addEventListener = function (type, f, o) {
    if (f && new Error().stack.includes('blob:')) {
      const held = { target: new WeakRef(this ?? window), type, f: new WeakRef(f), capture: captures(o), gone: false };
      listeners.push(held);
      if (o?.signal) add.call(o.signal, 'abort', () => { held.gone = true; });
      if (o?.once) add.call(this ?? window, type, () => { held.gone = true; }, { once: true, capture: held.capture });
    }
    return add.call(this ?? window, type, f, o);
  };
  EventTarget.prototype.removeEventListener = function (type, f, o) {
    for (const l of listeners) {
      const same = l.target.deref() === (this ?? window) && l.f.deref() === f && l.type === type;
      if (same && l.capture === captures(o)) l.gone = true;
    }
    return remove.call(this ?? window, type, f, o);
  };
  window.remember = (name) => {
    for (const e of document.querySelectorAll(`${name}, ${name} *`)) elements.push(new WeakRef(e));
  };
  window.left = () => [
    listeners.filter((l) => !l.gone && l.target.deref()).length, elements.filter((e) => e.deref()).length,
  ];
})();
"""


def test_twenty_open_widgets_leave_nothing_behind(browser, lab):
    """Twenty linked players, then inspectors, opened and closed again and again, beside twenty of the barest widget.

    Exact: after closing, no element that they drew and no listener that they added is left in the page, and the kernel
    has forgotten them. Memory is measured, as medians over the rounds: JupyterLab and anywidget keep something of any
    widget (its model, its small module), so that the bare ones in the same page say what is theirs.
    """
    address, folder = lab
    page = new_page(browser)
    page.add_init_script(OURS)
    run_all(page, address, "leak")
    box = page.locator("input[type=number]")
    box.wait_for()
    session = page.context.new_cdp_session(page)
    held = {}

    def turn(number):
        box.fill(str(number))
        box.press("Tab")
        name = (".avgen-player", ".bare", ".avgen-inspector")[number // 100]
        page.wait_for_function(f"document.querySelectorAll('{name}').length === {20 * (number % 2)}")
        if number % 2:
            page.evaluate(f"remember('{name}')")
        else:
            assert (
                until(folder / "left.json", lambda left: left["round"] == number)["alive"] == 0
            )  # the kernel forgot them
        for _ in range(40):  # what was closed goes a little later; so long at most
            page.wait_for_timeout(100)
            for _ in range(3):
                session.send("HeapProfiler.collectGarbage")
            listeners, elements = page.evaluate("left()")
            if number % 2 or (listeners, elements) == (0, 0):
                break
        if number % 2:
            assert elements >= 20 and (listeners >= 20 or name == ".bare"), (
                number,
                listeners,
                elements,
            )  # the count sees them while they are open
        else:
            assert (listeners, elements) == (0, 0), (
                f"{name} closed in round {number}: {listeners} listeners and {elements} elements are left"
            )
        held[number] = listeners, elements
        heap = session.send("Runtime.getHeapUsage")
        return (heap["usedSize"] + heap.get("backingStorageSize", 0)) / 2**20

    def rounds(kind, many=5):
        "Megabytes that twenty hold while they are open, and that stay of them: medians; the first round fills caches."
        found = np.array([turn(100 * kind + n) for n in range(1, 2 * many + 1)])
        opened, closed = found[::2], found[1::2]
        return np.median(opened[1:] - closed[:-1]), np.median(np.diff(closed))

    kept = {}
    for kind, name in ((1, "bare"), (0, "players"), (2, "inspectors")):
        open_now, kept[name] = rounds(kind)
        print(
            f"twenty {name}: open {open_now:.2f} MB, (listeners, elements) {held[100 * kind + 3]}; "
            f"after closing {kept[name]:.2f} MB, {held[100 * kind + 10]}"
        )
        if name != "bare":
            assert kept[name] - kept["bare"] < 0.05 * open_now + 0.3, (name, kept)
    assert page.errors == []
    page.close()
