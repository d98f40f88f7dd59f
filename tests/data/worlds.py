"""Small experiments for the tests of data: a folder with files, and a graph whose spans point into real text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, Data, DataEntry, LayerGraph, Node, Static, Type, Word
from dsl.source import Source, Span
from gpubp.data import Dataset, load
from gpubp.errors import DataError

REST = Word("rest")


def entry(names: str, value: Choice | tuple[Static, ...], text: str | None = None) -> DataEntry:
    """`entry("x, y", ...)`; `text` is the source of the value."""
    head = f"{names} = "
    if isinstance(value, Choice):
        options = [f"{key} = {option!r}" for key, option in value.options.items()]
        text = f"{value.name}({', '.join(options)})"
    source = Source("test.net", head + (text or str(value)))
    whole = Span(source, len(head), len(source.text))
    if isinstance(value, Choice):
        spans, at = {}, len(head) + len(value.name) + 1
        for key, option in zip(value.options, options, strict=True):
            spans[key] = Span(source, at + len(key) + 3, at + len(option))
            at += len(option) + 2
        value = Choice(value.name, value.options, whole, spans)
    each = tuple(names.split(", "))
    name_spans = tuple(Span(source, source.text.index(name), source.text.index(name) + len(name)) for name in each)
    return DataEntry(each, value, Span(source, 0, len(source.text)), name_spans, whole)


def choice(name: str, **options: Static) -> Choice:
    return Choice(name, options, Span(Source("test.net", name), 0, len(name)))


def csv(names: str, path: Static = "a.csv", **options: Static) -> DataEntry:
    return entry(names, choice("csv", path=path, **options))


def data(*entries: DataEntry, split: Choice | None = None) -> Data:
    return Data(entries, split, Span(Source("test.net", "data"), 0, 4))


def nodes(kind: str, types: Mapping[str, Type]) -> tuple[Node, ...]:
    made = []
    for name, type in types.items():
        source = Source("test.net", f"{kind} {name}: {type}")
        made.append(Node(name, kind, {}, (), Span(source, 0, len(source.text)), label=name, type=type))
    return tuple(made)


@dataclass
class World:
    """A folder of data files and what the model says of the names."""

    base: Path
    inputs: dict[str, Type] = field(default_factory=dict)
    targets: dict[str, Type] = field(default_factory=dict)

    def write(self, name: str, content: str | bytes) -> None:
        (self.base / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def load(self, *entries: DataEntry, split: Choice | None = None, seed: int = 0) -> Dataset:
        inputs, targets = nodes("input", self.inputs), nodes("target", self.targets)
        source = Source("test.net", "")
        graph = LayerGraph(source, (), inputs, targets, {}, {}, {}, {}, data(*entries, split=split), None)
        return load(graph, self.base, seed)

    def refused(self, *entries: DataEntry, split: Choice | None = None) -> Diagnostic:
        """The one diagnostic of a load that fails."""
        with pytest.raises(DataError) as caught:
            self.load(*entries, split=split)
        (found,) = caught.value.diagnostics
        assert found.span is not None
        assert found.message == found.message.rstrip(".")
        return found
