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
        yield from (f"const {slot.kind}" for slot in self.interface.inputs)
        yield from (slot.kind for slot in self.interface.outputs)

    def comment(self) -> str:
        """The documentation for its user."""
        lines = [*self.interface.title, "", *(f"    {line}" for line in f"{self.prototype};".split("\n")), ""]
        lines += ["computes the outputs of one example. Numbers lie one behind the other, the last axis fastest.", ""]
        for k, (slot, name) in enumerate(zip(self.interface.slots, self.arguments, strict=True)):
            lines += _described("in " if k < len(self.interface.inputs) else "out", slot, name)
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
        for k, (slot, name) in enumerate(zip(self.interface.slots, names, strict=True)):
            axes = f"({', '.join(map(str, reversed(slot.shape)))})" if slot.shape else ""
            intent = "in" if k < len(self.interface.inputs) else "out"
            yield f"    {_FORTRAN[slot.dtype]}, intent({intent}) :: {name}{axes}"
        yield "  end function"
        yield "end interface"


def _described(direction: str, slot: Slot, name: str) -> Iterator[str]:
    shape = f" [{', '.join(map(str, slot.shape))}]" if slot.shape else ", one number"
    kind = f", labels from 0 to {slot.classes - 1:,}" if slot.classes else ""
    yield f"{direction} {name}: {slot.kind}{shape}{kind}"
    for text in slot.about:
        yield from (f"      {line}" for line in wrap(text, WIDTH, break_long_words=False))


def _fortran_names(names: Sequence[str]) -> list[str]:
    """The same for a language in which identifiers start with a letter and are case-insensitive."""
    unique: list[str] = []
    for name in names:
        candidate = base = name if name[0].isalpha() else f"a{name}"
        number = 1
        while candidate.lower() in (other.lower() for other in unique):
            number += 1
            candidate = f"{base}_{number}"
        unique.append(candidate)
    return unique


def rows(words: Sequence[str], width: int) -> Iterator[str]:
    """Words separated by commas, as lines."""
    line: list[str] = []
    used = 0
    for word in words:
        if line and used + len(word) > width:
            yield ", ".join(line)
            line, used = [], 0
        line.append(word)
        used += len(word) + 2
    yield ", ".join(line)
