"""Every page of the site in Chromium, wide and narrow, light and dark: nothing breaks, sticks out or is faint."""

import pytest
from built_site import built, pages
from chrome import shoot
from looks import ENTROPIES, EVERY, WIDE, looked_at, watched

pytestmark = pytest.mark.browser
PARTS = 6  # of the pages, so that two workers can share them


@pytest.fixture(scope="module")
def page(browser):
    """One page for all; it keeps what goes wrong, and what it asks of the network."""
    page = watched(browser.new_page(viewport=WIDE))
    yield page
    page.close()


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
    wrong = []
    for path, combinations in ways()[part::PARTS]:
        wrong += looked_at(page, path, combinations, str(path.relative_to(built())))
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
