"""What a layer or loss may ask of the program that it is traced into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from dsl.records import dataclass

from ..ir import Var


class Context(Protocol):
    """Handed to every layer and loss as `cx`. Values are batched: axis 0 is the batch, in a constant it is 1."""

    @property
    def training(self) -> bool:
        """True where the program trains: regularisers act, statistics move."""

    @property
    def fitting(self) -> bool:
        """True while this layer's statistics are gathered, once, from the training data. A layer that asks has
        statistics to gather."""

    @property
    def batch(self) -> int:
        """The number of examples."""

    @property
    def dtype(self) -> str:
        """The float type of the program."""

    def parameter(self, name: str, shape: tuple[int, ...], init: Any, role: str = "weight") -> Var:
        """A trained array without batch axis, named after the layer and `name` (the layer alone where it is empty).
        `init` is the value of an option of type Init. `role`: weight, bias, gain or table; decay and penalties speak of
        weights and tables."""

    def buffer(self, name: str, shape: tuple[int, ...], value: float, dtype: str) -> Var:
        """State that is saved with the weights and not trained, filled with `value` at first; behind an update, what
        that made of it."""

    def update(self, buffer: Var, value: Var) -> None:
        """Let a buffer hold `value` after the step."""

    def uniform(self, shape: Sequence[int]) -> Var:
        """Numbers from [0, 1), other ones at each step."""

    def normal(self, shape: Sequence[int]) -> Var:
        """Standard normal numbers, other ones at each step."""

    def derivative(self, of: Var, by: Var) -> Var | None:
        """The derivative, with respect to each example's `by`, of the sum of `of`; None where none leads from one to
        the other. ShapeError where a file's derivatives grow too long."""

    def classes(self, labels: Var) -> int | None:
        """The number of classes of labels: an input or target, or what was made of some; None for anything else."""

    def as_labels(self, x: Var, classes: int) -> Var:
        """Let whole numbers from 0 to classes - 1 be labels; returns `x`."""


@dataclass(frozen=True, slots=True)
class Accumulation:
    """A metric in the making: `terms` are per-example contributions (batch first, float64), summed over all examples;
    `rows` (batch first) are kept for each example; of `spreads` (batch first, float64) the squared distances from the
    mean over all examples are summed. `finish(sums, count)` makes the figure, or the table, of the sums and the spreads
    (arrays of their shape without the batch axis), the rows of all examples (batch first) and the number of
    examples."""

    terms: Mapping[str, Var]
    finish: Callable[[Mapping[str, Any], int], Any]
    rows: Mapping[str, Var] = field(default_factory=dict)
    spreads: Mapping[str, Var] = field(default_factory=dict)
