"""The tracing context of layers and losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from dsl.records import dataclass

from ..ir import Var


class Context(Protocol):
    """Passed to every layer and loss as `cx`. Values are batched: axis 0 is the batch, of size 1 for constants."""

    @property
    def training(self) -> bool:
        """True in training mode: regularisers are active, statistics are updated."""

    @property
    def fitting(self) -> bool:
        """True while this layer's statistics are computed, once, from the training data. A layer that reads this has
        statistics to compute."""

    @property
    def batch(self) -> int:
        """The number of examples."""

    @property
    def dtype(self) -> str:
        """The float dtype of the program."""

    def parameter(self, name: str, shape: tuple[int, ...], init: Any, role: str = "weight") -> Var:
        """A trained array without batch axis, named after the layer and `name` (only the layer if that is empty).
        `init` is the value of an option of type Init. `role`: weight, bias, gain or table; decay and penalties apply to
        weights and tables."""

    def buffer(self, name: str, shape: tuple[int, ...], value: float, dtype: str) -> Var:
        """State that is saved with the weights but not trained, initialised to `value`; after an update, the updated
        value."""

    def update(self, buffer: Var, value: Var) -> None:
        """Set a buffer to `value` after the step."""

    def uniform(self, shape: Sequence[int]) -> Var:
        """Uniform random numbers from [0, 1), new ones at each step."""

    def normal(self, shape: Sequence[int]) -> Var:
        """Standard normal random numbers, new ones at each step."""

    def derivative(self, of: Var, by: Var) -> Var | None:
        """The derivative of the sum of `of` with respect to each example's `by`; None if `of` does not depend
        differentiably on `by`. ShapeError if a file's derivatives become too large."""

    def classes(self, labels: Var) -> int | None:
        """The number of classes of labels: an input or target, or derived from one; None for anything else."""

    def as_labels(self, x: Var, classes: int) -> Var:
        """Declare integers from 0 to classes - 1 as labels; returns `x`."""


@dataclass(frozen=True, slots=True)
class Accumulation:
    """The accumulation of a metric: `terms` are per-example contributions (batch first, float64), summed over all
    examples; `rows` (batch first) are kept for each example; of `deviations` (batch first, float64) the squared
    deviations from the mean over all examples are summed. `finish(sums, count)` computes the metric, or the table, from
    both sums (arrays without the batch axis), the rows of all examples (batch first) and the number of examples."""

    terms: Mapping[str, Var]
    finish: Callable[[Mapping[str, Any], int], Any]
    rows: Mapping[str, Var] = field(default_factory=dict)
    deviations: Mapping[str, Var] = field(default_factory=dict)
