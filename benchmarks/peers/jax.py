"""JAX on the CPU: `jit` of one step with donated buffers, `scan`: many steps in one call, by lax.scan. Restarts are
mapped by vmap, over the scan too."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..suite import Case
from .base import Materials, Prepared, first_weights, xor_rows, xor_weights
from .jax_nets import dense, loss_of, net_of

SCANNED = {"mlp": 1000, "cnn": 10, "lstm": 50, "transformer": 20}
"""Steps of one call of `scan`, fewer where a step is long."""


def versions() -> dict[str, str]:
    import jaxlib

    return {"jax": jax.__version__, "jaxlib": jaxlib.__version__}


def ways(case: Case) -> list[str]:
    return ["jit"] if case.kind in ("predict", "first", "memory") else ["jit", "scan"]


def prepare(case: Case, way: str, materials: Materials, ordered: bool) -> Prepared:
    weights = [jnp.asarray(w) for w in first_weights(materials)]
    x, y = jnp.asarray(materials["x"]), jnp.asarray(materials["y"].astype(materials["y"].dtype.str.replace("8", "4")))
    if case.kind == "predict":
        return _Predict(net_of(case), weights, x)
    state = _state(weights, case)
    step = partial(adam, partial(loss_of, net_of(case)), case.rate)
    if case.kind == "restarts":
        step = jax.vmap(step, (0, None, None))
    if case.kind == "epoch":
        return _Epochs(step, state, x, y, case.rows, ordered, scanned=way == "scan")
    if way == "jit":
        return _Train(step, state, x, y)
    size = sum(w.size for w in weights)
    return _Scan(step, state, x, y, min(SCANNED[case.family], max(10, 20_000_000 // (size * case.rows))))


def _state(weights: list[Any], case: Case) -> tuple[Any, ...]:
    """Weights, both means of the gradient, and the number of steps."""
    count = jnp.zeros((case.count,) if case.kind == "restarts" else (), jnp.int32)
    return weights, [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], count


State = tuple[Any, ...]
Step = Callable[[State, Any, Any], tuple[State, Any]]


def adam(loss: Callable[[Any, Any, Any], Any], rate: float, state: State, x: Any, y: Any) -> tuple[State, Any]:
    """One step. Kingma & Ba (2015), algorithm 1."""
    weights, first, second, count = state
    value, gradients = jax.value_and_grad(loss)(weights, x, y)
    count = count + 1
    left, root = (-jnp.expm1(count * math.log(decay)) for decay in (0.9, 0.999))
    root = jnp.sqrt(root)
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
    second = [0.999 * v + 0.001 * (g * g) for v, g in zip(second, gradients)]
    weights = [w - (rate / left) * m / (jnp.sqrt(v) / root + 1e-8) for w, m, v in zip(weights, first, second)]
    return (weights, first, second, count), value


class _Train(Prepared):
    def __init__(self, step: Step, state: State, x: Any, y: Any) -> None:
        self.run, self.state, self.x, self.y = jax.jit(step, donate_argnums=0), state, x, y

    def steps(self, count: int) -> Any:
        losses = []
        for _ in range(count):
            self.state, loss = self.run(self.state, self.x, self.y)
            losses.append(loss)
        jax.block_until_ready(self.state)
        return np.stack(jax.device_get(losses))


class _Scan(Prepared):
    def __init__(self, step: Step, state: State, x: Any, y: Any, chunk: int) -> None:
        self.state, self.x, self.y, self.chunk = state, x, y, chunk

        def many(state: State, x: Any, y: Any, length: int) -> tuple[State, Any]:
            return lax.scan(lambda state, _: step(state, x, y), state, length=length)

        self.run = jax.jit(many, donate_argnums=0, static_argnums=3)

    def steps(self, count: int) -> Any:
        length = min(count, self.chunk)
        losses = []
        for _ in range(-(-count // length)):
            self.state, found = self.run(self.state, self.x, self.y, length)
            losses.append(found)
        jax.block_until_ready(self.state)
        return np.concatenate(jax.device_get(losses))[:count]


class _Epochs(Prepared):
    """All rows lie in one array, mixed by a permutation; the last, smaller batch of an epoch is a call of its own."""

    def __init__(self, step: Step, state: State, x: Any, y: Any, batch: int, ordered: bool, scanned: bool) -> None:
        self.state, self.x, self.y, self.batch, self.ordered, self.scanned = state, x, y, batch, ordered, scanned
        self.chunk = -(-len(x) // batch)
        self.key = jax.random.key(0)

        def one(state: State, x: Any, y: Any, rows: Any) -> tuple[State, Any]:
            return step(state, x[rows], y[rows])

        def many(state: State, x: Any, y: Any, order: Any) -> tuple[State, Any]:
            return lax.scan(lambda state, rows: one(state, x, y, rows), state, order)

        self.one, self.many = jax.jit(one, donate_argnums=0), jax.jit(many, donate_argnums=0)
        self.mixed = jax.jit(lambda key: jax.random.permutation(key, len(x)))

    def steps(self, count: int) -> Any:
        losses: list[Any] = []
        n, batch = len(self.x), self.batch
        while sum(len(a) for a in losses) < count:
            self.key, key = jax.random.split(self.key)
            order = jnp.arange(n) if self.ordered else self.mixed(key)
            full = n // batch * batch
            if self.scanned:
                self.state, found = self.many(self.state, self.x, self.y, order[:full].reshape(-1, batch))
                losses.append(found)
                pieces = [order[full:]] if full < n else []
            else:
                pieces = [order[i : i + batch] for i in range(0, n, batch)]
            for rows in pieces:
                self.state, found = self.one(self.state, self.x, self.y, rows)
                losses.append(found[None])
        jax.block_until_ready(self.state)
        return np.concatenate(jax.device_get(losses))[:count]


class _Predict(Prepared):
    def __init__(self, net: Any, weights: list[Any], x: Any) -> None:
        self.weights, self.x = weights, np.asarray(x)
        self.run = jax.jit(lambda weights, x: jax.nn.softmax(net(weights, x)))

    def steps(self, count: int) -> Any:
        for _ in range(count):
            out = self.run(self.weights, self.x)
            out.block_until_ready()
        return np.asarray(out)


def train_xor(way: str) -> None:
    x, y = (jnp.asarray(a) for a in xor_rows())
    weights = [jnp.asarray(w) for w in xor_weights()]
    zeros = [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights]
    step = partial(adam, partial(loss_of, partial(dense, jnp.tanh)), 0.05)
    prepared = (_Train if way == "jit" else partial(_Scan, chunk=500))(step, (weights, *zeros, jnp.int32(0)), x, y)
    print(prepared.steps(500)[-1])
