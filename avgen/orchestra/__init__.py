"""The embedded data set: thirteen instruments, synthesised and drawn, with their true factors.

`orchestra.build(folder)` makes it and opens it; most readers need nothing else. The modules from `canvas` to `drawing`
make the pictures, `voices` to `synthesis` the sounds; `takes` brings the two together, `dataset` writes them to disk.
Every pixel and sample follows from the seed, so any change here makes another data set, with a new `dataset.VERSION`.
"""

from importlib import import_module

_HOMES = {
    "build": "dataset",
    "probes": "dataset",
    "plan_takes": "takes",
    "make_take": "takes",
    "play": "synthesis",
    "random_phrase": "music",
    "draw": "drawing",
}


def __getattr__(name: str):
    """Offer `orchestra.build` and its neighbours without loading their modules before they are used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__():
    """List what the package offers, for completion."""
    return sorted([*globals(), *_HOMES])
