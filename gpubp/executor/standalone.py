"""Standalone scripts of an executor's programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..frontend import Mode
from ..render import Argument, standalone
from .machine import Compiled
from .state import State


def source(state: State, compiled: Compiled, mode: Mode, batch: int, data: Mapping[str, Any] | None) -> str:
    """The program of a mode and batch size over a state; see `Executor.source`."""
    net, backend = state.net, state.backend
    nodes = {n.name: n for n in (*net.graph.inputs, *net.graph.targets)}
    feeds, states = [], []
    for var in compiled.plan.feeds:
        node, values = nodes.get(var.hint), None
        classes = node.type.classes if node is not None and node.type is not None else None
        if node is None:  # the mask
            values = backend.to_host(backend.xp.ones(var.shape))
        elif data is not None and len(data[var.hint]) >= batch:
            values = backend.to_host(backend.asarray(data[var.hint][:batch]).astype(var.dtype))
        feeds.append(Argument(var.hint, var.aval, values, classes))
    for var in compiled.plan.states:
        states.append(Argument(var.hint, var.aval, state.shown(var.hint)))
    title = f"{net.graph.source.name}: {mode}, batch of {batch}, {state.dtype}"
    return standalone(compiled.text, mode, compiled.plan.arena, feeds, states, compiled.built.outputs, title)
