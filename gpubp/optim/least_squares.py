"""Levenberg-Marquardt as a state machine: each update is one trial."""

from __future__ import annotations

from ..ir import Var
from ..ops import absolute, cast, equal, eye, logical_and, max_, maximum, minimum, reshape, where
from ..registry import NonNegative, register
from .context import UpdateContext
from .linear_solver import dot, solve_positive

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}
"""The rounding error of a number: the part of the largest curvature below which all curvature is noise, and the part of
a loss below which a change is."""

MOST = 1e10
"""The largest damping, as a multiple of the largest curvature: its steps change nothing."""

TINY = 1e-30
"""The least damping, where no parameter has any influence: a divisor that is not 0."""


@register("optimizer", "levenberg_marquardt", full_batch=True, line_search=True, least_squares=True)
def levenberg_marquardt(
    cx: UpdateContext, p: Var, g: Var, *, damping: NonNegative = 1e-3, tolerance: NonNegative = 1e-7
) -> Var:
    """p - (H + mu I)^-1 g with the Gauss-Newton approximation H = 2 J^T J of the Hessian, J the Jacobian of the errors.
    For losses that are sums of squares, and full batches. Levenberg (1944), Marquardt (1963), Hagan & Menhaj (1994).

    mu is `damping` times the largest element of H at first. A step that lowers the loss reduces it, to a third where H
    predicted the decrease well; one that does not is taken back in the next update and multiplies it by 2, another one
    by 4, by 8 ... (Madsen, Nielsen & Tingleff 2004, algorithm 3.16). Once no gradient exceeds `tolerance`, nothing
    changes any more. The last update of a training makes no trial, so that it ends at a point whose loss is known; a
    training that has ended and is resumed for longer goes on from there.
    """
    start = cx.state("start", like=p)
    loss, predicted, mu, growth = (cx.number(name) for name in ("loss", "predicted", "mu", "growth"))
    trial, size, hessian = predicted > 0.0, p.shape[0], cx.curvature
    lower = logical_and(cx.finite, cx.loss < loss)
    accepted, rejected = logical_and(trial, lower), logical_and(trial, equal(lower, False))
    cx.retracts(trial, loss)

    largest = cast(max_(hessian), dtype="float64")
    success = 2.0 * (loss - cx.loss) / where(trial, predicted, 1.0) - 1.0
    smaller = mu * maximum(1.0 - success * success * success, 1.0 / 3.0)
    damped = where(mu > 0.0, where(accepted, smaller, mu), damping * largest)
    damped = maximum(minimum(damped, MOST * largest), EPSILON[p.dtype] * largest + TINY)
    damped = cx.assign(mu, where(rejected, mu * growth, damped))
    cx.assign(growth, where(accepted, 2.0, where(rejected, 2.0 * growth, maximum(growth, 2.0))))

    diagonal = cx.scalar(damped) * eye(size, p.dtype)
    solution = solve_positive(hessian + diagonal, reshape(g, shape=(size, 1)), cx.scalar(damped))
    step = where(max_(absolute(g)) > tolerance, reshape(solution, shape=(size,)), 0.0)
    step = where(cx.last, 0.0, step)  # the training ends at a point whose loss is known
    decrease = 0.5 * dot(step, cx.scalar(damped) * step + g)
    decrease = where(max_(absolute(step)) > 0.0, maximum(decrease, EPSILON["float64"] * cx.loss), 0.0)

    # After a trial in vain the next update computes the curvature of `start` anew, rather than keep a matrix as state.
    cx.assign(predicted, where(rejected, 0.0, decrease))
    cx.assign(loss, where(rejected, loss, cx.loss))
    cx.assign(start, where(rejected, start, p))
    return where(rejected, start, p - step)
