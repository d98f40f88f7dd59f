"""From text to programs: catalogue, loading, checking, lowering."""

from .data_check import CheckedData, check_data
from .domains import Domain, domains
from .exports import build_for_any_batch, no_form, result_names
from .feeds import as_numbers, check_feeds, check_values, match_feeds
from .figures import tables
from .identity import answers, data_files, describe_place, foretold, identity, labelled, written
from .initial import first_value
from .layout import Buffer, Group, Layout, Parameter
from .lifted import UnlikeError, lifted, likeness, statistics
from .loading import current_catalog, load, loads
from .made import program_of
from .net import Net, required
from .overrides import in_fold, in_force
from .planned import plan_of, planned
from .plateau import Stand, plateau_of, require_figure
from .precision import PRECISIONS, TF32
from .programs import KEPT, MASK, MODES, Built, Mode, build, describe, fed_to_fit
from .rates import constant_rate, rates
from .resolved import MAIN, resolved
from .restated import initialiser, with_init, with_rate
from .same import changed
from .stacked import GOING, stacked
from .states import AVERAGE, BEST, BEST_STEP, COUNTERS, EPOCH_STEPS, RATE_SCALE, SEED, STEP, TOTAL_STEPS, counters
from .stops import Start, Watch, cannot_start, start_of, watch_of
from .update import GUARD, gradient_name, require_update
from .watched import Watched, watched

__all__ = [
    "AVERAGE",
    "BEST",
    "BEST_STEP",
    "COUNTERS",
    "EPOCH_STEPS",
    "GOING",
    "GUARD",
    "MAIN",
    "KEPT",
    "MASK",
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
    "Mode",
    "Net",
    "Parameter",
    "Start",
    "Watch",
    "Watched",
    "answers",
    "as_numbers",
    "build",
    "build_for_any_batch",
    "cannot_start",
    "changed",
    "check_data",
    "check_feeds",
    "check_values",
    "match_feeds",
    "data_files",
    "counters",
    "current_catalog",
    "describe",
    "describe_place",
    "foretold",
    "domains",
    "fed_to_fit",
    "first_value",
    "gradient_name",
    "identity",
    "labelled",
    "in_fold",
    "in_force",
    "initialiser",
    "lifted",
    "likeness",
    "load",
    "loads",
    "plan_of",
    "no_form",
    "program_of",
    "planned",
    "required",
    "resolved",
    "result_names",
    "start_of",
    "statistics",
    "watch_of",
    "watched",
    "plateau_of",
    "constant_rate",
    "rates",
    "require_figure",
    "require_update",
    "tables",
    "stacked",
    "with_init",
    "with_rate",
    "written",
]
