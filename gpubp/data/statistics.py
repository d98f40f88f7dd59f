"""What only the training rows may teach: means, deviations, and what stands for missing numbers."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from .dataset import Rows
from .encoders import Encoder
from .stream import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def fit(rows: Rows, train: NDArray[np.int64]) -> Rows:
    """The rows as the net takes them, and their encoder with the statistics of the rows `train`. Labels are so
    already."""
    import numpy as np

    values, encoder = rows.values, rows.encoder
    if encoder.classes is not None:
        return rows
    if isinstance(values, Stored):
        encoder = _fit_stored(values, train) if rows.standardize else encoder
        return replace(rows, values=replace(values, encoder=encoder), encoder=encoder)
    if rows.fill and encoder.fields and encoder.feature:
        encoder = _filled(values, train, encoder, rows.fill)
    if rows.standardize:
        known = encoder.numbers(values[train]).reshape(len(train), prod(encoder.shape))
        with np.errstate(over="ignore", invalid="ignore"):  # `suspicions.too_large` tells
            encoder = _standard(encoder, known.mean(axis=0), known.std(axis=0), np.abs(known).max(axis=0))
    return replace(rows, values=encoder.numbers(values), encoder=encoder)


def _filled(column: NDArray[Any], train: NDArray[np.int64], encoder: Encoder, fill: str) -> Encoder:
    """Every column of numbers gets its number: later rows may miss a cell where no training row does.

    Where no training row has a number, all rows of the data say it.
    """
    import numpy as np

    flat = column.reshape(len(column), -1)
    statistic = np.mean if fill == "mean" else np.median
    fields, at = [], 0
    for field in encoder.fields:
        if not field.words:
            known = flat[train, at]
            known = known[~np.isnan(known)]
            if not len(known):
                known = flat[~np.isnan(flat[:, at]), at]
            field = replace(field, fill=float(statistic(known)))
        fields.append(field)
        at += field.width
    return replace(encoder, fields=tuple(fields))


def _fit_stored(column: Stored, train: NDArray[np.int64]) -> Encoder:
    """In one pass; pieces are merged as Chan, Golub & LeVeque (1983) do."""
    import numpy as np

    size = prod(column.encoder.shape)
    count, mean, squares, most = 0, np.zeros(size), np.zeros(size), np.zeros(size)
    many = max(1, (1 << 20) // max(1, column.row_bytes))
    for start in range(0, len(train), many):
        rows = column.take(train[start : start + many]).reshape(-1, size)
        new = rows.mean(axis=0)
        shift, total = new - mean, count + len(rows)
        squares += ((rows - new) ** 2).sum(axis=0) + shift**2 * (count * len(rows) / total)
        mean += shift * (len(rows) / total)
        most = np.maximum(most, np.abs(rows).max(axis=0))
        count = total
    return _standard(column.encoder, mean, np.sqrt(squares / count), most)


def _standard(
    encoder: Encoder, mean: NDArray[np.float64], deviation: NDArray[np.float64], most: NDArray[np.float64]
) -> Encoder:
    """Mean and (population) deviation by element; what is constant is only shifted."""
    import numpy as np

    # A constant column of, say, 0.1 has a deviation of 1e-17 from rounding, which must not be blown up to 1.
    deviation = np.where(deviation > 1e-12 * most, deviation, 1.0)
    fixed = encoder.fixed()
    mean, deviation = np.where(fixed, 0.0, mean), np.where(fixed, 1.0, deviation)
    return replace(encoder, mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))
