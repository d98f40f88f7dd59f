"""An opened delimited text file: delimiter, column names, where the rows begin, and its records."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from dsl.records import dataclass
from dsl.source import Span

from ..wording import clipped
from .checks import problem
from .notation import PLAIN, Notation


def numbered_names(width: int) -> tuple[str, ...]:
    """Of columns that a file does not name: "1", "2", ..."""
    return tuple(str(i + 1) for i in range(width))


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened file.

    `names`: of its columns ("1", "2", ... without a header); `skip`: lines before the first row of data; `first`: the
    cells of that row; `span`: what messages about this file point at; `notation`: how its numbers are written;
    `above`: lines above the table, which are blank in `raw`; `line`: what messages call a line: of a sheet of a
    workbook it is a "row".
    """

    path: str
    raw: bytes
    span: Span | None
    delimiter: str
    header: bool = False
    names: tuple[str, ...] = ()
    skip: int = 0
    first: tuple[str, ...] = ()
    notation: Notation = PLAIN
    above: int = 0
    line: str = "line"

    def without_header(self, width: int) -> Sheet:
        """The same with a first record that is a row, of so many cells."""
        return replace(self, header=False, names=numbered_names(width))

    @property
    def spaced(self) -> bool:
        """Whether a quote that opens a cell stands behind spaces, as in `"a", "b"`."""
        before = b"(?:^|[\r" + re.escape(self.delimiter.encode()) + b"])"
        return b' "' in self.raw and re.search(before + b' +"', self.raw, re.MULTILINE) is not None

    def lines(self) -> io.TextIOWrapper:
        """The text from its start; line ends are left as they are."""
        return io.TextIOWrapper(io.BytesIO(self.raw), encoding="utf-8", newline="")

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every record that is not blank, header included.

        In a file of one column a blank line is an empty cell, unless nothing follows it.
        """
        reader = csv.reader(self.lines(), delimiter=self.delimiter, skipinitialspace=self.spaced, strict=True)
        blank: list[int] = []
        narrow = False
        start = 1
        try:
            for cells in reader:
                if not cells or (len(cells) == 1 and not cells[0].strip()):
                    blank.append(start)
                else:
                    if narrow:
                        yield from ((line, [""]) for line in blank)
                    narrow = len(cells) == 1
                    blank.clear()
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            message, help = _quoting(error)
            raise problem("E0413", f"{self.place(start)}: {message}", self.span, help=help) from None

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every row of data."""
        return islice(self.records(), 1 if self.header else 0, None)

    def column(self, at: int) -> list[str]:
        """The cells of a column, in rows that are all as long as the header."""
        ends = self.raw.count(b"\r") == self.raw.count(b"\r\n")
        if len(self.names) < 2 or b'"' in self.raw or not ends:
            return [cells[at] for _, cells in self.rows()]
        lines, part = self.lines(), re.escape(self.delimiter)
        for _ in range(self.skip):
            lines.readline()
        other, end = f"[^{part}\r\n]*+", part if at < len(self.names) - 1 else ""
        return re.findall(f"^(?:{other}{part}){{{at}}}({other}){end}", lines.read(), re.MULTILINE)

    def line_of(self, row: int) -> int:
        """The line in which row `row` (from 0) begins."""
        return next(islice(self.rows(), row, None))[0]

    def place(self, line: int, column: int | None = None) -> str:
        """`a.csv`, line 5, column `x`: the line of the file, counted from 1, the header too."""
        where = f"`{self.path}`, {self.line} {line}"
        return where if column is None else f"{where}, column `{clipped(self.names[column])}`"


def _quoting(error: csv.Error) -> tuple[str, str]:
    """What is wrong with a cell, and the remedy."""
    text, remedy = str(error), "delete the quote, or close it; a quote inside a quoted cell is doubled"
    if "unexpected end of data" in text:
        return "a quote opens here and never closes", remedy
    if "field larger" in text:
        return f"a cell is longer than {csv.field_size_limit():,} characters; perhaps a quote never closes", remedy
    if "expected after" in text:
        return "a closing quote is followed by more text", remedy
    return f"cannot be read: {text}", ""
