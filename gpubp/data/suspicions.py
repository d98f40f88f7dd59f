"""What is odd about numbers that could be read: warnings, but for those that no step could take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import Diagnostic
from dsl.graph import LayerGraph
from dsl.records import dataclass
from dsl.source import Span

from ..registry import lookup
from ..wording import counted, listed
from .batches import optimizer_of, takes_all_rows
from .dataset import Rows
from .encoders import Encoder
from .stream import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SMALLEST, _MOSTLY, _OFTEN = 8, 0.5, 0.25  # the side of an image; parts of its pixels that reach the ends of a range
_ROUNDED = 0.01  # of the standard deviation
LARGEST_SINGLE = 2.0**128 - 2.0**103
"""From here on float32 rounds to infinity."""
_MOST = 1 << 28  # bytes of columns that are looked at for rows that occur twice


@dataclass(frozen=True, slots=True)
class _Name:
    """One whose rows are in memory. `train`: the numbers of the training rows; `span`: what messages point at."""

    name: str
    encoder: Encoder
    values: NDArray[Any]
    train: NDArray[np.int64]
    span: Span | None

    @property
    def taught(self) -> NDArray[Any]:
        """The training rows, (n, elements)."""
        return self.values[self.train].reshape(len(self.train), -1)

    @property
    def is_numeric(self) -> bool:
        return self.values.dtype.kind == "f" and self.values.size > 0

    def element(self, at: int) -> tuple[str, bool]:
        """How a message calls an element of the rows, and whether it is the column of a table."""
        fields = [field.name for field in self.encoder.fields for _ in range(field.width)]
        table = len(fields) == math.prod(self.values.shape[1:])
        return (f"`{fields[at]}` of `{self.name}`" if table and fields[at] != self.name else f"`{self.name}`"), table


def suspicions(
    graph: LayerGraph, rows: Mapping[str, Rows], parts: Mapping[str, NDArray[np.int64]], head: Span
) -> list[Diagnostic]:
    """What is odd about the finished rows; `head`: what messages about all of the data point at. A Stored column is not
    looked at."""
    names = _in_memory(rows, parts["train"])
    found = [warning for name in names for warning in _constant(name)]
    if not _is_double(graph):
        found += [warning for name in names for warning in _rounded(name)]
    if len(names) == len(rows):
        found += _shared([name.values for name in names], parts, head)
    return found + _beyond(graph, {name.name: name for name in names}) + parts_of_rows(graph, len(parts["train"]))


def _in_memory(rows: Mapping[str, Rows], train: NDArray[np.int64]) -> list[_Name]:
    return [
        _Name(name, own.encoder, own.values, train, own.span)
        for name, own in rows.items()
        if not isinstance(own.values, Stored)
    ]


def _constant(own: _Name) -> Iterator[Diagnostic]:
    """W0401 for columns of tables, and for targets of any kind, that are the same in all training rows.

    Elements of images are not looked at: their borders often are; nor is the border of an image whose pixels are the
    columns of a table. One row says nothing.
    """
    name, encoder, flat = own.name, own.encoder, own.taught
    if len(flat) < 2:
        return
    still = (flat == flat[0]).all(axis=0)
    if encoder.fields and encoder.classes is None and len(encoder.shape) < 2:
        still &= ~_border(flat, still)
        at, names = 0, []
        for field in encoder.fields:
            if still[at : at + field.width].all():
                names.append(field.name)
            at += field.width
        if names:
            what, verb, it = ("columns", "change", "them") if len(names) > 1 else ("column", "changes", "it")
            message = f"the {what} {listed(names)} of `{name}` never {verb} in the training rows"
            help = f"nothing can be learned from {it}; `columns = [...]` picks the others"
            yield _warning("W0401", message, own.span, help)
    elif not encoder.feature and still.all():
        what = "label" if encoder.classes is not None else "value"
        message = f"`{name}` has the same {what} in all {len(flat):,} training rows"
        yield _warning("W0401", message, own.span, "there is nothing to be learned")


def _border(flat: NDArray[Any], still: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which columns (rows, columns) that never change are the background at the border of an image.

    They are, where the columns are as many as a square of 64 or more has, most of them have the same least value (or
    greatest, for dark on light), which is that of the columns that never change, many the same value at the other end,
    and other such columns lead to the border of the square.
    """
    import numpy as np

    none, side = np.zeros_like(still), math.isqrt(len(still))
    if side**2 != len(still) or side < _SMALLEST or not still.any() or still.all():
        return none
    low, high = flat.min(axis=0), flat.max(axis=0)
    for near, far in ((low, high), (-high, -low)):
        background, ink = near == near.min(), far == far.max()
        if background[still].all() and background[~still].mean() >= _MOSTLY and ink[~still].mean() >= _OFTEN:
            return _reached(still.reshape(side, side)).reshape(-1)
    return none


def _reached(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those places of a square from which a way over others, side by side, leads to its border."""
    import numpy as np

    free, reached = np.pad(places, 1, constant_values=True), np.pad(places & False, 1, constant_values=True)
    count = 0
    while count < reached.sum():
        count = int(reached.sum())
        for axis in (0, 1):
            reached |= free & (np.roll(reached, 1, axis) | np.roll(reached, -1, axis))
    return reached[1:-1, 1:-1]


def _shared(arrays: list[NDArray[Any]], parts: Mapping[str, NDArray[np.int64]], span: Span | None) -> list[Diagnostic]:
    """W0402 where rows of the parts for validation or testing stand among the training rows too, all values alike."""
    import numpy as np

    if len(parts) < 2 or sum(array.nbytes for array in arrays) > _MOST:
        return []
    marks = _marks(arrays)
    order = np.argsort(marks[parts["train"]], kind="stable")
    train = parts["train"][order]
    known = marks[train]
    found = []
    for part, rows in parts.items():
        if part == "train":
            continue
        places = np.minimum(np.searchsorted(known, marks[rows]), len(known) - 1)
        near = np.flatnonzero(known[places] == marks[rows])
        same = [k for k in near if all((array[rows[k]] == array[train[places[k]]]).all() for array in arrays)]
        if same:
            other = int(train[places[same[0]]])
            message = f"{counted(len(same), 'row')} of `{part}` {'are' if len(same) > 1 else 'is'} in `train` too"
            note = f"the first: row {other + 1:,} of the data, and row {same[0] + 1:,} of `{part}`"
            help = "metrics on rows that were trained on say little; remove duplicate rows"
            found.append(_warning("W0402", message, span, help, note))
    return found


def _beyond(graph: LayerGraph, names: Mapping[str, _Name]) -> list[Diagnostic]:
    """W0403 where a name holds numbers that a loss which compares with it is not meant for, once for each loss."""
    found = []
    for node in graph.all_nodes:
        within = lookup("loss", node.kind).within if node.part == "loss" else None
        name = (node.inputs[1].label or node.inputs[1].name) if within is not None else ""
        own = names.get(name)
        if within is None or own is None or own.values.dtype.kind != "f":
            continue
        flat = own.values.reshape(len(own.values), -1)
        bad = ((flat < within[0]) | (flat > within[1])).any(axis=1)
        if bad.any():
            row = int(bad.argmax())
            number = next(each for each in flat[row].tolist() if not within[0] <= each <= within[1])
            where = f"outside of {within[0]:g} to {within[1]:g}" if within[1] < math.inf else f"below {within[0]:g}"
            few = f"{counted(int(bad.sum()), 'row')} of `{name}` {'holds' if bad.sum() == 1 else 'hold'}"
            message = f"{few} a number {where}, which `{node.kind}` is not meant for"
            note = f"the first: row {row + 1:,} of the data, {number:g}"
            help = "`mse` compares any numbers, of any output; classes are `class(?)` and `cross_entropy`"
            found.append(_warning("W0403", message, node.span, help, note))
    return found


def _rounded(own: _Name) -> Iterator[Diagnostic]:
    """W0404 for names whose training rows float32 rounds by a large part of how far they spread: a small difference of
    large numbers, such as times in seconds since 1970, is lost before any layer sees it."""
    import numpy as np

    if not own.is_numeric or len(own.train) < 2:
        return
    flat = own.taught
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(flat.astype(np.float32) - flat).max(axis=0)
        large = np.flatnonzero(error > _ROUNDED * flat.std(axis=0)).tolist()
    bad = [j for j in large if np.isfinite(error[j]) and (flat[:, j] != flat[0, j]).any()]
    if not bad:
        return
    element, table = own.element(bad[0])
    many = f" and {counted(len(bad) - 1, 'other column')}" if len(bad) > 1 else ""
    of, left = (len(np.unique(numbers)) for numbers in (flat[:, bad[0]], flat[:, bad[0]].astype(np.float32)))
    message = f"float32 rounds away a large part of the variation of {element}{many}"
    note = f"of the {of:,} different numbers of {element} in the training rows {left:,} are left"
    help = "`precision = float64` in `train` does not round them"
    if table and own.encoder.feature:
        help = f"`standardize = true` in the reader is computed before that; {help}"
    yield _warning("W0404", message, own.span, help, note)


def too_large(graph: LayerGraph, rows: Mapping[str, Rows], train: NDArray[np.int64]) -> list[Diagnostic]:
    """E0426 for names that hold numbers which float32 rounds to infinity, or whose squares float64 does where their
    deviation is computed; a Stored column is looked at where it is used."""
    found = []
    for own in _in_memory(rows, train):
        values = own.values
        if not own.is_numeric:
            continue
        odd = [j for j, deviation in enumerate(own.encoder.deviation) if not math.isfinite(deviation)]
        help = "correct it in the data"
        if odd:
            message = f"the numbers of {own.element(odd[0])[0]} are too large to be standardized"
        elif _is_double(graph) or -LARGEST_SINGLE < values.min() <= values.max() < LARGEST_SINGLE:
            continue
        else:
            flat = values.reshape(len(values), -1)
            row, at = (int(place[0]) for place in (abs(flat) >= LARGEST_SINGLE).nonzero())
            what, _ = own.element(at)
            message = f"{flat[row, at]:g}, in row {row + 1:,} of {what}, is too large for float32, which ends at 3.4e38"
            help += "; `precision = float64` in `train` takes numbers up to 1.8e308"
        found.append(Diagnostic("E0426", message, own.span, help=(help,)))
    return found


def _is_double(graph: LayerGraph) -> bool:
    options = graph.train.options if graph.train is not None else {}
    return getattr(options.get("precision"), "name", options.get("precision")) == "float64"


def parts_of_rows(graph: LayerGraph, rows: int) -> list[Diagnostic]:
    """W0508 where an optimizer that compares the gradients of one update with those of the next gets them of other rows
    each time: of a batch that is less than all of the `rows` to train on."""
    train = graph.train
    optimizer = optimizer_of(train)
    if train is None or optimizer is None or not optimizer.full_batch or takes_all_rows(train):
        return []
    batch, window = train.options["batch"], train.options["accumulate"]
    assert isinstance(batch, int)
    assert isinstance(window, int)
    if batch * window >= rows:
        return []
    message = f"`{optimizer.name}` compares the gradients of consecutive updates, but each is of different rows"
    note = f"an update takes {counted(batch * window, 'row')} of {rows:,} to train on"
    span = train.spans.get("batch", train.spans.get("optimizer"))
    return [_warning("W0508", message, span, f"`batch = {rows}` uses all rows in each update", note)]


def _marks(arrays: list[NDArray[Any]]) -> NDArray[np.uint64]:
    """One number for each row, alike for rows that are alike."""
    import numpy as np

    marks = np.zeros(len(arrays[0]), dtype=np.uint64)
    for array in arrays:
        flat = array.reshape(len(array), -1)
        for j in range(flat.shape[1]):
            # Adding 0 makes one zero of the two; the rest is a step of SplitMix64 (Steele, Lea & Flood, 2014).
            bits = (flat[:, j] + 0.0).astype(np.float64).view(np.uint64)
            marks = (marks ^ bits) * np.uint64(0xBF58476D1CE4E5B9)
            marks ^= marks >> np.uint64(31)
    return marks


def _warning(code: str, message: str, span: Span | None, help: str, note: str = "") -> Diagnostic:
    return Diagnostic(code, message, span, notes=(note,) if note else (), help=(help,), severity="warning")
