"""What an optimizer may ask of the program that it is traced into."""

from __future__ import annotations

from typing import Protocol

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

    def assign(self, state: Var, value: Var) -> Var:
        """Let a state hold `value` after the step; returns `value`."""
