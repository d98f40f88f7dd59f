"""Opens a table of any kind, as the content of its file says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dsl.records import dataclass
from dsl.source import Span

from .array_files import MAGIC, read_array
from .arrow import BEGINNINGS, open_arrow
from .cell_arrays import CellQuery, Cells, Labels
from .checks import Findings, problem
from .files import read_bytes, start_of
from .layout import TextOptions, open_sheet
from .sheet import numbered_names
from .tables import Table, TextTable, row_place
from .workbook import is_workbook, open_workbook

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ArrayTable:
    """An array of NumPy's, (moments,) or (moments, columns), as a table whose columns are "1", "2", ..."""

    path: str
    span: Span | None
    names: tuple[str, ...]
    values: NDArray[np.float64]
    header: bool = False

    def at(self, row: int, column: int) -> str:
        return row_place(self.path, row, self.names[column])

    def cells(self, query: CellQuery) -> Cells:
        import numpy as np

        findings = Findings(self.span)
        for i in {*query.numeric, *query.labels}:
            column = self.values[:, i]
            bad = np.flatnonzero(~(np.isfinite(column) | (np.isnan(column) & bool(query.missing))))
            found = ((self.at(row, i), f"it is {column[row]}") for row in bad.tolist())
            findings.add_all("E0416", "numbers that are not finite", found, len(bad))
        findings.raise_all()
        columns = self.values.T
        return Cells(
            len(self.values), {i: columns[i] for i in query.numeric}, {i: Labels(columns[i]) for i in query.labels}
        )

    def texts(self, column: int) -> list[str]:
        return [f"{number:.15g}" for number in self.values[:, column].tolist()]


def open_table(base: Path, path: str, span: Span | None, known: TextOptions) -> Table:
    """Delimited text, a sheet of a workbook, Parquet, Feather or Arrow; `known`: of a text. Raises DiagnosticError."""
    if start_of(base, path, span).startswith(BEGINNINGS):
        return open_arrow(base, path, span)
    opened = open_workbook if is_workbook(base, path, span) else open_sheet
    return TextTable(opened(base, path, span, known))


def open_series(base: Path, path: str, span: Span | None, known: TextOptions) -> Table:
    """A table of moments, which may also be an npy file. Raises DiagnosticError."""
    if not start_of(base, path, span).startswith(MAGIC):
        return open_table(base, path, span, known)
    values = read_array(read_bytes(base, path, span), path, span)
    if values.ndim not in (1, 2) or not values.size:
        message = f"`{path}` holds an array of shape {list(values.shape)}"
        raise problem("E0418", message, span, help="a series is [moments], or [moments, columns]")
    table = values.reshape(len(values), -1).astype("float64")
    return ArrayTable(path, span, numbered_names(table.shape[1]), table)
