"""What is guessed of a table's columns for its starter file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dsl.excerpt import visible
from dsl.records import dataclass

from ..data import UTF8, Column, Glance, Notation, order_of
from ..data.checks import suggestion
from ..errors import GpubpError
from ..wording import counted
from .table import shortened

TARGETS = ("y", "target", "label", "labels", "class", "species", "category", "outcome", "output", "diagnosis")
"""Names that the column to learn often bears, the likeliest first."""
MAX_CLASSES = 20
"""Different whole numbers that are still taken for classes."""
_LEFT_OUT = {
    "empty": "empty",
    "constant": "one value only",
    "identifiers": "identifiers",
    "dates": "dates",
    "signs": "numbers in an unclear notation",
    "nameless": "no name in the header",
    "shared": "a name that another column has too",
    "text": "free text",
    "others": "neither numbers nor text",
    "sparse": "too many cells are missing",
}
_UNEQUAL = 0.8
"""The part of one class from which on it is said: a net that knows nothing is right as often."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a table is taken for. `classes`: the different labels of the target, 0 for numbers.
    `rows`: those that miss no cell for which nothing can stand, a word or what is to be learned."""

    table: Glance
    target: Column
    numbers: tuple[Column, ...]
    words: tuple[Column, ...]
    left_out: tuple[Column, ...]
    classes: int
    rows: int

    @property
    def unequal(self) -> bool:
        """Whether one class has so many rows that its share says little."""
        values = self.target.values
        return self.classes > 0 and max(values.values()) >= _UNEQUAL * values.total()

    @property
    def filled(self) -> bool:
        """Whether an input of numbers misses cells."""
        return any(column.missing for column in self.numbers)

    def said(self) -> list[str]:
        """The guesses as sentences, for the terminal and for the file."""
        table, inputs = self.table, []
        rows = counted(table.rows, "row") if table.complete else f"the first {table.rows:,} rows; the others may differ"
        if self.numbers and self.numbers[0].kind == "identifiers":
            inputs.append(f"{_listed(self.numbers)} (identifiers, for no other column can be used)")
        elif self.numbers:
            inputs.append(f"{counted(len(self.numbers), 'column')} of numbers")
        if self.words:
            inputs.append(f"{counted(len(self.words), 'column')} of words ({_listed(self.words)})")
        how = f"one of {self.classes} classes" if self.classes else "a number"
        if self.unequal:
            often, count = self.target.values.most_common(1)[0]
            share = count / self.target.values.total()
            part = f"{share:.0%}" if share < 0.995 else "over 99%"
            how += f"; {part} of the rows are {_quoted(often)}: `weights = balanced` in the loss counts "
            how += "all classes alike"
        lines = [f"target: {_name(self.target)}, {how}", f"inputs: {' and '.join(inputs)}", f"guessed from {rows}"]
        if self.left_out:
            lines.insert(2, f"left out: {_reasons(self.left_out)}")
        missing = [column for column in (self.target, *self.numbers, *self.words) if column.missing]
        if missing:
            shown = shortened([f"{_name(column)} ({column.missing:,})" for column in missing])
            gone = table.rows - self.rows
            what = f"rows that miss one are left out, {gone:,} of them"
            if self.filled:
                left = f", and {gone:,} {'row is' if gone == 1 else 'rows are'} left out" if gone else ""
                what = f"numbers are filled by the median{left}"
            lines.append(f"missing cells: {shown}; {what}")
        lines.extend(filter(None, map(_stands_in, (self.target, *self.numbers))))
        lines.extend(filter(None, map(_spelt_otherwise, (self.target, *self.words))))
        if table.sheet:
            lines.append(f"of several sheets this is {_quoted(table.sheet)}; `sheet` in `excel` names another")
        if table.encoding != UTF8:
            sample = f", as in {_quoted(table.sample)}" if table.sample else ""
            lines.append(
                f'its text is not UTF-8 but, it seems, {table.encoding}{sample}: `encoding = "{table.encoding}"`'
            )
        lines.extend(_notation(table.notation))
        if above := table.above:
            line = "row" if table.reader == "excel" else "line"
            lines.append(f"the table starts at {line} {above + 1:,}: `skip = {above}`")
        if not table.header:
            lines.append(f'the table has no header: its columns are called "1" to "{len(table.columns)}"')
        return lines


def guess(table: Glance, asked: str | None) -> Guess:
    """The target, the column `asked` for or the likeliest, and the inputs. Raises GpubpError if there are none, or if
    a cell that is needed is missing."""
    path = visible(table.path)
    if len(table.columns) < 2:
        raise GpubpError(f"`{path}` has one column: a net needs one to learn and others to learn it from")
    target = _target(table, asked)
    others = [column for column in table.columns if column is not target]
    inputs = [column for column in others if column.useful]
    if not inputs:  # a row's number is better than nothing
        inputs = [column for column in others if column.kind == "identifiers" and column.whole]
    if not inputs:
        raise GpubpError(f"`{path}` has nothing to learn {_name(target)} from: {_useless(others)}")
    inputs, rows = _filled(table, target, inputs)
    used = {*map(id, inputs)}  # comparing columns compares their cells
    unused = [column for column in others if id(column) not in used]
    left_out = tuple(replace(column, kind="sparse") if column.useful else column for column in unused)
    numbers = tuple(column for column in inputs if column.kind != "words")
    words = tuple(column for column in inputs if column.kind == "words")
    return Guess(table, target, numbers, words, left_out, _classes(target, rows), rows)


def _target(table: Glance, asked: str | None) -> Column:
    path, names = visible(table.path), [column.name for column in table.columns]
    if asked is not None:
        if asked not in names:
            help = suggestion(asked, map(visible, names), f"its columns are {_listed(table.columns)}")
            raise GpubpError(f"`{path}` has no column `{visible(asked)}`; {help}")
        found = table.columns[names.index(asked)]
    else:
        # Beside an `x`, a `y` that is not the last is a coordinate.
        likely = TARGETS if names[-1].lower() == "y" or "x" not in map(str.lower, names) else TARGETS[1:]
        named = [c for word in likely for c in table.columns if c.name.lower() == word]
        useful = [c for c in table.columns if c.useful] or [c for c in table.columns if _learnable(c)]
        if not useful:
            raise GpubpError(f"no column of `{path}` can be learnt: {_useless(table.columns)}")
        found = next(filter(_learnable, named), (named or useful[-1:])[0])
    if not _learnable(found):
        other = "" if asked is not None else "; `--target NAME` chooses another column"
        raise GpubpError(
            f"{_name(found)} cannot be the target ({_reason(found)}): a target is numbers, or a few words that each "
            f"occur several times{other}"
        )
    return found


def _learnable(column: Column) -> bool:
    return column.useful or (column.kind == "identifiers" and column.whole)


def _reasons(columns: Sequence[Column]) -> str:
    """Columns that are not used, by why they are not; of those that could be used, that is what they hold."""
    by_reason: dict[str, list[Column]] = {}
    for column in columns:
        by_reason.setdefault(_reason(column), []).append(column)
    return shortened([f"{_listed(same)} ({reason})" for reason, same in by_reason.items()], between="; ")


def _useless(columns: Sequence[Column]) -> str:
    """The same of a table that has no others; without names, but for those of rows, they may stand under a title."""
    title = any(column.kind == "nameless" and column.name != "column 1" for column in columns)
    return _reasons(columns) + "; if lines stand above its header, delete them" * title


def _notation(found: Notation) -> list[str]:
    """How numbers are written, where it is not as in Python."""
    units = "units are dropped" if {*found.units} - {"%"} else ""
    shares = "percentages are read as fractions (45% is 0.45)" if "%" in found.units else ""
    said = {
        "numbers are written with decimal commas": found.decimal == ",",
        "numbers have thousands separators": found.thousands,
        "; ".join(filter(None, (units, shares))): found.units,
        "numbers such as (5), 5- and - 5 are negative": found.accounting,
    }
    true = [sentence for sentence, holds in said.items() if holds]
    return [f"{sentence}: `{option}`" for sentence, option in zip(true, found.options(), strict=True)]


def _reason(column: Column) -> str:
    order = order_of(column.values) if column.kind == "dates" else None
    if order is not None:
        parts = " and ".join(_quoted(f'"{column.name}.{part}"') for part in ("month", "weekday"))
        option = {"ymd": "", "": "with `dates = dmy` or `dates = mdy` (no cell shows which) "}.get(
            order, f"with `dates = {order}` "
        )
        return f"dates; {option}{parts} in `columns` are numbers"
    return f"numbers, but {visible(column.odd)}" if column.odd else _LEFT_OUT.get(column.kind, column.kind)


def _filled(table: Glance, target: Column, inputs: list[Column]) -> tuple[list[Column], int]:
    """The inputs without numbers that miss most cells, and without the words, the emptiest first, for which most rows
    would be left out; and the rows that are not left out then. Raises GpubpError where the target or the last input has
    too few cells."""
    kept = [column for column in inputs if column.kind == "words" or 2 * column.missing <= table.rows]
    kept = kept or [min(inputs, key=lambda column: column.missing)]
    while True:
        used = [column for column in (target, *kept) if column.missing and (column.kind == "words" or column is target)]
        left = table.without_missing(used) if used else table.rows
        if left >= max(2, 0.5 * table.rows):
            return kept, left
        worst = max((column for column in kept if column in used), key=lambda column: column.missing, default=None)
        if len(kept) == 1 or worst is None:
            shown = shortened([f"{_name(column)} ({column.missing:,})" for column in used])
            raise GpubpError(
                f"only {left:,} of {table.rows:,} rows of `{visible(table.path)}` have all the cells that are "
                f"needed; missing are {shown}: fill them, or name another target by `--target`"
            )
        kept.remove(worst)


def _classes(target: Column, rows: int) -> int:
    """The number of classes where the target's values are labels, else 0."""
    if target.kind == "words":
        return len(target.values)
    numbers = {int(value) for value, _ in target.numbers()} if target.whole else set()
    if not 2 <= len(numbers) <= MAX_CLASSES or 2 * len(numbers) > rows:
        return 0
    # Labels from 0 on are taken as they stand: gaps would be classes that never occur.
    if min(numbers) == 0 and max(numbers) + 1 > 2 * len(numbers):
        return 0
    return max(numbers) + 1 if min(numbers) == 0 else len(numbers)


def _stands_in(column: Column) -> str:
    """A sentence about a number that seems to stand for missing cells, if there is one."""
    if column.stand_in is None:
        return ""
    number, count = column.stand_in
    return f"{_name(column)} holds {number:g} in {counted(count, 'row')}: if it means a missing cell, empty these cells"


def _spelt_otherwise(column: Column) -> str:
    """A sentence about words that differ by their case alone, if there are some."""
    seen: dict[str, str] = {}
    for word in column.values if column.kind == "words" else ():
        other = seen.setdefault(word.casefold(), word)
        if other != word:
            return (
                f"{_name(column)} holds {_quoted(other)} and {_quoted(word)}: if they mean the same, write them alike"
            )
    return ""


def _name(column: Column) -> str:
    return _quoted(column.name)


def _quoted(text: str) -> str:
    shown = visible(text)
    return f"`{shown if len(shown) <= 40 else shown[:37] + '...'}`"


def _listed(columns: Sequence[Column]) -> str:
    return shortened([_name(column) for column in columns])
