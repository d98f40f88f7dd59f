"""Parts of the rows to train, validate and test: `split(train = 80%, valid = 10%, test = 10%, stratify = label)`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from dsl.diagnostics import DiagnosticError
from dsl.graph import Choice, Word
from dsl.source import Span

from ..registry import OptionType, lookup, register
from ..seeds import Purpose, generator
from ..wording import counted, listed
from .checks import problem, suggestion
from .dataset import PARTS
from .folds import by_folds, forward
from .stream import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


OptionalFraction = Annotated[float | None, OptionType(("fraction",))]
Name = Annotated[Any, OptionType(("path", "string"))]
Folds = Annotated[int | None, OptionType(("whole",), minimum=2)]
Fold = Annotated[int | None, OptionType(("whole",), minimum=1)]

_EXACT = 1e-9  # fractions are decimal numbers: 70 % + 20 % + 10 % is 1 but for rounding


@register("split", "split")
def split(
    span: Span,
    *,
    train: OptionalFraction = None,
    valid: OptionalFraction = None,
    test: OptionalFraction = None,
    stratify: Name = None,
    column: Name = None,
    folds: Folds = None,
    fold: Fold = None,
) -> tuple[dict[str, float], str | None]:
    """Random parts of the rows, the same for the same seed. If `train` is omitted, it is the rest.

    `stratify`: a name with one label (or whole number) per row; each part gets its share of every label, to within one
    row. Every row belongs to one part: the fractions add up to 100 %.
    `column`: instead of a random split, a column of the table that says `train`, `valid` or `test` in each row; it
    belongs to no name.
    `folds`: the rows that are not for testing are divided into this many parts of equal size; number `fold`, from 1, is
    for validation, the others are for training.

    The windows of a `series` are divided in temporal order, the first for training, the last for testing; a few between
    two parts are left out, so that no time step is a target in both (or, without a target, part of windows in both).
    Their folds are consecutive stretches, one more than `folds`: fold 1 trains on the first and validates on the
    second, fold 2 trains on the first two and validates on the third. Raises DiagnosticError (E0421).
    """
    if (folds is None) != (fold is None):
        message, help = f"`fold = {fold}` does not say of how many", f"`folds = {max(5, fold or 0)}, fold = {fold}`"
        if fold is None:
            message = f"`folds = {folds}` does not say which of them is held out"
            help = f"`folds = {folds}, fold = 1`; `gpubp run FILE --folds {folds}` holds out each in turn"
        raise problem("E0421", message, span, help=help)
    if folds is not None and fold is not None and fold > folds:
        raise problem("E0421", f"there is no fold {fold} of {folds}", span, help=f"the last is `fold = {folds}`")
    shares = (train, valid, test, stratify if folds is None else None)
    if column is not None and shares != (None, None, None, None):
        help = "keep `column` alone, or leave it out"
        message = "`column` says what each row is for, and so do the other options of `split`"
        raise problem("E0421", message, span, help=help)
    fractions = {"valid": valid or 0.0, "test": test or 0.0}
    others = sum(fractions.values())
    total = others + (train or 0.0)
    if total > 1 + _EXACT:
        help = "omit `train`: it is the rest" if train and others < 1 else "make one of them smaller"
        raise problem("E0421", f"the parts add up to {total * 100:.10g}%, more than 100%", span, help=help)
    if train is not None and total < 1 - _EXACT:
        message = f"the parts add up to {total * 100:.10g}%; the other rows would belong to none"
        raise problem("E0421", message, span, help="omit `train`: it is the rest")
    fractions = {"train": 1 - others, **fractions}
    if fractions["train"] < _EXACT:
        raise problem("E0421", "no rows are left for training", span)
    word = _text(stratify)
    return {part: fraction for part, fraction in fractions.items() if fraction > 0}, word


def _text(name: object) -> str | None:
    return name.name if isinstance(name, Word) else name if isinstance(name, str) else None


def column_of(choice: Choice | None) -> str | None:
    """The column that says which part a row belongs to, if the split names one."""
    return None if choice is None else _text(choice.options.get("column"))


def check(choice: Choice | None) -> None:
    """Raises DiagnosticError (E0421) for options that do not go together, before any data is read."""
    if choice is not None:
        lookup("split", choice.name).function(choice.span, **choice.options)


def check_alone(choice: Choice, shapes: Mapping[str, Sequence[int]]) -> None:
    """Raises DiagnosticError (E0421) for a split that no arrays of these shapes, each of one row, can be divided by."""
    check(choice)
    by = column_of(choice)
    if by is not None:
        raise _no_column(choice, by)
    name = _text(choice.options.get("stratify"))
    if name is not None:
        _require_label(name, shapes, choice.option_spans.get("stratify", choice.span))


def divide(
    choice: Choice | None,
    rows: int,
    test_rows: int,
    columns: Mapping[str, NDArray[Any] | Stored],
    seed: int,
    told: NDArray[np.int64] | None = None,
    ordered: int | None = None,
) -> dict[str, NDArray[np.int64]]:
    """Row numbers of each part, ascending: the first `rows` are divided, the `test_rows` after them are "test".

    Without a `choice` all of the first are for training. `told`: the place in PARTS for each of the first rows, where a
    column says it. `ordered`: they are divided in their order, and so many are left out between two parts. Raises
    DiagnosticError (E0421) where a part gets no row.
    """
    import numpy as np

    by = column_of(choice)
    if choice is None:
        parts = {"train": np.arange(rows, dtype=np.int64)}
    elif by is not None:
        parts = _by_column(choice, by, told)
    else:
        parts = _by_fractions(choice, rows, columns, seed, ordered)
    if test_rows:
        if choice is not None and "test" in parts:
            also, option = (
                ("so `split` takes none", "test") if by is None else (f"and `{by}` says `test` too", "column")
            )
            message = f"the test rows have a file of their own, {also}"
            raise problem("E0421", message, choice.option_spans.get(option, choice.span))
        parts["test"] = np.arange(rows, rows + test_rows, dtype=np.int64)
    if choice is None or choice.options.get("folds") is None:
        return parts
    folds, fold, name = (choice.options.get(key) for key in ("folds", "fold", "stratify"))
    assert isinstance(folds, int)
    assert isinstance(fold, int)
    place, label = choice.option_spans.get("folds", choice.span), _text(name)
    if ordered is not None:
        return forward(parts, folds, ordered, place)[fold - 1]
    labels = None if label is None else (label, _groups(choice, label, columns))
    return by_folds(parts, folds, labels, seed, place)[fold - 1]


def _by_fractions(
    choice: Choice, rows: int, columns: Mapping[str, NDArray[Any] | Stored], seed: int, ordered: int | None
) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    fractions, label = lookup("split", choice.name).function(choice.span, **choice.options)
    if label is not None and ordered is not None:
        place = choice.option_spans.get("stratify", choice.span)
        raise problem("E0421", "the windows of a series are divided in their order, not by a label", place)
    if ordered is not None:
        parts = in_order(rows, fractions, ordered)
    else:
        groups = np.zeros(rows, dtype=np.int64) if label is None else _groups(choice, label, columns)[:rows]
        parts = draw(groups, fractions, seed)
    for part, found in parts.items():
        if not len(found) and (part == "test" or choice.options.get("folds") is None):
            share = f"{fractions[part] * 100:.10g}% of {counted(rows, 'row')}"
            message = f"the part `{part}` is empty: {share} is too little"
            help = f"`{part} = {math.ceil(100 / rows)}%` is one row; or add data"
            if ordered:
                message = f"the part `{part}` is empty: of {share} the last {ordered:,} are left out"
                help = "a larger part, or a longer series: what the windows of two parts foretell does not overlap"
            raise problem("E0421", message, choice.option_spans.get(part, choice.span), help=help)
    return parts


def _by_column(choice: Choice, column: str, told: NDArray[np.int64] | None) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    if told is None:
        raise _no_column(choice, column)
    parts = {part: np.flatnonzero(told == code).astype(np.int64) for code, part in enumerate(PARTS)}
    if not len(parts["train"]):
        span = choice.option_spans.get("column", choice.span)
        raise problem("E0421", f"`{column}` says `train` in no row: none is left for training", span)
    return {part: found for part, found in parts.items() if len(found)}


def _no_column(choice: Choice, column: str) -> DiagnosticError:
    help = "`csv`, `excel`, `parquet` and `arrow` read tables, whose columns have names"
    span = choice.option_spans.get("column", choice.span)
    return problem("E0421", f"no table of `data` has a column `{column}`", span, help=help)


def draw(groups: NDArray[np.int64], fractions: Mapping[str, float], seed: int) -> dict[str, NDArray[np.int64]]:
    """Rows 0 .. n - 1 in parts: each takes its fraction (they sum to 1) of each group of equal numbers, to one row."""
    import numpy as np

    order = generator(seed, Purpose.SPLIT).permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    _, counts = np.unique(groups, return_counts=True)
    found: dict[str, list[NDArray[np.int64]]] = {part: [] for part in fractions}
    owed = np.zeros(len(fractions))
    start = 0
    for count in counts:
        share = np.round(np.array([*fractions.values()]) * count, 9)
        take = np.floor(share).astype(np.int64)
        owed += share - take
        # The rows that rounding leaves go, one each, to the parts that are owed most over all groups so far.
        fractional = np.where(share > take, owed, -np.inf)
        extra = np.argsort(-fractional, kind="stable")[: int(count - take.sum())]
        take[extra] += 1
        owed[extra] -= 1
        for rows, amount in zip(found.values(), take, strict=True):
            rows.append(order[start : start + amount])
            start += amount
    return {part: np.sort(np.concatenate(rows)).astype(np.int64) for part, rows in found.items()}


def in_order(rows: int, fractions: Mapping[str, float], between: int) -> dict[str, NDArray[np.int64]]:
    """Rows 0 .. rows - 1 in parts, one behind the other, each its fraction to one row; the last `between` of a part
    that has another behind it are left out."""
    import numpy as np

    ends = np.round(np.cumsum([*fractions.values()]) * rows, 9).astype(np.int64).tolist()
    ends[-1] = rows
    starts = [0, *ends[:-1]]
    found = {}
    for part, start, end in zip(fractions, starts, ends, strict=True):
        found[part] = np.arange(start, end if end == rows else max(start, end - between), dtype=np.int64)
    return found


def _groups(choice: Choice, name: str, columns: Mapping[str, NDArray[Any] | Stored]) -> NDArray[np.int64]:
    """A number for each row, alike for rows of one label."""
    import numpy as np

    span = choice.option_spans.get("stratify", choice.span)
    _require_label(name, {column: values.shape[1:] for column, values in columns.items()}, span)
    values = columns[name]
    if isinstance(values, Stored):
        values = values.take(np.arange(len(values), dtype=np.int64))
    flat = values.reshape(len(values))
    if flat.dtype.kind == "f" and not (np.floor(flat) == flat).all():
        raise problem("E0421", f"`{name}` holds numbers that are not whole; stratifying needs labels", span)
    return np.unique(flat, return_inverse=True)[1].astype(np.int64)


def _require_label(name: str, shapes: Mapping[str, Sequence[int]], span: Span) -> None:
    """Raise DiagnosticError where a name has not one value per row."""
    if name not in shapes:
        help = suggestion(name, shapes, f"the names are {listed(list(shapes))}")
        raise problem("E0421", f"`data` has no `{name}` to stratify by", span, help=help)
    size = math.prod(shapes[name])
    if size != 1:
        raise problem("E0421", f"`{name}` has {size:,} values per row; stratifying needs one label", span)
