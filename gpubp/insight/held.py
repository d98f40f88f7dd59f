"""The loss of a training step as a function of the parameters alone, for finite differences: what is drawn at random
comes from counters and stays, what has no derivative by definition is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..executor import Auxiliary, Executor
from ..frontend import Built, Watched
from ..ir import FLOATS, Eqn, Program, Var, bodies, evaluate, recording
from ..passes import dce, optimise

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The loss at a point, and which side of every kink it lies on."""

    loss: float
    pattern: tuple[NDArray[Any], ...]

    def beside(self, other: Point) -> bool:
        """Whether no kink lies between."""
        return all((a == b).all() for a, b in zip(self.pattern, other.pattern, strict=True))


class HeldLoss:
    """The loss of a step at the executor's parameters, which the caller may move.

    `held`: the names of the primitives whose results are kept as `hold` found them, for no gradient goes through them
    (`stop_gradient`, `sign`); their values are the feeds behind the batch. The pattern of a point is all that the way
    back compares or counts: on which side of 0 a relu is, which value of a window is the largest.
    """

    def __init__(self, executor: Executor, seen: Watched, arrays: Sequence[Any]) -> None:
        program = seen.program
        ahead = dce(replace(program, outputs=program.outputs[-1:])).eqns
        cut = [eqn for eqn in ahead if _stops(eqn)]
        patterns = [v for eqn in program.eqns if eqn.operands for v in eqn.outputs if v.dtype not in FLOATS]
        self._values = dce(Program(program.inputs, program.eqns, tuple(eqn.output for eqn in cut)))
        count = len(seen.feeds)
        kept = {eqn.output: Var(eqn.output.aval, f"held{i}") for i, eqn in enumerate(cut)}
        feeds = (*program.inputs[:count], *(eqn.output for eqn in cut))
        inputs = (*feeds, *program.inputs[count:])
        eqns = tuple(eqn for eqn in program.eqns if not any(v in kept for v in eqn.outputs))
        outputs = (program.outputs[-1], *dict.fromkeys(v for v in patterns if v not in kept))
        small = optimise(Program(inputs, eqns, outputs))
        names = ("loss", *(f"pattern{i}" for i in range(len(outputs) - 1)))
        fed = tuple(v.hint or f"held{i}" for i, v in enumerate(feeds))
        built = Built(small, fed, seen.states, names, {}, {}, {}, {})
        self.held = tuple(dict.fromkeys(eqn.op.name for eqn in cut if any(x.dtype in FLOATS for x in eqn.operands)))
        self._program = Auxiliary(executor, built, len(arrays[0]))
        self._executor, self._arrays, self._states = executor, list(arrays), seen.states
        self._held: list[Any] = []
        self.hold()

    def hold(self) -> None:
        """Take what is held from where the parameters stand now."""
        states = [self._executor.arrays()[name] for name in self._states]
        with self._executor.backend.running():
            self._held = evaluate(self._values, [*self._arrays, *states], self._executor.xp)

    def __call__(self) -> Point:
        """The loss where the parameters stand now."""
        backend = self._program.backend
        with backend.running():
            loss, *pattern = self._program([*self._arrays, *self._held]).values()
            return Point(float(loss), tuple(backend.to_host(backend.xp.array(p)) for p in pattern))


def _stops(eqn: Eqn) -> bool:
    """Whether an equation makes floats of floats and its rule sends nothing back to any of them."""
    if len(eqn.outputs) > 1 or eqn.output.dtype not in FLOATS or not eqn.operands or bodies(eqn):
        return False
    if eqn.op.vjp is None:
        return any(x.dtype in FLOATS for x in eqn.operands)
    with recording():
        back = eqn.op.vjp(Var(eqn.output.aval, "g"), eqn.output, *eqn.inputs, **eqn.params)
    return all(cotangent is None for cotangent in back)
