"""Sounds become pictures, pictures become sounds, and the spectrogram shows where the network looked.

The names below are all that most notebooks need: `import avgen`, then `avgen.open_pairs`, `avgen.train`, `avgen.Run`.
Each is loaded when it is first used, so that `import avgen` itself takes a few milliseconds.
"""

from importlib import import_module

__version__ = "0.1.0"

_FACE = {
    "AttentionMap": "nets.attention_maps",
    "InputError": "core",
    "LogMel": "signal.spectrogram",
    "Pairs": "data.pairs",
    "Picture": "data.pictures",
    "Run": "runs.run",
    "Sound": "signal.sound",
    "SpectrogramConfig": "signal.spectrogram",
    "evaluate": "judge.evaluation",
    "fork": "training.runner",
    "map_from_arrays": "nets.attention_maps",
    "open_pairs": "data.corpora",
    "record_attention": "nets.attention",
    "resume": "training.runner",
    "shipped": "runs.run",
    "start": "training.runner",
    "train": "training.runner",
}
_FOLDERS = (
    "signal",
    "data",
    "orchestra",
    "prepare",
    "nets",
    "systems",
    "runs",
    "training",
    "judge",
    "studies",
    "show",
    "report",
    "lessons",
)

__all__ = ["__version__", *_FACE]


def __getattr__(name: str):
    """Load a name of the face, or one of the folders, when it is first used (PEP 562)."""
    if name in _FACE:
        return getattr(import_module(f"avgen.{_FACE[name]}"), name)
    if name in _FOLDERS:
        return import_module(f"avgen.{name}")
    raise AttributeError(f"module 'avgen' has no attribute {name!r}; expected one of {', '.join(__all__)}")


def __dir__() -> list[str]:
    """What completion offers after `avgen.`: the face and the folders."""
    return sorted([*__all__, *_FOLDERS])
