"""Derivatives as values of a model: for losses that contain them, such as differential equations."""

from __future__ import annotations

from ..errors import ShapeError
from ..ir import FLOATS, Var
from ..registry import register
from .context import Context


@register("function", "derivative", labels=True)
def derivative(cx: Context, u: Var, x: Var) -> Var:
    """The gradient of `u`, one number per example, with respect to the value `x` that it was computed from; it has the
    shape of `x`. Raissi, Perdikaris & Karniadakis (2019).

    It is a value like any other: `derivative(derivative(u, x), x)` is the second derivative, and a loss is
    differentiated through it. Raises ShapeError if `u` is not one number, does not depend on `x`, or only through
    operations without a derivative, and if `x` is a label, or the same for all examples.
    """
    if not isinstance(u, Var) or not isinstance(x, Var):
        raise ShapeError("`derivative` takes values of the model, but this is a plain number", code="E0309")
    if u.dtype not in FLOATS or x.dtype not in FLOATS:
        help = "`hot = one_hot(label)` turns a label into numbers, with respect to which there are derivatives"
        raise ShapeError("a class label has no derivative: it is a name, not a number", help, code="E0306")
    if u.aval.size != u.shape[0]:
        message = f"`derivative` differentiates one number per example, but this is {list(u.shape[1:])}"
        raise ShapeError(message, "`sum(...)` or `slice(...)` reduces it to one number")
    if x.shape[0] != cx.batch:
        help = "a derivative is with respect to an input or a value computed from one; weights are trained by the loss"
        raise ShapeError("there is no derivative with respect to a value that all examples share", help, code="E0309")
    gradient = cx.derivative(u, x)
    if gradient is None:
        help = "the first value must depend on the second; the slopes of `relu`, `abs` and comparisons are constant"
        label = "none leads from one to the other"
        raise ShapeError("this derivative is 0 everywhere", help, label=label, code="E0309")
    return gradient
