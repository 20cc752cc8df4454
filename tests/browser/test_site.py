"""Every page of the site in Chromium, wide and narrow, light and dark: nothing breaks, sticks out or is faint."""

import pytest
from built_site import built, pages
from chrome import keep_count, shoot

pytestmark = pytest.mark.browser
WIDE, NARROW = {"width": 1600, "height": 900}, {"width": 600, "height": 900}
# Text that is hard to read: its colour against what lies behind it. What lies on a picture or canvas is left out.
FAINT = """() => {
  const parse = (text) => {
    const n = (text.match(/[\\d.]+/g) || []).map(Number);
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const light = ([r, g, b]) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const dark = () => matchMedia("(prefers-color-scheme: dark)").matches
    && getComputedStyle(document.documentElement).colorScheme.includes("dark");
  const known = new Map();
  const behind = (node) => {
    if (known.has(node)) return known.get(node);
    const style = getComputedStyle(node);
    let found = null; // nobody knows what lies on a picture
    if (style.backgroundImage === "none") {
      const thin = node.getBoundingClientRect().width < 4; // a mark: its label stands beside it, on what lies below
      const own = thin ? [0, 0, 0, 0] : parse(style.backgroundColor);
      const below = node.parentElement ? behind(node.parentElement) : dark() ? [18, 18, 18, 1] : [255, 255, 255, 1];
      found = below && (own[3] ? over(own, below) : below);
    }
    known.set(node, found);
    return found;
  };
  const bad = [], seen = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!node || seen.has(node) || !walk.currentNode.data.trim()) continue;
    seen.add(node);
    if (node.closest("svg, script, style, noscript, template, [hidden], [disabled], [aria-hidden=true]")) continue;
    if (node.closest(".visually-hidden")) continue;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(node), back = behind(node);
    if (!back || style.color === "rgba(0, 0, 0, 0)") continue;
    const a = light(over(parse(style.color), back)), b = light(back);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const what = `${node.tagName.toLowerCase()}.${node.className}: ${walk.currentNode.data.trim().slice(0, 40)}`;
    if (contrast < 4.5) bad.push(`${contrast.toFixed(2)} ${what}`);
  }
  return bad.slice(0, 6);
}"""
# What sticks out of the window, without what scrolls in a box of its own.
STICKS_OUT = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const found = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1);
  const end = (e) => Math.round(e.getBoundingClientRect().right);
  return found.slice(0, 4).map((e) => `${e.tagName.toLowerCase()}.${e.className} to ${end(e)}`);
}"""
ENTROPIES = """() => [...document.querySelectorAll(".avgen-inspector")].map((r) => {
  const d = r.drawn && r.drawn();
  return d ? d.entropy : null; // a map that opens without a point is dead, too
})"""


@pytest.fixture(scope="module")
def page(browser):
    """One page for all; it keeps what goes wrong, and what it asks of the network."""
    page = keep_count(browser.new_page(viewport=WIDE))
    page.console = []
    page.on("console", lambda message: page.console.append(message.text) if message.type == "error" else None)
    yield page
    page.close()


def in_theme(page, theme: str) -> None:
    """Change the theme: of the system, and of the site."""
    page.emulate_media(color_scheme=theme)
    page.evaluate(
        "(theme) => { if (document.body.dataset.theme !== undefined) document.body.dataset.theme = theme; }", theme
    )


def looked_at(page, path, combinations) -> list[str]:
    """Open a page and look at it in each combination of window and theme; return what is wrong with it."""
    page.errors.clear()
    page.outside.clear()
    page.console.clear()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")  # colours at once
    wrong = []
    if "/live/" in path.as_posix():
        page.wait_for_function(
            "document.querySelectorAll('[data-widget]').length === document.querySelectorAll('[data-ready]').length"
        )
    for window, theme in combinations:
        if page.viewport_size != window:
            page.set_viewport_size(window)
        in_theme(page, theme)
        said = f"{path.relative_to(built())}, {window['width']} px, {theme}"
        wrong += [f"{said}: {bad}" for bad in page.evaluate(FAINT)]
        wrong += [f"{said}: sticks out: {bad}" for bad in page.evaluate(STICKS_OUT)]
    told = [*page.errors, *page.console, *page.outside]
    return wrong + [f"{path.relative_to(built())}: {e}" for e in told]


EVERY = [(window, theme) for window in (WIDE, NARROW) for theme in ("light", "dark")]
PARTS = 6  # of the pages, so that two workers can share them


def chapter(path) -> str:
    """The part of the site that a page belongs to."""
    parts = path.relative_to(built()).parts
    return "/".join(parts[:2]) if parts[0] in ("nbs", "api") and len(parts) > 2 else parts[0]


def ways() -> list[tuple]:
    """Every page with the windows and themes to look at it in.

    Modules of the reference are all alike: one a folder in all four ways, the rest narrow, in either theme. Every
    second page is seen narrow first, since the window of the page before it is: changing it takes longer than looking.
    """
    found, looked = [], set()
    for number, path in enumerate(pages()):
        if path.name in ("genindex.html", "py-modindex.html", "search.html"):
            continue  # the theme's own
        part = chapter(path)
        alike = part.startswith("api") and part in looked
        looked.add(part)
        turn = EVERY if (number // PARTS) % 2 else [*EVERY[2:], *EVERY[:2]]
        found.append((path, [EVERY[2 + number % 2]] if alike else turn))
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_opens_well_in_both_themes_and_widths(page, part):
    wrong = [bad for path, combinations in ways()[part::PARTS] for bad in looked_at(page, path, combinations)]
    assert not wrong, "\n".join(wrong[:40]) + f"\n{len(wrong)} in all"


def test_no_map_opens_dead(page):
    """A page that opens on a map asks a point whose attention says something."""
    count = 0
    for path in sorted((built() / "live").glob("*.html")):
        if '"AttentionInspector"' not in path.read_text():
            continue
        page.goto(path.as_uri())
        page.wait_for_function("document.querySelector('.avgen-inspector')?.drawn?.()")
        for entropy in page.evaluate(ENTROPIES):
            assert entropy is not None and entropy < 0.98, f"{path.name} opens on a map of entropy {entropy}"
            count += 1
    assert count


def test_the_search_finds_a_page_without_network(page):
    page.errors.clear()
    page.outside.clear()
    page.goto((built() / "search.html").as_uri() + "?q=mismatched")
    page.wait_for_selector("ul.search li a")
    assert page.locator("ul.search li a").count() > 3 and page.outside == [] and page.errors == []
    shoot(page, "site_search")
