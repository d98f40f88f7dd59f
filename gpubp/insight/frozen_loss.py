"""The loss of a training step as a function of the parameters alone, for finite differences: random numbers are the
same each time, and values that stop gradients by definition are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..executor import Auxiliary, Executor
from ..frontend import Built, TracedStep
from ..ir import FLOATS, Eqn, Program, Var, bodies, evaluate, recording
from ..passes import dce, optimise

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The loss at a point, and on which side of each kink the point lies."""

    loss: float
    pattern: tuple[NDArray[Any], ...]

    def beside(self, other: Point) -> bool:
        """Whether no kink lies between."""
        return all((a == b).all() for a, b in zip(self.pattern, other.pattern, strict=True))


class FrozenLoss:
    """The loss of a step at the executor's parameters, which the caller may move.

    `held`: the primitives that stop gradients by definition (`stop_gradient`, `sign`). Their results are frozen at the
    values of the last `freeze`, and fed after the batch. The pattern of a point consists of all values that are not
    floats, such as on which side of 0 a relu is, or which element of a window is the largest.
    """

    def __init__(self, executor: Executor, seen: TracedStep, arrays: Sequence[Any]) -> None:
        program = seen.program
        forward = dce(replace(program, outputs=program.outputs[-1:])).eqns
        stopping = [eqn for eqn in forward if _stops(eqn)]
        patterns = [v for eqn in program.eqns if eqn.operands for v in eqn.outputs if v.dtype not in FLOATS]
        self._values = dce(Program(program.inputs, program.eqns, tuple(eqn.output for eqn in stopping)))
        count = len(seen.feeds)
        frozen = {eqn.output: Var(eqn.output.aval, f"held{i}") for i, eqn in enumerate(stopping)}
        feeds = (*program.inputs[:count], *(eqn.output for eqn in stopping))
        inputs = (*feeds, *program.inputs[count:])
        eqns = tuple(eqn for eqn in program.eqns if not any(v in frozen for v in eqn.outputs))
        outputs = (program.outputs[-1], *dict.fromkeys(v for v in patterns if v not in frozen))
        optimised = optimise(Program(inputs, eqns, outputs))
        names = ("loss", *(f"pattern{i}" for i in range(len(outputs) - 1)))
        feed_names = tuple(v.hint or f"held{i}" for i, v in enumerate(feeds))
        built = Built(optimised, feed_names, seen.states, names, {}, {}, {}, {})
        self.held = tuple(
            dict.fromkeys(eqn.op.name for eqn in stopping if any(x.dtype in FLOATS for x in eqn.operands))
        )
        self._program = Auxiliary(executor, built, len(arrays[0]))
        self._executor, self._arrays, self._states = executor, list(arrays), seen.states
        self._frozen: list[Any] = []
        self.freeze()

    def freeze(self) -> None:
        """Freeze these values at the present parameters."""
        states = [self._executor.arrays()[name] for name in self._states]
        with self._executor.backend.running():
            self._frozen = evaluate(self._values, [*self._arrays, *states], self._executor.xp)

    def __call__(self) -> Point:
        """The loss at the present parameters."""
        backend = self._program.backend
        with backend.running():
            loss, *pattern = self._program([*self._arrays, *self._frozen]).values()
            return Point(float(loss), tuple(backend.to_host(backend.xp.array(p)) for p in pattern))


def _stops(eqn: Eqn) -> bool:
    """Whether an equation computes floats from floats, and its VJP gives no cotangent to any of them."""
    if len(eqn.outputs) > 1 or eqn.output.dtype not in FLOATS or not eqn.operands or bodies(eqn):
        return False
    if eqn.op.vjp is None:
        return any(x.dtype in FLOATS for x in eqn.operands)
    with recording():
        back = eqn.op.vjp(Var(eqn.output.aval, "g"), eqn.output, *eqn.inputs, **eqn.params)
    return all(cotangent is None for cotangent in back)
