"""The memory requirements of a net, and the refusal of one that does not fit."""

from __future__ import annotations

import gc
import math

from ..backends import Backend
from ..errors import GpubpError
from ..frontend import Net, build_plan
from ..passes import ITEM, cost
from ..wording import counted

_SHARE = 0.1
"""If a rough estimate is below this fraction of the free memory, no plan is made to check it."""


def require_memory(net: Net, backend: Backend, dtype: str, batch: int, copies: int = 1) -> None:
    """Raise GpubpError, before anything is allocated, if running `copies` of `net` on batches of `batch` rows does not
    fit into the device's free memory."""
    free = backend.free_memory()
    if free is None:
        return
    weights = sum(group.size for group in net.layout.groups) * ITEM[dtype]
    values = sum(math.prod(shape) for shape in net.shapes.values()) * batch * ITEM[dtype]
    # Weights, gradients and two moments; each value with its gradient and temporaries.
    if copies * (4 * weights + 4 * values) < _SHARE * free:
        return
    _, plan = build_plan(net, "predict" if net.graph.train is None else "train", batch, dtype)
    costs = cost(plan)
    if copies * costs.memory > free:
        gc.collect()  # executors that nobody uses any more
        free = backend.free_memory() or 0
    if copies * costs.memory <= free:
        return
    rest, step, every = costs.states - weights, costs.memory - costs.states, copies * costs.memory
    times = f", {copies:,} times," if copies > 1 else ""
    rows = f"{counted(batch, 'row')}{times}"
    fewer = "fewer restarts, " if copies > 1 else ""
    parts = f"{_size(weights)} of weights, {_size(rest)} of other state and {_size(step)} for a step on {rows}"
    raise GpubpError(
        f"`{net.graph.source.name}` does not fit into memory: {parts} make {_size(every)}, and "
        f"{_size(free)} are free on the {backend.name.upper()}; {fewer}a smaller batch or smaller layers need less"
    )


def _size(count: int) -> str:
    """A human-readable size."""
    size, unit = float(count), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:,.1f} {unit}"
