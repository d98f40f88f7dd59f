"""C forms: how a primitive is computed in C-family text. Each is part of the primitive's one definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Scalar:
    """One element from the elements beside it: an expression with `{0}`, `{1}` for them, `{t}` for the float type of
    the first (`f32`, `f64`) and `{type}` for the type of the result; or a function from params to that. `written`: the
    inputs whose literals stand in a kernel's text whatever they are, for compilers make simpler code of some."""

    text: str | Callable[..., str]
    written: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """A reduction: from `start`, each element is joined by the expression `join` of `{0}`, what has been found so far,
    and `{1}`; `row` is the function over elements that lie one behind the other, which takes them and their number;
    `lanes` does the same for LANES copies side by side, and writes a result for each to its third argument."""

    start: str
    join: str
    row: str
    lanes: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A row-wise primitive written in others: `steps(x, axis=...)` records the equations."""

    steps: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Read:
    """An input of a shape; called with a text for each index, it gives the text of the element there. `suffix`: its
    float type in the names of functions (`f32`, `f64`), empty where it has none."""

    shape: tuple[int, ...]
    suffix: str
    element: Callable[[Sequence[str]], str]

    def __call__(self, index: Sequence[str]) -> str:
        return self.element(index)


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the result from whatever elements of the inputs: `text(index, shape, *inputs, **params)`
    gives the expression, with a text for each index into the result of that shape and a `Read` for each input, and
    `{t}` for the type of the result; an empty one where it would be too long."""

    text: Callable[..., str]


@dataclass(frozen=True, slots=True)
class Adds:
    """Sums of elements of the first input, which are added one after the other to a result of zeros: `place(index,
    shape, *inputs, **params)` gives the indices into the result of that shape where the element at `index` belongs."""

    place: Callable[..., Sequence[str]]


@dataclass(frozen=True, slots=True)
class Call:
    """A function that writes all elements: `{out}` is where they lie one behind the other, `{size}` their number;
    scalar inputs are `{0}`, `{1}`, `{t}` is the type of the result."""

    text: str


@dataclass(frozen=True, slots=True)
class Turns:
    """A call, with `{out}`, `{0}`, `{1}` for where arrays lie, `{s0}` for the scratch and `{t}` for the type of the
    result, that does those from `{begin}` to `{end}` of `turns`, none of which depends on another. All do `work`
    elementary operations; threads may share them at multiples of `unit`, with a scratch of `room` elements each."""

    call: str
    turns: int
    work: int
    unit: int
    room: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """The indices of an element, each a text, and the condition under which there is one, empty where there always is.
    Where there is none it counts as 0."""

    index: Sequence[str]
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """A result as products of matrices of which an element may lie anywhere. For each index into the axes `batch`, the
    element at `rows` and `columns` is the sum over `terms` of an element of the first input, `left(batch, rows,
    terms)`, times one of the second, `right(batch, terms, columns)`; it belongs to `out(batch, rows, columns)`. These
    take a text for each axis, "0" for one of size 1; last in an index stands that of the last axis of one side, alone
    or behind a multiple of its size."""

    batch: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    terms: tuple[int, ...]
    left: Callable[[Sequence[str], Sequence[str], Sequence[str]], Spot]
    right: Callable[[Sequence[str], Sequence[str], Sequence[str]], Spot]
    out: Callable[[Sequence[str], Sequence[str], Sequence[str]], Spot]
    apart: int = 0


@dataclass(frozen=True, slots=True)
class Routine:
    """A function that writes all elements, of arrays that lie one behind the other: `text(out, *inputs, **params)`
    gives the call from what is known of them; None where it does not pay. `sums(out, *inputs, **params)` is the same
    for kernels that divide the work."""

    text: Callable[..., Turns | None]
    sums: Callable[..., Sums]


@dataclass(frozen=True, slots=True)
class Product:
    """The product of matrices, the last two axes of two values."""


CForm = Scalar | Fold | Rows | Element | Adds | Call | Routine | Product
