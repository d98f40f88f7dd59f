"""Places of the model that `train` names: values, stages and layers with their weights."""

from __future__ import annotations

from .context import Context
from .scopes import Scope
from .suggest import did_you_mean
from .values import POISON


def check_paths(cx: Context, scope: Scope | None) -> None:
    """Every path that names weights names a value, a layer or a place of the model."""
    if not cx.shared.paths or scope is None:
        return
    known: set[str] = {name for name, entry in scope.names.items() if entry.kind in ("value", "layer")}
    for node in cx.shared.nodes:
        parts = node.name.split(".")
        known.update([".".join(parts[: i + 1]) for i in range(len(parts))])
    for use in cx.shared.paths:
        entry = scope.find(use.text.partition(".")[0])
        if use.text in known or cx.unit.broken or (entry is not None and entry.value is POISON and entry.thing is None):
            continue
        help = did_you_mean(use.text, [name for name in known if name.count(".") == use.text.count(".")])
        stage = use.text.rpartition(".")[0]
        if not help and "." in stage and stage in known:
            help = (f"a place is a value, a stage or a layer: `{stage}`",)
        cx.error("E0201", f"the model has no place `{use.text}`", use.span, label="unknown name", help=help)
