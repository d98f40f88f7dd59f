"""Names and expressions: what has a value."""

from __future__ import annotations

from ..records import dataclass
from ..source import Span


@dataclass(frozen=True, slots=True)
class Name:
    """One identifier as written, for example the left side of `hidden = ...`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit, one token: `20_000`, `25%` (value 25, unit `%`), `3epochs`. `value` is an int where it
    is whole in writing."""

    span: Span
    value: int | float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class String:
    """A string with its escapes resolved."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class Truth:
    span: Span
    value: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A dotted name: `hidden`, `lib.encoder`, `valid.loss`."""

    span: Span
    parts: tuple[Name, ...]

    @property
    def text(self) -> str:
        return ".".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; `name` is None where it is given by position."""

    span: Span
    name: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call:
    span: Span
    function: Path
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class List:
    span: Span
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    span: Span
    operator: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """`operator` is one of `+ - * / // ^ == != < <= > >=`."""

    span: Span
    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Range:
    """`first..last`, both included; stands after `in` only."""

    span: Span
    first: Expr
    last: Expr


@dataclass(frozen=True, slots=True)
class If:
    span: Span
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Each:
    """`[for i in 1..n { x -> f(i) }]`: a list, its items made side by side."""

    span: Span
    names: tuple[Name, ...]
    domain: Expr
    body: Expr


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a pipe: a name or a call, with the name that `as` gives its value."""

    span: Span
    function: Path
    arguments: tuple[Argument, ...] | None
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Repeat:
    span: Span
    count: Expr
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class For:
    span: Span
    names: tuple[Name, ...]
    domain: Expr
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """`source -> stage -> stage`."""

    span: Span
    source: Expr
    steps: tuple[Step, ...]


Step = Stage | Repeat | For
Expr = Number | String | Truth | Path | Call | List | Unary | Binary | Range | If | Each | Pipe
