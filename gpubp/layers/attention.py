"""Attention over the steps of a sequence."""

from __future__ import annotations

import math

from .. import ops
from ..errors import ShapeError
from ..ir import Var
from ..registry import Count, Flag, Init, Value, register
from .context import Context

MAX_SCORES = 2**28
"""Maximum number of attention scores for one example: 1 GiB of float32, of which a step holds several."""


@register("function", "attention", makes_weights=True)
def attention(
    cx: Context,
    x: Var,
    *,
    heads: Count = 1,
    causal: Flag = False,
    memory: Value = None,
    mask: Value = None,
    bias: Flag = True,
    init: Init = "glorot_uniform",
) -> Var:
    """Multi-head attention: each head h computes softmax(Q K' / sqrt(d)) V with Q = x W_q, K = m W_k, V = m W_v, d
    columns each; the concatenated heads are multiplied by W_o. Vaswani et al. (2017), equation 1 and section 3.2.2.

    x: [steps, features], m: `memory` [others, any] or x itself, result [steps, features]; W_q, W_o: [features,
    features], W_k, W_v: [any, features]. `causal`: step t attends to the steps up to t. `mask`: [others] or [steps,
    others], 0 for a step that is masked out; if all are, the result is 0 (plus the bias of W_o). Needs memory for heads
    * steps * others numbers.
    """
    source = x if memory is None else memory
    if x.ndim != 3 or source.ndim != 3:
        wrong = x if x.ndim != 3 else source
        raise ShapeError(f"`attention` takes sequences [steps, features], but this is {list(wrong.shape[1:])}")
    (steps, features), others = x.shape[1:], source.shape[1]
    if features % heads:
        raise ShapeError(f"{heads} heads do not divide {features} features")
    if causal and steps != others:
        raise ShapeError(f"`causal` compares steps of one sequence, but there are {steps} and {others}")
    if heads * steps * others > MAX_SCORES:
        message = f"`attention` of {heads} heads compares {steps:,} steps with {others:,}: {heads * steps * others:,}"
        raise ShapeError(f"{message} numbers for each example, over {MAX_SCORES:,}", "fewer steps", code="E0308")

    def project(name: str, value: Var, role: str = "weight") -> Var:
        weight = cx.parameter(f"{name}.weight", (value.shape[-1], features), init, role=role)
        y = ops.reshape(value, shape=(math.prod(value.shape[:-1]), value.shape[-1])) @ weight
        y = y + cx.parameter(f"{name}.bias", (features,), "zeros", role="bias") if bias else y
        return ops.reshape(y, shape=(*value.shape[:-1], features))

    def split_heads(value: Var) -> Var:
        """[batch, steps, features] as [batch, heads, steps, features / heads]."""
        parts = ops.reshape(value, shape=(*value.shape[:2], heads, features // heads))
        return ops.transpose(parts, (0, 2, 1, 3))

    sources = {"query": x, "key": source, "value": source}
    query, key, value = (split_heads(project(name, v)) for name, v in sources.items())
    scores = (query * (1.0 / math.sqrt(features // heads))) @ ops.transpose(key)
    visible = _attention_mask(x, others, causal, mask)
    if visible is None:
        weights = ops.softmax(scores, axis=-1)
    else:
        # A finite number: the softmax of a row of it is not NaN, and is multiplied by 0.
        weights = ops.softmax(ops.where(visible, scores, -1e30), axis=-1)
        weights = weights if mask is None else weights * ops.cast(visible, dtype=x.dtype)
    merged = ops.transpose(weights @ value, (0, 2, 1, 3))
    return project("output", ops.reshape(merged, shape=(merged.shape[0], steps, features)))


def _attention_mask(x: Var, others: int, causal: bool, mask: Var | None) -> Var | None:
    """Which steps each step attends to, [batch or 1, 1, steps or 1, others]; None: all."""
    steps, visible = x.shape[1], None
    if causal:
        row, column = ops.iota(steps, "int64"), ops.iota(others, "int64")
        causal_mask = ops.greater_equal(ops.reshape(row, shape=(steps, 1)), ops.reshape(column, shape=(1, others)))
        visible = ops.reshape(causal_mask, shape=(1, 1, steps, others))
    if mask is not None:
        if mask.shape[1:] not in ((others,), (steps, others)):
            raise ShapeError(
                f"`mask` of shape {list(mask.shape[1:])} fits neither [{others}] nor {[steps, others]}",
                "a number for each step that is looked at: 1 to see it, 0 to leave it out",
            )
        rows = 1 if mask.ndim == 2 else steps
        own = ops.not_equal(ops.reshape(mask, shape=(mask.shape[0], 1, rows, others)), 0.0)
        visible = own if visible is None else ops.logical_and(visible, own)
    return visible
