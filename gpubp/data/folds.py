"""Rows dealt to folds, each of which is held out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dsl.source import Span

from .checks import counted, problem
from .seeds import Purpose, generator

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
        help = f"fewer folds, or add data: there are {counted(len(pool), 'row')} beside those for testing"
        raise problem("E0421", f"{folds:,} folds of {counted(len(pool), 'row')}: some would be empty", span, help=help)
    order = generator(seed, Purpose.FOLDS).permutation(len(pool))
    if label is not None:
        name, labels = label[0], label[1][pool]
        least = int(np.unique(labels, return_counts=True)[1].min())
        if least < folds:
            message = f"a label of `{name}` has {counted(least, 'row')} to divide, and there are {folds:,} folds"
            help = f"{f'{least:,} folds at most, or ' if least > 1 else ''}leave out `stratify`"
            raise problem("E0421", message, span, help=help)
        order = order[np.argsort(labels[order], kind="stable")]
    number = np.empty(len(pool), dtype=np.int64)
    number[order] = np.arange(len(pool)) % folds
    others = {part: rows for part, rows in parts.items() if part not in ("train", "valid")}
    return [{"train": pool[number != k], "valid": pool[number == k], **others} for k in range(folds)]
