"""The contents of `env.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .folder import source_name
from .run import Run


def about(run: Run, known: Mapping[str, Any], where: tuple[str, str], started: str) -> dict[str, Any]:
    """The contents of `env.json`: what was trained, with which settings, on which machine. `known`: the hashes of net
    and data, and the machine; `where`: the requested device and backend; `started`: when, in ISO 8601."""
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
        # A backend may name a compiler, which is specific to the environment.
        "asked": {"device": where[0], "backend": where[1].partition(":")[0]},
        "params": dict(net.given),
        "rows": {part: len(rows) for part, rows in run.dataset.parts.items()},
        **({"left_out": run.dataset.left_out} if run.dataset.left_out else {}),
        **{key: value for key, value in known.items() if key != "columns"},
    }
