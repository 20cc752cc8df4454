"""What is said to the user while a test does something (see avgen.console.advise)."""

import contextlib
import logging
import re

from avgen import console


class _Collected(logging.Handler):
    def __init__(self, texts: list):
        super().__init__()
        self.texts = texts

    def emit(self, record):
        self.texts.append(record.getMessage())


@contextlib.contextmanager
def said(match: str | None = None):
    """Collect the remarks of the `with` block in a list; with `match`, one of them must say it.

    With `match=None` there has to be at least one.
    """
    texts, log = [], logging.getLogger("avgen")
    handler = _Collected(texts)
    console._advised.clear()
    log.addHandler(handler)
    try:
        yield texts
    finally:
        log.removeHandler(handler)
    assert texts and (match is None or any(re.search(match, text) for text in texts)), texts


@contextlib.contextmanager
def nothing_said():
    """Assert that nothing is said that has not been said before."""
    texts, log = [], logging.getLogger("avgen")
    handler = _Collected(texts)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
    assert not texts, texts
