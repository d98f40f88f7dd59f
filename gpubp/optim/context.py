"""What an optimizer may ask of the program that it is traced into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..ir import Var


class UpdateContext(Protocol):
    """Handed to every optimizer as `cx`."""

    @property
    def decays(self) -> bool:
        """True for weights, False for biases and gains, which weight decay leaves alone."""

    @property
    def step(self) -> Var:
        """Number of this update, from 1, float64 scalar."""

    def rate(self, lr: float) -> Var:
        """The learning rate in force at this step, float64 scalar."""

    def scalar(self, value: Var) -> Var:
        """A float64 scalar as the parameters' type."""

    def state(self, name: str, like: Var) -> Var:
        """State of the shape of a parameter, zero at first."""

    def number(self, name: str, change: Callable[[Var], Var]) -> Var:
        """A float64 scalar of the optimizer's state, 0 at first, that all parameters share. `change` makes its new
        value of the old one; returns the new one."""

    def assign(self, state: Var, value: Var) -> Var:
        """Let a state hold `value` after the step; returns `value`."""


class ScheduleContext(Protocol):
    """Handed to every schedule as `cx`. Steps are batches; all numbers are float64 scalars of the program."""

    def steps(self, duration: Any) -> Var:
        """The steps of a duration, such as `200steps` or `3epochs`."""

    def period(self, duration: Any) -> Var:
        """The steps of a duration that comes again and again. Raises ShapeError for none."""

    def follow(self, schedule: Any, step: Var, length: Var) -> Var:
        """The factor of another schedule, the value of an option of type Inner, `step` steps after its start and of
        `length` steps in all."""
