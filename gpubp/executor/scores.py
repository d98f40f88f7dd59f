"""The loss and the metrics of outputs that no single net computed, such as the means over an ensemble."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..frontend import build_scores, check_feeds
from .core import CHUNK
from .evaluation import accumulate, finish_metrics
from .executor import Executor
from .feeding import Placed
from .machine import Machine, Programs


def scores(
    executor: Executor,
    outputs: Mapping[str, Any],
    data: Mapping[str, Any],
    batch: int = CHUNK,
    own: Collection[str] = (),
    shared: Collection[str] = (),
) -> dict[str, Any]:
    """The loss and the metrics, tables included, of `outputs` in place of those that the executor computes for the rows
    of `data`, arrays of all inputs and targets. Left out are those that the outputs do not tell, because they depend on
    the weights or other state in another way, but for the state named by `shared`, or on an input in `own`. Raises
    InputError."""
    net, backend, dtype = executor.net, executor.backend, executor.dtype
    net.require_loss()
    given = {name: values for name, values in outputs.items() if values.dtype.kind == "f"}  # the others are labels
    state = {name: executor.arrays()[name] for name in shared}
    kept = executor.programs.others.setdefault(("scores", *given, frozenset(own), frozenset(shared)), Programs(backend))
    machine = Machine(lambda mode, rows, fit: build_scores(net, rows, dtype, [*given], own, shared), kept, state)
    with backend.running():
        arrays, _ = check_feeds(backend, (*net.graph.inputs, *net.graph.targets), data, dtype)
        placed = Placed(backend, [*arrays, *map(backend.asarray, given.values())])
        figures = finish_metrics(*accumulate(machine, placed, batch))
    del figures["penalty"]
    return figures
