"""Values in memory as C code: element addressing."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dsl.records import dataclass

from ...ir import Eqn, Read, Var
from ...ops.constants import literal_dtype
from ...passes import ALIGN, ITEM, Buffer, Place, Plan, base_of
from .literals import c_literal
from .number_table import NumberTable

C_TYPE = {
    "float32": "float",
    "float64": "double",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "bool": "bool8",
}
SUFFIX = {"float32": "f32", "float64": "f64"}
LANES = 16
"""Copies of a program that are computed as SIMD lanes (the macro of the C code)."""


class NoKernelError(Exception):
    """These equations cannot be one kernel."""


@dataclass(frozen=True, slots=True)
class Access:
    """Elements in memory: from `pointer`, with a stride for each loop axis. With `lanes`, each element is a vector of
    one element per copy of the program; the copy is `l`. `alignment`: the alignment of the buffer in bytes."""

    pointer: str
    strides: tuple[int, ...]
    place: Place
    dtype: str
    lanes: bool = False
    alignment: int = ALIGN

    def at(self, index: Sequence[str], lane: str = "l") -> str:
        """The expression of the element at indices."""
        text = offset(index, self.strides)
        if not self.lanes:
            return f"{self.pointer}[{text}]"
        first = f"({text}) * LANES" if "+" in text else f"{text} * LANES"
        return f"{self.pointer}[{lane if text == '0' else f'{first} + {lane}'}]"

    @property
    def name(self) -> str:
        """The name of the value, for local variables."""
        return self.pointer.rstrip("_").removesuffix("_at")

    def along(self, strides: tuple[int, ...]) -> Access:
        """The same elements for other loops."""
        return replace(self, strides=strides)


def offset(index: Sequence[str], strides: Sequence[int]) -> str:
    """The offset of an element, in elements."""
    parts = [i if s == 1 else f"{i} * {s}" for i, s in zip(index, strides, strict=True) if s and i != "0"]
    return " + ".join(parts) or "0"


class Memory:
    """The pointers that a kernel needs. `names`: of values; `tables`: the index of each state and constant among the
    arrays passed to compiled code. With `lanes`, everything but constants exists for LANES copies of the program,
    element by element. A kernel's run-time numbers are declared too: those of `number_table` that it uses."""

    parallel = True
    """Whether threads may share a kernel."""

    def __init__(
        self,
        plan: Plan,
        names: Mapping[Var, str],
        tables: Mapping[Buffer, int],
        number_table: NumberTable,
        lanes: bool = False,
    ) -> None:
        self.plan, self.names, self.tables, self.number_table, self.lanes = plan, names, tables, number_table, lanes
        self.places = ChainMap[Var, Place]({}, plan.places)  # type: ignore[arg-type]  # a kernel adds its own alone
        self.views = {eqn.output: eqn for eqn in plan.views}
        self.pointers: dict[tuple[Buffer, int, str], str] = {}
        self.written: set[str] = set()
        self.number_declarations: dict[int, str] = {}
        """The declarations of the run-time numbers that the kernel uses."""
        self.alignments: Mapping[Buffer, int] = {}
        """Alignment in bytes of the buffers that are not aligned to ALIGN."""
        self.split: tuple[int, int] | None = None
        """The iterations of the kernel's outermost loop, and how many make a part, if threads share them."""

    def base(self, x: Var) -> Var:
        """The value whose memory a view shares."""
        return base_of(x, self.views)

    def pointer(self, place: Place, dtype: str, name: str) -> str:
        """The name of a pointer to a place."""
        key = (place.buffer, place.offset, dtype)
        if key not in self.pointers:
            names = set(self.pointers.values())
            text = f"{name}_at"
            while text in names:
                text += "_"
            self.pointers[key] = text
        return self.pointers[key]

    def access(self, var: Var, shape: tuple[int, ...], write: bool = False) -> Access:
        """A value broadcast to a shape."""
        place = self.places[var]
        lead = len(shape) - len(place.shape)
        strides = (s if n != 1 else 0 for n, s in zip(place.shape, place.strides, strict=True))
        name = self.pointer(place, var.dtype, self.names[self.base(var)])
        if write:
            self.written.add(name)
        lanes = self.lanes and place.buffer.kind != "constant"
        return Access(name, (*(0,) * lead, *strides), place, var.dtype, lanes, self.alignments.get(place.buffer, ALIGN))

    def result(self, eqn: Eqn) -> Access:
        """Where an equation writes its result. Raises NoKernelError if that overlaps what it reads."""
        out = self.access(eqn.output, eqn.output.shape, write=True)
        if any(places_overlap(out.place, out.dtype, self.places[x], x.dtype) for x in eqn.operands):
            raise NoKernelError
        return out

    def literal(self, eqn: Eqn, i: int) -> str:
        """A literal among the inputs of an equation: inlined, or the name of the run-time number."""
        x, k = eqn.inputs[i], self.number_table.places.get((eqn, i))
        assert not isinstance(x, Var)
        if k is None:
            return c_literal(x, literal_dtype(eqn))
        number = self.number_table.numbers[k]
        kind = C_TYPE[number.dtype]
        self.number_declarations[k] = f"const {kind} number{k} = NUMBER({kind}, {k}); /* {number.text} */"
        return f"number{k}"

    def reads(self, eqn: Eqn) -> list[Read]:
        """The operands of an equation whose form addresses their elements itself."""
        return [Read(x.shape, SUFFIX.get(x.dtype, ""), self.access(x, x.shape).at) for x in eqn.operands]

    def declarations(self) -> list[str]:
        """The declarations of the pointers, then of the numbers."""
        lines = []
        for (buffer, start, dtype), name in self.pointers.items():
            kind = f"{'' if name in self.written else 'const '}{C_TYPE[dtype]} *"
            lines.append(f"{kind}const {name} = {self.address(buffer, start, dtype, kind)};")
        return [*lines, *self.number_declarations.values()]

    def address(self, buffer: Buffer, start: int, dtype: str, kind: str) -> str:
        """The address of element `start` of a buffer, as a pointer of the type `kind`."""
        copies = LANES if self.lanes and buffer.kind != "constant" else 1
        start *= copies
        if (arena_offset := self.arena_offset(buffer)) is not None:
            return f"({kind})(arena + {copies * arena_offset + start * ITEM[dtype]})"
        return f"({kind})tables[{self.tables[buffer]}]{f' + {start}' if start else ''}"

    def arena_offset(self, buffer: Buffer) -> int | None:
        """The byte offset of a buffer in the arena; None for one outside it."""
        return buffer.start if buffer.kind == "arena" else None


Span = tuple[Buffer | None, int, int]
"""A byte range: its buffer, None for the arena; the first byte, and one past the last."""


def span(place: Place, dtype: str) -> Span:
    """The byte range of a place."""
    buffer, item = place.buffer, ITEM[dtype]
    inside = buffer.kind == "arena"
    first = place.offset * item + (buffer.start if inside else 0)
    return None if inside else buffer, first, first + extent(place) * item


def spans_overlap(a: Span, b: Span) -> bool:
    """Whether they overlap."""
    return a[0] is b[0] and a[1] < b[2] and b[1] < a[2]


def places_overlap(a: Place, a_type: str, b: Place, b_type: str) -> bool:
    """Whether two places overlap; parts of one buffer that alternate, as those of a concatenation along its last axis
    do, are known not to."""
    if not spans_overlap(span(a, a_type), span(b, b_type)):
        return False
    return a.buffer is not b.buffer or a_type != b_type or not _alternate(a, b)


def _alternate(a: Place, b: Place) -> bool:
    """Whether, for some period, two places take different parts of each period."""
    for period in {s for s in (*a.strides, *b.strides) if s > 1}:
        (first, end), (other, other_end) = _part(a, period), _part(b, period)
        if max(end, other_end) <= period and (end <= other or other_end <= first):
            return True
    return False


def _part(place: Place, period: int) -> tuple[int, int]:
    """The elements of each period that a place takes, from the first to one past the last; past the period where it
    does not repeat in it."""
    axes = [(n, s) for n, s in zip(place.shape, place.strides, strict=True) if n > 1]
    if any(s > period and s % period for _, s in axes):
        return 0, period + 1
    first = place.offset % period
    return first, first + 1 + sum((n - 1) * s for n, s in axes if s < period)


def extent(place: Place) -> int:
    """The elements from its first to its last."""
    if 0 in place.shape:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(place.shape, place.strides, strict=True))


def collapse(shape: Sequence[int], accesses: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Simplify loops: drop axes of size 1, and merge adjacent axes that are contiguous in all accesses (given by their
    strides). Returns the shape and the strides of each access."""
    axes: list[tuple[int, tuple[int, ...]]] = []
    for k, n in enumerate(shape):
        strides = tuple(a[k] for a in accesses)
        if n == 1:
            continue
        if axes and all(outer == s * n for outer, s in zip(axes[-1][1], strides, strict=True)):
            axes[-1] = (axes[-1][0] * n, strides)
        else:
            axes.append((n, strides))
    return tuple(n for n, _ in axes), [tuple(strides[i] for _, strides in axes) for i in range(len(accesses))]
