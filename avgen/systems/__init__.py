"""The systems of the papers, each under the name that its paper gives it, and `duet`, our own.

A system is networks, losses, settings and presets, nothing else; how it is trained is the business of `avgen.training`.
To add one, subclass `System` (in `base`) and decorate the class with `register`; to add a loss, write a method of the
system and name it in a `Phase`. Settings, presets and the names of parameters are part of old run folders: keep them.
"""

from . import cmav, cmcgan, duet, missing_modality, sa_cmgan
from .base import (
    DIRECTIONS,
    Phase,
    RegisteredSystem,
    Stage,
    StepContext,
    System,
    build_system,
    register,
    registered_system,
    settings_of,
    system_class,
    systems,
)

__all__ = [
    "DIRECTIONS",
    "Phase",
    "RegisteredSystem",
    "Stage",
    "StepContext",
    "System",
    "build_system",
    "cmav",
    "cmcgan",
    "duet",
    "missing_modality",
    "register",
    "registered_system",
    "sa_cmgan",
    "settings_of",
    "system_class",
    "systems",
]
