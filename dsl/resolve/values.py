"""The values of expressions in the resolver: a static (a constant), a node of the graph, several nodes, or poison."""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeGuard

from ..graph import Choice, Duration, Node, Static, Word
from ..records import dataclass
from ..source import Span


class Poison(Enum):
    """The value of an invalid expression: its error has been reported, and uses of the value report none."""

    POISON = "poison"


POISON: Literal[Poison.POISON] = Poison.POISON


class Percent(float):
    """A number written with `%`, as a fraction. Arithmetic refuses it; outside the resolver it is a plain float."""


@dataclass(frozen=True, slots=True)
class MultiValue:
    """The result of a block with several returns; it can only be unpacked into names."""

    nodes: tuple[Node, ...]
    block: str


Value = int | float | bool | str | Duration | Word | Choice | Node | MultiValue | Poison | None | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """A value passed to a call, and its source text."""

    value: Value
    span: Span


def is_number(value: object) -> TypeGuard[int | float]:
    """True for plain numbers: no boolean, no percentage."""
    return isinstance(value, (int, float)) and not isinstance(value, (bool, Percent))


def shape_of_numbers(value: Value) -> tuple[int, ...] | None:
    """The shape of a number, or of evenly nested lists of them; None for all else."""
    if is_number(value):
        return ()
    if not isinstance(value, tuple) or not value:
        return None
    shapes = [shape_of_numbers(item) for item in value]
    first = shapes[0]
    if first is None or any(shape != first for shape in shapes):
        return None
    return (len(value), *first)


def has_node(value: Value) -> bool:
    """Whether the value is or contains a node; iterative, as lists nest as deeply as the text does."""
    if not isinstance(value, tuple):
        return isinstance(value, (Node, MultiValue))
    pending: list[Value] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, (Node, MultiValue)):
            return True
        if isinstance(item, tuple):
            pending.extend(item)
    return False


def has_poison(value: Value) -> bool:
    """Whether the value is or contains poison."""
    if not isinstance(value, tuple):
        return value is POISON
    pending: list[Value] = [value]
    while pending:
        item = pending.pop()
        if item is POISON:
            return True
        if isinstance(item, tuple):
            pending.extend(item)
    return False


def plain(value: Value) -> Static:
    """The value as the graph holds it: percentages as floats."""
    if isinstance(value, tuple):
        return tuple([plain(item) for item in value])
    if isinstance(value, Percent):
        return float(value)
    if isinstance(value, (Node, MultiValue, Poison)):
        raise TypeError(f"not a static: {value!r}")
    return value


def show(value: Value) -> str:
    """The value as a file would write it, shortened where it is long."""
    match value:
        case bool():
            return "true" if value else "false"
        case Percent():
            return f"{round(100 * value, 10):g}%"
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            return f'"{value}"'
        case Duration():
            return f"{value.amount}{value.unit}"
        case Word():
            return value.name
        case Choice():
            items = ", ".join([f"{name} = {show(option)}" for name, option in value.options.items()])
            return f"{value.name}({items})" if items else value.name
        case tuple():
            items = ", ".join([show(item) for item in value[:6]])
            return f"[{items}, ...]" if len(value) > 6 else f"[{items}]"
        case Node():
            return value.label or value.kind
        case None:
            return "none"
    return "..."


def describe(value: Value) -> str:
    """The value as a noun phrase for a message: `the number 3`, `a tensor`."""
    match value:
        case bool():
            return f"the boolean `{show(value)}`"
        case Percent():
            return f"the percentage `{show(value)}`"
        case int() | float():
            return f"the number {show(value)}"
        case str():
            return "a string"
        case Duration():
            return f"the duration `{show(value)}`"
        case Word():
            return f"the word `{value.name}`"
        case tuple():
            return "a list of values" if has_node(value) else "a list"
        case Node():
            return "a tensor"
        case MultiValue():
            return f"the {len(value.nodes)} values of `{value.block}`"
        case Choice():
            return f"`{value.name}`"
    return "nothing"


def sort_of(value: Value) -> str:
    """The rough sort of a static, by which a param's new value is compared with its default."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case Duration():
            return "duration"
        case Word():
            return "word"
        case tuple():
            return "list"
    return "value"
