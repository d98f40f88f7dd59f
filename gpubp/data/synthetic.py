"""Rows drawn at random: `uniform` and `normal`. The run's seed and the entry's place in `data` decide them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, prod
from typing import TYPE_CHECKING, Annotated, Any

from ..registry import Count, NonNegative, OptionType, Real, register
from ..seeds import Purpose, generator
from ..wording import listed
from .checks import problem
from .dataset import ReadResult, Request, Rows
from .encoders import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Size = Annotated[Sequence[int], OptionType(("wholes",), minimum=1)]
_MOST = 1 << 28


@register("reader", "uniform")
def uniform(request: Request, *, rows: Count, low: Real = 0.0, high: Real = 1.0, shape: Size = (1,)) -> ReadResult:
    """`rows` rows of numbers from `low` to `high` (not included), equally likely. Raises DiagnosticError (E0411)."""
    if not (isfinite(low) and isfinite(high) and low < high):
        raise problem("E0411", f"`low` is {low} and `high` is {high}: nothing lies between", request.span("high"))
    return _drawn(request, rows, shape, lambda random, size: random.uniform(low, high, size))


@register("reader", "normal")
def normal(
    request: Request, *, rows: Count, shape: Size = (1,), mean: Real = 0.0, std: NonNegative = 1.0
) -> ReadResult:
    """`rows` rows of normally distributed numbers. Raises DiagnosticError (E0411)."""
    if not (isfinite(mean) and isfinite(std)):
        raise problem("E0411", "`mean` and `std` must be finite numbers", request.entry.value_span)
    return _drawn(request, rows, shape, lambda random, size: random.normal(mean, std, size))


def _drawn(
    request: Request, rows: int, shape: Sequence[int], draw: Callable[[np.random.Generator, Any], NDArray[np.float64]]
) -> ReadResult:
    names, size = request.entry.names, tuple(shape)
    if len(names) != 1:
        raise problem("E0411", f"drawn rows belong to one name, not to {listed(names)}", request.entry.value_span)
    if rows * prod(size) > _MOST:
        message = f"{rows:,} rows of shape {list(size)} are more than {_MOST:,} numbers"
        raise problem("E0411", message, request.span("rows"), help="draw fewer")
    want = request.wants.get(names[0])
    if want is None:
        return ReadResult({})
    if want.kind == "class":
        message = f"`{names[0]}` is a label, and drawn rows are numbers"
        raise problem("E0419", message, want.span or request.entry.value_span)
    count = rows if want.type is not None else 0  # the type is known without them
    values = draw(generator(request.seed, Purpose.SAMPLE, request.index), (count, *size))
    return ReadResult({names[0]: Rows(values, Encoder(size, feature=want.feature))}, drawn=True)
