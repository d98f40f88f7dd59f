"""LayerGraph -> equations: every node's function is traced into the program that is being recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsl.diagnostics import Diagnostic, DiagnosticError, Label
from dsl.graph import LayerGraph, Node

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Aval, Operand, Var, origin
from ..registry import ENTRIES, lookup
from .layout import Buffer, Parameter

Placer = Callable[[Parameter], Var]
"""Gives the value of a parameter, and learns of it the first time."""


@dataclass(eq=False)
class Lowering:
    """One trace of a graph at a batch size. It is the `cx` that every layer function sees (gpubp.layers.Context).

    `weigh` places parameters, `store` buffers. `fit`: the node whose statistics are being gathered.
    """

    graph: LayerGraph
    batch: int
    dtype: str
    training: bool
    weigh: Placer
    store: Callable[[Buffer], Var]
    seed: Var
    step: Var
    fit: Node | None = None
    values: dict[Node, Any] = field(default_factory=dict)
    varying: set[Node] = field(default_factory=set)
    updates: list[tuple[Var, Var]] = field(default_factory=list)
    parameters: dict[str, tuple[Parameter, Var]] = field(default_factory=dict)
    buffers: dict[str, Var] = field(default_factory=dict)
    fitted: list[Node] = field(default_factory=list)
    node: Node | None = None
    streams: int = 0

    # What layers ask ---------------------------------------------------------------------------------------------
    @property
    def fitting(self) -> bool:
        return self.fit is not None and self.node is self.fit

    def parameter(self, name: str, shape: tuple[int, ...], init: Any, role: str = "weight") -> Var:
        """See gpubp.layers.Context. The uses of one shared layer get the same array, which must have one shape."""
        assert self.node is not None
        wanted = Parameter(f"{self.node.name}.{name}", shape, role, init, self.node)
        if wanted.name in self.parameters:
            known, var = self.parameters[wanted.name]
            if known.shape != shape:
                raise ShapeError(
                    f"the shared weight `{wanted.name}` has shape {list(known.shape)} from its first use "
                    f"and would need {list(shape)} here",
                    "a `layer` is used on values of one shape; a `block` makes fresh weights for each use",
                )
            return var
        var = self.weigh(wanted)
        self.parameters[wanted.name] = (wanted, var)
        return var

    def buffer(self, name: str, shape: tuple[int, ...], value: float, dtype: str) -> Var:
        assert self.node is not None
        full = f"{self.node.name}.{name}"
        if full not in self.buffers:
            self.buffers[full] = self.store(Buffer(full, shape, value, dtype, self.node))
            if self.node not in self.fitted:
                self.fitted.append(self.node)
        return self.buffers[full]

    def update(self, buffer: Var, value: Var) -> None:
        self.updates.append((buffer, value))

    def uniform(self, shape: Sequence[int]) -> Var:
        # Two numbers to a draw: `ops.normal` takes two streams.
        stream, self.streams = self.streams, self.streams + 2
        return ops.uniform(self.seed, self.step, stream=stream, shape=tuple(shape), dtype=self.dtype)

    def classes(self, labels: Var) -> int | None:
        for node in (*self.graph.inputs, *self.graph.targets):
            if self.values.get(node) is labels and node.type is not None:
                return node.type.classes
        return None

    # The walk ----------------------------------------------------------------------------------------------------
    def feed(self, node: Node) -> Var:
        """A fresh program input for an input or target."""
        assert node.type is not None
        dtype = self.dtype if node.type.classes is None else "int64"
        var = Var(Aval((self.batch, *node.type.shape), dtype), node.label or node.name)
        self.values[node] = var
        self.varying.add(node)
        return var

    def run(self, nodes: Iterable[Node]) -> None:
        """Trace nodes, each after its inputs. Raises DiagnosticError with the shape errors of all independent ones."""
        found: list[Diagnostic] = []
        for node in nodes:
            if node in self.values or node.kind in ("input", "target"):
                continue
            sources = [*node.inputs, *(v for v in node.attrs.values() if isinstance(v, Node))]
            if any(source not in self.values for source in sources):
                continue  # what it stands on failed, and was reported
            self.node = node
            try:
                with origin(node):
                    self.values[node] = self._apply(node)
            except ShapeError as error:
                found.append(self._diagnostic(node, error))
            if any(source in self.varying for source in sources):
                self.varying.add(node)
        if found:
            raise DiagnosticError(*found)

    def _apply(self, node: Node) -> Any:
        if node.kind == "constant":
            return _constant(node.attrs["value"], self.dtype)
        if node.kind == "weight":
            path = str(node.attrs["path"])
            if path not in self.parameters:
                raise ShapeError(f"there is no weight `{path}` before this place")
            var = self.parameters[path][1]
            return ops.reshape(var, shape=(1, *var.shape))
        options = {name: self.values[v] if isinstance(v, Node) else v for name, v in node.attrs.items()}
        if node.part == "penalty":
            weights = [var for known, var in self.parameters.values() if known.decays]
            # A value that is no example's: its batch axis is 1.
            return ops.reshape(lookup("penalty", node.kind).function(self, weights, **options), shape=(1,))
        part = "operator" if ("operator", node.kind) in ENTRIES else node.part
        inputs: list[Operand] = [self.values[source] for source in node.inputs]
        entry = lookup(part, node.kind)
        if part == "function" and not entry.labels:
            self._only_numbers(node, inputs)
        value = entry.function(self, *inputs, **options)
        if value is None:
            raise ShapeError(f"the function of `{node.kind}` returns nothing")
        return value

    def _only_numbers(self, node: Node, inputs: Sequence[Operand]) -> None:
        """Refuse labels where numbers are computed with."""
        for x in inputs:
            if isinstance(x, Var) and x.dtype not in FLOATS:
                raise ShapeError(
                    f"`{node.kind}` works on numbers, and this is a class label", "`one_hot` makes numbers of labels"
                )

    def _diagnostic(self, node: Node, error: ShapeError) -> Diagnostic:
        labels = []
        for i, source in enumerate(node.inputs):
            value = self.values.get(source)
            if isinstance(value, Var) and i < len(node.input_spans) and node.input_spans[i] != node.span:
                labels.append(Label(node.input_spans[i], shape_text(value)))
        notes = tuple(f"in `{frame.what}`, expanded from {place(frame.span)}" for frame in reversed(node.trace))
        help = (error.help,) if error.help else ()
        return Diagnostic("E0301", str(error), node.span, labels=tuple(labels), notes=notes, help=help)


def place(span: Any) -> str:
    """`file:line:column` of a span's start."""
    line, column = span.source.position(span.start)
    return f"{span.source.name}:{line}:{column}"


def shape_text(value: Var) -> str:
    """The shape of one example, as the language writes types."""
    return f"[{', '.join(map(str, value.shape[1:]))}]"


def _constant(value: Any, dtype: str) -> Operand:
    """A number stays a literal, which takes the type of what it meets; a list becomes a value with a batch axis of
    1."""
    if isinstance(value, bool | int | float):
        return value
    rows = [_constant(item, dtype) for item in value]
    parts = [row if isinstance(row, Var) else ops.full((1,), float(row), dtype) for row in rows]
    if len({part.shape for part in parts}) != 1:
        raise ShapeError("the rows of this list have different lengths")
    return ops.concat([ops.reshape(p, shape=(1, 1, *p.shape[1:])) for p in parts], axis=1)
