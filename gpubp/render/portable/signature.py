"""The documentation comment of an exported file: how to call its function, from C and from Fortran."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from textwrap import wrap

from dsl.records import dataclass

from ..c.identifiers import comment
from ..c.memory import C_TYPE

WIDTH = 100
NEXT = "\n        "
"""Between the lines of a declaration."""
_FORTRAN = {
    "float32": "real(c_float)",
    "float64": "real(c_double)",
    "int32": "integer(c_int32_t)",
    "int64": "integer(c_int64_t)",
    "bool": "integer(c_signed_char)",
}
_END = """\
It returns 0. Where an input holds what the net does not take (NaN, infinity, a number that is no label), it returns
the number of the first such input, and writes nothing. Threads may call it at the same time.

Compile: cc -std=c11 -O3 -march=native -ffp-contract=off -c, or as C++17; not with -ffast-math. Link with -lm.
Fortran:"""


@dataclass(frozen=True, slots=True)
class Slot:
    """An input or output: its name in the file, its shape for one example, the type of the caller's numbers, for a
    label the number of classes, and a description."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    classes: int | None = None
    about: Sequence[str] = ()

    @property
    def kind(self) -> str:
        """The type in C."""
        return "unsigned char" if self.dtype == "bool" else C_TYPE[self.dtype]

    @property
    def size(self) -> int:
        """Elements of one example."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Interface:
    """The contents of the comment: `title`, the net and the run, and what its function takes and returns."""

    title: Sequence[str]
    inputs: Sequence[Slot]
    outputs: Sequence[Slot]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.inputs, *self.outputs)


@dataclass(frozen=True, slots=True)
class Signature:
    """A function: its name, the names of its inputs and outputs in C, the doubles of memory that it needs for `work`,
    and the bytes of stack."""

    function: str
    arguments: Sequence[str]
    interface: Interface
    work: int
    stack: int

    @property
    def prototype(self) -> str:
        """Its declaration in C."""
        parameters = [f"{kind} *{name}" for kind, name in zip(self._types(), self.arguments, strict=True)]
        lines = rows([*(["double *work"] if self.work else []), *parameters], WIDTH - len(self.function))
        return f"int {self.function}({f',{NEXT}'.join(lines)})"

    def _types(self) -> Iterator[str]:
        yield from (f"const {one.kind}" for one in self.interface.inputs)
        yield from (one.kind for one in self.interface.outputs)

    def comment(self) -> str:
        """The documentation for its user."""
        lines = [*self.interface.title, "", *(f"    {line}" for line in f"{self.prototype};".split("\n")), ""]
        lines += ["computes the outputs of one example. Numbers lie one behind the other, the last axis fastest.", ""]
        for k, (one, name) in enumerate(zip(self.interface.slots, self.arguments, strict=True)):
            lines += _described("in " if k < len(self.interface.inputs) else "out", one, name)
        lines.append("")
        if self.work:
            lines.append(f"`work` is memory of {self.work:,} doubles, for each thread its own, whatever is in it.")
        lines.append(f"It needs some {self.stack:,} bytes of stack, if it is compiled with optimisation.")
        lines += [*_END.split("\n"), *(f"    {line}" for line in self.fortran())]
        text = "\n".join(f"   {comment(line)}".rstrip() for line in lines)
        return f"/* {text.strip()}\n*/"

    def fortran(self) -> Iterator[str]:
        """The Fortran interface; there the first index varies fastest."""
        names = _fortran_names([*(["work"] if self.work else []), *self.arguments])
        *before, last = rows(names, WIDTH)
        yield "interface"
        yield f"  integer(c_int) function {self.function}( &"
        yield from (f"      {line}, &" for line in before)
        yield f'      {last}) bind(C, name = "{self.function}")'
        yield "    use iso_c_binding"
        if self.work:
            yield f"    real(c_double), intent(inout) :: {names.pop(0)}({self.work})"
        for k, (one, name) in enumerate(zip(self.interface.slots, names, strict=True)):
            axes = f"({', '.join(map(str, reversed(one.shape)))})" if one.shape else ""
            way = "in" if k < len(self.interface.inputs) else "out"
            yield f"    {_FORTRAN[one.dtype]}, intent({way}) :: {name}{axes}"
        yield "  end function"
        yield "end interface"


def _described(way: str, one: Slot, name: str) -> Iterator[str]:
    shape = f" [{', '.join(map(str, one.shape))}]" if one.shape else ", one number"
    kind = f", labels from 0 to {one.classes - 1:,}" if one.classes else ""
    yield f"{way} {name}: {one.kind}{shape}{kind}"
    for text in one.about:
        yield from (f"      {line}" for line in wrap(text, WIDTH, break_long_words=False))


def _fortran_names(names: Sequence[str]) -> list[str]:
    """The same for a language in which identifiers start with a letter and are case-insensitive."""
    found: list[str] = []
    for name in names:
        own = base = name if name[0].isalpha() else f"a{name}"
        number = 1
        while own.lower() in (other.lower() for other in found):
            number += 1
            own = f"{base}_{number}"
        found.append(own)
    return found


def rows(words: Sequence[str], width: int) -> Iterator[str]:
    """Words separated by commas, as lines."""
    line: list[str] = []
    wide = 0
    for word in words:
        if line and wide + len(word) > width:
            yield ", ".join(line)
            line, wide = [], 0
        line.append(word)
        wide += len(word) + 2
    yield ", ".join(line)
