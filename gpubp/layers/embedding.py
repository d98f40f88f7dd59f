"""Embeddings of labels and positions."""

from __future__ import annotations

import math
from typing import Annotated

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Init, OptionType, register
from .context import Context
from .formulas import LABELS

Kind = Annotated[str, OptionType(("word",), words=("sinusoidal", "learned"))]


@register("function", "embedding", makes_weights=True, labels=True)
def embedding(cx: Context, labels: Var, *, units: Count, init: Init = "glorot_uniform") -> Var:
    """A learned vector for each class: the label's row of the table W.

    labels: class(n)[...], W: [n, units], result [..., units]. Bengio et al. (2003), section 2.
    """
    classes = cx.classes(labels)
    if classes is None:
        raise ShapeError("`embedding` takes class labels, but this is a tensor of numbers", LABELS, code="E0306")
    if isinstance(init, int | float):  # the number of classes was written first, as in other libraries
        message = f"`embedding` takes no number of classes, because the labels have it: {classes}"
        help = f"`embedding({init:g})` for vectors of {init:g}; to fill them all with it, `init = constant({init:g})`"
        raise ShapeError(message, help, code="E0310")
    return ops.gather(cx.parameter("weight", (classes, units), init, role="table"), labels)


@register("function", "positional", makes_weights=True)
def positional(cx: Context, x: Var, *, kind: Kind = "sinusoidal", init: Init = "glorot_uniform") -> Var:
    """x plus a vector for each position.

    x: [steps, features]. `sinusoidal`: sin(t / 10000^(2 i / features)) at the feature 2 i of step t, the cosine at 2 i
    + 1; nothing is learned. `learned`: a table [steps, features], initialised by `init`. Vaswani et al. (2017), section
    3.5.
    """
    if x.ndim != 3:
        raise ShapeError(f"`positional` takes sequences [steps, features], but this is {list(x.shape[1:])}")
    if kind == "learned":
        return x + cx.parameter("weight", x.shape[1:], init, role="table")
    steps, features = x.shape[1:]
    # In float64: the sine of a large angle needs full precision.
    pairs = -(-features // 2)
    rates = ops.exp(ops.iota(pairs, "float64") * (-2.0 * math.log(10000.0) / features))
    angles = ops.reshape(ops.iota(steps, "float64"), shape=(steps, 1, 1)) * ops.reshape(rates, shape=(1, pairs, 1))
    waves = ops.reshape(ops.concat([ops.sin(angles), ops.cos(angles)], axis=2), shape=(steps, 2 * pairs))
    return x + ops.cast(ops.slice_(waves, start=(0, 0), stop=(steps, features)), dtype=x.dtype)
