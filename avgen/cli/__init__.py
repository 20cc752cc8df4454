"""The `avgen` command: it parses, calls and prints. Whatever is clever lives in the other folders.

`base` holds what all subcommands share; `training`, `judging`, `generating`, `preparing`, `notebooks` add them. None may
load PyTorch at import time, so that `avgen --help` answers at once. Options may change; exit codes may not.
"""

from . import training, judging, generating, preparing, notebooks  # each adds its commands, in the order of the help page
from .base import app, main

__all__ = ["app", "main"]
