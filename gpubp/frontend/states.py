"""The persistent state of programs: parameters, statistics, counters, optimizer state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from dsl.graph import Choice, Duration, Train
from dsl.records import dataclass

from .. import ops
from ..ir import Aval, Var
from .layout import Buffer, Group, Layout, Parameter
from .net import Net
from .plateau import plateau_of

STEP: Final = "step"
"""Number of training batches so far, int64: determines the learning rate, the random draws and the order of the
rows."""

SEED: Final = "seed"
"""Of all random draws, int64."""

RATE_SCALE: Final = "rate_scale"
"""A learning-rate factor that the host may write, float64."""

EPOCH_STEPS, TOTAL_STEPS = "epoch_steps", "total_steps"
"""Batches per epoch and in the whole training, float64, 0 if unknown: for schedules in epochs or to the end."""

LAST_STEP: Final = "last_step"
"""The number of batches after which a training ends, float64, 0 if unknown: for optimizers that end at the best point
they know."""

ROWS: Final = "rows"
"""Rows whose gradients were accumulated since the last update, float64."""

BEST, BEST_STEP = "best", "best_step"
"""The best metric that `plateau` has seen, float64, and its step, int64."""

COUNTERS: Final = (STEP, SEED, RATE_SCALE, EPOCH_STEPS, TOTAL_STEPS, LAST_STEP, BEST, BEST_STEP, ROWS)
"""All scalars of state; a net has those that it needs."""

AVERAGE: Final = "average"
"""Prefix of a group's name: the moving average of its parameters."""

_ALWAYS: Final[Mapping[str, tuple[str, float]]] = {
    STEP: ("int64", 0),
    SEED: ("int64", 0),
    RATE_SCALE: ("float64", 1.0),
}
_PLATEAU: Final[Mapping[str, tuple[str, float]]] = {BEST: ("float64", float("inf")), BEST_STEP: ("int64", 0)}


def counter_specs(net: Net) -> dict[str, tuple[str, float]]:
    """dtype and initial value of each scalar that the net's programs or its training need."""
    out = dict(_ALWAYS)
    train = net.graph.train
    if train is None:
        return out
    if isinstance(train.options.get("schedule"), Choice):
        steps = train.options.get("steps") or 0
        assert isinstance(steps, int)
        out |= {EPOCH_STEPS: ("float64", 0.0), TOTAL_STEPS: ("float64", float(steps))}
    if plateau_of(net.graph) is not None:
        out |= _PLATEAU
    if net.searches_line:
        out[LAST_STEP] = ("float64", 0.0)
    if accumulated(train) > 1:
        out[ROWS] = ("float64", 0.0)
    return out


def training_lengths(epoch_steps: int, total: int) -> dict[str, float]:
    """The counters of a training of `total` batches, `epoch_steps` per epoch."""
    return {EPOCH_STEPS: epoch_steps, TOTAL_STEPS: total, LAST_STEP: total}


def accumulated(train: Train) -> int:
    """The number of batches per update."""
    number = train.options.get("accumulate", 1)
    assert isinstance(number, int)
    return number


@dataclass(eq=False)
class States:
    """The states that a program requires, created on first request. `averaged`: the program uses the moving averages of
    the parameters, after `averaged` batches. `notation`: what formulas write for values of the update."""

    layout: Layout
    dtype: str
    averaged: int = 0
    vars: dict[str, Var] = field(default_factory=dict)
    notation: dict[Var, str] = field(default_factory=dict)
    _weights: dict[Group, Var] = field(default_factory=dict)

    def get(self, name: str, shape: tuple[int, ...], dtype: str) -> Var:
        if name not in self.vars:
            self.vars[name] = Var(Aval(shape, dtype), name)
        return self.vars[name]

    def int64(self, name: str) -> Var:
        """A counter of type int64."""
        return self.get(name, (), "int64")

    def float64(self, name: str) -> Var:
        """A scalar of type float64."""
        return self.get(name, (), "float64")

    def flat(self, group: Group) -> Var:
        return self.get(group.name, (group.size,), self.dtype)

    def like_group(self, name: str, group: Group) -> Var:
        """A state with the layout of the group's parameters."""
        return self.get(f"{name}.{group.name}", (group.size,), self.dtype)

    def parameter(self, wanted: Parameter) -> Var:
        group, start = self.layout.places[wanted.name]
        if group not in self._weights:
            self._weights[group] = self._in_use(group)
        piece = ops.slice_(self._weights[group], start=(start,), stop=(start + wanted.size,))
        return ops.reshape(piece, shape=wanted.shape)

    def _in_use(self, group: Group) -> Var:
        flat = self.flat(group)
        if not self.averaged or group.frozen:
            return flat
        # Before the first update there is no average.
        return ops.where(self.int64(STEP) >= self.averaged, self.like_group(AVERAGE, group), flat)

    def buffer(self, wanted: Buffer) -> Var:
        return self.get(wanted.name, wanted.shape, wanted.dtype)


def duration_steps(duration: Duration, states: States) -> Var:
    """A duration in batches, float64."""
    if duration.unit == "steps":
        return ops.full((), float(duration.amount), "float64")
    return float(duration.amount) * states.float64(EPOCH_STEPS)
