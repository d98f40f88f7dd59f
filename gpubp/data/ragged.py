"""What to say of rows that are longer or shorter than the header: what may have made them so, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from .checks import Findings, counted
from .sheet import Sheet

TITLE = "delete lines above the header, such as a title"
NOTES = "delete lines below the table, such as notes or a source"


class Lengths:
    """Looks at the rows of a sheet one after the other."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet, self._width = sheet, len(sheet.names)
        self._odd: list[tuple[int, int, bool]] = []
        """Line and length of each row of another length, and whether its last cell is empty."""
        self._last = 0
        """The line of the last row that is as long as the header."""

    def fits(self, line: int, cells: Sequence[str]) -> bool:
        """Whether the row is as long as the header."""
        if len(cells) == self._width:
            self._last = line
            return True
        self._odd.append((line, len(cells), not cells[-1].strip()))
        return False

    def report(self, findings: Findings) -> None:
        """Put rows of another length among the findings."""
        there = "the header" if self._sheet.header else "the first row"
        help = self._help() if self._odd else ""
        for line, length, _ in self._odd:
            message = f"{counted(length, 'cell')}, where {there} has {self._width}"
            findings.add("E0417", "rows of another length", self._sheet.place(line), message, help)

    def _help(self) -> str:
        first, length, _ = self._odd[0]
        if self._width == 1:
            return TITLE
        if self._sheet.header and not self._last and {n for _, n, _ in self._odd} == {self._width + 1}:
            if all(empty for *_, empty in self._odd):
                end = self._sheet.delimiter
                return f"all rows end with `{end}`: end the header with it, too, or delete it from the rows"
            return "the header has one name too few, as when R writes row names: add it"
        if first > self._last > 0:
            return NOTES
        return (
            "quote cells that contain the delimiter"
            if length > self._width
            else "every row needs a cell for each column"
        )
