"""What PTX is made of. The language: NVIDIA, Parallel Thread Execution ISA, versions 7 and 8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|//[^\n]*|/\*.*?\*/)
      | (?P<line>\n)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z_$%.][\w$%.]*(?:::[\w$%.]+)*)
      | (?P<number>0[fFdDxX][0-9A-Fa-f]+U?|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?U?)
      | (?P<sign>[-+*/,;:{}\[\]()@!=<>|])""",
    re.X | re.S,
)
LINES = {".version", ".target", ".address_size", ".file", ".loc"}
LINKS = {".visible", ".extern", ".weak", ".common"}
SPACES = {".global", ".const", ".shared", ".local", ".param"}


class PtxError(Exception):
    """PTX that is not understood; the text names the line and what stands there."""


@dataclass(frozen=True)
class Address:
    """`[base+offset]`; the base is a register, a variable or a number."""

    base: str
    offset: int


@dataclass(frozen=True)
class Group:
    """Operands in brackets: `{a, b}` of a vector, `(a, b)` of a call, `a|b` of two results."""

    kind: str
    items: tuple[Operand, ...]


Operand = str | Address | Group


@dataclass(frozen=True)
class Instruction:
    """`@!p op.parts operands;`. `predicate` is empty where there is none."""

    line: int
    predicate: str
    negated: bool
    op: str
    parts: tuple[str, ...]
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return ".".join((self.op, *self.parts))


@dataclass(frozen=True)
class Label:
    name: str


@dataclass(frozen=True)
class Bracket:
    """The begin or end of a scope."""

    opens: bool


@dataclass(frozen=True)
class Registers:
    type: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """`count`: elements, 0 where the size is not known. `values`: numbers, or names with what is added to them."""

    line: int
    link: str
    space: str
    align: int
    type: str
    name: str
    count: int
    values: tuple[int | tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Targets:
    """Labels that an indexed branch goes to."""

    name: str
    labels: tuple[str, ...]


Statement = Instruction | Label | Bracket | Registers | Variable | Targets


@dataclass
class Function:
    name: str
    entry: bool
    parameters: list[Variable]
    results: list[Variable]
    body: list[Statement] | None = None
    threads: int = 1024


@dataclass
class Module:
    variables: list[Variable] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


def tokens(text: str) -> Iterator[tuple[str, int]]:
    line, at = 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise PtxError(f"line {line}: `{text[at]}` is no PTX")
        if found.lastgroup not in ("skip", "line"):
            yield found[0], line
        line += found[0].count("\n")
        at = found.end()


def bits(word: str) -> int:
    """A number as its bits: `0f3F800000` and `0d...` are floats, spelled by theirs."""
    word = word.rstrip("U")
    return int(word[2:], 16) if word[:2].lower() in ("0f", "0d") else int(word, 0)
