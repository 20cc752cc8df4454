"""The `avgen` command: it parses, calls and prints. Whatever is clever lives in the other folders.

`base` holds what all subcommands share; `training`, `judging`, `generating`, `preparing`, `corpora` and `notebooks` add
them. Nothing here may load PyTorch at import time, so that `avgen --help` answers at once. Options may change; exit
codes may not.
"""

# each adds its commands, in the order of the help page
from . import training, judging, generating, preparing, corpora, notebooks
from .base import app, main

__all__ = ["app", "main"]
