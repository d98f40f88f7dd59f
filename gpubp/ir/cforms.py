"""C forms: how a primitive is computed in C-family code. Each is part of the primitive's single definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Elementwise:
    """An elementwise expression, with `{0}`, `{1}` for the operands' elements, `{t}` for the float type of the first
    (`f32`, `f64`) and `{type}` for the result type; or a function from params to such an expression. `inlined`: inputs
    whose literals are always inlined, because compilers generate simpler code for some values."""

    text: str | Callable[..., str]
    inlined: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction: starting from `start`, the expression `join` combines `{0}`, the accumulator, with `{1}`, each
    element; `row` is a function over contiguous elements, called with a pointer and a count; `lanes` does the same for
    LANES interleaved copies, and writes a result for each to its third argument."""

    start: str
    join: str
    row: str
    lanes: str


@dataclass(frozen=True, slots=True)
class RowDecomposition:
    """A row-wise primitive decomposed into others: `steps(x, axis=...)` records the equations."""

    steps: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Read:
    """An input of a given shape; called with an expression for each index, it returns the expression of that element.
    `suffix`: its float type as in function names (`f32`, `f64`), empty for other types."""

    shape: tuple[int, ...]
    suffix: str
    element: Callable[[Sequence[str]], str]

    def __call__(self, index: Sequence[str]) -> str:
        return self.element(index)


@dataclass(frozen=True, slots=True)
class Gather:
    """A gather: one element of the result as a function of any elements of the inputs. `text(index, shape, *inputs,
    **params)` returns the expression, from one index expression per axis of `shape` and a `Read` per input, with `{t}`
    for the result type; empty if it would be too long."""

    text: Callable[..., str]


@dataclass(frozen=True, slots=True)
class ScatterAdd:
    """A scatter-add: elements of the first input are added in order to a result of zeros. `place(index, shape, *inputs,
    **params)` returns the indices into the result, of that shape, to which the element at `index` is added."""

    place: Callable[..., Sequence[str]]


@dataclass(frozen=True, slots=True)
class Call:
    """A function that writes all elements: `{out}` points to contiguous memory, `{size}` is the number of elements;
    scalar inputs are `{0}`, `{1}`, `{t}` is the result type."""

    text: str


@dataclass(frozen=True, slots=True)
class ParallelCall:
    """A call with `{out}`, `{0}`, `{1}` for pointers to arrays, `{s0}` for scratch and `{t}` for the result type, that
    performs the independent iterations from `{begin}` to `{end}` out of `iterations`. Together these take `work`
    elementary operations. Threads may split them at multiples of `granule`; each needs its own scratch arrays, of the
    sizes `scratch` in elements."""

    call: str
    iterations: int
    work: int
    granule: int
    scratch: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MaskedIndex:
    """The indices of an element, one expression each, and the condition under which it exists, empty if always. A
    missing element counts as 0."""

    index: Sequence[str]
    mask: str = ""


@dataclass(frozen=True, slots=True)
class Contraction:
    """A result as batched matrix products with arbitrary element addressing. For each index into the axes `batch`, the
    element at `rows` and `columns` is the sum over `terms` of an element of the first input, `left(batch, rows,
    terms)`, times one of the second, `right(batch, terms, columns)`; it is stored at `out(batch, rows, columns)`. These
    functions take one expression per axis, "0" for an axis of size 1; the last index must be the last axis of one side,
    alone or after a multiple of its size."""

    batch: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    terms: tuple[int, ...]
    left: Callable[[Sequence[str], Sequence[str], Sequence[str]], MaskedIndex]
    right: Callable[[Sequence[str], Sequence[str], Sequence[str]], MaskedIndex]
    out: Callable[[Sequence[str], Sequence[str], Sequence[str]], MaskedIndex]
    partial_axes: int = 0


@dataclass(frozen=True, slots=True)
class Routine:
    """A function that writes all elements, of contiguous arrays: `text(out, *inputs, **params)` returns the call, from
    the abstract values; None if it is not worthwhile. `sums(out, *inputs, **params)` is the counterpart for kernels
    that split the work."""

    text: Callable[..., ParallelCall | None]
    sums: Callable[..., Contraction]


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product over the last two axes of two values."""


CForm = Elementwise | Reduction | RowDecomposition | Gather | ScatterAdd | Call | Routine | Product
