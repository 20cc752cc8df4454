"""What every page must look like when it opens in Chromium, wide and narrow, light and dark; for browser tests."""

from chrome import keep_count

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


def watched(page):
    """Let a page keep what goes wrong and what it writes to its console, beside what it asks of the network."""
    page = keep_count(page)
    page.console = []
    page.on("console", lambda message: page.console.append(message.text) if message.type == "error" else None)
    return page


def dead_maps(page) -> list:
    """The entropies of the maps that a page opens on, where they say nothing; None for a map without a point."""
    found = page.evaluate(ENTROPIES)
    return [entropy for entropy in found if entropy is None or entropy >= 0.98]


def in_theme(page, theme: str) -> None:
    """Change the theme: of the system, and of the site."""
    page.emulate_media(color_scheme=theme)
    page.evaluate(
        "(theme) => { if (document.body.dataset.theme !== undefined) document.body.dataset.theme = theme; }", theme
    )


def looked_at(page, path, combinations, name: str = "") -> list[str]:
    """Open a page and look at it in each combination of window and theme; return what is wrong with it."""
    name = name or path.name
    page.errors.clear()
    page.outside.clear()
    page.console.clear()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")  # colours at once
    wrong = []
    if page.locator("[data-widget]").count():
        page.wait_for_function(
            "document.querySelectorAll('[data-widget]').length === document.querySelectorAll('[data-ready]').length"
        )
    for window, theme in combinations:
        if page.viewport_size != window:
            page.set_viewport_size(window)
        in_theme(page, theme)
        said = f"{name}, {window['width']} px, {theme}"
        wrong += [f"{said}: {bad}" for bad in page.evaluate(FAINT)]
        wrong += [f"{said}: sticks out: {bad}" for bad in page.evaluate(STICKS_OUT)]
    told = [*page.errors, *page.console, *page.outside]
    return wrong + [f"{name}: {e}" for e in told]


EVERY = [(window, theme) for window in (WIDE, NARROW) for theme in ("light", "dark")]
