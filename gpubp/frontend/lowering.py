"""Lowering: every node's function is traced into the program that is being recorded."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import field
from itertools import chain, groupby
from typing import Any

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import LayerGraph, Node, Word
from dsl.limits import MAX_FINDINGS
from dsl.records import dataclass

from .. import ops
from ..errors import ShapeError
from ..ir import FLOATS, Aval, Operand, Var, leading_to, no_truth, origin, recorded, recording
from ..layers import Accumulation
from ..registry import ENTRIES, lookup
from ..transforms import derivative
from .derivatives import stabilised
from .layer_errors import LayerFails, SharedTwice, layer_failure, shape_diagnostic, sort_diagnostics
from .layout import Buffer, Parameter
from .sizes import check_derivatives, check_example, check_weights

Placer = Callable[[Parameter], Var]
"""Returns the value of a parameter, registering it on first use."""


@dataclass(eq=False)
class Lowering:
    """One trace of a graph at a batch size. It is the `cx` that every layer function receives (gpubp.layers.Context).

    `add_parameter` and `add_buffer` return the value of a new parameter or buffer. `fit`: the node whose statistics are
    being computed. `frozen`: names of nodes that run in evaluation mode during training. `varying`: nodes that depend
    on an input or target; `random`: those that depend on a random draw, and so differ between rows, too; `drawing`:
    those that draw. `labels`: the number of classes of each value of labels.
    """

    graph: LayerGraph
    batch: int
    dtype: str
    trains: bool
    add_parameter: Placer
    add_buffer: Callable[[Buffer], Var]
    seed: Var
    step: Var
    fit: Node | None = None
    frozen: Container[str] = ()
    values: dict[Node, Any] = field(default_factory=dict)
    varying: set[Node] = field(default_factory=set)
    random: set[Node] = field(default_factory=set)
    drawing: set[Node] = field(default_factory=set)
    updates: dict[Var, Var] = field(default_factory=dict)
    updated_buffers: dict[Var, Var] = field(default_factory=dict)
    parameters: dict[str, tuple[Parameter, Var]] = field(default_factory=dict)
    buffers: dict[str, tuple[Buffer, Var]] = field(default_factory=dict)
    labels: dict[Var, int] = field(default_factory=dict)
    fitted: dict[Node, None] = field(default_factory=dict)
    node: Node | None = None
    streams: int = 0
    weights: int = 0
    differentiated: int = 0

    # The layer context -------------------------------------------------------------------------------------------
    @property
    def training(self) -> bool:
        return self.trains and (self.node is None or self.node.name not in self.frozen)

    @property
    def fitting(self) -> bool:
        """See gpubp.layers.Context. Only layers with statistics ask."""
        if self.node is not None and self.node not in self.fitted:
            self.fitted[self.node] = None
        return self.fit is not None and self.node is self.fit

    def parameter(self, name: str, shape: tuple[int, ...], init: Any, role: str = "weight") -> Var:
        """See gpubp.layers.Context. All uses of a shared layer get the same array, which must have one shape."""
        assert self.node is not None
        if self.node.part in ("loss", "metric"):
            help = "a layer of `model` makes weights, and its output is an argument of the loss"
            raise LayerFails(f"`{self.node.kind}` makes a weight: a loss or metric has none of its own", help=help)
        wanted = Parameter(f"{self.node.name}.{name}" if name else self.node.name, shape, role, init, self.node)
        if wanted.name in self.parameters:
            known, var = self.parameters[wanted.name]
            if known.shape != shape:
                raise SharedTwice(wanted.name, known.place, known.shape, shape)
            return var
        self.weights += wanted.size
        check_weights(wanted.name, shape, self.weights)
        var = self.add_parameter(wanted)
        self.parameters[wanted.name] = (wanted, var)
        return var

    def buffer(self, name: str, shape: tuple[int, ...], value: float, dtype: str) -> Var:
        """See gpubp.layers.Context. The second use of a shared layer sees the buffer as updated by the first."""
        assert self.node is not None
        full = f"{self.node.name}.{name}"
        if full not in self.buffers:
            wanted = Buffer(full, shape, value, dtype, self.node)
            self.buffers[full] = wanted, self.add_buffer(wanted)
        state = self.buffers[full][1]
        return self.updates.get(state, state)

    def update(self, buffer: Var, value: Var) -> None:
        state = self.updated_buffers.get(buffer, buffer)
        self.updates[state], self.updated_buffers[value] = value, state

    def uniform(self, shape: Sequence[int]) -> Var:
        return ops.uniform(self.seed, self.step, stream=self._stream(), shape=tuple(shape), dtype=self.dtype)

    def normal(self, shape: Sequence[int]) -> Var:
        return ops.normal(self.seed, self.step, stream=self._stream(), shape=tuple(shape), dtype=self.dtype)

    def _stream(self) -> int:
        """The stream number of a new draw."""
        if self.node is not None:
            self.drawing.add(self.node)
            if not self.node.inputs:
                self.random.add(self.node)
        # Two streams per draw: `ops.normal` uses both.
        stream, self.streams = self.streams, self.streams + 2
        return stream

    def derivative(self, of: Var, by: Var) -> Var | None:
        self.differentiated += len(leading_to(of, recorded()))
        check_derivatives(self.differentiated)
        return derivative(stabilised(of, by), by, self.node)

    def classes(self, labels: Var) -> int | None:
        return self.labels.get(labels)

    def as_labels(self, x: Var, classes: int) -> Var:
        self.labels[x] = classes
        return x

    # Tracing -----------------------------------------------------------------------------------------------------
    def feed(self, node: Node) -> Var:
        """A new program input for an input or target. Raises ShapeError if it is too large."""
        assert node.type is not None
        check_example(node.type.shape)
        dtype = self.dtype if node.type.classes is None else "int64"
        var = Var(Aval((self.batch, *node.type.shape), dtype), node.name)
        self.values[node] = var if node.type.classes is None else self.as_labels(var, node.type.classes)
        self.varying.add(node)
        return var

    def run(self, nodes: Iterable[Node]) -> None:
        """Trace nodes in topological order. Raises DiagnosticError with the shape errors of all independent ones; its
        cause is the exception of a layer's function."""
        found: dict[object, Diagnostic] = {}
        cause: BaseException | None = None
        for node in nodes:
            if node in self.values or node.kind in ("input", "target"):
                continue
            sources = [*node.inputs, *(v for v in node.attrs.values() if isinstance(v, Node))]
            if any(source not in self.values for source in sources):
                continue  # a dependency failed, and was reported
            self.node = node
            try:
                with origin(node):
                    self.values[node] = self._apply(node)
            except ShapeError as error:
                place = error.code, node.span, node.trace[-1:] and node.trace[-1].span
                if place not in found and len(found) < MAX_FINDINGS:
                    found[place] = shape_diagnostic(self, node, error)
                cause = cause or error.__cause__
            for known in (self.varying, self.random):
                if not known.isdisjoint(sources):
                    known.add(node)
        if found:
            raise DiagnosticError(*sort_diagnostics(self.graph, found.values())) from cause

    def fits(self, nodes: Sequence[Node]) -> bool:
        """Whether nodes, in topological order, trace without an error, in isolation and with new weights."""
        trial = unplaced(self.graph, self.batch, self.dtype)
        with recording():
            for node in nodes:
                trial.node = node
                try:
                    trial.values[node] = trial.feed(node) if node.type is not None else trial._apply(node)
                except ShapeError:
                    return False
        return True

    def _apply(self, node: Node) -> Any:
        if node.kind == "constant":
            return _constant(node.attrs["value"], self.dtype)
        if node.kind == "weight" and "path" in node.attrs:
            path = str(node.attrs["path"])
            if path not in self.parameters:
                raise ShapeError(f"there is no weight `{path}` before this place")
            var = self.parameters[path][1]
            return ops.reshape(var, shape=(1, *var.shape))
        options = {name: self._option(v) for name, v in node.attrs.items()}
        if node.part == "penalty":
            weights = [var for known, var in self.parameters.values() if known.decays]
            # A value that does not depend on an example: its batch axis has size 1.
            return ops.reshape(lookup("penalty", node.kind).function(self, weights, **options), shape=(1,))
        part = "operator" if ("operator", node.kind) in ENTRIES else node.part
        inputs: list[Operand] = [self.values[source] for source in node.inputs]
        entry = lookup(part, node.kind)
        if part == "function" and not entry.labels:
            self._only_numbers(node, (*inputs, *options.values()))
        try:
            with no_truth():
                value = entry.function(self, *inputs, **options)
        except Exception as error:  # an external layer may raise anything
            reported = layer_failure(entry, error)
            raise reported from (error if reported is not error else None)
        return self._checked(node, value)

    def _option(self, value: Any) -> Any:
        """An option in the form that the function takes: a value of the model, of shape [] if it is a number, or a
        keyword as a string."""
        if isinstance(value, Node):
            known = self.values[value]
            return known if isinstance(known, Var) else ops.full((1,), float(known), self.dtype)
        return value.name if isinstance(value, Word) else value

    def _checked(self, node: Node, value: Any) -> Any:
        """The result of a function: a value for each example, or one for all with a batch axis of size 1."""
        if isinstance(value, Accumulation) and node.part == "metric":
            return value
        if not isinstance(value, Var):
            what = "nothing" if value is None else f"a {type(value).__name__}"
            raise LayerFails(f"the function of `{node.kind}` returns {what} in place of a value made by gpubp.ops")
        if value.ndim == 0 or value.shape[0] not in (1, self.batch):
            raise LayerFails(f"the function of `{node.kind}` loses the batch: it is the first axis of every value")
        check_example(value.shape[1:])
        return value

    def _only_numbers(self, node: Node, given: Sequence[Any]) -> None:
        """Reject labels as operands of arithmetic."""
        for x in given:
            if isinstance(x, Var) and x.dtype not in FLOATS:
                raise ShapeError(f"`{node.kind}` takes numbers, but this is a class label", code="E0306")


def unplaced(graph: LayerGraph, batch: int, dtype: str) -> Lowering:
    """A trace for training, with a value for each parameter and buffer that has no memory yet."""

    def add_parameter(wanted: Parameter) -> Var:
        return Var(Aval(wanted.shape, dtype), wanted.name)

    def add_buffer(wanted: Buffer) -> Var:
        return Var(Aval(wanted.shape, wanted.dtype), wanted.name)

    counter = Var(Aval((), "int64"))
    return Lowering(graph, batch, dtype, True, add_parameter, add_buffer, counter, counter)


def _constant(value: Any, dtype: str) -> Operand:
    """A number stays a literal, with a weak dtype; evenly nested lists become a value with a batch axis of size 1."""
    if isinstance(value, bool | int | float):
        return value
    shape, numbers = [len(value)], value
    while isinstance(numbers[0], tuple):
        shape.append(len(numbers[0]))
        numbers = [*chain.from_iterable(numbers)]
    # Equal numbers side by side are one equation, but for 0 and -0.
    runs = [(float.fromhex(number), len([*run])) for number, run in groupby(map(float.hex, map(float, numbers)))]
    return ops.reshape(ops.concat([ops.full((1, n), value, dtype) for value, n in runs], axis=1), shape=(1, *shape))
