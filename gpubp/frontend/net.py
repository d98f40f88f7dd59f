"""A checked experiment: everything known before a number is computed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, LayerGraph, Node, Static
from dsl.records import dataclass
from dsl.source import Span

from ..data.batches import optimizer_of, takes_all_rows
from ..errors import GpubpError, NetError
from ..wording import counted
from .layout import Buffer, Layout
from .precision import PRECISIONS
from .summary import summary

_SHORT = 4
"""Numbers of a row that a message writes out."""


@dataclass(frozen=True, eq=False, repr=False)
class Net:
    """A checked experiment, as `load` returns it: everything known before a number is computed. It cannot be changed.

    - `outputs`: the shape of each output for one example, by name.
    - `warnings`: findings that are no errors (`.code`, `.message`, `.help`).
    - `graph`: the layers, `graph.inputs` and `graph.targets` among them; `shapes`: the shape of each for one example.
    - `layout`, `buffers`: the parameters, and the state that is not trained, with shapes and places in memory.
    - `fitted`: layers with statistics of the training data; `frozen`: names of nodes and parameters that are not
      trained.
    - `base`: the folder that data paths are relative to; `imports`: the text of imported files by path.
    - `param_overrides`: of params, as text; `option_overrides`: of keys of `train`; `split`: override of that of
      `data`, "" for none.
    """

    graph: LayerGraph
    base: Path
    outputs: Mapping[str, tuple[int, ...]]
    layout: Layout
    buffers: Mapping[str, Buffer]
    fitted: tuple[Node, ...]
    warnings: tuple[Diagnostic, ...]
    shapes: Mapping[Node, tuple[int, ...]]
    frozen: frozenset[str]
    param_overrides: Mapping[str, str] = field(default_factory=dict)
    option_overrides: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    imports: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        outputs = ", ".join(self.outputs) or "none"
        return f"<Net {self.graph.source.name}: {counted(self.size, 'parameter')}, outputs {outputs}>"

    @property
    def params(self) -> Mapping[str, Static]:
        """The declared params with the values in force, by name; read-only: `load` sets them."""
        return MappingProxyType({name: param.value for name, param in self.graph.params.items()})

    @property
    def precision(self) -> str:
        """The precision of the file: `float32`, `float64` or `tf32`."""
        return str(self.option("precision", "float32"))

    @property
    def dtype(self) -> str:
        """The dtype of its numbers."""
        return PRECISIONS[self.precision]

    def option(self, key: str, default: Any = None) -> Any:
        """The value of a `key` of `train`, with its default filled in; `default` if the file has no `train`."""
        if self.graph.train is None:
            return default
        value = self.graph.train.options.get(key, default)
        return value.name if hasattr(value, "name") and not isinstance(value, Choice) else value

    @property
    def searches_line(self) -> bool:
        """Whether the optimizer compares the losses of different weights, and so may return to others."""
        optimizer = optimizer_of(self.graph.train)
        return optimizer is not None and optimizer.line_search

    def batch_size(self, rows: int | None = None) -> int:
        """Rows of a mini-batch: `batch`, or 32 if the file has none; all `rows` to train on, where known, for an
        optimizer that requires them in every update, unless the file says otherwise."""
        return rows if rows and takes_all_rows(self.graph.train) else int(self.option("batch", 32))

    @cached_property
    def size(self) -> int:
        """Number of trainable parameters."""
        return sum(p.size for p in self.layout.parameters.values())

    @property
    def inline(self) -> bool:
        """True if all data is inline in the file."""
        data = self.graph.rows
        return data is not None and all(isinstance(entry.value, tuple) for entry in data.entries)

    def require_training(self, epochs: int | None = None, *, given: bool = False) -> None:
        """Raise NetError if the file lacks what training needs; `epochs` replaces the file's, `given` rows replace its
        data."""
        section, name = self.graph.train, self.graph.source.name
        if section is None:
            help = "add `train { ... }` with the lines `loss = ...`, `optimizer = adam` and `epochs = 100` in it"
            seen = (f"`gpubp explain {name}` shows its forward pass as it is",) if self.graph.inputs else ()
            raise NetError([Diagnostic("E0501", f"`{name}` has no `train` section", help=(help, *seen))])
        if self.graph.rows is None and not given:
            nodes = (*self.graph.inputs, *self.graph.targets)
            names = [node.name for node in nodes]
            target = f', target = "{names[-1]}"' if len(names) == 2 else ", columns = [...]" * (len(names) > 2)
            table = f'`{", ".join(names)} = csv("table.csv"{target})`'
            rows = ", ".join(f"`{name} = {_two_rows(node)}`" for name, node in zip(names, nodes, strict=True))
            given_rows = "in Python `gpubp.train(net, data={...})` takes arrays"
            if self.graph.data is not None and self.graph.data.split is not None:
                message, span = f"`data` of `{name}` divides rows, but contains none", self.graph.data.split.span
                help = f"add a table to it, {table}, or rows: {rows}"
                raise NetError([Diagnostic("E0410", message, span, help=(help, given_rows))])
            help = f"add `data {{ ... }}` with a table in it, {table}, or with rows: {rows}"
            raise NetError(
                [Diagnostic("E0410", f"`{name}` has no `data` section to train on", help=(help, given_rows))]
            )
        options = section.options
        if options.get("epochs") is None and options.get("steps") is None and epochs is None:
            help = "`epochs = 100` goes through the data 100 times"
            word = Span(section.span.source, section.span.start, section.span.start + len("train"))
            raise NetError([Diagnostic("E0502", "`train` has neither `epochs` nor `steps`", word, help=(help,))])

    def require_loss(self) -> None:
        """Raise GpubpError if the file has no loss."""
        if self.graph.train is None:
            raise GpubpError("this net has no `train` section: it can predict, but has no loss")

    def summary(self, flops: Mapping[Node, int] | None = None) -> str:
        """A table of the layers: shapes for one example, parameter counts, and the operation counts returned by
        `flops`."""
        return summary(self.graph, self.shapes, self.layout, flops)


def _two_rows(node: Node) -> str:
    """Two rows of an input or target, as `data` has them; `...` where they are long."""
    shape = () if node.type is None else node.type.shape
    if not shape:
        return "[0, 1]"
    if len(shape) > 1 or shape[0] > _SHORT:
        return "[[...], [...]]"
    zeros = ", 0" * (shape[0] - 1)
    return f"[[0{zeros}], [1{zeros}]]"


def required(net: object) -> Net:
    """Check that the argument is a Net. Raises GpubpError for anything else, such as the path of its file."""
    if isinstance(net, Net):
        return net
    if isinstance(net, str | os.PathLike):
        raise GpubpError(f"a net is wanted, not a path: `gpubp.load({os.fspath(net)!r})` reads it")
    raise GpubpError(f"a net is wanted, as `gpubp.load` gives it, not {type(net).__name__}")
