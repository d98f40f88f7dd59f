"""One text and what is known of it: its syntax tree, its findings and, where it is sound, its net."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path

from dsl import syntax
from dsl.catalog import Signature
from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import Node
from dsl.parse import parse
from dsl.reading import read_text
from dsl.source import Source

from ..errors import GpubpError, NetError
from ..frontend import Net, check_data, data_files, loads
from .describe import own
from .names import Definition, defined

MAX_DATA_BYTES = 100 << 20
"""Bytes of data files up to which they are read while somebody waits: 100 MiB; more are left to `gpubp check`."""
_one_at_a_time = threading.Lock()
"""Nets are traced by one thread at a time."""


class Document:
    """A `.net` text under the path that it is saved at, or will be; never changed."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.source = Source(str(path), text)
        self._result: Net | NetError | None = None

    @cached_property
    def file(self) -> syntax.File:
        """The statements that can be read."""
        return parse(self.source)[0]

    @cached_property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Errors and warnings of the text alone, in the order in which `gpubp check` prints them."""
        net = self._checked
        return net.diagnostics if isinstance(net, NetError) else net.warnings

    @cached_property
    def data_findings(self) -> tuple[Diagnostic, ...]:
        """Errors and warnings of the data files, which are read unless they are larger than MAX_DATA_BYTES."""
        net = self.net
        if net is None or _size(net) > MAX_DATA_BYTES:
            return ()
        try:
            return check_data(net).warnings
        except NetError as error:
            return error.diagnostics
        except (GpubpError, OSError) as error:  # a file that vanished while it was read
            return (Diagnostic("E0401", str(error)),)

    @property
    def known_findings(self) -> tuple[Diagnostic, ...]:
        """The findings, with those of the data where it has been read."""
        return (*self.findings, *self.__dict__.get("data_findings", ()))

    @property
    def net(self) -> Net | None:
        """The net, None where the text has an error."""
        checked = self._checked
        return checked if isinstance(checked, Net) else None

    @property
    def _checked(self) -> Net | NetError:
        with _one_at_a_time:
            if self._result is None:
                try:
                    self._result = loads(self.source.text, self.source.name, base=self.path.parent)
                except NetError as error:
                    self._result = error
            return self._result

    @cached_property
    def definitions(self) -> list[Definition]:
        """All names that the text defines, in its order; the keys of `train` are none."""
        return sorted(defined(self.file), key=lambda found: found.span.start)

    def lookup(self, name: str, offset: int) -> Definition | None:
        """The definition that a name at some place means: of those known there the one in the smallest scope, and in it
        the last before the place, or else the first behind it."""
        known = [d for d in self._by_name.get(name, ()) if d.scope.start <= offset <= d.scope.end]
        if not known:
            return None
        smallest = min(d.scope.end - d.scope.start for d in known)
        inner = [d for d in known if d.scope.end - d.scope.start == smallest]
        return next((d for d in reversed(inner) if d.span.start <= offset), inner[0])

    def import_path(self, alias: Definition) -> Path | None:
        """The path of the file that an import brought, None for other definitions."""
        statement = next((s for s in self.file.statements if s.span == alias.statement), None)
        return self.path.parent / statement.path.value if isinstance(statement, syntax.Import) else None

    def imported(self, alias: Definition) -> Document | None:
        """The file that an import brought, None for other definitions, and where it cannot be read."""
        path = self.import_path(alias)
        try:
            return Document(path, read_text(path)) if path is not None else None
        except (DiagnosticError, OSError, ValueError):
            return None

    @cached_property
    def signatures(self) -> dict[str, Signature]:
        """The blocks and formulas of the text by name, and those of its imports by `alias.name`."""
        found: dict[str, Signature] = {}
        for statement in self.file.statements:
            if isinstance(statement, syntax.Block | syntax.Fn):
                found[statement.name.text] = own(statement.name.text, statement)
        for alias in self.definitions:
            other = self.imported(alias) if alias.sort == "import" else None
            for each in other.file.statements if other is not None else ():
                if isinstance(each, syntax.Block | syntax.Fn):
                    name = f"{alias.name}.{each.name.text}"
                    found[name] = own(name, each)
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[Definition]]:
        found: dict[str, list[Definition]] = {}
        for definition in self.definitions:
            found.setdefault(definition.name, []).append(definition)
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


def _size(net: Net) -> int:
    """Bytes of a net's data files."""
    try:
        return sum(path.stat().st_size for path in data_files(net).values())
    except OSError:
        return 0
