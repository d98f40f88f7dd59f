"""The standalone text of a net: params, sizes and settings filled in, imports alongside."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from numbers import Number
from typing import Any

from dsl import syntax
from dsl.graph import Type
from dsl.parse import parse
from dsl.records import dataclass
from dsl.source import Source, Span

from ..errors import InputError
from .identity import format_value
from .net import Net

MAIN = "resolved.net"
FOLDER = "imports"


def standalone_files(net: Net) -> dict[str, str]:
    """The files equivalent to the net's file, by relative path: `resolved.net`, and its imports under `imports/`. They
    need no overrides and no data to be loaded; data paths are unchanged."""
    writer = _Writer(net)
    source = net.graph.source
    text = writer.text(source, source.path, "", "")
    sizes = "".join(f"param {name} = {size}\n" for name, size in net.graph.sizes.items())
    split = f"\ndata {{\n  split = {net.split}\n}}\n" if net.split and not writer.divided else ""
    return {MAIN: sizes + text + split, **writer.imports}


@dataclass
class _Writer:
    """Rewrites files in the order in which they are loaded, each once: the first alias names its params."""

    net: Net
    imports: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    divided: bool = False
    """Whether there is a section `data` that the split can be written to."""

    def text(self, source: Source, path: str, prefix: str, folder: str) -> str:
        """`folder`: the prefix of import paths in this file."""
        file, _ = parse(source)
        edits = [edit for statement in file.statements for edit in self._edits(statement, path, prefix, folder)]
        text = source.text
        for span, new in sorted(edits, key=lambda edit: -edit[0].start):
            text = text[: span.start] + new + text[span.end :]
        return text

    def _edits(self, statement: syntax.Statement, path: str, prefix: str, folder: str) -> Iterator[tuple[Span, str]]:
        """What takes the place of parts of a statement."""
        net = self.net
        match statement:
            case syntax.Param() if (name := prefix + statement.name.text) in net.param_overrides:
                value = net.graph.params[name].value
                new = format_value(value) if isinstance(value, str) else net.param_overrides[name]
                yield statement.value.span, new
            case syntax.Import():
                place = self._import(path, statement, prefix)
                yield statement.path.span, f'"{posixpath.relpath(place, folder or ".")}"'
            case syntax.Train() if not prefix:
                yield from _settings(statement, net.option_overrides)
            case syntax.Data() if not prefix and net.split:
                self.divided = True
                yield from _settings(statement, {"split": net.split})
            case syntax.Model():
                types = {node.name: node.type for node in (*net.graph.inputs, *net.graph.targets)}
                for one in statement.body:
                    if isinstance(one, syntax.Input | syntax.Target) and (known := types.get(one.name.text)):
                        yield from _sizes(one.type, known)

    def _import(self, importer: str, statement: syntax.Import, prefix: str) -> str:
        """The path of an imported file in the folder."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), statement.path.value))
        if path not in self.places:
            # Of a run that goes on, the name has a number already.
            name = re.sub(r"^\d+_", "", posixpath.basename(path))
            self.places[path] = f"{FOLDER}/{len(self.places) + 1}_{name}"
            source = Source(path, self.net.imports[path])
            text = self.text(source, path, f"{prefix}{statement.alias.text}.", FOLDER)
            self.imports[self.places[path]] = text
        return self.places[path]


def _sizes(written: syntax.TypeExpr, known: Type) -> Iterator[tuple[Span, str]]:
    """Replacements for the `?` of a type; a named one becomes the name, which `resolved` makes a param."""
    shape = written.shape if isinstance(written, syntax.LabelType) else written
    pairs = list(zip(shape.sizes if shape is not None else (), known.shape, strict=True))
    if isinstance(written, syntax.LabelType):
        assert known.classes is not None
        pairs.append((written.classes, known.classes))
    for size, number in pairs:
        if isinstance(size, syntax.Unknown):
            yield size.span, str(number) if size.name is None else size.name.text


def _settings(section: syntax.Train | syntax.Data, overrides: Mapping[str, str]) -> Iterator[tuple[Span, str]]:
    """Replacements for overridden keys of a section; `epochs` replaces `steps`, and a missing key is appended."""
    there = {statement.names[0].text: statement for statement in section.body}
    lines = ""
    for key, new in overrides.items():
        statement = there.get(key)
        if statement is not None:
            yield statement.value.span, new
        elif key == "epochs" and "steps" in there:
            yield there["steps"].span, f"{key} = {new}"
        else:
            lines += f"  {key} = {new}\n"
    if lines:
        source, end = section.span.source, section.span.end - len("}")
        begins = source.text.rfind("\n", 0, end) + 1
        alone = not source.text[begins:end].strip()
        place = begins if alone else end
        yield Span(source, place, place), lines if alone else f"\n{lines}"


def params_as_text(params: Mapping[str, Any]) -> dict[str, str]:
    """Overrides of params in the language's syntax. Raises InputError for what it cannot write."""
    if not isinstance(params, Mapping):
        raise InputError(f"params are set by a mapping from names to values, not by {type(params).__name__}")
    return {str(name): _text(value, f"params[{name!r}]") for name, value in params.items()}


def _text(value: Any, name: str) -> str:
    """`name`: what messages call it."""
    typed = hasattr(value, "dtype")  # an array of NumPy or CuPy, or a number of one
    if isinstance(value, bool) or (typed and value.dtype == bool and not value.ndim):
        return "true" if value else "false"
    if (isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)) or (typed and value.ndim):
        return f"[{', '.join(_text(item, name) for item in value)}]"
    if not (typed or isinstance(value, str | Number | os.PathLike)):
        raise InputError(f"`{name}` is of type {type(value).__name__}; it must be a number, a boolean, text or a list")
    return str(value)
