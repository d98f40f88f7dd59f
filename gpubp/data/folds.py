"""Rows dealt to folds, each of which is held out once; and those of rows in their order, one behind the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dsl.source import Span

from ..seeds import Purpose, generator
from ..wording import counted
from .checks import problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def by_folds(
    parts: Mapping[str, NDArray[np.int64]],
    folds: int,
    label: tuple[str, NDArray[np.int64]] | None,
    seed: int,
    span: Span,
) -> list[dict[str, NDArray[np.int64]]]:
    """Row numbers of each part, ascending, for each of the `folds`: the rows of `train` and `valid` are dealt to them
    like cards, in an order that the seed draws; one fold is "valid", the others are "train", other parts stay. Sizes
    differ by one at most, and so do the rows of each `label`: a name, and a number for every row.

    Raises DiagnosticError (E0421) at `span` where a fold would get no row, or none of a label.
    """
    import numpy as np

    pool = np.sort(np.concatenate([parts[part] for part in ("train", "valid") if part in parts]))
    if len(pool) < folds:
        verb = "is" if len(pool) == 1 else "are"
        help = f"fewer folds, or add data: there {verb} {counted(len(pool), 'row')} beside those for testing"
        raise problem("E0421", f"{folds:,} folds of {counted(len(pool), 'row')}: some would be empty", span, help=help)
    order = generator(seed, Purpose.FOLDS).permutation(len(pool))
    if label is not None:
        name, labels = label[0], label[1][pool]
        least = int(np.unique(labels, return_counts=True)[1].min())
        if least < folds:
            message = f"a label of `{name}` has {counted(least, 'row')} to divide, but there are {folds:,} folds"
            help = f"{f'{least:,} folds at most, or ' if least > 1 else ''}leave out `stratify`"
            raise problem("E0421", message, span, help=help)
        order = order[np.argsort(labels[order], kind="stable")]
    number = np.empty(len(pool), dtype=np.int64)
    number[order] = np.arange(len(pool)) % folds
    others = {part: rows for part, rows in parts.items() if part not in ("train", "valid")}
    return [{"train": pool[number != k], "valid": pool[number == k], **others} for k in range(folds)]


def forward(
    parts: Mapping[str, NDArray[np.int64]], folds: int, between: int, span: Span
) -> list[dict[str, NDArray[np.int64]]]:
    """The same of windows in their order, each of which foretells what comes after it: those of `train` and `valid` are
    cut into one stretch more than there are `folds`, one behind the other; a fold is the next stretch after those that
    it learns from. So the first teaches always, and none is held out before what it follows from (rolling origin;
    Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed., section 5.10). Stretches are of one size,
    the first takes what is left over; the last `between` windows before a fold are in no part of it.

    Raises DiagnosticError (E0421) at `span` where a fold would be empty, or the first would have nothing to learn from.
    """
    import numpy as np

    last = max(int(parts[part][-1]) for part in ("train", "valid") if len(parts.get(part, ())))
    count = last + 1
    size = count // (folds + 1)
    first = count - folds * size
    if not size or first <= between:
        message = f"{folds:,} folds of {counted(count, 'window')}: some would be empty"
        if size:
            message = f"the first of {folds:,} folds would have nothing to learn from: of {counted(first, 'window')} "
            message += f"before it the last {between:,} are left out"
        raise problem("E0421", message, span, help="fewer folds, or a longer series")
    others = {part: rows for part, rows in parts.items() if part not in ("train", "valid")}
    starts = range(first, count, size)
    return [
        {
            "train": np.arange(start - between, dtype=np.int64),
            "valid": np.arange(start, start + size, dtype=np.int64),
            **others,
        }
        for start in starts
    ]
