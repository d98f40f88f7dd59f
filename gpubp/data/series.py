"""The reader `series`: windows of a table whose rows are moments, one behind the other, and what follows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Any

from ..registry import Count, Count0, Flag, OptionType, Real, Text, Whole, register
from ..wording import listed
from .checks import problem
from .columns import find, matching, mentioned, require_own_names
from .dataset import Origin, ReadResult, Request, Rows, Want
from .encoders import Encoder, Field, FileFormat
from .encodings import UTF8
from .labels import LabelColumns, encode, label_columns, labels_of
from .layout import TextOptions
from .moments import odd_moments
from .opening import open_series
from .options import Dates, OptionalNames, OptionalText, check_encoding, check_scale, notation_of, word
from .spelling import spelling
from .tables import Table, TextTable, check_units, column_units, with_dates
from .windows import Windows, between, cut, read_moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Gaps = Annotated[Any, OptionType(("word",), words=("error", "drop"))]


@register("reader", "series")
def series(
    request: Request,
    *,
    path: Text,
    window: Count,
    columns: OptionalNames = None,
    target: OptionalNames = None,
    ahead: Whole = 1,
    length: Count = 1,
    step: Count = 1,
    test: OptionalText = None,
    scale: Real = 1.0,
    missing: Gaps = "error",
    skip: Count0 = 0,
    decimal: Text = ".",
    thousands: OptionalText = None,
    units: OptionalNames = None,
    accounting: Flag = False,
    dates: Dates = "ymd",
    encoding: Text = UTF8,
) -> ReadResult:
    """Sliding windows [window, columns] of a table whose rows are in temporal order: delimited text, Parquet, Feather,
    Arrow or npy, detected from its content.

    The second of two names gets what follows each window: `length` rows, the first of them `ahead` rows after the last
    of the window, which is itself `ahead = 0`.
    `columns`: columns for the first name, by name or pattern; all by default.
    `target`: columns for the second name; the same by default.
    `step`: the distance from the start of one window to the next.
    `test`: a second file with the same columns, whose windows are for testing only.
    `scale` multiplies numeric inputs.
    `missing`: an empty cell is an `error`, or `drop` drops the windows that contain it.
    `skip`, `decimal`, `thousands`, `units`, `accounting`, `dates`, `encoding`: as for `csv`.

    The declared types may have any shape with that many elements. `split` divides the windows in temporal order.
    `gpubp predict` takes such a table, too, and also predicts after its last windows. Raises DiagnosticError (E0411 to
    E0424).
    """
    check_scale(request, scale)
    names = request.entry.names
    if len(names) > 2:
        message = f"`series` gives windows and what follows them, two names at most, not {len(names)}"
        raise problem("E0411", message, request.entry.value_span)
    if target is not None and len(names) == 1:
        raise problem("E0411", "`target` is for a second name, but there is only one", request.span("target"))
    if ahead <= -window:
        message = f"`ahead` is {ahead}, before the first moment of a window of {window}"
        raise problem("E0411", message, request.span("ahead"), help=f"{1 - window} is the first moment, 0 the last")
    first, drop = window - 1 + ahead, word(missing) == "drop"
    moments = {names[0]: (0, window, step)}
    moments |= dict.fromkeys(names[1:], (first, first + length, step))
    named = mentioned(columns, target)
    notation = notation_of(request, decimal, thousands, units, accounting, dates)
    check_encoding(request, encoding)
    known = TextOptions(skip=skip, named=named, notation=notation, encoding=encoding)
    main = with_dates(open_series(request.base, path, request.span("path"), known), named, notation.dates)
    picks = _picks(request, main, columns, target)
    tables = [(main, picks)]
    if test is not None:
        opened = open_series(request.base, test, request.span("test"), replace(known, header=main.header))
        other = with_dates(opened, named, notation.dates)
        wanted = {name: [main.names[i] for i in own] for name, own in picks.items()}
        tables.append((other, {name: find(other, own, request.span("test")) for name, own in wanted.items()}))
    labels = {name for name, want in request.wants.items() if want.kind == "class"}
    parts = [cut(table, read_moments(table, own, labels), own, moments, drop=drop) for table, own in tables]
    encoder = Encoder((), file=FileFormat(main.names, main.header, notation, encoding))
    wants = request.wants.items()
    return ReadResult(
        {name: _rows(name, want, parts, replace(encoder, moments=moments[name]), scale) for name, want in wants},
        sum(len(part.starts) for part in parts[1:]),
        left_out=sum(len(part.gaps) for part in parts),
        origins=tuple(Origin(part.table.path, (part.starts + window - 1).tolist()) for part in parts),
        ordered=_between(request, moments),
        warnings=tuple(warning for table, _ in tables for warning in odd_moments(table, table.span)),
    )


def _between(request: Request, moments: Mapping[str, tuple[int, int, int]]) -> int:
    """How many windows are left out between two parts, so that no moment of a target is in both; where there is no
    target, as for an autoencoder, no moment of an input."""
    wants = request.wants
    learned = [name for name, want in wants.items() if not want.feature] or [*wants]
    return max((between(end - begin, step) for begin, end, step in (moments[name] for name in learned)), default=0)


def _picks(request: Request, table: Table, columns: object, target: object) -> dict[str, list[int]]:
    """The columns of each name that is wanted. Raises DiagnosticError."""
    if columns is None:
        _no_text(request, table)
    first = list(range(len(table.names))) if columns is None else matching(request, table, columns, "columns")
    if not first:
        raise problem("E0411", "`columns` names no column", request.span("columns"))
    second = first if target is None else matching(request, table, target, "target")
    if not second:
        raise problem("E0411", "`target` names no column", request.span("target"))
    require_own_names(table, [*first, *second], header=False)
    of = dict(zip(request.entry.names, (first, second), strict=False))
    for name, own in of.items():
        want = request.wants.get(name)
        if want is not None and want.kind == "class" and len(own) > 1:
            message = f"`{name}` takes labels, of one column, and gets {listed([table.names[i] for i in own])}"
            raise problem("E0411", message, request.span("columns" if own is first else "target"))
    return {name: own for name, own in of.items() if name in request.wants}


def _no_text(request: Request, table: Table) -> None:
    """Raises DiagnosticError where all columns are to be numbers, and some begin with a text, as a date is."""
    if not isinstance(table, TextTable) or len(table.names) == 1:
        return
    cells = dict(zip(table.names, table.sheet.first, strict=False))
    texts = [name for name, cell in cells.items() if cell.strip() and spelling(cell) is None]
    if texts:
        message = f"`{table.path}` has the column {listed(texts, 3)}, which holds text"
        others = ", ".join(f'"{name}"' for name in table.names if name not in texts)
        help = f"`columns = [{others}]` takes the others" if others else "a series is made of numbers"
        raise problem("E0411", message, request.entry.value_span, help=help)


def _rows(name: str, want: Want, parts: Sequence[Windows], known: Encoder, scale: float) -> Rows:
    """The windows of a name, with its type and all that new rows need."""
    import numpy as np

    main = parts[0]
    classes: int | None = None
    words: tuple[str, ...] = ()
    if want.kind == "class":
        tables, classes, words = encode(name, want, [_place(part, name) for part in parts])
        cuts = [part.rows(table, known.moments) for part, table in zip(parts, tables, strict=True)]
    else:
        cuts = [part.rows(_numbers(part, name), known.moments) for part in parts]
    rows = np.concatenate(cuts) if len(cuts) > 1 else cuts[0]
    units = column_units(main.table, () if want.kind == "class" else main.picks[name], known.file.notation)
    for part in parts[1:]:
        own = {i: units.get(j, "") for i, j in zip(part.picks[name], main.picks[name], strict=True)}
        check_units(part.table, own, known.file.notation, f"`{main.table.path}`")
    shape = _shape(want, rows.shape[1:], classes)
    encoder = replace(
        known,
        shape=shape,
        classes=classes,
        feature=want.feature,
        fields=tuple(Field(main.table.names[i], unit=units.get(i, "")) for i in main.picks[name]),
        words=words,
        scale=scale if want.numeric else 1.0,
    )
    return Rows(rows.reshape(len(rows), *shape), encoder)


def new_windows(part: Windows, name: str, encoder: Encoder, known: str) -> NDArray[Any]:
    """The windows of new rows for a name, as those that the net was trained on. Raises DiagnosticError for labels that
    did not occur in what is `known`."""
    if encoder.classes is None:
        return encoder.numbers(part.rows(_numbers(part, name), encoder.moments))
    labels = labels_of(encoder.vocabulary, _place(part, name), known)
    return part.rows(labels[:, None], encoder.moments).reshape(len(part.starts), *encoder.shape)


def _numbers(part: Windows, name: str) -> NDArray[np.float64]:
    import numpy as np

    return np.stack([part.cells.numbers[i] for i in part.picks[name]], axis=1)


def _place(part: Windows, name: str) -> LabelColumns:
    return label_columns(part.table, part.cells, part.picks[name])


def _shape(want: Want, found: tuple[int, ...], classes: int | None) -> tuple[int, ...]:
    """The declared shape, if it has as many elements; else windows are [moments, columns], labels [moments], and what
    follows by one moment alone is [columns]."""
    if want.type is not None and prod(want.type.shape) == prod(found):
        return want.type.shape
    if classes is not None:
        return () if found[0] == 1 else found[:1]
    return found if want.feature or found[0] > 1 else found[1:]
