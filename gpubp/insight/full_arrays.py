"""Named values of a step in full: every element of an array, as tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby, product
from typing import Any

from ..errors import GpubpError
from .document import MOST, count_of
from .formulas import FEW
from .text import DIGITS, block, head, number, shown

_GAP = "  "


def whole_text(
    document: Mapping[str, Any], names: Sequence[str], columns: int | None = None, digits: int = DIGITS
) -> str:
    """Every number of what is named in a document: a sign of the text (`z1`, `dL/dW2`), a parameter by its full name
    (its value, its gradient, what the update makes of it), a layer, or `loss` (all of its lines). `columns`: how wide
    a table may be; what is wider is told in pieces. `digits`: of each number, those that count. Raises GpubpError for a
    name that the step does not have."""
    lines = [line for name in names for line in _lines(document, name)]
    parts = []
    for few, group in groupby(lines, lambda line: count_of(line["value"]) <= FEW):
        same_size = list(group)
        parts += [block(same_size, digits)] if few else [_array_text(line, columns, digits) for line in same_size]
    return "\n\n".join(parts)


def _lines(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The lines that match a name, in the order of the text."""
    candidates: list[tuple[Mapping[str, Any], tuple[str, ...]]]
    candidates = [(line, (line["name"],)) for line in document["feeds"]]
    candidates += [(line, (line["name"], "loss")) for line in document["loss"]]
    for way, layers in (("forward", document["layers"]), ("backward", document["layers"][::-1])):
        for layer in layers:
            candidates += [(line, (line["name"], line["about"], layer["name"])) for line in layer[way]]
    for parameter, change in document["update"]["parameters"].items():
        after = {"name": parameter, "formula": "", "about": "after the update", "inner": (), "value": change["after"]}
        candidates.append((after, (parameter,)))
        for kept, values in change["kept"].items():
            after = {"name": kept, "formula": "", "about": parameter, "inner": (), "value": values["before"]}
            candidates.append((after, (kept,)))
            after = {**after, "about": f"{parameter}, after the update", "value": values["after"]}
            candidates.append((after, (kept,)))
    found = [line for line, names in candidates if name and name in names]
    if not found:
        close = get_close_matches(name, {one for _, names in candidates for one in names if one}, 1)
        help = f"did you mean `{close[0]}`?" if close else "the whole explanation has all names, on its left side"
        raise GpubpError(f"nothing in this step is called `{name}`; {help}")
    return found


def _array_text(line: Mapping[str, Any], columns: int | None, digits: int) -> str:
    value = line["value"]
    title = "\n".join((f"  {head(line)}", *(f"      {inner}" for inner in line["inner"])))
    if "values" not in value:
        return f"{title}\n  {shown(value, digits)}\n  an array of more than {MOST:,} numbers is not written out"
    low, high, mean = (number(value[key], digits) for key in ("min", "max", "mean"))
    about = f"{' by '.join(f'{size:,}' for size in value['shape'])} numbers, {low} to {high}, mean {mean}"
    return "\n".join((title, f"  {about}", *_tables(value["values"], value["shape"], columns, digits)))


def _tables(values: Any, shape: Sequence[int], columns: int | None, digits: int) -> Iterator[str]:
    """An array as matrices of its first two axes that are longer than 1, as of an image or of a filter, one for each
    place on the others, with its index in NumPy's notation; what has but one such axis as one row."""
    axes_shown = [axis for axis, size in enumerate(shape) if size > 1][:2]
    rest = [axis for axis in range(len(shape)) if axis not in axes_shown]
    sizes = [shape[axis] for axis in axes_shown]
    for place in product(*(range(shape[axis]) for axis in rest)):

        def index(*along: Any, known: Sequence[int] = place) -> list[Any]:
            found = {**dict(zip(rest, known, strict=True)), **dict(zip(axes_shown, along, strict=True))}
            return [found[axis] for axis in range(len(shape))]

        if rest:
            yield f"  [{', '.join(map(str, index(*':' * len(axes_shown))))}]"
        if len(axes_shown) == 1:
            yield from _table([[_at(values, index(j)) for j in range(sizes[0])]], False, columns, digits)
        else:
            rows = [[_at(values, index(i, j)) for j in range(sizes[1])] for i in range(sizes[0])]
            yield from _table(rows, True, columns, digits)


def _at(values: Any, index: Sequence[int]) -> Any:
    for i in index:
        values = values[i]
    return values


def _table(rows: Sequence[Sequence[Any]], numbered: bool, columns: int | None, digits: int) -> Iterator[str]:
    """A table with column and row indices, split into as many columns as fit."""
    cells = [[number(value, digits) for value in row] for row in rows]
    total = len(cells[0])
    width = max(len(str(total - 1)), *(len(cell) for row in cells for cell in row))
    heads = [str(i) if numbered else "" for i in range(len(cells))]
    first = 2 + max(map(len, heads))
    step = total if columns is None else max(1, (columns - first) // (width + len(_GAP)))
    for at in range(0, total, step):
        if at:
            yield ""
        yield _row("", [str(i) for i in range(at, min(at + step, total))], first, width)
        yield from (_row(name, row[at : at + step], first, width) for name, row in zip(heads, cells, strict=True))


def _row(name: str, cells: Sequence[str], first: int, width: int) -> str:
    return name.rjust(first) + "".join(_GAP + cell.rjust(width) for cell in cells)
