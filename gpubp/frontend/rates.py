"""The learning rate of each step, as the schedule of a file gives it."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.graph import Choice

from ..ir import Program, evaluate, recording
from .net import Net
from .plateau import plateau_of
from .states import EPOCH_STEPS, RATE_SCALE, STEP, TOTAL_STEPS, States, accumulated
from .update import learning_rate


def rates(net: Net, steps: Sequence[int], epoch_steps: int, total_steps: int) -> list[float] | None:
    """The learning rate of the updates behind so many steps, each counted from 0; `epoch_steps`: the batches of an
    epoch, `total_steps` those of the training. None where the file does not train, where its optimizer has no rate,
    or where the rate depends on the figures of validation."""
    import numpy as np

    train = net.graph.train
    if train is None or plateau_of(net.graph) is not None:
        return None
    optimizer = train.options.get("optimizer")
    lr = optimizer.options.get("lr") if isinstance(optimizer, Choice) else None
    if not isinstance(lr, int | float):
        return None
    states = States(net.layout, "float64")
    step = states.real(STEP)
    with recording() as eqns:
        scale = learning_rate(train, states, step)
    program = Program(tuple(states.vars.values()), tuple(eqns), (scale,))
    known = {RATE_SCALE: 1.0, EPOCH_STEPS: float(epoch_steps), TOTAL_STEPS: float(total_steps)}
    window = accumulated(train)
    found = []
    for number in steps:
        at = {**known, STEP: float(number // window * window)}
        arrays = [np.asarray(at[name], var.dtype) for name, var in states.vars.items()]
        found.append(float(lr) * float(evaluate(program, arrays, np)[0]))
    return found
