"""The trace of a step: the value and the gradient of every layer for one example, with their formulas.

The formulas are not written by hand: they are the equations of the training program, as recorded by layers and the
derivatives of primitives, after the same algebraic simplification.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..executor import Executor
from ..frontend import Net, TracedStep, check_feeds, trace_step
from ..health import Layer, layers_of
from ..ir import Eqn, Program, Var, evaluate
from ..passes import optimise
from .formulas import Notation
from .labels import LOSS, Labels
from .update import Change, changes, update_formulas

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """`name = formula` and its value; inputs, parameters and statistics have no formula. `about`: the full name of a
    parameter, or the word of a label. `inner`: the formulas of a loop body; of a loop's several results the first is
    shown."""

    name: str
    formula: str
    value: NDArray[Any]
    about: str = ""
    inner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One layer in a step. `forward`: its parameters, the statistics that it uses, z and a, and what becomes of running
    statistics; `backward`: what comes back
    to a and z, and the gradients of its parameters. `result` and `delta` name the lines of its result and of the
    derivative by z (by a, where the layer has no activation); `delta` is "" where nothing comes back."""

    layer: Layer
    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    result: str
    delta: str


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A step of training on `rows` rows; where a value has one for each row, its line shows the first. Of a net without
    a loss it is the forward pass of a prediction: nothing comes back, and nothing is updated.

    `feeds`: the inputs and targets; `steps` in the order of the data; `loss`: the lines that lead to the whole loss,
    which is the last; `gradients` by parameter, as `Executor.gradients` gives them; `update`: how the optimizer
    changes a parameter, `changes`: what it makes of each. `dtype`, `number`: the float type, and the updates before
    this one.
    """

    net: Net
    dtype: str
    rows: int
    number: int
    feeds: tuple[Line, ...]
    steps: tuple[Step, ...]
    loss: tuple[Line, ...]
    gradients: Mapping[str, NDArray[Any]]
    update: tuple[str, ...]
    changes: tuple[Change, ...]


def trace(executor: Executor, batch: Mapping[str, Any], words: Mapping[str, Sequence[str]] = {}) -> Trace:
    """The next step of training on a batch; the executor stays as it is. `words`: by name, those that labels stand for.

    Raises InputError for arrays that do not fit, NetError where a layer refuses batches of that size, DivergedError
    where a gradient is not finite.
    """
    net = executor.net
    nodes = (*net.graph.inputs, *net.graph.targets)
    arrays, rows = check_feeds(executor.backend, nodes, batch, executor.dtype)
    seen = trace_step(net, rows, executor.dtype)
    layers = layers_of(net, seen)
    labels = Labels(net, seen, layers)
    builder = _LineBuilder(executor, seen, labels, arrays, rows)
    feeds = [builder.feed_line(name, words.get(name, ())) for name in labels.feeds]
    forward = [[line for name in labels.forward[layer] for line in builder.lines(name)] for layer in layers]
    loss = [line for name in LOSS for line in builder.lines(name)]
    builder.name_backward()
    backward = [[line for name in labels.backward[layer] for line in builder.lines(name)] for layer in layers[::-1]]
    trains = net.graph.train is not None
    steps = (
        Step(layer, tuple(ahead), tuple(back), labels.result[layer], labels.delta.get(layer, ""))
        for layer, ahead, back in zip(layers, forward, backward[::-1], strict=True)
    )
    return Trace(
        net,
        executor.dtype,
        rows,
        executor.step,
        tuple(feeds),
        tuple(steps),
        tuple(loss),
        {name: builder.gradient(name, label) for name, label in labels.gradients.items()},
        update_formulas(executor, rows) if trains else (),
        changes(executor, batch) if trains else (),
    )


class _LineBuilder:
    """Makes lines of the values that have a label: the program is left with what leads to them, and run."""

    def __init__(self, executor: Executor, seen: TracedStep, labels: Labels, arrays: Sequence[Any], rows: int) -> None:
        self._labels, self._rows, self._host = labels, rows, executor.backend.to_host
        labelled = tuple(dict.fromkeys(v for v in labels.vars.values() if v not in seen.program.inputs))
        program = optimise(replace(seen.program, outputs=labelled))
        self._after_passes = dict(zip(labelled, program.outputs, strict=True))
        self._notation = Notation(program, self._names_of(labels.forward_labels))
        self._used = {x for eqn in program.eqns for x in eqn.operands}
        self._by_row = self._rows_of(program) if rows > 1 else set()
        inputs = [*arrays, *(executor.arrays()[name] for name in seen.states)]
        self._values: dict[Var, Any] = dict(zip(program.inputs, inputs, strict=True))
        with executor.backend.running():
            evaluate(program, inputs, executor.xp, self._record)

    def _rows_of(self, program: Program) -> set[Var]:
        """The values with a row for each example: those that the labels tell, what is made of them row by row, and what
        such values are made of beside them, as a mask of dropout."""
        by_row = {self._optimised(self._labels.vars[name]) for name in self._labels.by_row if name in self._labels.vars}
        for eqn in program.eqns:
            if eqn.op.trait in ("elementwise", "rowwise"):
                ranks = {x.ndim for x in eqn.operands if x in by_row}
                by_row.update(v for v in eqn.outputs if v.ndim in ranks)
        for eqn in reversed(program.eqns):
            if eqn.op.trait == "elementwise" and eqn.output in by_row:
                by_row.update(x for x in eqn.operands if x.shape == eqn.output.shape)
        return by_row

    def name_backward(self) -> None:
        """From here on the labels of the way back are names too: before, no formula may speak of them."""
        self._notation.name(self._names_of(self._labels.vars))

    def _names_of(self, labels: Container[str]) -> dict[Var, str]:
        names: dict[Var, str] = {}
        for name, var in self._labels.vars.items():
            if name in labels:
                names.setdefault(self._optimised(var), name)
        return names

    def _record(self, eqn: Eqn, found: Any) -> None:
        self._values.update(zip(eqn.outputs, found if len(eqn.outputs) > 1 else (found,), strict=True))

    def _optimised(self, var: Var) -> Var:
        return self._after_passes.get(var, var)

    def feed_line(self, name: str, words: Sequence[str]) -> Line:
        """The line of an input, which has no formula."""
        value = self._shown(name, self._optimised(self._labels.vars[name]))
        return Line(name, "", value, words[int(value)] if words and value.ndim == 0 else "")

    def lines(self, name: str) -> Iterator[Line]:
        """The line of a value, after those of what it is made of and that was not told before."""
        if name not in self._labels.vars:
            return
        var = self._optimised(self._labels.vars[name])
        if name in self._labels.parameters:
            yield Line(name, "", self._shown(name, var), self._labels.parameters[name])
            return
        if name in self._labels.statistics:
            if var in self._used:
                yield Line(name, "", self._shown(name, var), self._labels.statistics[name])
            return
        for one in self._notation.formulas(var):
            shown = self._shown(one.name, one.vars[0])
            yield Line(one.name, one.text, shown, self._labels.about.get(one.name, ""), one.inner)
        if self._notation.names[var] != name:
            yield Line(name, self._notation.names[var], self._shown(name, var), self._labels.about.get(name, ""))

    def gradient(self, name: str, label: str) -> NDArray[Any]:
        """The gradient of a parameter; zeros where no gradient reaches it."""
        if label in self._labels.vars:
            return self._host(self._values[self._optimised(self._labels.vars[label])])
        return self._host(0.0 * self._values[self._optimised(self._labels.vars[label.removeprefix("dL/d")])])

    def _shown(self, name: str, var: Var) -> NDArray[Any]:
        """A value on the host; of one that has a row for each example, the first."""
        array = self._host(self._values[var])
        by_row = name in self._labels.by_row if name in self._labels.vars else var in self._by_row
        return array[0] if by_row and array.shape[:1] in ((1,), (self._rows,)) else array
