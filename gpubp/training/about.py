"""What a run's folder says of it beside its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .folder import source_name
from .run import Run


def about(run: Run, known: Mapping[str, Any], where: tuple[str, str], started: str) -> dict[str, Any]:
    """The contents of `env.json`: what was trained, from where, on what; `known`: the hashes of net and data, and the
    machine; `where`: the device and the backend that were asked for; `started`: when, in ISO 8601."""
    net, executor = run.executor.net, run.executor
    return {
        "name": source_name(net),
        "base": str(net.base.resolve()),
        "started": started,
        "first_step": run.first_step,
        "steps": run.total,
        "epochs": run.epochs,
        "seed": executor.seed,
        **({"restarts": run.restarts} if run.restarts else {}),
        "precision": executor.precision,
        # The compiler that a backend may name is the environment's.
        "asked": {"device": where[0], "backend": where[1].partition(":")[0]},
        "params": dict(net.given),
        "rows": {part: len(rows) for part, rows in run.dataset.parts.items()},
        **({"left_out": run.dataset.left_out} if run.dataset.left_out else {}),
        **{key: value for key, value in known.items() if key != "columns"},
    }
