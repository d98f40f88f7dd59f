"""The learning rate within a training program."""

from __future__ import annotations

from dsl.graph import Choice, Duration, LayerGraph, Train
from dsl.records import dataclass

from ..errors import ShapeError
from ..ir import Var
from ..registry import lookup
from .states import RATE_SCALE, TOTAL_STEPS, States, duration_steps


@dataclass(eq=False)
class Schedules:
    """The `cx` of schedules (gpubp.optim.ScheduleContext). `followed`: the schedule that is being traced; on an error
    it stays set to the invalid one, which may be nested in another."""

    states: States
    followed: Choice | None = None

    def steps(self, duration: Duration) -> Var:
        return duration_steps(duration, self.states)

    def period(self, duration: Duration) -> Var:
        if duration.amount <= 0:
            raise ShapeError(
                f"a repeating schedule needs a length, but `every` is {duration.amount} {duration.unit}",
                "give it one, such as `every = 5epochs`",
                code="E0523",
            )
        return self.steps(duration)

    def follow(self, schedule: Choice, step: Var, length: Var) -> Var:
        outer, self.followed = self.followed, schedule
        factor: Var = lookup("schedule", schedule.name).function(self, step, length, **schedule.options)
        self.followed = outer
        return factor


def optimizer_rate(graph: LayerGraph) -> float | None:
    """The learning rate of the optimizer, its option `lr`; None if it has none, or the file no `train`."""
    optimizer = graph.choice("optimizer")
    lr = None if optimizer is None else optimizer.options.get("lr")
    return lr if isinstance(lr, int | float) else None


def learning_rate(train: Train, states: States, step: Var) -> Var:
    """The factor of every learning rate, from the schedule and the host, after so many batches (float64)."""
    scale, schedule = states.float64(RATE_SCALE), train.options.get("schedule")
    if isinstance(schedule, Choice):
        scale = scale * Schedules(states).follow(schedule, step, states.float64(TOTAL_STEPS))
    return scale
