"""Random programs for hypothesis: primitives of the registry, applied to values made before or to fresh inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import numpy as np

from gpubp import ops
from gpubp.errors import ShapeError
from gpubp.ir import FLOATS, INTEGERS, Aval, Example, Primitive, Program, Var, aval_of, recording, verify
from tests.ops.checks import EXAMPLES, Array, draw

MOST = 2000
"""Largest value, in elements."""

Case = tuple[Program, list[Array]]


@dataclass
class Maker:
    """A program in the making.

    `smooth`: values are brought into the range of the primitive's example, and only what has a derivative is used.
    """

    choose: st.DrawFn
    rng: np.random.Generator
    smooth: bool
    inputs: list[Var] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    made: list[Var] = field(default_factory=list)

    def fresh(self, shape: tuple[int, ...], dtype: str, low: float = -2.0, high: float = 2.0) -> Var:
        var = Var(Aval(shape, dtype), self.choose(st.sampled_from(["", "x", "value", "if", "t1", "softmax"])))
        self.inputs.append(var)
        self.arrays.append(draw(self.rng, shape, dtype, low, high))
        return var

    def operand(self, example: Example, i: int, reuse: bool) -> Var:
        """A value for a place of a primitive: one that is there, if there is a fitting one, else a new input."""
        shape, dtype = example.shapes[i], example.dtypes[i] if example.dtypes else "float64"
        low, high = example.ranges[i if len(example.ranges) > 1 else 0]
        # Indices must stay in the range of the table they are made for.
        indexed = any(d in INTEGERS for d in example.dtypes)
        pool = [v for v in (*self.inputs, *self.made) if v.dtype == dtype and not (indexed and v.shape != shape)]
        if not reuse or not pool or dtype in INTEGERS or self.choose(st.booleans()):
            return self.fresh(shape, dtype, low, high)
        var = self.choose(st.sampled_from(pool))
        return low + (high - low) * ops.sigmoid(var) if self.smooth and dtype in FLOATS else var

    def apply(self, primitive: Primitive, example: Example) -> None:
        places = range(len(example.shapes))
        operands = [self.operand(example, i, True) for i in places]
        try:
            fits = primitive.infer(*map(aval_of, operands), **example.params).size <= MOST
        except ShapeError:
            fits = False
        if not fits:
            operands = [self.operand(example, i, False) for i in places]
        self.made.append(primitive(*operands, **example.params))

    def literal(self) -> None:
        """A value beside a number."""
        value = self.choose(st.sampled_from([v for v in (*self.inputs, *self.made) if v.dtype == "float64"]))
        number = self.choose(st.sampled_from([0.5, -1.25, 3, -2]))
        by_number = [value + number, number - value, value * number]
        self.made.append(self.choose(st.sampled_from(by_number)))


def usable(smooth: bool) -> list[tuple[Primitive, Example]]:
    if not smooth:
        return EXAMPLES
    return [(p, e) for p, e in EXAMPLES if p.vjp is not None and "float32" not in e.dtypes]


@st.composite
def programs(choose: st.DrawFn, *, smooth: bool = False, states: bool = True, most: int = 8) -> Case:
    """A verified program and an array for each input; some inputs are states that the program updates."""
    maker = Maker(choose, np.random.default_rng(choose(st.integers(0, 2**32))), smooth)
    with recording() as eqns:
        maker.fresh((3, 4), "float64")
        for primitive, example in choose(st.lists(st.sampled_from(usable(smooth)), min_size=1, max_size=most)):
            maker.apply(primitive, example)
            if choose(st.booleans()):
                maker.literal()
        updates = _updates(maker) if states else ()
    shown = views(eqns)
    written = {state for state, _ in updates}
    returnable = [v for v in (*maker.inputs, *maker.made) if shown.get(v, v) not in written]
    outputs = choose(st.lists(st.sampled_from(returnable or maker.made[-1:]), min_size=1, max_size=3))
    if not returnable:
        updates = ()
    return verify(Program(tuple(maker.inputs), tuple(eqns), tuple(outputs), updates)), maker.arrays


def views(eqns: Sequence[Any]) -> dict[Var, Var]:
    """For each value that shows the memory of another: the first of them."""
    out: dict[Var, Var] = {}
    for eqn in eqns:
        if eqn.op.trait == "view":
            out[eqn.output] = out.get(eqn.inputs[0], eqn.inputs[0])
    return out


def _updates(maker: Maker) -> tuple[tuple[Var, Var], ...]:
    floats = [v for v in maker.inputs if v.dtype == "float64"]
    states = maker.choose(st.lists(st.sampled_from(floats), unique=True, max_size=3))
    return tuple((state, 0.5 * state - 1.0) for state in states)
