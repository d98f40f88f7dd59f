"""Full-batch optimizers: they compare the gradient of an update with the previous one, which only makes sense if both
are over the same rows."""

from __future__ import annotations

from ..errors import ShapeError
from ..ir import Var
from ..ops import maximum, minimum, sign, where
from ..registry import Flag, Fraction, NonNegative, register
from .context import UpdateContext


@register("optimizer", "rprop", full_batch=True)
def rprop(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 0.1,
    eta_minus: Fraction = 0.5,
    eta_plus: NonNegative = 1.2,
    min_step: NonNegative = 1e-6,
    max_step: NonNegative = 50.0,
    backtrack: Flag = False,
) -> Var:
    """p - step sign(g), with a step size for each weight, initially `lr`: multiplied by eta_plus while g keeps its
    sign, by eta_minus when it changes, within min_step and max_step. For full batches. Riedmiller & Braun (1993).

    When g changes sign, the weight is not updated, and the next update leaves its step size unchanged: iRprop- of Igel
    & Hüsken (2003), as in PyTorch. With `backtrack` its last update is reverted instead, as in 1993. Schedules and
    per-layer rates scale the updates, not the step sizes.
    """
    if not 0 < eta_minus < 1 < eta_plus:
        raise ShapeError(
            f"`eta_minus` = {eta_minus:g} and `eta_plus` = {eta_plus:g}: a step shrinks by the one, grows by the other",
            "usual are `eta_minus = 0.5, eta_plus = 1.2`",
        )
    if not 0 < min_step <= lr <= max_step:
        raise ShapeError(
            f"the first step, `lr` = {lr:g}, must lie within `min_step` = {min_step:g} and `max_step` = {max_step:g}",
            "usual are `lr = 0.1, min_step = 1e-6, max_step = 50`",
        )
    # Only the sign of g is stored: a product of two small gradients underflows to 0.
    sign_product = g * cx.state("sign", like=p)
    step = where(cx.step <= 1.0, lr, cx.state("size", like=p))
    shorter, longer = maximum(eta_minus * step, min_step), minimum(eta_plus * step, max_step)
    step = where(sign_product < 0.0, shorter, where(sign_product > 0.0, longer, step))
    step = cx.assign(cx.state("size", like=p), step)
    direction = cx.assign(cx.state("sign", like=p), where(sign_product < 0.0, 0.0, sign(g)))
    move = cx.scalar(cx.rate(1.0)) * step * direction
    if backtrack:
        old = cx.state("move", like=p)
        move = cx.assign(old, where(sign_product < 0.0, -old, move))
    return p - move


@register("optimizer", "quickprop", full_batch=True)
def quickprop(cx: UpdateContext, p: Var, g: Var, *, lr: NonNegative = 0.01, growth: NonNegative = 1.75) -> Var:
    """p + d, where d leads to the minimum of the parabola through the last two gradients: d = g / (g_old - g) d_old, at
    most `growth` times d_old; minus lr g, unless g has changed sign. For full batches. Fahlman (1988).

    If the parabola has no minimum ahead, or one too far away, d is growth d_old. A weight that did not move, as all at
    first, starts with lr g.
    """
    if growth <= 0:
        raise ShapeError(f"`growth` must be above 0, but this is {growth:g}", "a usual value is `growth = 1.75`")
    move, old = cx.state("move", like=p), cx.state("slope", like=p)
    # The downward slope along the last update, at its end and at its start, where it was positive.
    slope, old_slope = -sign(move) * g, -sign(move) * old
    too_far = slope >= growth / (1.0 + growth) * old_slope
    jump = where(too_far, growth, slope / where(too_far, 1.0, old_slope - slope)) * move
    cx.assign(old, g)
    return p + cx.assign(move, jump - where(slope < 0.0, 0.0, cx.scalar(cx.rate(lr)) * g))
