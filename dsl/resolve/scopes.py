"""Scopes: names and their definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Literal

from .. import syntax
from ..records import dataclass
from ..source import Source, Span
from .values import Value

EntryKind = Literal[
    "param", "let", "size", "formal", "loop", "value", "input", "target", "layer", "block", "fn", "import"
]

FUNCTION_PLACE = frozenset({"param", "let", "size", "formal", "loop", "layer", "block", "fn", "import"})
"""Kinds that can be called: they may not have the name of a function."""

ARTICLES: dict[str, str] = {"input": "an input", "import": "an import"}


@dataclass(slots=True)
class Unit:
    """One file; its declarations are the scope of its blocks and fns."""

    source: Source
    path: str
    scope: Scope
    file: syntax.File
    prefix: str = ""
    broken: bool = False

    def may_define(self, name: str) -> bool:
        """Whether an invalid statement may have defined the name: it also occurs elsewhere in the text."""
        return self.broken and len(re.findall(rf"\b{re.escape(name)}\b", self.source.text)) > 1


@dataclass(slots=True, eq=False)
class LayerDef:
    """`layer f = ...`: its chain, its scope, and the prefix of its weights. `names`: the nodes of its first use."""

    syntax: syntax.Layer
    unit: Unit
    scope: Scope
    place: str
    names: frozenset[str] | None = None


@dataclass(slots=True, eq=False)
class BlockDef:
    syntax: syntax.Block
    unit: Unit
    called: bool = False


@dataclass(slots=True, eq=False)
class FnDef:
    syntax: syntax.Fn
    unit: Unit
    called: bool = False


Definition = LayerDef | BlockDef | FnDef | Unit


@dataclass(slots=True, eq=False)
class Entry:
    """A name in a scope: where it was defined, and its `definition` if it is not a value."""

    kind: EntryKind
    name: syntax.Name
    value: Value = None
    definition: Definition | None = None

    @property
    def described(self) -> str:
        return ARTICLES.get(self.kind, f"a {self.kind}")


@dataclass(slots=True, eq=False)
class Scope:
    """Names, then those of the scope around. A `closed` scope may reuse names from outside, an open one may not.

    `later` holds the places of names that statements further down will make.
    """

    outer: Scope | None = None
    closed: bool = False
    names: dict[str, Entry] = field(default_factory=dict)
    later: dict[str, Span] = field(default_factory=dict)

    def find(self, name: str) -> Entry | None:
        scope: Scope | None = self
        while scope is not None:
            entry = scope.names.get(name)
            if entry is not None:
                return entry
            scope = scope.outer
        return None

    def clash(self, name: str) -> Entry | None:
        """The entry that conflicts with a definition of `name` here."""
        scope: Scope | None = self
        while scope is not None:
            entry = scope.names.get(name)
            if entry is not None:
                return entry
            if scope.closed:
                return None
            scope = scope.outer
        return None

    def defined_later(self, name: str) -> Span | None:
        scope: Scope | None = self
        while scope is not None:
            span = scope.later.get(name)
            if span is not None:
                return span
            scope = scope.outer
        return None

    def entries(self) -> Iterator[Entry]:
        """All visible entries."""
        scope: Scope | None = self
        shadowed: set[str] = set()
        while scope is not None:
            for name, entry in scope.names.items():
                if name not in shadowed:
                    shadowed.add(name)
                    yield entry
            scope = scope.outer
