"""Which primitive's own rule is wrong, where gradients are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dsl.records import dataclass

from ..executor import Executor
from ..frontend import Watched, describe_place
from ..ir import Eqn, Primitive, Var, evaluate
from .rules import Mismatch, check_rule, several


@dataclass(frozen=True, slots=True)
class Blame:
    """A primitive whose derivative by one input is wrong, and the first place where it is used."""

    primitive: str
    place: str
    mismatch: Mismatch


def blame(executor: Executor, seen: Watched, arrays: Sequence[Any]) -> tuple[Blame, ...]:
    """Check the rule of each primitive of the step on the values that it has there; one finding for each."""
    import numpy as np

    program, to_host = seen.program, executor.backend.to_host
    states = [executor.arrays()[name] for name in seen.states]
    values: dict[Var, Any] = dict(zip(program.inputs, map(to_host, [*arrays, *states]), strict=True))
    found: dict[Primitive, Blame] = {}

    def look(eqn: Eqn, result: Any) -> None:
        outputs = several(result) if len(eqn.outputs) > 1 else (np.asarray(result),)
        values.update(zip(eqn.outputs, outputs, strict=True))
        if eqn.op.vjp is None or found.get(eqn.op) is not None:
            return
        inputs = [values[x] if isinstance(x, Var) else np.asarray(x, executor.dtype) for x in eqn.inputs]
        _, wrong = check_rule(eqn.op, inputs, eqn.params)
        for mismatch in wrong:
            if not mismatch.kink:
                found.setdefault(eqn.op, Blame(eqn.op.name, describe_place(eqn.origin), mismatch))

    evaluate(program, [values[v] for v in program.inputs], np, look)
    return tuple(found.values())
