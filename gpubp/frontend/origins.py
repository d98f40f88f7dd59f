"""Where an equation comes from, in words."""

from __future__ import annotations

from dsl.graph import Node

from ..ir import Back, source_of


def describe(source: object) -> str:
    """The comment for the equations of a node: its name and code."""
    if isinstance(source, Back):
        return f"back through {describe(source.source)}"
    if not isinstance(source, Node):
        return str(source)
    text = " ".join(source.span.text.split())
    return f"{source.name}: {text}" if len(text) <= 60 else source.name


def describe_place(source: object) -> str:
    """The origin of an equation, in words: a value of the file with its code and place, or a part of training."""
    source = source_of(source)
    if not isinstance(source, Node):
        return str(source or "the program")
    line, column = source.span.source.position(source.span.start)
    text = " ".join(source.span.text.split())
    shown = f", `{text if len(text) <= 60 else source.kind}`"
    return f"`{source.name}`{shown} at {source.span.source.name}:{line}:{column}"
