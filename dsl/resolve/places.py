"""Paths in `train` that name parts of the model: values, stages, and layers with their weights."""

from __future__ import annotations

from .context import Context
from .suggest import did_you_mean, listed
from .values import POISON


def check_paths(cx: Context) -> None:
    """Every path that names weights names a value, a layer or a place of the model, or something of a stage that makes
    weights: what these are called is not known here."""
    if not cx.shared.paths:
        return
    known: set[str] = {name for name, entry in cx.scope.names.items() if entry.kind in ("value", "layer")}
    makers: set[str] = set()
    for node in cx.shared.nodes:
        parts = node.name.split(".")
        known.update([".".join(parts[: i + 1]) for i in range(len(parts))])
        signature = cx.shared.catalog.find("function", node.kind)
        if node.part == "function" and signature is not None and signature.makes_weights:
            makers.add(node.name)
    for use in cx.shared.paths:
        entry = cx.scope.find(use.text.partition(".")[0])
        if (
            use.text in known
            or cx.unit.broken
            or (entry is not None and entry.value is POISON and entry.definition is None)
        ):
            continue
        if use.text.rpartition(".")[0] in makers:
            continue
        near = did_you_mean(use.text, [name for name in known if name.count(".") == use.text.count(".")])
        holders = sorted({name.partition(".")[0] for name in makers})[:12]
        help = near or ((f"{listed(holders, 'and')} have weights",) if len(holders) > 1 else ())
        help = help or tuple([f"`{name}` has weights" for name in holders])
        cx.error(
            "E0201", f"the model has no value, stage or layer `{use.text}`", use.span, label="unknown name", help=help
        )
