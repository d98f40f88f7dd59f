"""The readers `parquet` and `arrow`: tables of numbers and labels in Apache's formats, by the optional pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dsl.records import dataclass
from dsl.source import Span

from ..wording import clipped, listed
from .cell_arrays import CellQuery, Cells, Labels
from .checks import Findings, problem, remedy
from .files import read_bytes
from .misread import DROP, IMPUTE
from .tables import row_place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["numbers", "texts", "others"]
BEGINNINGS = (b"PAR1", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")
"""What a Parquet, Feather or Arrow file begins with."""
_ZONE = r"((?:Z|[-+][0-9:]+)?)"
"""What ends a time: UTC, another offset, or nothing."""


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """A table in memory, column by column. `reader`: the name of the reader for files of its kind."""

    path: str
    span: Span | None
    names: tuple[str, ...]
    table: Any
    reader: Literal["parquet", "arrow"]
    header: bool = True

    @property
    def first(self) -> tuple[str, ...]:
        """The cells of the first row."""
        return tuple(str(column[0]) for column in self.table.columns)

    def heads(self, rows: int) -> list[tuple[Kind, list[str]]]:
        """What each column holds, and its cells in the first `rows` rows as text, empty where they are missing."""
        import pyarrow as pa

        found: list[tuple[Kind, list[str]]] = []
        for column in self.table.slice(0, rows).columns:
            if _is_numeric(column.type):
                numbers = column.cast(pa.float64(), safe=False).to_pylist()
                found.append(("numbers", ["" if n is None or n != n else f"{n:.17g}" for n in numbers]))
                continue
            if _is_label(_kind(column)):
                found.append(("texts", _as_text(column).fill_null("").to_pylist()))
            else:
                found.append(("others", ["" if cell is None else str(cell) for cell in column.to_pylist()]))
        return found

    def at(self, row: int, column: int | None = None) -> str:
        return row_place(self.path, row, None if column is None else self.names[column])

    def cells(self, query: CellQuery) -> Cells:
        findings = Findings(self.span)
        numbers = {i: self._numbers(i, bool(query.missing), findings) for i in query.numeric}
        words = {i: self._labels(i, bool(query.missing), findings) for i in query.labels}
        findings.raise_all()
        return Cells(self.table.num_rows, numbers, words)

    def _numbers(self, column: int, missing: bool, findings: Findings) -> NDArray[np.float64]:
        """NaN where a cell is null; null and NaN are both missing."""
        import numpy as np
        import pyarrow as pa

        cells = self.table.column(column)
        kind = cells.type
        if not _is_numeric(kind):
            name = clipped(self.names[column])
            message = f"the whole column is {clipped(str(kind))}, but numbers are needed"
            help = f'`onehot = ["{name}"]` makes a number of each of its words; `without = "{name}"` leaves it out'
            if _is_time(_kind(cells)) and not pa.types.is_time(_kind(cells)):  # a time of day has none
                help = f'parts of it are numbers: `"{name}.days"`, `"{name}.month"` ... in `columns`'
            help = remedy(self.span, help, "the net was trained on numbers in this column")
            findings.add("E0416", "columns of text", self.at(0, column), message, help)
            return np.zeros(self.table.num_rows)
        values: NDArray[np.float64] = cells.cast(pa.float64(), safe=False).to_numpy()
        if not missing:
            empty: list[int] = np.flatnonzero(np.isnan(values)).tolist()
            found = ((self.at(row, column), "the cell is empty") for row in empty)
            findings.add_all("E0416", "empty cells", found, len(empty), IMPUTE)
        bad: list[int] = np.flatnonzero(np.isinf(values)).tolist()
        found = ((self.at(row, column), f"`{values[row]}` is not a finite number") for row in bad)
        findings.add_all("E0416", "numbers that are not finite", found, len(bad))
        return values

    def texts(self, column: int) -> list[str]:
        import pyarrow as pa

        cells = self.table.column(column)
        try:
            found: list[str] = _as_text(cells).fill_null("").to_pylist()
        except pa.ArrowException:
            message = f"`{self.path}`: the column `{clipped(self.names[column])}` holds {cells.type}, which is no text"
            raise problem("E0415", message, self.span) from None
        return found

    def _labels(self, column: int, missing: bool, findings: Findings) -> Labels:
        import numpy as np
        import pyarrow as pa

        cells = self.table.column(column)
        kind = _kind(cells)
        gone = cells.is_null().to_numpy()
        if gone.any() and not missing:
            row = int(np.argmax(gone))
            findings.add("E0419", "labels that are empty", self.at(row, column), "the label is empty", DROP)
        if _is_numeric(kind):
            return Labels(cells.cast(pa.float64(), safe=False).to_numpy())
        if not _is_label(kind):
            message = f"the whole column is {clipped(str(kind))}, where labels are wanted"
            findings.add("E0419", "columns of no labels", self.at(0, column), message)
            return Labels(np.zeros(self.table.num_rows))
        coded = _as_text(cells).combine_chunks().dictionary_encode()
        places = np.where(gone, -1, coded.indices.fill_null(0).to_numpy(zero_copy_only=False))
        return Labels(places.astype(np.float64), tuple(coded.dictionary.to_pylist()))


def _kind(cells: Any) -> Any:
    """The type of a column's cells, be they those of a dictionary."""
    import pyarrow as pa

    return cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type


def _as_text(cells: Any) -> Any:
    """A column as strings, null where a cell is missing. Of a time no zeros end the fraction of its second: their
    number is that of the unit, in which files may differ. Raises ArrowException for what is no text."""
    import pyarrow as pa
    from pyarrow import compute

    found = cells.cast(pa.string())
    if not _is_time(_kind(cells)):
        return found
    shorter = compute.replace_substring_regex(found, rf"(\.[0-9]*?)0+{_ZONE}$", r"\1\2")
    return compute.replace_substring_regex(shorter, rf"\.{_ZONE}$", r"\1")


def _is_numeric(kind: Any) -> bool:
    """Whether a type of pyarrow is one of numbers."""
    import pyarrow as pa

    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def _is_label(kind: Any) -> bool:
    """Whether cells of a type of pyarrow can be labels: numbers, strings, dates and times."""
    import pyarrow as pa

    types = pa.types
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(text or _is_numeric(kind) or _is_time(kind))


def _is_time(kind: Any) -> bool:
    """Whether a type of pyarrow is one of dates or times of day, which are written as in ISO 8601."""
    import pyarrow as pa

    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind))


def open_arrow(base: Path, path: str, span: Span | None) -> ArrowTable:
    """Opens a Parquet, Feather or Arrow file, told by its content. Raises DiagnosticError (E0412 to E0425)."""
    try:
        import pyarrow as pa
        from pyarrow import feather, ipc, parquet
    except ImportError:
        message = f"`{path}` needs pyarrow, which is not installed"
        help = "`pip install 'gpubp[tables]'` brings it; or save the table as csv"
        raise problem("E0423", message, span, help=help) from None
    raw = read_bytes(base, path, span)
    file = pa.BufferReader(raw)
    try:
        if raw.startswith(b"PAR1"):
            table = parquet.read_table(file, use_threads=False)
        elif raw.startswith((b"ARROW1", b"FEA1")):
            table = feather.read_table(file, use_threads=False)
        else:
            table = ipc.open_stream(file).read_all()
    except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        reason = str(error).partition("\n")[0]
        message = f"`{path}` is not a valid Parquet, Feather or Arrow file"
        raise problem("E0422", message, span, notes=(f"pyarrow says: {reason}",)) from None
    names = tuple(map(str, table.column_names))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise problem("E0415", f"`{path}`: more than one column is named {listed(twice, 4)}", span)
    if not table.num_rows or not names:
        raise problem("E0414", f"`{path}` has no rows", span)
    return ArrowTable(path, span, names, table, "parquet" if raw.startswith(b"PAR1") else "arrow")
