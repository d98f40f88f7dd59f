"""The training loop, checkpoints, runs and what can be done with them."""

from .checkpoint import BEST, LAST, Saved, read, save, write
from .exporting import c_text, check_suffix, export, exported, identifier
from .folder import default_folder, fold_folder, holds_folds, saved_folds, source_name, source_text
from .folds import CrossValidation, Fold, cross_validate, folds_of
from .folds import as_json as folds_as_json
from .groups import Group, groups, mean_std
from .history import health_records
from .history import records as run_records
from .listing import Listed, all_runs, compare, listed
from .loaded import LoadedRun, asked_of, load_run, net_of
from .prediction import Predictor
from .rate_range import RangeTest, range_test
from .restarts import spread
from .run import Progress, Run
from .searching import Search, begin_search, check_jobs, resume_search, search
from .trainer import train
from .trials import Trial

__all__ = [
    "BEST",
    "CrossValidation",
    "Fold",
    "LAST",
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
    "cross_validate",
    "default_folder",
    "export",
    "exported",
    "fold_folder",
    "folds_as_json",
    "folds_of",
    "groups",
    "health_records",
    "holds_folds",
    "identifier",
    "listed",
    "mean_std",
    "load_run",
    "net_of",
    "range_test",
    "read",
    "resume_search",
    "run_records",
    "save",
    "saved_folds",
    "source_name",
    "source_text",
    "spread",
    "train",
    "search",
    "write",
]
