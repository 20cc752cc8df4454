"""The embedded data set: thirteen instruments, synthesised and drawn, with their true factors.

`dataset.build` makes it and is all that most readers need. The other modules draw performers and synthesise sounds; each can
be changed freely, but every pixel and sample follows from the seed, so a change here makes another data set.
"""

from importlib import import_module


def __getattr__(name: str):
    """Offer `orchestra.build` and its neighbours without loading them before they are used."""
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(import_module(".dataset", __name__), name)
