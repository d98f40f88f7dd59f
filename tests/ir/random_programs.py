"""Random programs for hypothesis: primitives of the registry, applied to values made before or to fresh inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import numpy as np

from gpubp import ops
from gpubp.errors import ShapeError
from gpubp.ir import FLOATS, INTEGERS, Aval, Example, Primitive, Program, Var, bind, recording, results, verify
from tests.ops.checks import EXAMPLES, Array, draw

MOST = 2000
"""Largest value, in elements."""

STEEP, STEEPEST = frozenset({"exp", "expm1", "sin", "cos", "power"}), 8.0
"""Primitives that magnify what their operands are off by as often as these are large, and how large they may be: two
orders of a sum are some units apart, and e^95 of them a hundred times as many."""

Case = tuple[Program, list[Array]]


class Arrays(list[Array]):
    """Arrays that print shortly, for reports of failures."""

    def __repr__(self) -> str:
        return f"<{len(self)} arrays of {sum(a.size for a in self)} elements>"


@dataclass
class Maker:
    """A program in the making.

    `smooth`: values are brought into the range of the primitive's example, and only what has a derivative is used.
    """

    choose: st.DrawFn
    rng: np.random.Generator
    smooth: bool
    inputs: list[Var] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=Arrays)
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
            fits = all(a.size <= MOST for a in results(primitive, operands, example.params))
        except ShapeError:
            fits = False
        if not fits:
            operands = [self.operand(example, i, False) for i in places]
        if primitive.name in STEEP:
            operands = [ops.minimum(ops.maximum(v, -STEEPEST), STEEPEST) for v in operands]
        self.made += bind(primitive, *operands, **example.params)

    def loop(self, depth: int = 2) -> None:
        """A loop of a few rounds, whose body reads what is carried, slices, and values from around it."""
        choose, length = self.choose, self.choose(st.integers(1, 4))
        numbers = [v for v in (*self.inputs, *self.made) if v.dtype == "float64"]
        carries = choose(st.lists(st.sampled_from(numbers), max_size=3))
        sequences = [v for v in (*self.inputs, *self.made) if v.shape[:1] == (length,)]
        scanned = choose(st.lists(st.sampled_from(sequences), max_size=2)) if sequences else []
        if choose(st.booleans()) or not carries:
            scanned.append(self.fresh((length, 3, 4), "float64"))

        def step(held: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
            inner = Maker(choose, self.rng, self.smooth, self.inputs, self.arrays, [*held, *slices, *self.made])
            for primitive, example in choose(st.lists(st.sampled_from(usable(self.smooth)), max_size=3)):
                inner.apply(primitive, example)
            if depth > 1 and choose(st.integers(0, 3)) == 0:
                inner.loop(depth - 1)
            new = []
            for v in held:
                like = [w for w in inner.made if w.aval == v.aval]
                new.append(choose(st.sampled_from(like)) if choose(st.booleans()) else ops.tanh(v))
            return new, choose(st.lists(st.sampled_from(inner.made), min_size=0 if new else 1, max_size=2))

        last, collected = ops.loop(step, carries, scanned, length=length, reverse=choose(st.booleans()))
        self.made += [v for v in (*last, *collected) if v.aval.size <= MOST]

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
            if choose(st.integers(0, 7)) == 0:
                maker.loop()
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
