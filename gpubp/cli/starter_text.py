"""The text of a table's starter file, from what was guessed of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import sqrt
from unicodedata import combining, normalize

from dsl.excerpt import visible
from dsl.format import format_text
from dsl.source import Source
from dsl.tokens import WORDS

from ..data import UTF8, Column
from ..errors import GpubpError
from ..frontend import format_value
from .starter import Guess

ROWS_TO_SPLIT, ROWS_TO_VALIDATE = 20, 50
"""From so many rows on some are held back for testing, and for validation and the early stop too."""
MOST_LISTED = 100
"""Columns of one name that are listed; of more, those are listed that are left out."""
MOST_INPUTS = 30
"""Columns of words that are an input each; more become numbers of `x`."""
_USED = frozenset({"x", "p", "estimate", "features", "kinds", "hidden", "lr", "split", *WORDS})
"""Names that the file uses for something else, or that the language reserves."""


def text(found: Guess, name: str, path: str) -> str:
    """The `.net` text, formatted. `name`: of the file; `path`: of the table, as the file has it."""
    taken = {*_USED}
    target = _identifier(found.target.name, taken, "label" if found.classes else "y")
    words = [] if _coded(found) else [_identifier(column.name, taken) for column in found.words]
    head = [f"{visible(name)}: a start, written by `gpubp init`; all of it may be changed", *found.said()]
    if found.rows < ROWS_TO_SPLIT:
        head.append("too few rows to hold any back: how well it does on others is not known")
    epochs, batch, hidden = _sizes(found.rows, found.table.complete)
    lines = [
        *(f"# {line}" for line in head),
        f"param hidden = {hidden} in [8, 16, 32, 64]",
        "param lr = 1e-2 in log(1e-3, 1e-1)",
        "",
        *("data {", *_data(found, words, target, path), "}", ""),
        *("model {", *_model(found, words, target), "}", ""),
        *("train {", *_train(found, target, epochs, batch), "}"),
    ]
    made, findings = format_text(Source(name, "\n".join(lines) + "\n"))
    if findings:  # a name or a path that no text of the language can hold
        raise GpubpError(f"the table's names cannot be written in a `.net` file: {findings[0].message}")
    return made


def _coded(found: Guess) -> bool:
    """Whether the columns of words are one-hot numbers of `x`."""
    return len(found.words) > MOST_INPUTS


def _data(found: Guess, words: Sequence[str], target: str, path: str) -> Iterator[str]:
    names = [*["x"] * bool(found.numbers or _coded(found)), *words, target]
    yield f"{', '.join(names)} = {_reader(found, path)}"
    if found.rows >= ROWS_TO_SPLIT:
        parts = "train = 70%, valid = 15%, test = 15%" if _validates(found) else "train = 80%, test = 20%"
        yield f"split = split({parts}{f', stratify = {target}' if found.classes else ''})"


def _model(found: Guess, words: Sequence[str], target: str) -> Iterator[str]:
    if found.numbers or _coded(found):
        yield "input x: [?]"
    yield from (f"input {word}: class(?)" for word in words)
    yield f"target {target}: {'class(?kinds)' if found.classes else '[1]'}"
    numbers = "x" if not found.numbers or any(map(_rounded, found.numbers)) else "x -> standardize"
    values = [*[numbers] * bool(found.numbers or _coded(found)), *(f"one_hot({word})" for word in words)]
    yield f"features = {values[0]}" if len(values) == 1 else f"features = concat({', '.join(values)})"
    hidden = "features -> dense(hidden) -> relu"
    if found.classes:
        yield f"output p = {hidden} -> dense(kinds) -> softmax"
    else:
        scale = _scale(found.target)
        yield f"output estimate = {f'{scale}({hidden} -> dense(1))' if scale else f'{hidden} -> dense(1)'}"


def _train(found: Guess, target: str, epochs: int, batch: int) -> Iterator[str]:
    yield f"loss = {f'cross_entropy(p, {target})' if found.classes else f'mse(estimate, {target})'}"
    yield from ("optimizer = adam(lr = lr)", f"batch = {batch}", f"epochs = {epochs}")
    if _validates(found):
        yield "early_stop = early_stop(valid.loss, patience = 20epochs)"
    if found.classes:
        yield f"metrics = [accuracy(p, {target}){f', f1(p, {target})' if found.unequal else ''}]"
    else:
        yield f"metrics = [r2(estimate, {target}), mae(estimate, {target})]"


def _validates(found: Guess) -> bool:
    return not found.table.complete or found.rows >= ROWS_TO_VALIDATE


def _reader(found: Guess, path: str) -> str:
    """The entry's right side: `target` alone where all columns but one are numbers, else those that are used, or of a
    wide table those that are not."""
    table = found.table
    header = f", sheet = {format_value(table.sheet)}" if table.sheet else ""
    header += f", skip = {table.above}" * bool(table.above) + ", header = false" * (not table.header)
    more = f"{header}, missing = drop" if found.rows < table.rows and not found.filled else header
    more += ", missing = median" if found.filled else ""
    more += "".join(f", {option}" for option in table.notation.options())
    more += f', encoding = "{table.encoding}"' if table.encoding != UTF8 else ""
    more += ", standardize = true" if any(map(_rounded, found.numbers)) else ""
    last = format_value(found.target.name)
    coded = found.words if _coded(found) else ()
    alone = () if coded else found.words
    wide = len(found.numbers) + len(coded) > MOST_LISTED
    more = f", without = {_names(found.left_out)}{more}" if wide and found.left_out else more
    more += f", onehot = {_pattern(coded, (*found.numbers, found.target, *found.left_out))}" if coded else ""
    if not alone and (wide or not found.left_out):
        return f"{table.reader}({format_value(path)}, target = {last}{more})"
    parts = ["rest" if wide else _names((*found.numbers, *coded))] * bool(found.numbers or coded)
    parts += [format_value(column.name) for column in alone]
    return f"{table.reader}({format_value(path)}, columns = [{', '.join([*parts, last])}]{more})"


def _pattern(columns: Sequence[Column], others: Sequence[Column]) -> str:
    """Columns by how their names begin, or by their names where they or `others` allow no such pattern."""
    first, last = min(column.name for column in columns), max(column.name for column in columns)
    start = first[: next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), None)]
    if not start or "*" in start or any(column.name.startswith(start) for column in others):
        return _names(columns)
    return format_value(f"{start}*")


def _names(columns: Sequence[Column]) -> str:
    names = dict.fromkeys("" if column.nameless else column.name for column in columns)
    return f"[{', '.join(map(format_value, names))}]"


def _sizes(rows: int, complete: bool) -> tuple[int, int, int]:
    """Epochs, rows of a batch, hidden units."""
    if not complete:
        return 20, 256, 64
    for most, sizes in ((100, (500, 16, 8)), (1000, (200, 16, 16)), (5000, (100, 32, 32))):
        if rows < most:
            return sizes
    return 50, 64, 64


def _scale(target: Column) -> str:
    """`150 + 75 * `: where a target lies and how far it spreads, where that is not about 0 and 1."""
    mean, deviation = _spread(target)
    if abs(mean) < 0.5 and 0.5 < deviation < 2:
        return ""
    return f"{_short(mean)} + {_short(deviation)} * "


def _rounded(column: Column) -> bool:
    """Whether float32 rounds the numbers of a column by a good part of how far they spread (W0404): then the table's
    reader standardizes them, in float64, before a layer could."""
    mean, deviation = _spread(column)
    return abs(mean) > 1e4 * deviation


def _spread(column: Column) -> tuple[float, float]:
    """Mean and standard deviation."""
    pairs = column.numbers()
    count = sum(times for _, times in pairs)
    most = max(abs(value) for value, _ in pairs) or 1.0  # the square of a number beyond 1e154 would be none
    mean = sum(value / most * times for value, times in pairs) / count
    return most * mean, most * sqrt(sum(times * (value / most - mean) ** 2 for value, times in pairs) / count)


def _short(number: float) -> str:
    """Two digits of it."""
    rounded = float(f"{number:.2g}")
    return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e6 else repr(rounded)


def _identifier(name: str, taken: set[str], otherwise: str = "column") -> str:
    """A name of the language like that of a column, and not among those `taken`; `otherwise` if it has no letter of
    the language."""
    plain = "".join(c for c in normalize("NFKD", name.replace("ß", "ss")) if not combining(c))
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_").lower()
    stem = stem if re.match(r"[a-z]", stem) else f"c_{stem}" if stem else otherwise
    found, number = stem[:40], 2
    while found in taken:
        found, number = f"{stem[:40]}_{number}", number + 1
    taken.add(found)
    return found
