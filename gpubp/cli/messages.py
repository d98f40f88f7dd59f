"""Messages about a training: its headline, what a resume may change, what is wrong with the net."""

from __future__ import annotations

import sys

from ..frontend import TF32
from ..health import Finding
from ..training import Run
from ..wording import counted
from .color import fitted
from .live import Live
from .nets import rows_of
from .streams import print_error


def headline(run: Run, more: str = "", seeds: str = "") -> str:
    """The net, its rows, the device, the precision, the seed, or several `seeds`; `more` stands behind the rows."""
    ex = run.executor
    rounds = ex.backend.name == "gpu" and ex.backend.compiles
    precision = "float32 instead of tf32" if ex.precision == TF32 and not rounds else ex.precision
    about = f"{ex.net.graph.source.name}: {counted(ex.net.size, 'parameter')}; rows: {rows_of(run.dataset)}{more}"
    return f"{about}; {ex.backend.description}, {precision}, {seeds or f'seed {ex.seed}'}"


def warn_of(run: Run) -> None:
    """Print what a resume may change, once."""
    for warning in run.warnings:
        print_error(f"warning: {warning}")
    run.warnings.clear()


def advise(live: Live, said: list[Finding], finding: Finding, whose: str = "") -> None:
    """Print what is wrong with the net and what mends it, unless it was said; `whose` begins the line."""
    if finding in said:
        return
    said.append(finding)
    live.clear()
    sys.stdout.flush()
    # The help is for pasting, so none of its lines is folded.
    warning = fitted(f"\nwarning: {whose}{finding.message}", sys.stderr)
    print_error("\n".join([warning, *(f"  help: {line}" for line in finding.help)]))
