"The systems of the papers, registered under the names that the papers give them."

from . import cmav, cmcgan, missing_modality, sa_cmgan
from .base import DIRECTIONS, Phase, Stage, StepContext, System, build_system, register, settings_of, system_class, systems

__all__ = ["DIRECTIONS", "Phase", "Stage", "StepContext", "System", "build_system", "cmav", "cmcgan", "missing_modality", "register", "sa_cmgan", "settings_of", "system_class", "systems"]
