"""From the columns of a table to the rows of names, whatever kind of file the table stands in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..wording import clipped, counted
from .cell_arrays import CellQuery, Cells
from .checks import problem, suggestion
from .columns import choose, find, matching, mentioned, require_own_names
from .dataset import PARTS, Origin, ReadResult, Request, Rows
from .encoders import Encoder, Field, FileFormat
from .labels import LabelColumns, encode, label_columns, labels_of, ordered
from .notation import MISSING, Notation
from .options import Options, check_scale
from .tables import Table, check_units, column_units, none_left, with_dates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of the entry: the main one, or the one for testing. `picks`: the columns of each name."""

    table: Table
    picks: dict[str, list[int]]
    cells: Cells

    @property
    def origin(self) -> Origin:
        kept = self.cells.kept
        return Origin(self.table.path, range(self.cells.rows) if kept is None else kept)  # type: ignore[arg-type]

    def place(self, columns: Sequence[int]) -> LabelColumns:
        return label_columns(self.table, self.cells, columns)


def read_tables(request: Request, main: Table, others: Sequence[Table], options: Options) -> ReadResult:
    """The rows of a main table and of those for testing only. Raises DiagnosticError (E0411 to E0419)."""
    check_scale(request, options.scale)
    named = mentioned(options.target, options.columns, options.onehot)
    main, *others = (with_dates(table, named, options.notation.dates) for table in (main, *others))
    by = main.names.index(request.by) if request.by in main.names else None
    chosen = choose(request, main, options)
    require_own_names(main, [*(i for columns in chosen.values() for i in columns), *([] if by is None else [by])])
    coded = frozenset(main.names[i] for i in matching(request, main, options.onehot, "onehot"))
    _check_coded(request, main, chosen, coded)
    files = [(main, chosen, by), *((other, _same(request, main, other, chosen), None) for other in others)]
    parts = [_Part(table, picks, _read(request, table, picks, coded, by, options)) for table, picks, by in files]
    told = None if by is None else _by_column(parts[0], by)
    rows = _assemble(request, parts, coded, options)
    left_out = sum(part.cells.left_out for part in parts)
    test_rows = sum(part.cells.rows for part in parts[1:])
    return ReadResult(rows, test_rows, told, left_out, tuple(part.origin for part in parts))


def _check_coded(request: Request, table: Table, chosen: dict[str, list[int]], coded: Collection[str]) -> None:
    """Raises DiagnosticError (E0411) for columns of words, by their names, that are no inputs of numbers."""
    for name, want in request.wants.items():
        mixed = [table.names[i] for i in sorted(chosen[name]) if table.names[i] in coded and not want.numeric]
        if mixed:
            message = f"`onehot` is for columns of numbers that the net takes in; `{mixed[0]}` is `{name}`"
            help = f"`{name}: class(?)` takes words as they are"
            raise problem("E0411", message, request.span("onehot"), help=help)
    used = {table.names[i] for columns in chosen.values() for i in columns}
    idle = [name for name in table.names if name in coded and name not in used]
    if idle:
        message = f"`onehot` has the column `{idle[0]}`, which no name takes"
        help = f'add `"{idle[0]}"` to the `columns` of a name, or leave `onehot` out'
        raise problem("E0411", message, request.span("onehot"), help=help)


def _same(request: Request, main: Table, other: Table, chosen: dict[str, list[int]]) -> dict[str, list[int]]:
    """The columns of the test file that bear the names of those chosen in the main one."""
    if not main.header and len(other.names) != len(main.names):
        message = f"`{other.path}` has {counted(len(other.names), 'column')}, `{main.path}` has {len(main.names)}"
        raise problem("E0415", message, other.span)
    span = request.span("test")
    wanted = {name: columns for name, columns in chosen.items() if name in request.wants}
    return {name: find(other, [main.names[i] for i in columns], span) for name, columns in wanted.items()}


def _read(
    request: Request,
    table: Table,
    picks: dict[str, list[int]],
    coded: Collection[str],
    by: int | None,
    options: Options,
) -> Cells:
    numeric, words, texts = set[int](), set[int](), set[int]() if by is None else {by}
    for name, want in request.wants.items():
        for i in picks[name]:
            (texts if want.kind == "class" else words if table.names[i] in coded else numeric).add(i)
    missing = frozenset[str]() if options.missing == "error" else MISSING
    if options.missing != "drop" and not words and all(want.type is None for want in request.wants.values()):
        # Types are measured. Of numbers, the number of columns says all: they are read, and judged, when they are
        # used. Of classes, what occurs in rows that are not left out.
        import numpy as np

        learned = _learned(request, picks) & numeric if missing else set[int]()
        found = (
            table.cells(CellQuery(sorted(learned), sorted(texts), missing, alone=True)) if texts else Cells(0, {}, {})
        )
        found = whole_rows(table, found, texts | learned) if texts and missing else found
        return replace(found, numbers={i: np.empty(0) for i in numeric})
    cells = table.cells(CellQuery(sorted(numeric), sorted(texts | words), missing))
    return cells if options.missing == "error" else _judge_missing(request, table, picks, cells, options.missing)


def _judge_missing(request: Request, table: Table, picks: dict[str, list[int]], cells: Cells, policy: str) -> Cells:
    """The rows that miss no cell, under `drop`, or else none that nothing can stand for: a word, or a number that is to
    be learned. Raises DiagnosticError."""
    if policy == "drop":
        return whole_rows(table, cells, {*cells.numbers, *cells.labels})
    _require_numbers(table, cells)
    whole = whole_rows(table, cells, _learned(request, picks) | {*cells.labels})
    _require_numbers(table, whole)
    return whole


def _learned(request: Request, picks: dict[str, list[int]]) -> set[int]:
    """The columns of what is to be learned."""
    return {i for name, want in request.wants.items() if not want.feature for i in picks[name]}


def _require_numbers(table: Table, cells: Cells) -> None:
    """Raises DiagnosticError (E0416) for a column of numbers that has none."""
    import numpy as np

    for i, column in cells.numbers.items():
        if np.isnan(column).all():
            name = table.names[i]
            message = f"`{table.path}`: no cell of the column `{name}` contains a number"
            left = ", once rows without a word or a target are left out" if cells.left_out else ""
            raise problem("E0416", message + left, table.span, help=f'`without = "{name}"` leaves it out')


def whole_rows(table: Table, cells: Cells, columns: Collection[int], why: Sequence[str] = ()) -> Cells:
    """The rows that miss no cell of `columns`. Raises DiagnosticError (E0414) where none is left; `why`: what it says
    of the others."""
    import numpy as np

    bad = np.zeros(cells.rows, dtype=bool)
    for i in columns:
        bad |= cells.missing(i)
    if not bad.any():
        return cells
    kept = np.flatnonzero(~bad)
    if not len(kept):
        raise none_left(table, "row", why)
    numbers = {i: column[kept] for i, column in cells.numbers.items()}
    labels = {i: found.of(kept) for i, found in cells.labels.items()}
    return Cells(len(kept), numbers, labels, kept, cells.rows - len(kept))


def _by_column(part: _Part, column: int) -> NDArray[np.int64]:
    """0, 1 or 2 for each row, as the column says train, valid or test. Raises DiagnosticError (E0421)."""
    import numpy as np

    found = part.cells.labels[column]
    words = found.occurring
    for text in words:
        if text not in PARTS:
            row = int(np.flatnonzero(found.values == (words.index(text) if found.words else float(text)))[0])
            message = f"{part.table.at(part.cells.row(row), column)}: `{clipped(text)}` is not a part of the data"
            help = suggestion(text, PARTS, "the parts are `train`, `valid` and `test`")
            raise problem("E0421", message, part.table.span, help=help)
    codes = np.array([PARTS.index(text) for text in words], dtype=np.int64)
    return codes[found.values.astype(np.int64)]


def _assemble(request: Request, parts: list[_Part], coded: Collection[str], options: Options) -> dict[str, Rows]:
    import numpy as np

    main, rows = parts[0], dict[str, Rows]()
    file = FileFormat(main.table.names, main.table.header, options.notation, options.encoding, options.delimiter or "")
    fill = options.missing if options.missing in ("mean", "median") else ""
    found: dict[str, tuple[int, ...]] = {}
    for name, want in request.wants.items():
        fields: tuple[Field, ...] = tuple(Field(main.table.names[i]) for i in main.picks[name])
        table: NDArray[Any]
        classes: int | None = None
        words: tuple[str, ...] = ()
        if want.kind == "float":
            tables, fields = _numbers(parts, name, coded, options.notation)
            table = np.concatenate(tables, axis=0) if len(tables) > 1 else tables[0]
        else:
            labels, classes, words = encode(name, want, [part.place(part.picks[name]) for part in parts])
            table = np.concatenate(labels, axis=0)
        found[name] = table.shape[1:]
        shape = options.shaped(want, found[name])
        scale = options.scale if want.numeric else 1.0
        encoder = Encoder(shape, classes, want.feature, fields, file, words, scale=scale)
        rows[name] = Rows(table.reshape(len(table), *shape), encoder, options.standardize and want.numeric, fill)
    options.require_reshaped(request, found)
    return rows


def _numbers(
    parts: list[_Part], name: str, coded: Collection[str], notation: Notation
) -> tuple[list[NDArray[np.float64]], tuple[Field, ...]]:
    """The numbers of a name in each file, and what its columns are; words become a 1 among zeros."""
    import numpy as np

    main, fields = parts[0], list[Field]()
    numeric = [i for i in main.picks[name] if main.table.names[i] not in coded]
    units = column_units(main.table, numeric, notation)
    for part in parts[1:]:
        known = {i: units.get(j, "") for i, j in zip(part.picks[name], main.picks[name], strict=True)}
        check_units(part.table, known, notation, f"`{main.table.path}`")
    columns: list[list[NDArray[np.float64]]] = [[] for _ in parts]
    for at, i in enumerate(main.picks[name]):
        column = main.table.names[i]
        if column not in coded:
            fields.append(Field(column, unit=units.get(i, "")))
            for part, own in zip(parts, columns, strict=True):
                own.append(part.cells.numbers[part.picks[name][at]][:, None])
            continue
        book = ordered(set(main.cells.labels[i].occurring))
        fields.append(Field(column, book))
        for part, own in zip(parts, columns, strict=True):
            places = labels_of(book, part.place([part.picks[name][at]]), f"`{main.table.path}`")
            own.append(one_hot(places, len(book)))
    return [own[0] if len(own) == 1 else np.concatenate(own, axis=1) for own in columns], tuple(fields)


def one_hot(places: NDArray[np.int64], words: int) -> NDArray[np.float64]:
    """Places in a vocabulary of so many words as (n, words): 1 where a word stands."""
    import numpy as np

    out = np.zeros((len(places), words))
    out[np.arange(len(places)), places] = 1
    return out
