"""Translation of equations to the nodes of a graph, by the ONNX forms of their primitives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from dsl.records import dataclass

from ...ir import Aval, Decomposition, Eqn, OneNode, OnnxForm, OnnxResult, Program, Tensor, Var, recording
from ...ops import literal_dtype
from ..errors import CannotExportError

SMALL = 16
"""Elements up to which constants of equal value share one initializer."""


@dataclass(slots=True, eq=False)
class Node:
    """A node; `about` describes what it was made for."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Any]
    about: str


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What a graph and its subgraphs have in common. `batch`: the placeholder for the batch size, 0 if that is fixed;
    `first`: the input that has the true one; `hints`: readable names of values; `describe`: texts of origins; `taken`:
    all names; `arrays`: the initializers by name, `constants`: their names by content."""

    batch: int
    first: str
    hints: Mapping[Var, str]
    describe: Callable[[object], str]
    taken: set[str]
    arrays: dict[str, Any] = field(default_factory=dict)
    constants: dict[object, str] = field(default_factory=dict)

    def unique(self, base: str) -> str:
        """A name not used yet."""
        name, number = base, 1
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        self.taken.add(name)
        return name

    def hint(self, v: Var) -> str:
        return self.hints.get(v) or v.hint or "value"


class GraphWriter:
    """A graph or subgraph under construction; the `Graph` that forms write to."""

    def __init__(self, shared: Shared, outer: GraphWriter | None = None) -> None:
        self.shared = shared
        self.inputs: list[tuple[str, Aval]] = []
        self.emitted: list[Node] = []
        self.outputs: list[tuple[str, Aval]] = []
        self._values: dict[Var, Tensor] = {}
        self._transposes: dict[tuple[str, tuple[int, ...]], str] = {} if outer is None else dict(outer._transposes)
        self._batch: str = "" if outer is None else outer._batch
        self._hint = self._about = ""

    # The interface of forms -------------------------------------------------------------------------------------------
    def node(self, op: str, *inputs: Tensor | str, **attributes: Any) -> str:
        (result,) = self.nodes(op, 1, *inputs, **attributes)
        return result

    def nodes(self, op: str, count: int, *inputs: Tensor | str, **attributes: Any) -> list[str]:
        names = [self._name(x) for x in inputs]
        outputs = [self.shared.unique(f"{self._hint}/{op}") for _ in range(count)]
        self.emitted.append(Node(op, names, outputs, attributes, self._about))
        return [*outputs]

    def constant(self, value: float | Sequence[float], dtype: str) -> Tensor:
        import numpy as np

        array = np.array(value, dtype)
        return Tensor(Aval(array.shape, dtype), array=array)

    def ints(self, numbers: Sequence[int]) -> str:
        fixed = self.constant([0 if self.scales(n) else n for n in numbers], "int64")
        if not any(map(self.scales, numbers)):
            return self._name(fixed)
        self._batch = self._batch or self.node("Shape", self.shared.first, start=0, end=1)
        times = [n // self.shared.batch if self.scales(n) else 0 for n in numbers]
        scaled = self._batch if times == [1] else self.node("Mul", self._batch, self.constant(times, "int64"))
        return self.node("Add", scaled, fixed) if fixed.array.any() else scaled

    def scales(self, number: int) -> bool:
        return self.shared.batch > 0 and number > 0 and number % self.shared.batch == 0

    def transposed(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        aval = Aval(tuple(x.shape[i] for i in axes), x.aval.dtype)
        if x.array is not None:
            return Tensor(aval, x.name, array=x.array.transpose(axes))
        composed = tuple(axes) if x.axes is None else tuple(x.axes[i] for i in axes)
        return Tensor(aval, x.name, None if composed == tuple(range(len(composed))) else composed)

    def body(self, program: Program, captured: Sequence[Tensor]) -> GraphWriter:
        inner = GraphWriter(self.shared, self)
        own_inputs = len(program.inputs) - len(captured)
        inner.write(program, dict(zip(program.inputs[own_inputs:], captured, strict=True)))
        return inner

    # Names ------------------------------------------------------------------------------------------------------------
    def _name(self, x: Tensor | str) -> str:
        """The name of a tensor, transposed by a node if need be."""
        if isinstance(x, str):
            return x
        if x.array is not None:
            return self._initializer(x)
        if x.axes is None:
            return x.name
        key = (x.name, x.axes)
        if key not in self._transposes:
            self._transposes[key] = self.node("Transpose", x.name, perm=list(x.axes))
        return self._transposes[key]

    def _initializer(self, x: Tensor) -> str:
        """A constant is stored once in each order of its axes that is used; the first of them has the plain name."""
        a, constants = x.array, self.shared.constants
        content = a.tobytes() if a.size <= SMALL else (a.__array_interface__["data"], a.strides)
        key = (a.dtype.str, a.shape, content)
        if key not in constants:
            constants[key] = self.shared.unique(x.name or "constant")
            self.shared.arrays[constants[key]] = a
        return constants[key]

    # Equations --------------------------------------------------------------------------------------------------------
    def write(self, program: Program, bound: Mapping[Var, Tensor], names: Sequence[str] = ()) -> None:
        """Translate a program. `bound`: inputs that are constants or captured; `names`: required names of the outputs.
        Raises CannotExportError."""
        for v in program.inputs:
            if v not in bound:
                self.inputs.append((self.shared.unique(self.shared.hint(v)), v.aval))
            self._values[v] = bound[v] if v in bound else Tensor(v.aval, self.inputs[-1][0])
        required = dict(reversed([*zip(program.outputs, names)]))
        for eqn in program.eqns:
            self._hint = self.shared.hint(eqn.outputs[0])
            self._about = self.shared.describe(eqn.origin) if eqn.origin is not None else ""
            emitted = len(self.emitted)
            self._equation(eqn)
            if len(self.emitted) > emitted:  # else its value is that of another equation, which has its name
                self._rename(eqn, required)
        self._hint = self._about = ""
        for v, name in zip(program.outputs, names or [""] * len(program.outputs), strict=True):
            self.outputs.append((self._output(v, name), v.aval))

    def _rename(self, eqn: Eqn, required: dict[Var, str]) -> None:
        """Name the outputs of an equation's last node after the values."""
        for v in eqn.outputs:
            value, last_outputs = self._values[v], self.emitted[-1].outputs
            if value.axes is None and value.name in last_outputs:
                name = required.pop(v) if v in required else self.shared.unique(self.shared.hint(v))
                last_outputs[last_outputs.index(value.name)] = name
                self._values[v] = Tensor(v.aval, name)

    def _output(self, v: Var, name: str) -> str:
        """The name of a graph output, which must be the output of a node, and no other output."""
        x = self._values[v]
        computed = x.axes is None and any(x.name in node.outputs for node in self.emitted)
        if computed and x.name not in (other for other, _ in self.outputs) and name in ("", x.name):
            return x.name
        name = name or self.shared.unique("result")
        source = x.name if x.array is None else self._initializer(x)
        op, attributes = ("Identity", {}) if x.axes is None else ("Transpose", {"perm": list(x.axes)})
        self.emitted.append(Node(op, [source], [name], attributes, ""))
        return name

    def _equation(self, eqn: Eqn) -> None:
        lowered = None if eqn.op.onnx is None else self._lower(eqn, eqn.op.onnx)
        if lowered is None:
            raise CannotExportError(eqn)
        results = [lowered] if isinstance(lowered, str | Tensor) else lowered
        for v, x in zip(eqn.outputs, results, strict=True):
            self._values[v] = x if isinstance(x, Tensor) else Tensor(v.aval, x)

    def _lower(self, eqn: Eqn, form: OnnxForm) -> OnnxResult:
        if isinstance(form, OneNode) and form.double is not None and eqn.outputs[0].dtype == "float64":
            form = form.double
        if isinstance(form, Decomposition):
            with recording() as steps:
                result = form.steps(*eqn.inputs, **eqn.params)
            for step in steps:
                self._equation(replace(step, origin=eqn.origin))
            return self._values[result]
        inputs = [self._values[x] if isinstance(x, Var) else self.constant(x, literal_dtype(eqn)) for x in eqn.inputs]
        if not isinstance(form, OneNode):
            avals = [v.aval for v in eqn.outputs]
            return form.write(self, avals[0] if len(avals) == 1 else tuple(avals), *inputs, **eqn.params)
        attributes = form.attributes(**eqn.params)
        axes = self._stored_order(eqn, inputs)
        if axes is None:
            return self.node(form.op, *inputs, **attributes)
        stored = [self._as_stored(x, axes) for x in inputs]
        return Tensor(eqn.output.aval, self.node(form.op, *stored, **attributes), axes)

    def _stored_order(self, eqn: Eqn, inputs: Sequence[Tensor]) -> tuple[int, ...] | None:
        """How the result of an elementwise equation is transposed if its operands are used as stored; None if it is
        not. So the layers of a convolutional net work on channels-first images without transposing them back."""
        rank = eqn.outputs[0].ndim
        orders = [x.axes for x in inputs if x.axes is not None and len(x.shape) == rank]
        if eqn.op.trait != "elementwise" or not orders:
            return None
        fits = all(x.array is not None or len(x.shape) in (0, rank) for x in inputs)
        return orders[0] if fits else None

    def _as_stored(self, x: Tensor, axes: tuple[int, ...]) -> Tensor | str:
        """The operand whose transpose by `axes` is `x`."""
        if x.axes == axes:
            return x.name
        if not x.shape:
            return x
        if x.array is not None:
            array = x.array.reshape((1,) * (len(axes) - len(x.shape)) + x.shape)
            x = Tensor(Aval(array.shape, x.aval.dtype), x.name, array=array)
        return self.transposed(x, [axes.index(i) for i in range(len(axes))])
