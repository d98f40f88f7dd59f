"""L-BFGS as a state machine: each update is one trial of its line search."""

from __future__ import annotations

from ..ir import Var
from ..ops import absolute, cast, logical_and, max_, maximum, sqrt, where
from ..registry import Count, NonNegative, register
from .context import UpdateContext
from .linear_solver import dot

DECREASE, CURVATURE = 1e-4, 0.9
"""The constants c1 and c2 of the Wolfe conditions, usual for quasi-Newton methods (Nocedal & Wright, section 3.1)."""

ROUNDING = 1e-6
"""The fraction of the loss within which its change may be rounding: there the slope decides alone, by the approximate
Wolfe conditions of Hager & Zhang (2005)."""

TRIALS = 20
"""Trials along one direction from the first that was too long: as many bisections leave a millionth of it."""

Pairs = list[tuple[Var, Var]]


@register("optimizer", "lbfgs", full_batch=True, line_search=True)
def lbfgs(
    cx: UpdateContext,
    p: Var,
    g: Var,
    *,
    lr: NonNegative = 1.0,
    history: Count = 10,
    tolerance: NonNegative = 1e-7,
) -> Var:
    """start + t d along d = -H g, where the last `history` changes of p and g approximate the inverse Hessian H. For
    full batches. Nocedal & Wright (2006), algorithm 7.4 and equation 7.20.

    Each update is one trial of a line search: t = lr, then doubled or bisected until the loss meets the weak Wolfe
    conditions and the next direction starts (Lewis & Overton 2013). After 20 bisections in vain it returns to
    `start` and forgets its history. The first direction is -g, shortened to 1 if longer. Once no gradient exceeds
    `tolerance`, nothing changes any more. The last update of a training makes no trial, so that it ends at a point
    whose loss is known; a training that has ended and is resumed for longer begins a new search there.
    """
    start, slope, direction = (cx.state(name, like=p) for name in ("start", "slope", "direction"))
    loss, descent, t = (cx.number(name) for name in ("loss", "descent", "length"))
    low, high, trials = (cx.number(name) for name in ("low", "high", "trials"))
    # Before the first trial t and d are 0, and every condition holds.
    moved = t > 0.0
    cx.retracts(moved, loss)
    steepness = dot(g, direction)
    lower = cx.loss <= where(moved, loss + DECREASE * t * descent, cx.loss)
    # What rounding has made of a loss that hardly changes, the slope tells.
    level = logical_and(cx.loss <= loss + ROUNDING * absolute(loss), steepness <= (2.0 * DECREASE - 1.0) * descent)
    lower = logical_and(cx.finite, where(lower, lower, level))
    # A training ends with any point that is lower, and at one whose loss is known.
    accepted = logical_and(lower, steepness >= where(cx.last, steepness, CURVATURE * descent))
    too_short, too_long = where(lower, t, low), where(lower, high, t)
    tried = where(accepted, float(TRIALS), trials + cast(too_long > 0.0, dtype="float64"))
    renewed = tried >= float(TRIALS)

    pairs = _history(cx, history, p - start, g - slope, moved, accepted, renewed)
    point = cx.assign(start, where(accepted, p, start))
    gradient = cx.assign(slope, where(accepted, g, slope))
    descends = where(max_(absolute(gradient)) > tolerance, -_inverse_hessian(cx, pairs, gradient), 0.0)
    ahead = cx.assign(direction, where(cx.last, 0.0, where(renewed, descends, direction)))

    cx.assign(loss, where(accepted, cx.loss, loss))
    cx.assign(descent, where(cx.last, 0.0, where(renewed, dot(gradient, ahead), descent)))
    cx.assign(trials, where(renewed, 0.0, tried))
    cx.assign(low, where(renewed, 0.0, too_short))
    cx.assign(high, where(renewed, 0.0, too_long))
    further = where(too_long > 0.0, (too_short + too_long) / 2.0, 2.0 * t)
    length = cx.assign(t, where(cx.last, 0.0, where(renewed, cx.rate(lr), further)))
    return point + cx.scalar(length) * ahead


def _history(cx: UpdateContext, length: int, s: Var, y: Var, moved: Var, accepted: Var, renewed: Var) -> Pairs:
    """The latest changes of parameters and gradient, newest first, each divided by sqrt(s y). `s` and `y` join them at
    the end of a line search, which makes s y positive by the second Wolfe condition; a product that is not, by
    rounding, is left out. After a search in vain all are zero."""
    curvature = where(logical_and(accepted, moved), dot(s, y), 0.0)
    stored = curvature > 0.0
    scale = cx.scalar(1.0 / sqrt(where(stored, curvature, 1.0)))
    kept = where(renewed, cast(accepted, dtype=s.dtype), 1.0)
    pairs, newer = [], (s * scale, y * scale)
    for k in range(1, length + 1):
        older = cx.state(f"s{k}", like=s), cx.state(f"y{k}", like=y)
        new_s, new_y = (cx.assign(old, where(stored, new, kept * old)) for old, new in zip(older, newer, strict=True))
        pairs.append((new_s, new_y))
        newer = older
    return pairs


def _inverse_hessian(cx: UpdateContext, pairs: Pairs, g: Var) -> Var:
    """H g by the two loops of Nocedal & Wright, algorithm 7.4; pairs with s y = 1 need no division, those of zeros
    change nothing. Without any, H shortens g to 1."""
    q, shares = g, []
    for s, y in pairs:
        shares.append(dot(s, q))
        q = q - cx.scalar(shares[-1]) * y
    steepness = dot(pairs[0][1], pairs[0][1])
    q = q * cx.scalar(1.0 / where(steepness > 0.0, steepness, maximum(sqrt(dot(g, g)), 1.0)))
    for (s, y), share in zip(reversed(pairs), reversed(shares), strict=True):
        q = q + cx.scalar(share - dot(y, q)) * s
    return q
