"""If a gradient is wrong: which primitive has the wrong derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dsl.records import dataclass

from ..executor import Executor
from ..frontend import TracedStep, describe_place
from ..ir import Eqn, Primitive, Var, evaluate
from .rules import Mismatch, check_rule, several


@dataclass(frozen=True, slots=True)
class Blame:
    """A primitive whose derivative with respect to one input is wrong, and the place of its first use."""

    primitive: str
    place: str
    mismatch: Mismatch


def blame(executor: Executor, seen: TracedStep, arrays: Sequence[Any]) -> tuple[Blame, ...]:
    """Check the derivative of each primitive of the step at the values it has there; one finding per primitive."""
    import numpy as np

    program, to_host = seen.program, executor.backend.to_host
    states = [executor.arrays()[name] for name in seen.states]
    values: dict[Var, Any] = dict(zip(program.inputs, map(to_host, [*arrays, *states]), strict=True))
    blamed: dict[Primitive, Blame] = {}

    def check(eqn: Eqn, result: Any) -> None:
        outputs = several(result) if len(eqn.outputs) > 1 else (np.asarray(result),)
        values.update(zip(eqn.outputs, outputs, strict=True))
        if eqn.op.vjp is None or blamed.get(eqn.op) is not None:
            return
        inputs = [values[x] if isinstance(x, Var) else np.asarray(x, executor.dtype) for x in eqn.inputs]
        _, wrong = check_rule(eqn.op, inputs, eqn.params)
        for mismatch in wrong:
            if not mismatch.kink:
                blamed.setdefault(eqn.op, Blame(eqn.op.name, describe_place(eqn.origin), mismatch))

    evaluate(program, [values[v] for v in program.inputs], np, check)
    return tuple(blamed.values())
