"""From text to programs: catalogue, loading, checking, lowering."""

from .data_check import CheckedData, check_data
from .data_files import data_files
from .domains import Domain, domains
from .early_stopping import Watch, watch_of
from .exports import build_for_any_batch, result_names, unsupported
from .feeds import as_numbers, check_feeds, check_values, match_feeds
from .figures import tables
from .identity import LOSS, MODEL, format_value, identity
from .initial_values import initial_value
from .labels import label_targets, metric_labels, predicted_labels
from .layout import Buffer, Group, Layout, Parameter
from .lifting import UnlikeError, lift_programs, statistics_key, sweep_key
from .loading import current_catalog, load, load_set, loads
from .net import Net, required
from .origins import describe, describe_place
from .overrides import with_fold, with_options
from .planning import build_plan, plan_of
from .plateau import Stand, plateau_of
from .precision import PRECISIONS, TF32
from .program_cache import program_of, share_programs
from .programs import KEPT, MASK, Built, build, fed_to_fit
from .rates import constant_rate, rates
from .saved_identity import changed_parts
from .scoring import build_scores
from .source_edits import initialiser, with_init, with_rate
from .stacking import GOING, stack_program
from .standalone_source import MAIN, standalone_files
from .states import (
    AVERAGE,
    BEST,
    BEST_STEP,
    COUNTERS,
    EPOCH_STEPS,
    RATE_SCALE,
    SEED,
    STEP,
    TOTAL_STEPS,
    counter_specs,
    training_lengths,
)
from .traced_step import TracedStep, trace_step
from .tracing import MODES, Mode
from .training_checks import Length, length_of, require_parts
from .update import GUARD, gradient_name
from .warm_start import Start, cannot_start, chosen_weights, require_start, start_of

__all__ = [
    "AVERAGE",
    "BEST",
    "BEST_STEP",
    "COUNTERS",
    "EPOCH_STEPS",
    "GOING",
    "GUARD",
    "LOSS",
    "MAIN",
    "KEPT",
    "MASK",
    "MODEL",
    "MODES",
    "PRECISIONS",
    "RATE_SCALE",
    "SEED",
    "STEP",
    "TOTAL_STEPS",
    "TF32",
    "Stand",
    "UnlikeError",
    "Buffer",
    "Built",
    "CheckedData",
    "Domain",
    "Group",
    "Layout",
    "Length",
    "Mode",
    "Net",
    "Parameter",
    "Start",
    "Watch",
    "TracedStep",
    "label_targets",
    "as_numbers",
    "build",
    "build_for_any_batch",
    "build_scores",
    "cannot_start",
    "chosen_weights",
    "changed_parts",
    "check_data",
    "check_feeds",
    "check_values",
    "match_feeds",
    "data_files",
    "counter_specs",
    "current_catalog",
    "describe",
    "describe_place",
    "predicted_labels",
    "domains",
    "fed_to_fit",
    "initial_value",
    "gradient_name",
    "identity",
    "metric_labels",
    "with_fold",
    "with_options",
    "initialiser",
    "lift_programs",
    "sweep_key",
    "load",
    "length_of",
    "load_set",
    "loads",
    "plan_of",
    "training_lengths",
    "unsupported",
    "program_of",
    "build_plan",
    "required",
    "share_programs",
    "standalone_files",
    "result_names",
    "start_of",
    "statistics_key",
    "watch_of",
    "trace_step",
    "plateau_of",
    "constant_rate",
    "rates",
    "require_parts",
    "require_start",
    "tables",
    "stack_program",
    "with_init",
    "with_rate",
    "format_value",
]
