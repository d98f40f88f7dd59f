"""The nets of the cases in JAX, on gpubp's own layouts: functions of (weights, x) that give the logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from ..suite import Case

Net = Callable[[Sequence[Array], Array], Array]


def dense(activation: Callable[[Array], Array], weights: Sequence[Array], x: Array) -> Array:
    pairs = list(zip(weights[::2], weights[1::2]))
    for w, b in pairs[:-1]:
        x = activation(x @ w + b)
    w, b = pairs[-1]
    return x @ w + b


def convolutions(weights: Sequence[Array], x: Array) -> Array:
    for w, b in zip(weights[0:4:2], weights[1:4:2]):
        x = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + b)
        rows, height, width, channels = x.shape  # its gradient is faster than that of reduce_window
        x = x.reshape(rows, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return x.reshape(len(x), -1) @ weights[4] + weights[5]


def recurrent(weights: Sequence[Array], x: Array) -> Array:
    wide, again, bias, w, b = weights
    units = len(again)
    inputs = jnp.swapaxes(x, 0, 1) @ wide + bias

    def step(state: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], None]:
        h, c = state
        i, f, o, g = jnp.split(z + h @ again, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((len(x), units), x.dtype)
    (h, _), _ = lax.scan(step, (zeros, zeros), inputs)
    return h @ w + b


def normalised(x: Array, gain: Array, shift: Array) -> Array:
    x = x - x.mean(-1, keepdims=True)
    return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * gain + shift


def block(weights: Sequence[Array], x: Array) -> Array:
    gain, shift, wq, bq, wk, bk, wv, bv, wo, bo, gain2, shift2, w1, b1, w2, b2 = weights
    rows, steps, width = x.shape
    z = normalised(x, gain, shift)
    q, k, v = ((z @ w + b).reshape(rows, steps, 4, width // 4) for w, b in ((wq, bq), (wk, bk), (wv, bv)))
    x = x + jax.nn.dot_product_attention(q, k, v).reshape(rows, steps, width) @ wo + bo
    z = jax.nn.gelu(normalised(x, gain2, shift2) @ w1 + b1, approximate=False)
    return x + z @ w2 + b2


def transformer(weights: Sequence[Array], x: Array) -> Array:
    x = block(weights[16:32], block(weights[:16], x))
    return normalised(x, *weights[32:34]).mean(1) @ weights[34] + weights[35]


def net_of(case: Case) -> Net:
    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[case.activation]
    nets = {"mlp": partial(dense, activation), "cnn": convolutions, "lstm": recurrent, "transformer": transformer}
    return nets[case.family]


def loss_of(net: Net, weights: Sequence[Array], x: Array, y: Array) -> Array:
    logits = net(weights, x)
    if jnp.issubdtype(y.dtype, jnp.floating):
        return (jax.nn.softplus(logits) - y * logits).mean()
    hot = jax.nn.one_hot(y, logits.shape[-1], dtype=logits.dtype)  # faster than gathering one of each row
    return -(jax.nn.log_softmax(logits) * hot).sum(-1).mean()
