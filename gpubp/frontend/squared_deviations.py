"""The sum of squared distances from the mean, computed over pieces of the rows.

Each piece contributes its own, computed in two passes, and these are combined: Chan, Golub & LeVeque (1983), section 2.
The textbook one-pass formula would lose all digits of a standard deviation of 1 around 1e9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import ops
from ..ir import Var

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS = ("first", "mean", "squares", "rows")


def deviation_parts(values: Var, counts: Var, rows: Var) -> dict[str, Var]:
    """Statistics of a piece, float64 with one row each: its first value that counts, the mean distance from it, their
    sum of squares, and the number of rows that count. They are exactly 0 if all values are equal."""
    first = ops.slice_(values, start=(0,) * values.ndim, stop=(1, *values.shape[1:]))
    rows = ops.reshape(rows, shape=(1,) * values.ndim)
    distance = ops.where(counts, values - first, 0.0)
    mean = ops.sum_(distance, (0,), keepdims=True) / rows
    rest = ops.where(counts, distance - mean, 0.0)
    parts = first, mean, ops.sum_(rest * rest, (0,), keepdims=True), rows
    return dict(zip(PARTS, parts, strict=True))


def combine_deviations(parts: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The combined sum of squares, from the statistics of pieces, with the pieces as the first axis."""
    first, mean, squares, rows = (parts[name] for name in PARTS)
    means = first - first[0] + mean
    between = means - (rows * means).sum(axis=0) / rows.sum(axis=0)
    total: NDArray[Any] = (squares + rows * between * between).sum(axis=0)
    return total
