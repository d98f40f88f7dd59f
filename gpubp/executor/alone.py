"""A program of an executor as text that runs by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..frontend import Mode
from ..render import Argument, standalone

if TYPE_CHECKING:
    from .executor import Executor


def source(executor: Executor, mode: Mode, batch: int, data: Mapping[str, Any] | None) -> str:
    """See `Executor.source`."""
    compiled = executor.compiled(mode, batch)
    nodes = {n.label or n.name: n for n in (*executor.net.graph.inputs, *executor.net.graph.targets)}
    feeds, states = [], []
    for var in compiled.plan.feeds:
        node, values = nodes.get(var.hint), None
        classes = node.type.classes if node is not None and node.type is not None else None
        if node is None:  # the mask
            values = executor.backend.to_host(executor.xp.ones(var.shape))
        elif data is not None and len(data[var.hint]) >= batch:
            values = executor.backend.to_host(executor.backend.asarray(data[var.hint][:batch]).astype(var.dtype))
        feeds.append(Argument(var.hint, var.aval, values, classes))
    for var in compiled.plan.states:
        states.append(Argument(var.hint, var.aval, executor._state.shown(var.hint)))
    title = f"{executor.net.graph.source.name}: {mode}, batch of {batch}, {executor.dtype}"
    return standalone(compiled.text, mode, compiled.plan.arena, feeds, states, compiled.built.outputs, title)
