"""Walks through a syntax tree."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from dsl.source import Span


def children(node: Any) -> Iterator[Any]:
    """The nodes directly below a node of the syntax tree, in the order of their fields."""
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if dataclasses.is_dataclass(one) and not isinstance(one, Span):
                yield one


def below(node: Any) -> Iterator[Any]:
    """A node of the syntax tree and all nodes below it."""
    yield node
    for child in children(node):
        yield from below(child)


def chains(root: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each node below a root, as the last of the nodes that lead from the root to it."""
    chain = (*above, root)
    yield chain
    for child in children(root):
        yield from chains(child, chain)


def around(root: Any, offset: int) -> list[Any]:
    """The nodes that hold a place, the outermost first; the end of a node counts as inside."""
    found: list[Any] = []
    nodes: Iterator[Any] = iter((root,))
    while (node := next((one for one in nodes if one.span.start <= offset <= one.span.end), None)) is not None:
        found.append(node)
        nodes = children(node)
    return found
