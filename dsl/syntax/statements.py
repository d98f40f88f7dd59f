"""Types and statements, and the file that they make."""

from __future__ import annotations

from ..records import dataclass
from ..source import Span
from .expressions import Expr, Name, Step, String

# Types ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unknown:
    """`?` or `?k` in place of a size: the data says it."""

    span: Span
    name: Name | None


@dataclass(frozen=True, slots=True)
class ShapeType:
    """`[d1, d2]`: a float tensor per example."""

    span: Span
    sizes: tuple[Expr | Unknown, ...]


@dataclass(frozen=True, slots=True)
class LabelType:
    """`class(n)` or `class(n)[T]`: integer labels. `keyword` is the word as written, `class` being the only one there
    is."""

    span: Span
    keyword: Name
    classes: Expr | Unknown
    shape: ShapeType | None


TypeExpr = ShapeType | LabelType


# Statements ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Formal:
    span: Span
    name: Name
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Bind:
    """`a, b = expr` in a model, a block, `data` or `train`."""

    span: Span
    names: tuple[Name, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Input:
    span: Span
    name: Name
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class Target:
    span: Span
    name: Name
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class Output:
    span: Span
    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Layer:
    """`layer f = stage -> stage`: one set of weights, shared by every use."""

    span: Span
    name: Name
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Import:
    span: Span
    path: String
    alias: Name


@dataclass(frozen=True, slots=True)
class Param:
    span: Span
    name: Name
    value: Expr
    domain: Expr | None


@dataclass(frozen=True, slots=True)
class Let:
    span: Span
    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Fn:
    span: Span
    name: Name
    formals: tuple[Formal, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Block:
    span: Span
    name: Name
    formals: tuple[Formal, ...]
    inputs: tuple[Name, ...]
    body: tuple[Layer | Bind, ...]
    returns: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Data:
    span: Span
    body: tuple[Bind, ...]


@dataclass(frozen=True, slots=True)
class Model:
    span: Span
    body: tuple[Input | Target | Output | Layer | Bind, ...]


@dataclass(frozen=True, slots=True)
class Train:
    span: Span
    body: tuple[Bind, ...]


Statement = Import | Param | Let | Fn | Block | Data | Model | Train


@dataclass(frozen=True, slots=True)
class File:
    """A whole file; its statements in the order written."""

    span: Span
    statements: tuple[Statement, ...]
