"""Every page of the site in Chromium, wide and narrow, light and dark: nothing breaks, sticks out or is faint."""

import pytest
from built_site import built, pages
from chrome import shoot
from looks import ENTROPIES, EVERY, WIDE, looked_at, watched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser):
    """One page for all; it keeps what goes wrong, and what it asks of the network."""
    page = watched(browser.new_page(viewport=WIDE))
    yield page
    page.close()


<<<<<<< HEAD
=======
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


>>>>>>> wt-rooms
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
<<<<<<< HEAD
        ways = [EVERY[2 + number % 2]] if alike else EVERY
        wrong += looked_at(page, path, ways, str(path.relative_to(built())))
=======
        turn = EVERY if (number // PARTS) % 2 else [*EVERY[2:], *EVERY[:2]]
        found.append((path, [EVERY[2 + number % 2]] if alike else turn))
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_opens_well_in_both_themes_and_widths(page, part):
    wrong = [bad for path, combinations in ways()[part::PARTS] for bad in looked_at(page, path, combinations)]
>>>>>>> wt-rooms
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
