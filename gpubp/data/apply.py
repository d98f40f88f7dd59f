"""New rows encoded as those that a net was trained on: the same columns by name, words and statistics."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..errors import DataError
from ..wording import counted
from .array_files import is_array
from .arrays import new_rows
from .cell_arrays import CellQuery, Cells
from .checks import command_span, problem
from .columns import find
from .encoders import Encoder, Field, FileFormat
from .files import find_file, start_of
from .image_files import SUFFIXES
from .images import new_images
from .labels import label_columns, labels_of
from .layout import TextOptions, lines_above
from .notation import MISSING
from .opening import open_series, open_table
from .series import new_windows
from .table_rows import one_hot, whole_rows
from .tables import Table, check_units, text_of, with_dates
from .text import new_windows as new_text
from .unanswered import unanswered
from .windows import cut, read_moments
from .workbook import is_workbook

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NewRows:
    """The rows of a file. `arrays`: for each name numbers as float64 (n, *shape), labels as int64 (n, *shape);
    `unused`: columns of a table that the net was trained without; `kept`: the cells of columns that were asked for, as
    texts, of all rows; `gaps`: the numbers (from 0) of the table's rows that the net cannot answer, which the arrays
    leave out: they miss a cell that nothing stands for, or hold a category that training never saw; `why`: sentences
    that say which, with lines and columns; `each`: what a row is, "row" or, of a series, "window"."""

    arrays: dict[str, NDArray[Any]]
    unused: tuple[str, ...] = ()
    kept: dict[str, list[str]] = field(default_factory=dict)
    gaps: tuple[int, ...] = ()
    why: tuple[str, ...] = ()
    each: str = "row"

    @property
    def count(self) -> int:
        """How many the table has, with those that are left out."""
        return len(next(iter(self.arrays.values()))) + len(self.gaps)

    def said(self, path: str | os.PathLike[str], what: str) -> str:
        """How many rows of the table are left out and why, a line for each reason. `what` becomes of them, in words."""
        head = f"{len(self.gaps):,} of {counted(self.count, self.each)} of `{os.fspath(path)}` cannot be used: {what}"
        return "\n".join([head, *(f"  {reason}" for reason in self.why)])


_LEARNED = "the data that was learned from"


def read_table(path: str | os.PathLike[str], encoders: Mapping[str, Encoder], keep: Sequence[str] = ()) -> NewRows:
    """The rows of a file for each name of `encoders`, and the columns `keep` of a table as they stand in it.

    The file may be delimited text, a workbook, npy, npz, IDX, Parquet, Feather, Arrow, or text for tokens; its content
    says which. For a net of images it may be a folder of them, whose one column is `file`. Columns of a table are found
    by name, in any order; others are not looked at. Raises DataError with all that is wrong.
    """
    name = os.fspath(path)
    try:
        return _read(name, command_span(name), encoders, keep)
    except DiagnosticError as error:
        raise DataError(error.diagnostics) from None


def _read(path: str, span: Span, encoders: Mapping[str, Encoder], keep: Sequence[str]) -> NewRows:
    if any(encoder.image for encoder in encoders.values()):
        if os.path.isdir(path):
            arrays, kept = new_images(path, span, encoders, keep)
            return NewRows(arrays, kept=kept)
        if path.lower().endswith(SUFFIXES):
            file = find_file(Path(), path, span)
            raise problem("E0412", f"`{path}` is one image", span, help=f"a folder is read: `{file.parent}`")
    if any(encoder.moments for encoder in encoders.values()):
        return _moments(path, span, encoders, keep)
    tokens = any(encoder.level for encoder in encoders.values())
    start = b"" if tokens else start_of(Path(), path, span)
    if tokens or (is_array(start) and not is_workbook(Path(), path, span)):
        if keep:
            raise problem("E0415", f"`{path}` has no columns with names, so none can be kept", span)
        return NewRows(new_text(path, span, encoders) if tokens else new_rows(path, span, start, encoders))
    return _columns(open_table(Path(), path, span, _known(encoders, keep)), encoders, keep)


def _known(encoders: Mapping[str, Encoder], keep: Sequence[str]) -> TextOptions:
    """What is known of a text like that of the training. Lines above the names of columns are to be found."""
    header, skip = (None, None) if any(encoder.file.header for encoder in encoders.values()) else (False, 0)
    file = _format(encoders)
    return TextOptions(None, header, skip, _named(encoders, keep), file.notation, file.encoding, file.delimiter)


def _format(encoders: Mapping[str, Encoder]) -> FileFormat:
    """How the files that were learned from are written: of each part, the first that is not the usual one."""
    files, usual = [encoder.file for encoder in encoders.values()], FileFormat()

    def told(part: str) -> Any:
        default = getattr(usual, part)
        return next((one for file in files if (one := getattr(file, part)) != default), default)

    return FileFormat(notation=told("notation"), encoding=told("encoding"), delimiter=told("delimiter"))


def _named(encoders: Mapping[str, Encoder], keep: Sequence[str]) -> list[str]:
    return [*keep, *(field.name for encoder in encoders.values() for field in encoder.fields)]


# Tables


@dataclass(frozen=True, slots=True)
class _Use:
    """A column of the table, by its number, and what a name needs of it."""

    column: int
    field: Field
    encoder: Encoder

    @property
    def book(self) -> tuple[str, ...]:
        """The words that it may hold; none for a column of numbers."""
        return self.field.words or self.encoder.vocabulary


_Uses = Mapping[str, Sequence[_Use]]


def _columns(table: Table, encoders: Mapping[str, Encoder], keep: Sequence[str]) -> NewRows:
    table = with_dates(table, _named(encoders, keep), _format(encoders).notation.dates)
    uses, wanted = _uses(table, encoders), find(table, keep, table.span)
    numeric = {use.column for use in _every(uses) if not use.book}
    labels = {use.column for use in _every(uses) if use.book}
    needed = {use.column for use in _every(uses) if use.field.fill is None}
    # What was a word when it was learned from is one still, as `NA` may be.
    known = MISSING.difference(*(use.book for use in _every(uses)))
    cells = table.cells(CellQuery(sorted(numeric), sorted(labels), known))
    _check_units(table, uses, encoders)
    every = range(cells.rows)
    cells, why = unanswered(table, cells, needed, _books(uses))
    cells = whole_rows(table, cells, needed, why)
    return NewRows(
        {name: _rows(table, cells, uses[name], encoder) for name, encoder in encoders.items()},
        _unused(table, encoders),
        {name: table.texts(i) for name, i in zip(keep, wanted, strict=True)},
        () if cells.kept is None else tuple(sorted({*every}.difference(cells.kept.tolist()))),
        why,
    )


def _every(uses: _Uses) -> Iterator[_Use]:
    for own in uses.values():
        yield from own


def _check_units(table: Table, uses: _Uses, encoders: Mapping[str, Encoder]) -> None:
    known = {use.column: use.field.unit for use in _every(uses)}
    check_units(table, known, _format(encoders).notation, _LEARNED)


def _books(uses: _Uses) -> dict[int, tuple[str, ...]]:
    """The columns of inputs that hold words, each with those that were learned from. A class of a target that nobody
    learned is an error: figures that leave it out would be too good."""
    return {use.column: use.book for use in _every(uses) if use.book and use.encoder.feature}


def _uses(table: Table, encoders: Mapping[str, Encoder]) -> _Uses:
    """The columns of each name. Raises DiagnosticError (E0415) for those that are missing."""
    found = {}
    for name, encoder in encoders.items():
        fields = encoder.fields
        if not fields:
            columns = _unnamed(table, name, encoder, len(encoders))
            fields = tuple(Field(table.names[i]) for i in columns)
        elif encoder.file.header:
            columns = find(table, [field.name for field in fields], table.span, f", which `{name}` is made of")
        else:
            columns = _by_number(table, encoder, encoders)
        found[name] = [_Use(i, field, encoder) for i, field in zip(columns, fields, strict=True)]
    return found


def _by_number(table: Table, encoder: Encoder, encoders: Mapping[str, Encoder]) -> list[int]:
    """Columns of a file without a header: all of the training file's, or those alone that are asked for, in order."""
    if len(table.names) == len(encoder.file.known):
        order = {column: i for i, column in enumerate(encoder.file.known)}
    else:
        used = {field.name for each in encoders.values() for field in each.fields}
        order = {column: i for i, column in enumerate(c for c in encoder.file.known if c in used)}
    if len(table.names) != len(order):
        wanted = " or ".join(map(str, sorted({len(order), len(encoder.file.known)})))
        message = f"`{table.path}` has {counted(len(table.names), 'column')}, but {wanted} are needed"
        help = "a file without a header has the columns of the training file, or those alone that the net takes in"
        sheet = text_of(table)
        if sheet is not None and (above := lines_above(sheet, ())):
            help = f"delete the {sheet.line if above == 1 else counted(above, sheet.line)} above the table"
        raise problem("E0415", message, table.span, help=help)
    return [order[field.name] for field in encoder.fields]


def _unnamed(table: Table, name: str, encoder: Encoder, names: int) -> list[int]:
    """The columns of a name whose training data had none."""
    size = prod(encoder.shape)
    if size == 1 and name in table.names:
        return [table.names.index(name)]
    if names == 1 and len(table.names) == size:
        return list(range(size))
    message = f"`{table.path}` has {counted(len(table.names), 'column')}, but `{name}` takes {size}"
    help = "the training data had no columns with names: give those of its one input alone, in order"
    if names > 1:
        help = "the training data had no columns with names: an .npz file (`numpy.savez`) has arrays by name"
    raise problem("E0415", message, table.span, help=help)


def _rows(table: Table, cells: Cells, uses: Sequence[_Use], encoder: Encoder) -> NDArray[Any]:
    import numpy as np

    def places(use: _Use) -> NDArray[np.int64]:
        return labels_of(use.book, label_columns(table, cells, [use.column]), _LEARNED)

    if encoder.classes is not None:
        labels = np.stack([places(use) for use in uses], axis=1)
        return labels.reshape(len(labels), *encoder.shape)
    parts = [one_hot(places(use), len(use.book)) if use.book else cells.numbers[use.column][:, None] for use in uses]
    return encoder.numbers(np.concatenate(parts, axis=1))


def _moments(path: str, span: Span, encoders: Mapping[str, Encoder], keep: Sequence[str]) -> NewRows:
    """The windows of a series. Of the columns `keep` each has the cell at the last moment that is put in."""
    table = open_series(Path(), path, span, _known(encoders, keep))
    table = with_dates(table, _named(encoders, keep), _format(encoders).notation.dates)
    uses, wanted = _uses(table, encoders), find(table, keep, table.span)
    picks = {name: [use.column for use in own] for name, own in uses.items()}
    labels = {name for name, encoder in encoders.items() if encoder.classes is not None}
    moments = {name: encoder.moments for name, encoder in encoders.items()}
    cells = read_moments(table, picks, labels)
    _check_units(table, uses, encoders)
    cells, why = unanswered(table, cells, {use.column for use in _every(uses)}, _books(uses))
    found = cut(table, cells, picks, moments, drop=True, why=why)
    arrays = {name: new_windows(found, name, encoder, _LEARNED) for name, encoder in encoders.items()}
    last = max(encoder.moments[1] for encoder in encoders.values() if encoder.feature) - 1
    texts = {name: table.texts(column) for name, column in zip(keep, wanted, strict=True)}
    kept = {name: [cells[start + last] for start in found.all_starts.tolist()] for name, cells in texts.items()}
    return NewRows(arrays, _unused(table, encoders), kept, tuple(found.gaps.tolist()), why, "window")


def _unused(table: Table, encoders: Mapping[str, Encoder]) -> tuple[str, ...]:
    """Its columns that the training data did not have."""
    known = {column for encoder in encoders.values() for column in encoder.file.known}
    return tuple(column for column in table.names if column and column not in known) if known else ()
