"""The outputs for rows of inputs, in chunks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..frontend import Net, check_values, match_feeds
from ..passes import ITEM
from .machine import Machine, bucket


def predict_rows(machine: Machine, net: Net, inputs: Any, most: int) -> Any:
    """See `Executor.predict`; `most` rows at a time. Each chunk is copied, validated and computed while it is in the
    cache; it is padded with zeros."""
    nodes, backend = net.graph.inputs, machine.backend
    arrays, count = match_feeds(backend, nodes, inputs)
    out: dict[str, Any] = {}
    for start in range(0, count, most):
        stop = min(start + most, count)
        size = bucket(rows := stop - start)
        bound = machine.bound("predict", size)
        for node, slot, array in zip(nodes, bound.feeds, arrays, strict=True):
            slot[:rows] = some = array[start:stop]
            slot[rows:] = 0
            check_values(backend, node, some, slot[:rows], start)
        with backend.products(bound.compiled.costs.largest_product):
            bound.step()
        for name, value in bound.outputs.items():
            if name not in out:
                out[name] = backend.xp.empty((count, *value.shape[1:]), dtype=value.dtype)
            out[name][start:stop] = value[:rows]  # an output that does not depend on the inputs has one row
    return next(iter(out.values())) if len(out) == 1 and not isinstance(inputs, Mapping) else out


def rows_per_piece(net: Net, near: float, dtype: str) -> int:
    """Rows, a power of two, whose values take about `near` bytes, or a few if that is less."""
    each = ITEM[dtype] * sum(math.prod(shape) for shape in net.shapes.values())
    return 1 << max(4, int(math.log2(min(near / max(each, 1), 1 << 30))))
