"""The built site, for tests: built once for all of them, and read with the parser of the standard library."""

import functools
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "_docs"
_built: list[Path] = []


def built() -> Path:
    """Build the site where it is not up to date, and return its folder. Raises AssertionError with its warnings."""
    if not _built:
        OUT.mkdir(exist_ok=True)
        with FileLock(OUT / ".lock"):
            told = subprocess.run(
                [sys.executable, ROOT / "docs/build.py", "--out", OUT, "--jobs", "1"],
                capture_output=True,
                text=True,
                env={**os.environ, "AVGEN_STILL": "1"},
            )
        assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-6000:]
        _built.append(OUT / "html")
    return _built[0]


class Page(HTMLParser):
    """What a page holds that a test asks for: addresses, ids, and what it loads."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.ids, self.links, self.loads = path, set(), [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.ids |= {told[k] for k in ("id", "name") if told.get(k)}
        address = told.get("href") if tag in ("a", "link") else told.get("src")
        if address and tag == "a":
            self.links.append(address)
        elif address and not (tag == "link" and told.get("rel") in ("index", "search", "next", "prev", "canonical")):
            self.loads.append(address)


@functools.cache
def page(path: Path) -> Page:
    """A page, read once."""
    return Page(path)


def pages() -> list[Path]:
    """Every page of the site."""
    return sorted(built().rglob("*.html"))
