"""The training loop, checkpoints, runs and what can be done with them."""

from ..executor.checkpoint import BEST, LAST, Saved, read, save, write
from .ensembles import Ensemble, load_ensemble, open_ensemble
from .exporting import c_text, check_suffix, export, exported, identifier
from .folder import (
    FOLD,
    SEED,
    default_folder,
    folder_of,
    holds_folds,
    holds_seeds,
    saved_runs,
    source_name,
    source_text,
)
from .folds import CrossValidation, Fold, cross_validate, folds_in
from .groups import Group, groups, mean_std
from .history import conclusion, health_records
from .history import records as run_records
from .listing import Listed, all_runs, compare, listed
from .loaded import LoadedRun, asked_of, load_run, net_of
from .prediction import Predictor
from .rate_range import RangeTest, range_test
from .run import Progress, Run, spread
from .searching import Search, begin_search, check_jobs, resume_search, run_search
from .seeds import Replicate, Replication, replicate, seeds_in
from .trainer import train
from .trials import Trial

__all__ = [
    "BEST",
    "CrossValidation",
    "Ensemble",
    "FOLD",
    "Fold",
    "LAST",
    "Replicate",
    "Replication",
    "SEED",
    "Group",
    "Listed",
    "LoadedRun",
    "Predictor",
    "Progress",
    "RangeTest",
    "Run",
    "Saved",
    "Search",
    "Trial",
    "all_runs",
    "asked_of",
    "begin_search",
    "c_text",
    "check_jobs",
    "check_suffix",
    "compare",
    "conclusion",
    "cross_validate",
    "default_folder",
    "export",
    "exported",
    "folder_of",
    "folds_in",
    "groups",
    "health_records",
    "holds_folds",
    "holds_seeds",
    "identifier",
    "listed",
    "load_ensemble",
    "load_run",
    "mean_std",
    "net_of",
    "open_ensemble",
    "range_test",
    "read",
    "replicate",
    "resume_search",
    "run_records",
    "run_search",
    "save",
    "saved_runs",
    "seeds_in",
    "source_name",
    "source_text",
    "spread",
    "train",
    "write",
]
