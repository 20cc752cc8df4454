"Chromium for browser tests: the browser, pages that count requests and errors, and hands for the inspector."

import os
import shutil
from contextlib import contextmanager

import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Keeps what is played: number of samples, the loudest of them, and the moment from which it is played.
LISTEN = """(() => {
  window.heard = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    const samples = this.buffer.getChannelData(0);
    const loudest = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    window.heard.push({ samples: samples.length, loudest, from: when[1] ?? 0 });
    return start.apply(this, when);
  };
})();"""


def missing(what):
    "Skip where a machine has no browser; on the machine that must have one, fail."
    if os.environ.get("CI"):
        pytest.fail(f"{what}; CI must have it: pip install playwright, apt-get install chromium")
    pytest.skip(f"{what}: install it to run the browser tests (pip install playwright, apt-get install chromium)")


def chromium_path() -> str | None:
    "Where Chromium is on this machine; None where there is none."
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("AVGEN_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def launched():
    "A headless Chromium, driven by Playwright."
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    path = chromium_path()
    if path is None:
        missing("no chromium found")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def keep_count(page, wait=60_000):
    "Let a page keep its errors, and what it asks of the network: `page.errors`, `page.outside`."
    page.set_default_timeout(wait)
    page.errors, page.outside = [], []
    page.on("pageerror", lambda error: page.errors.append(f"{error} {error.stack or ''}"))

    def asked(request):
        own = request.url.startswith(("file:", "data:", "blob:", "about:")) or "//127.0.0.1" in request.url
        if not own:
            page.outside.append(request.url)

    page.on("request", asked)
    return page


def opened(browser, address, wait=60_000, script=LISTEN, **settings):
    "A new page at an address (`about:blank` for none), with `script` run before anything else on it."
    page = keep_count(browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **settings}), wait)
    page.add_init_script(script)
    page.goto(address)
    return page


def opened_offline(browser, path, script=LISTEN, **settings):
    "A saved page, opened from disk with the network refused, once all its widgets are alive. Close its context."
    context = browser.new_context(offline=True, **{"viewport": {"width": 1280, "height": 900}, **settings})
    page = keep_count(context.new_page())
    page.add_init_script(script)
    page.goto(path.as_uri())
    page.wait_for_function(
        "document.querySelector('[data-widget]') && "
        "document.querySelectorAll('[data-widget]').length === document.querySelectorAll('[data-ready]').length"
    )
    return page


def inspector(page):
    "The first attention inspector of a page."
    return page.locator(".avgen-inspector").first


def drawn(page):
    "What the first inspector draws, in numbers; None where it draws nothing."
    return inspector(page).evaluate("r => r.drawn()")


def ask(page, x, y, act="click"):
    "Click or hover the first stage at x, y in 0..1, y from below."
    stage = page.locator(".avgen-stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    getattr(stage, act)(position={"x": box["width"] * x, "y": box["height"] * (1 - y)})
    page.wait_for_timeout(30)


def shoot(page, name, **settings):
    "Keep a picture of the page where AVGEN_SCREENSHOTS names a folder."
    if shots := os.environ.get("AVGEN_SCREENSHOTS"):
        page.screenshot(path=f"{shots}/{name}.png", **settings)
