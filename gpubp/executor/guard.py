"""Errors for losses, gradients and parameters that are not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import EllipsisType
from typing import Any

from ..data.batches import optimizer_of
from ..errors import DivergedError
from ..frontend import Net, gradient_name

_AT_ONCE = (
    ", before any update: the data or a formula of the model gives it (a division by 0, the logarithm of a negative "
    "number, numbers that are too large)"
)


def not_finite(net: Net, outputs: Mapping[str, Any], xp: Any, step: int, own: int | EllipsisType = ...) -> str:
    """What is not finite, from the outputs of a training program whose guard rejected step number `step`: the first
    parameter's gradient, else the loss. `own`: which restart, if the program trains several."""
    optimizer = optimizer_of(net.graph.train)
    other = "the loss, or its curvature," if optimizer is not None and optimizer.least_squares else "the loss"
    return f"{_gradient(net, outputs, xp, own) or f'{other} is not finite'} at step {step:,}"


def rejected_step(net: Net, outputs: Mapping[str, Any], xp: Any, step: int) -> DivergedError:
    """The same as an error, with the loss of the step and the usual fix."""
    loss, gradient = float(outputs["data"]) + float(outputs["penalty"]), _gradient(net, outputs, xp, ...)
    if not gradient and not math.isfinite(loss):
        return loss_diverged(loss, step)
    message = f"{gradient or 'the curvature of the loss overflows'} at step {step:,}, where the loss is {loss:.6g}"
    if step == 1:
        return DivergedError(f"{message}{_AT_ONCE}")
    fix = "" if net.searches_line else "; a smaller learning rate or `clip = clip_norm(1.0)` usually fixes this"
    return DivergedError(f"{message}: that step changed nothing{fix}")


def _gradient(net: Net, outputs: Mapping[str, Any], xp: Any, own: int | EllipsisType) -> str:
    """The first gradient that is not finite, "" if all are."""
    for name, (group, start) in net.layout.places.items():
        if group.frozen:
            continue
        piece = outputs[gradient_name(group)][own, start : start + net.layout.parameters[name].size]
        if not bool(xp.isfinite(piece).all()):
            what = "NaN" if bool(xp.isnan(piece).any()) else "inf"
            return f"the gradient of `{name}` holds {what}"
    return ""


def require_finite(parameters: Mapping[str, Any], xp: Any, step: int) -> None:
    """Raise DivergedError if a parameter is not finite, naming the first."""
    for name, view in parameters.items():
        if not bool(xp.isfinite(view).all()):
            raise DivergedError(
                f"after step {step:,} the parameter `{name}` is no longer finite; a smaller learning rate "
                "usually fixes this"
            )


def require_finite_losses(losses: Any, penalties: Any, first: int) -> None:
    """Raise DivergedError for the first step after step `first` whose loss, penalty included, is not finite. Takes
    arrays (steps,) on the host."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        total = losses.astype("float64") + penalties
    if not np.isfinite(total).all():
        k = int(np.flatnonzero(~np.isfinite(total))[0])
        raise loss_diverged(float(total[k]), first + k + 1)


def loss_diverged(loss: float, step: int) -> DivergedError:
    """The error for a step whose loss is not finite."""
    if step == 1:
        return DivergedError(f"the loss is {loss} at step 1{_AT_ONCE}")
    return DivergedError(
        f"the loss is {loss} at step {step:,}: training stopped; a smaller learning rate usually fixes this"
    )
