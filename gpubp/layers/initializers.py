"""Initialisers: initial values of a parameter, drawn in float64 from the parameter's own NumPy generator.

Weights are [in, out] or [kernel..., in, out]; fan_in and fan_out count the connections into and out of one unit, except
for a grouped convolution: there, as in Keras and PyTorch, fan_out counts the channels of all groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..registry import NonNegative, Numbers, Real, register

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    Generator = np.random.Generator


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """fan_in and fan_out of a weight; for a vector, both are its length."""
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    kernel = math.prod(shape[:-2])
    return kernel * shape[-2], kernel * shape[-1]


def _scaled(name: str, doc: str, variance: Callable[[int, int], float], *, uniform: bool) -> None:
    def initializer(rng: Generator, shape: tuple[int, ...]) -> Array:
        std = math.sqrt(variance(*fans(shape)))
        if uniform:
            limit = math.sqrt(3.0) * std
            return rng.uniform(-limit, limit, shape)
        return rng.normal(0.0, std, shape)

    initializer.__doc__ = doc
    register("initializer", name)(initializer)


for _name in ("glorot", "xavier"):
    for _kind in ("uniform", "normal"):
        _scaled(
            f"{_name}_{_kind}",
            "Variance 2 / (fan_in + fan_out). Glorot & Bengio (2010), equations 12 and 16.",
            lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
            uniform=_kind == "uniform",
        )
for _kind in ("uniform", "normal"):
    _scaled(
        f"he_{_kind}",
        "Variance 2 / fan_in, for relu. He et al. (2015), equation 10.",
        lambda fan_in, fan_out: 2.0 / fan_in,
        uniform=_kind == "uniform",
    )
    _scaled(
        f"lecun_{_kind}",
        "Variance 1 / fan_in. LeCun et al. (1998), equation 16.",
        lambda fan_in, fan_out: 1.0 / fan_in,
        uniform=_kind == "uniform",
    )


@register("initializer", "normal")
def normal(rng: Generator, shape: tuple[int, ...], *, std: NonNegative = 1.0, mean: Real = 0.0) -> Array:
    """Normal random numbers with standard deviation `std` and mean `mean`."""
    return rng.normal(mean, std, shape)


@register("initializer", "uniform")
def uniform(rng: Generator, shape: tuple[int, ...], *, low: Real = -1.0, high: Real = 1.0) -> Array:
    """Uniform random numbers from `low` to `high`."""
    return rng.uniform(low, high, shape)


@register("initializer", "orthogonal")
def orthogonal(rng: Generator, shape: tuple[int, ...], *, gain: Real = 1.0) -> Array:
    """A matrix with orthonormal rows or columns (whichever are fewer), times `gain`. Saxe, McClelland & Ganguli
    (2014)."""
    import numpy as np

    if len(shape) < 2:
        raise ShapeError(f"`orthogonal` needs a matrix, not shape {list(shape)}")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    # The signs make the distribution uniform over the orthogonal matrices: Mezzadri (2007).
    q = q * np.sign(np.diag(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


@register("initializer", "constant")
def constant(rng: Generator, shape: tuple[int, ...], *, value: Numbers) -> Array:
    """One number everywhere, or an array of exactly this shape."""
    import numpy as np

    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), shape):
        raise ShapeError(f"these numbers have shape {list(array.shape)}, the weight needs {list(shape)}")
    return np.broadcast_to(array, shape).copy()


@register("initializer", "zeros")
def zeros(rng: Generator, shape: tuple[int, ...]) -> Array:
    """0 everywhere."""
    return constant(rng, shape, value=0.0)


@register("initializer", "ones")
def ones(rng: Generator, shape: tuple[int, ...]) -> Array:
    """1 everywhere."""
    return constant(rng, shape, value=1.0)
