"""Recurrent layers: rnn, lstm, gru, over values of shape [steps, features].

The products with the inputs of all steps are one matrix product before the loop; the loop itself computes what depends
on the step before. Everything starts from zeros. A step that a mask leaves out passes the state on unchanged: so each
direction begins at the first step, or the last, that counts in its row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Flag, Init, OptionType, Real, Value, register
from ..wording import counted
from .context import Context

Nonlinearity = Annotated[str, OptionType(("word",), words=("tanh", "relu"))]

Step = Callable[[Sequence[Var], Var], Sequence[Var]]
Cell = Callable[[str], tuple[Var, int, Step]]
"""Of the prefix of its weights' names: the inputs' part of all steps [steps, batch, ...], the number of values that are
carried, and one step, which makes their new values, the output first."""


@register("function", "rnn", makes_weights=True)
def rnn(
    cx: Context,
    x: Var,
    *,
    units: Count,
    sequence: Flag = True,
    bidirectional: Flag = False,
    activation: Nonlinearity = "tanh",
    bias: Flag = True,
    init: Init = "glorot_uniform",
    recurrent_init: Init = "orthogonal",
    bias_init: Init = "zeros",
    mask: Value = None,
) -> Var:
    """Simple recurrence h[t] = tanh(x[t] W + h[t-1] R + b), or with relu.

    x: [steps, in], W: [in, units], R: [units, units], b: [units]. Result: all h, [steps, units], or with
    `sequence = false` the last one, [units]. `bidirectional`: a second layer, with separate weights named
    `reverse_...`, runs from the last step to the first; its results are appended to the first's, [..., 2 units].
    `mask`: [steps], 0 for a step that is left out, such as padding: the state passes it unchanged, its own result is 0.

    Elman (1990); both directions: Schuster & Paliwal (1997).
    """
    function = {"tanh": ops.tanh, "relu": ops.relu}[activation]

    def cell(prefix: str) -> tuple[Var, int, Step]:
        inputs, recurrent = _weights(cx, x, prefix, (units, units), init, recurrent_init, bias_init if bias else None)
        return inputs, 1, lambda state, z: (function(z + state[0] @ recurrent),)

    return _scan(cx, x, units, cell, sequence, bidirectional, mask)


@register("function", "lstm", makes_weights=True)
def lstm(
    cx: Context,
    x: Var,
    *,
    units: Count,
    sequence: Flag = True,
    bidirectional: Flag = False,
    bias: Flag = True,
    forget_bias: Real = 1.0,
    init: Init = "glorot_uniform",
    recurrent_init: Init = "orthogonal",
    mask: Value = None,
) -> Var:
    """Long short-term memory: with z = x[t] W + h[t-1] R + b in four parts, i = sigmoid(z1), f = sigmoid(z2),
    o = sigmoid(z3), g = tanh(z4), the cell is c[t] = f c[t-1] + i g, the output h[t] = o tanh(c[t]).

    x: [steps, in], W: [in, 4 units], R: [units, 4 units], b: [4 units], in the order input, forget, output,
    candidate. b is initialised to zero, except `forget_bias` at the forget gate. Result: all h, [steps, units], or
    with `sequence = false` the last one, [units]. `bidirectional`: a second layer, with separate weights named
    `reverse_...`, runs from the last step to the first; its results are appended to the first's, [..., 2 units].
    `mask`: [steps], 0 for a step that is left out, such as padding: the state passes it unchanged, its own result is 0.

    Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000); the bias of 1:
    Jozefowicz, Zaremba & Sutskever (2015).
    """
    first = (*(0.0,) * units, *(forget_bias,) * units, *(0.0,) * (2 * units)) if bias else None

    def cell(prefix: str) -> tuple[Var, int, Step]:
        inputs, recurrent = _weights(cx, x, prefix, (units, 4 * units), init, recurrent_init, first)

        def step(state: Sequence[Var], z: Var) -> Sequence[Var]:
            h, c = state
            z = z + h @ recurrent
            gates, candidate = ops.sigmoid(_columns(z, 0, 3, units)), ops.tanh(_columns(z, 3, 4, units))
            i, f, o = (_columns(gates, k, k + 1, units) for k in range(3))
            new = f * c + i * candidate
            return o * ops.tanh(new), new

        return inputs, 2, step

    return _scan(cx, x, units, cell, sequence, bidirectional, mask)


@register("function", "gru", makes_weights=True)
def gru(
    cx: Context,
    x: Var,
    *,
    units: Count,
    sequence: Flag = True,
    bidirectional: Flag = False,
    reset_after: Flag = True,
    bias: Flag = True,
    init: Init = "glorot_uniform",
    recurrent_init: Init = "orthogonal",
    bias_init: Init = "zeros",
    mask: Value = None,
) -> Var:
    """Gated recurrent unit: reset r = sigmoid(x[t] Wr + h[t-1] Rr + br), update u = sigmoid(x[t] Wu + h[t-1] Ru + bu),
    h[t] = u h[t-1] + (1 - u) n with the candidate n = tanh(x[t] Wn + bn + r (h[t-1] Rn + d)); with `reset_after =
    false`, n = tanh(x[t] Wn + bn + (r h[t-1]) Rn).

    x: [steps, in], W: [in, 3 units], R: [units, 3 units], b: [3 units], d: [units] (`recurrent_bias`), in the order
    reset, update, candidate. Result: all h, [steps, units], or with `sequence = false` the last one, [units].
    `bidirectional`: a second layer, with separate weights named `reverse_...`, runs from the last step to the first;
    its results are appended to the first's, [..., 2 units]. `mask`: [steps], 0 for a step that is left out, such as
    padding: the state passes it unchanged, its own result is 0.

    Cho et al. (2014), equations 5 to 8, with `reset_after = false`; resetting after the product is the variant of cuDNN
    and PyTorch.
    """

    def cell(prefix: str) -> tuple[Var, int, Step]:
        first = bias_init if bias else None
        inputs, recurrent = _weights(cx, x, prefix, (units, 3 * units), init, recurrent_init, first)
        # Sliced here, not in the loop, so that the gradient of each is one product over all steps.
        gate_weights, candidate_weights = _columns(recurrent, 0, 2, units), _columns(recurrent, 2, 3, units)
        recurrent_bias = None
        if reset_after and bias:
            recurrent_bias = cx.parameter(f"{prefix}recurrent_bias", (units,), bias_init, role="bias")

        def step(state: Sequence[Var], z: Var) -> Sequence[Var]:
            (h,) = state
            # Both products at once, so that everything after them can be one kernel.
            gate_product, product = h @ gate_weights, h @ candidate_weights if reset_after else None
            gates = ops.sigmoid(_columns(z, 0, 2, units) + gate_product)
            r, u = _columns(gates, 0, 1, units), _columns(gates, 1, 2, units)
            if product is not None:
                old = r * (product if recurrent_bias is None else product + recurrent_bias)
            else:
                old = (r * h) @ candidate_weights
            n = ops.tanh(_columns(z, 2, 3, units) + old)
            return (n + u * (h - n),)

        return inputs, 1, step

    return _scan(cx, x, units, cell, sequence, bidirectional, mask)


def _weights(
    cx: Context, x: Var, prefix: str, shape: tuple[int, int], init: Any, recurrent_init: Any, bias_init: Any
) -> tuple[Var, Var]:
    """x W + b for all steps, [steps, batch, width], and R of the given shape [units, width]; no b if `bias_init` is
    None."""
    _require_sequence(x)
    batch, steps, features = x.shape
    width = shape[1]
    weight = cx.parameter(f"{prefix}weight", (features, width), init)
    recurrent = cx.parameter(f"{prefix}recurrent_weight", shape, recurrent_init)
    z = ops.reshape(ops.transpose(x, (1, 0, 2)), shape=(steps * batch, features)) @ weight
    if bias_init is not None:
        z = z + cx.parameter(f"{prefix}bias", (width,), bias_init, role="bias")
    return ops.reshape(z, shape=(steps, batch, width)), recurrent


def _require_sequence(x: Var) -> None:
    if x.ndim != 3:
        shape = x.shape[1:]
        steps = [*shape[:1], math.prod(shape[1:])] if shape else [1, 1]
        raise ShapeError(
            f"a recurrent layer takes values of shape [steps, features], got {list(shape)}",
            f"`reshape({steps})` makes it {counted(steps[0], 'step')} of {steps[1]}",
        )


def _columns(z: Var, first: int, stop: int, units: int) -> Var:
    """Slices of `units` columns."""
    return ops.slice_(z, start=(0, first * units), stop=(z.shape[0], stop * units))


def _scan(cx: Context, x: Var, units: int, cell: Cell, sequence: bool, bidirectional: bool, mask: Var | None) -> Var:
    """The outputs [batch, steps, units] of a cell, or the last [batch, units]; those of both directions
    concatenated."""
    counts = None if mask is None else _counts(x, mask)
    results: list[Var] = []
    for prefix, reverse in (("", False), ("reverse_", True))[: 2 if bidirectional else 1]:
        inputs, count, step = cell(prefix)

        def body(state: Sequence[Var], slices: Sequence[Var], step: Step = step) -> tuple[Sequence[Var], Sequence[Var]]:
            new = step(state, slices[0])
            if counts is not None:
                new = [ops.where(slices[1], after, before) for after, before in zip(new, state, strict=True)]
            return new, new[:1] if sequence else ()

        zeros = [ops.full((x.shape[0], units), 0.0, cx.dtype) for _ in range(count)]
        last, collected = ops.loop(body, zeros, [inputs] if counts is None else [inputs, counts], reverse=reverse)
        results.append(collected[0] if sequence else last[0])
    joined = ops.concat(results, axis=-1)
    if not sequence:
        return joined
    return ops.transpose(joined if counts is None else ops.where(counts, joined, 0.0), (1, 0, 2))


def _counts(x: Var, mask: Var) -> Var:
    """Which steps a mask lets count, [steps, batch or 1, 1]."""
    _require_sequence(x)
    if mask.shape[1:] != x.shape[1:2]:
        raise ShapeError(
            f"`mask` of shape {list(mask.shape[1:])} does not fit {x.shape[1]} steps",
            "a number for each step: 1 if it counts, 0 to leave it out",
        )
    return ops.reshape(ops.transpose(ops.not_equal(mask, 0.0), (1, 0)), shape=(x.shape[1], mask.shape[0], 1))
