"""Arrays of numbers, each from a file: checked, then the rows of the names that take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..wording import counted
from .cell_arrays import Labels, written
from .checks import Findings, problem
from .dataset import Origin, ReadResult, Request, Rows, Want
from .encoders import Encoder
from .labels import LabelColumns, encode
from .options import Options, check_scale
from .stream import Segment, Stored
from .tables import row_place

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ArraySource:
    """One array of a file. `path`: the file, as messages name it."""

    path: str
    span: Span | None
    values: NDArray[Any] | Segment

    @property
    def rows(self) -> int:
        return self.values.rows if isinstance(self.values, Segment) else len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return self.values.shape if isinstance(self.values, Segment) else self.values.shape[1:]

    def place(self, _: int, flat: int) -> str:
        """As `at`: a source is one column of labels."""
        return self.at(flat)

    def at(self, flat: int) -> str:
        """Where an element stands, by its number in C order."""
        row, rest = divmod(flat, max(1, prod(self.shape)))
        return row_place(self.path, row) + (f", element {rest + 1:,}" if prod(self.shape) > 1 else "")


def assemble(
    request: Request, sources: Sequence[ArraySource], tests: Sequence[ArraySource], options: Options
) -> ReadResult:
    """One source, and perhaps one for testing, for each name that is wanted. Raises DiagnosticError."""
    check_scale(request, options.scale)
    rows: dict[str, Rows] = {}
    for k, (name, want) in enumerate(request.wants.items()):
        given = [sources[k], *tests[k : k + 1]]
        _check_rows(given, sources[0], tests)
        shape = options.shaped(want, given[0].shape)
        column, classes, words = _labels(name, want, given) if want.kind == "class" else _numbers(want, given)
        scale = options.scale if want.numeric else 1.0
        encoder = Encoder(shape, classes, want.feature, words=words, scale=scale)
        values = Stored(column, encoder) if isinstance(column, tuple) else column.reshape(len(column), *shape)
        rows[name] = Rows(values, encoder, options.standardize and want.numeric)
    options.require_reshaped(request, {n: source.shape for n, source in zip(request.wants, sources, strict=True)})
    origins = tuple(Origin(source.path, range(source.rows)) for source in (*sources[:1], *tests[:1]))
    return ReadResult(rows, tests[0].rows if tests else 0, origins=origins)


def no_rows(path: str, span: Span | None) -> DiagnosticError:
    return problem("E0414", f"`{path}` has no rows: rows are the first axis of its array", span)


def _check_rows(given: Sequence[ArraySource], first: ArraySource, tests: Sequence[ArraySource]) -> None:
    for source, other in zip(given, (first, *tests[:1]), strict=True):
        if (not isinstance(source.values, Segment) and not source.values.ndim) or not source.rows:
            raise no_rows(source.path, source.span)
        if source.rows != other.rows:
            message = f"`{source.path}` has {counted(source.rows, 'row')}, `{other.path}` has {other.rows:,}"
            raise problem("E0420", message, source.span)
        if source.shape != given[0].shape:
            message = f"rows of `{source.path}` have shape {list(source.shape)}, of `{given[0].path}` "
            raise problem("E0418", message + str(list(given[0].shape)), source.span)


def _numbers(want: Want, given: Sequence[ArraySource]) -> tuple[Any, None, tuple[str, ...]]:
    """Raw numbers, each of them finite."""

    if want.type is not None:  # not while types are measured
        finite(given)
    return _joined(given), None, ()


def finite(given: Sequence[ArraySource]) -> None:
    """Raises DiagnosticError (E0416) for numbers that are NaN or infinite."""
    import numpy as np

    findings = Findings(given[0].span)
    for source in given:
        size = max(1, prod(source.shape))
        for start, piece in _pieces(source):
            if piece.dtype.kind == "f":
                flat = piece.reshape(-1)
                bad = np.flatnonzero(~np.isfinite(flat)).tolist()
                found = ((source.at(start * size + i), f"`{flat[i]}` is not a finite number") for i in bad)
                help = "put numbers in their place, or leave such rows out, and save the array again"
                findings.add_all("E0416", "numbers that are not finite", found, len(bad), help)
    findings.raise_all()


def _joined(given: Sequence[ArraySource]) -> Any:
    import numpy as np

    segments = tuple(source.values for source in given if isinstance(source.values, Segment))
    if len(segments) == len(given):
        return segments
    # Where one of two files is large enough to be streamed, the smaller is not made a special case.
    arrays = [s.values.read(0, s.rows) if isinstance(s.values, Segment) else s.values for s in given]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _pieces(source: ArraySource) -> Iterator[tuple[int, NDArray[Any]]]:
    if isinstance(source.values, Segment):
        yield from Stored((source.values,), Encoder(source.shape)).pieces()
    else:
        yield 0, source.values


def _labels(name: str, want: Want, given: Sequence[ArraySource]) -> tuple[Any, int, tuple[str, ...]]:
    import numpy as np

    if all(isinstance(source.values, Segment) for source in given):
        return _joined(given), _streamed_classes(name, want, given), ()
    places = []
    for source in given:
        values = source.values.read(0, source.rows) if isinstance(source.values, Segment) else source.values
        flat = Labels(values.reshape(-1).astype(np.float64))
        places.append(LabelColumns(source.path, source.span, [flat], ["the array"], source.place))
    tables, classes, words = encode(name, want, places)
    return np.concatenate(tables).reshape(-1, *given[0].shape), classes, words


def _streamed_classes(name: str, want: Want, given: Sequence[ArraySource]) -> int:
    """The number of classes of labels that stay in their files; they must be 0, 1, ... as they stand."""
    import numpy as np

    classes = want.type.classes if want.type is not None else None
    highest = 0
    for source in given:
        size = max(1, prod(source.shape))
        for start, piece in _pieces(source):
            flat = piece.reshape(-1)
            bad = (flat < 0) | (np.floor(flat) != flat) | (flat >= (classes or 2**31))
            if bad.any():
                i = int(np.argmax(bad))
                labels = f"0 to {classes - 1}" if classes else "whole numbers from 0"
                message = f"{source.at(start * size + i)}: `{written(float(flat[i]))}` is no label"
                raise problem("E0419", message, source.span, help=f"labels of `{name}` are {labels}")
            highest = max(highest, int(flat.max()))
    return classes or highest + 1
