"""How a run gets from its first step to its last: watched, paused, interrupted and resumed exactly.

`runner` holds `train`, `resume`, `fork` and `start`; `trainer` is the loop, `position` does a step, `checkpointer`
decides when a checkpoint is written. Training knows stages and phases, and no system by name. Change the order of
random draws here and old checkpoints no longer resume exactly.
"""

_FACE = ("train", "resume", "fork", "start")


def __getattr__(name: str):
    """Offer `training.train` and its neighbours without loading them before they are used."""
    if name not in _FACE:
        raise AttributeError(f"module 'avgen.training' has no attribute {name!r}; expected one of {', '.join(_FACE)}")
    from . import runner

    return getattr(runner, name)
