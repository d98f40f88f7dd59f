"""The learning rate of each step, according to the schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import GpubpError
from ..ir import Program, evaluate, recording
from .learning_rate import learning_rate, optimizer_rate
from .net import Net
from .plateau import Stand, plateau_of
from .states import EPOCH_STEPS, RATE_SCALE, STEP, TOTAL_STEPS, States, accumulated


def constant_rate(net: Net) -> tuple[Net, float]:
    """The net without its schedule, and the learning rate in its file. Raises GpubpError if that is 0, or the optimizer
    has none. The file must have a `train` section."""
    assert net.graph.train is not None
    lr = optimizer_rate(net.graph)
    if lr is None or lr <= 0:
        raise GpubpError("a range test scales the learning rate of the optimizer, but this one has none, or 0")
    train = replace(net.graph.train, options={**net.graph.train.options, "schedule": None})
    return replace(net, graph=replace(net.graph, train=train)), float(lr)


def rates(
    net: Net, steps: Sequence[int], epoch_steps: int, total_steps: int, records: Sequence[Mapping[str, Any]] = ()
) -> list[float] | None:
    """The learning rate of the updates at the given steps, counted from 0; `epoch_steps`: batches per epoch,
    `total_steps` of the training; `records`: the metrics after each epoch and its last `step`, for a schedule that
    depends on them. None if the file does not train, its optimizer has no rate, or a record lacks the required
    metric."""
    import numpy as np

    train, lr = net.graph.train, optimizer_rate(net.graph)
    if train is None or lr is None:
        return None
    states = States(net.layout, "float64")
    step = states.float64(STEP)
    with recording() as eqns:
        scale = learning_rate(train, states, step)
    program = Program(tuple(states.vars.values()), tuple(eqns), (scale,))
    known = {EPOCH_STEPS: float(epoch_steps), TOTAL_STEPS: float(total_steps)}
    window = accumulated(train)
    try:
        falls = _falls(net, records, epoch_steps)
    except KeyError:
        return None
    found = []
    for number in steps:
        scale_then = next((factor for step, factor in reversed(falls) if step <= number), 1.0)
        at = {**known, RATE_SCALE: scale_then, STEP: float(number // window * window)}
        arrays = [np.asarray(at[name], var.dtype) for name, var in states.vars.items()]
        found.append(float(lr) * float(evaluate(program, arrays, np)[0]))
    return found


def _falls(net: Net, records: Sequence[Mapping[str, Any]], epoch_steps: int) -> list[tuple[int, float]]:
    """The step after each record, and the learning-rate factor from then on. Raises KeyError."""
    plateau, stand = plateau_of(net.graph), Stand()
    found: list[tuple[int, float]] = []
    if plateau is None:
        return found
    for record in records:
        figure = record[plateau.figure]
        # Non-finite metrics may be strings in a file.
        figures = {plateau.figure: float(figure) if isinstance(figure, int | float) else math.nan}
        stand = plateau.after(stand, figures, int(record["step"]), epoch_steps)
        found.append((int(record["step"]), stand.scale))
    return found
