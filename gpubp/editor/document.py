"""One text and what is known of it: its syntax tree, its findings and, where it is sound, its net."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.graph import Node
from dsl.parse import parse
from dsl.source import Source, Span

from ..errors import GpubpError, NetError
from ..frontend import Net, check_data, loads

_one_at_a_time = threading.Lock()
"""Nets are traced by one thread at a time."""


class Document:
    """A `.net` text under the path that it is saved at, or will be; never changed.

    With `rows` the data files are read and checked against the net, too, which may take as long as they are large.
    """

    def __init__(self, path: Path, text: str, *, rows: bool = False) -> None:
        self.path, self.rows = path, rows
        self.source = Source(str(path), text)

    @cached_property
    def file(self) -> syntax.File:
        """The statements that can be read."""
        return parse(self.source)[0]

    @cached_property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Errors and warnings, in the order in which `gpubp check` prints them."""
        net = self._checked
        if isinstance(net, NetError):
            return net.diagnostics
        found = net.warnings
        if self.rows:
            try:
                found = (*found, *check_data(net).warnings)
            except NetError as error:
                found = (*found, *error.diagnostics)
            except (GpubpError, OSError) as error:  # a file that vanished while it was read
                found = (*found, Diagnostic("E0401", str(error)))
        return found

    @property
    def net(self) -> Net | None:
        """The net, None where the text has an error."""
        return self._checked if isinstance(self._checked, Net) else None

    @cached_property
    def _checked(self) -> Net | NetError:
        with _one_at_a_time:
            try:
                return loads(self.source.text, self.source.name, base=self.path.parent)
            except NetError as error:
                return error

    def around(self, offset: int) -> list[Any]:
        """The nodes of the syntax tree that hold a place, the outermost first; its end counts as inside."""
        found: list[Any] = []
        nodes: Iterator[Any] = iter((self.file,))
        while (node := next((one for one in nodes if one.span.start <= offset <= one.span.end), None)) is not None:
            found.append(node)
            nodes = children(node)
        return found

    @cached_property
    def made_at(self) -> dict[tuple[int, int], list[Node]]:
        """Nodes of the graph by the place in this text that made them: a stage, or the use of a block."""
        found: dict[tuple[int, int], list[Node]] = {}
        if self.net is not None:
            for node in self.net.graph.nodes:
                for span in dict.fromkeys((node.span, *(frame.span for frame in node.trace))):
                    if span.source.name == self.source.name:
                        found.setdefault((span.start, span.end), []).append(node)
        return found

    def weights(self, nodes: list[Node]) -> int:
        """Number of trainable parameters of some nodes."""
        if self.net is None:
            return 0
        made = set(nodes)
        return sum(parameter.size for parameter in self.net.layout.parameters.values() if parameter.place in made)


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
