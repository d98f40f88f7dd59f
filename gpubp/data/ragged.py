"""What to say of rows that are longer or shorter than the header: what may have made them so, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from .checks import Findings, counted, remedy
from .layout import lines_above
from .sheet import Sheet


def _title(sheet: Sheet) -> str:
    """What to do about lines above a table."""
    lines = lines_above(sheet, ())
    told = f"`skip = {lines or 'N'}` leaves out {counted(lines, sheet.line) if lines else f'N {sheet.line}s'}"
    help = f"delete {sheet.line}s above the table, such as a title"
    return remedy(sheet.span, f"{told} above the table, such as a title", help)


class Lengths:
    """Looks at the rows of a sheet one after the other."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet, self._width = sheet, len(sheet.names)
        self._odd: list[tuple[int, int]] = []
        """Line and length of each row of another length."""
        self._last = 0
        """The line of the last row that is as long as the header."""

    def fits(self, line: int, cells: Sequence[str]) -> bool:
        """Whether the row is as long as the header."""
        if len(cells) == self._width:
            self._last = line
            return True
        self._odd.append((line, len(cells)))
        return False

    def report(self, findings: Findings) -> None:
        """Put rows of another length among the findings."""
        there = "the header" if self._sheet.header else "the first row"
        help = self._help() if self._odd else ""
        for line, length in self._odd:
            message = f"{counted(length, 'cell')}, where {there} has {self._width}"
            findings.add("E0417", "rows of another length", self._sheet.place(line), message, help)

    def _help(self) -> str:
        first, length = self._odd[0]
        if self._width == 1 or lines_above(self._sheet, ()):
            return _title(self._sheet)
        if self._sheet.header and not self._last and {length for _, length in self._odd} == {self._width + 1}:
            return "the header has one name too few: add it"
        if first > self._last > 0:
            return f"delete {self._sheet.line}s below the table, such as notes or a source"
        if not self._last and {length for _, length in self._odd} == {1} and b'"' in self._sheet.raw:
            return "each row is one quoted cell: delete the quotes around it"
        return (
            "quote cells that contain the delimiter"
            if length > self._width
            else "every row needs a cell for each column"
        )
