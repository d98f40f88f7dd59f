"""The training loop, saved state, runs and what is done with them."""

from .checkpoint import BEST, LAST, Saved, read, save, write
from .folder import RUNS, default_folder
from .listing import Listed, all_runs, compare
from .loaded import LoadedRun, load_run, net_of
from .loop import train
from .restarts import spread
from .run import Progress, Run

__all__ = [
    "BEST",
    "LAST",
    "RUNS",
    "Listed",
    "LoadedRun",
    "Progress",
    "Run",
    "Saved",
    "all_runs",
    "compare",
    "default_folder",
    "load_run",
    "net_of",
    "read",
    "save",
    "spread",
    "train",
    "write",
]
