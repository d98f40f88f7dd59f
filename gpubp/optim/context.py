"""The tracing context of optimizers and schedules."""

from __future__ import annotations

from typing import Any, Protocol

from ..ir import Var


class UpdateContext(Protocol):
    """Passed to every optimizer as `cx`."""

    @property
    def decays(self) -> bool:
        """True for weights, False for biases and gains, which are not decayed. An optimizer that reads this updates the
        two separately."""

    @property
    def step(self) -> Var:
        """Number of this update, from 1, float64 scalar."""

    @property
    def loss(self) -> Var:
        """The loss, penalties included, of which the gradients are, float64 scalar."""

    @property
    def finite(self) -> Var:
        """Whether the loss and all gradients are finite, bool scalar. A step for which they are not stops the training
        and changes nothing, unless the optimizer `retracts` it."""

    def retracts(self, trial: Var, loss: Var) -> None:
        """Say that this update, where `trial` is true (bool scalar), returns to parameters of the given `loss` if this
        one or a gradient is not finite. The training then goes on, and reports that loss for the step."""

    @property
    def last(self) -> Var:
        """Whether the training ends with this update, bool scalar: no later one will know the loss of its result."""

    @property
    def curvature(self) -> Var:
        """The Gauss-Newton approximation of the Hessian of the loss, (n, n) for n elements of the parameters. Only for
        optimizers that are registered for `least_squares`, which treat all parameters together."""

    def rate(self, lr: float) -> Var:
        """The current learning rate, float64 scalar."""

    def scalar(self, value: Var) -> Var:
        """A float64 scalar cast to the parameters' dtype."""

    def named(self, value: Var, text: str) -> Var:
        """Let formulas write `text` for a value, as a textbook does; returns the value."""

    def state(self, name: str, like: Var) -> Var:
        """State with the shape of a parameter, initially zero."""

    def number(self, name: str) -> Var:
        """A float64 scalar of optimizer state, initially 0, shared by all parameters."""

    def assign(self, state: Var, value: Var) -> Var:
        """Set a state to `value` after the step; returns `value`. Each state is set once: of a number that all
        parameters share, the first value counts."""


class ScheduleContext(Protocol):
    """Passed to every schedule as `cx`. Steps are batches; all numbers are float64 scalars of the program."""

    def steps(self, duration: Any) -> Var:
        """A duration, such as `200steps` or `3epochs`, in steps."""

    def period(self, duration: Any) -> Var:
        """The length of a repeating period in steps. Raises ShapeError if it is 0."""

    def follow(self, schedule: Any, step: Var, length: Var) -> Var:
        """The factor of a nested schedule, the value of an option of type Inner, `step` steps after its start, out of
        `length` in total."""
