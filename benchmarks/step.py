"""A training step beside the same step written by hand in NumPy: `python -m benchmarks.step`.

Each line is a net: microseconds of a step by hand (in place, nothing allocated, as a person writes it who knows the
formulas) and of `Executor.train_steps` on NumPy and with compiled kernels, the medians of rounds taken in turn, and
the ratios of the latter to the first. The last line is a step of one of 64 restarts of the first net, trained side by
side; nobody writes that by hand. All compute the loss, the gradients, whether they are finite, and Adam's update,
and all begin with the same weights; the losses of the first steps are compared before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import gpubp
from gpubp.executor import Ensemble

Array = np.ndarray[Any, Any]
ROUNDS = 15


@dataclass(frozen=True)
class Case:
    """A net of tanh or relu layers: sizes, rows of a batch, and how many steps a round takes."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    steps: int
    activation: str
    classes: bool


CASES = (
    Case("XOR 2-8-1 at 4", (2, 8, 1), 4, 2000, "tanh", False),
    Case("64-128-64-10 at 64", (64, 128, 64, 10), 64, 300, "relu", True),
    Case("784-256-128-10 at 64", (784, 256, 128, 10), 64, 100, "relu", True),
    Case("784-1024-1024-10 at 512", (784, 1024, 1024, 10), 512, 4, "relu", True),
)


def text(case: Case) -> str:
    """The net as a file."""
    hidden = "".join(f" -> dense({n}) -> {case.activation}" for n in case.sizes[1:-1])
    last = case.sizes[-1]
    target = f"class({last})" if case.classes else "[1]"
    end, loss = ("softmax", "cross_entropy") if case.classes else ("sigmoid", "binary_cross_entropy")
    return f"""
model {{
  input x: [{case.sizes[0]}]
  target y: {target}
  output p = x{hidden} -> dense({last}) -> {end}
}}
train {{
  loss = {loss}(p, y)
  optimizer = adam(lr = 0.001)
  epochs = 1
  shuffle = false
}}
"""


class ByHand:
    """The step in NumPy, in place. Parameters, gradients and moments are flat; each layer has views of them."""

    def __init__(self, case: Case, weights: Sequence[Array]) -> None:
        self.case, b = case, case.batch
        f = np.float32
        sizes = [w.size for w in weights]
        ends = np.cumsum([0, *sizes])
        self.p = np.concatenate([w.reshape(-1) for w in weights]).astype(f)
        self.g, self.m, self.v = np.zeros_like(self.p), np.zeros_like(self.p), np.zeros_like(self.p)
        self.s1, self.s2 = np.empty_like(self.p), np.empty_like(self.p)

        def views(flat: Array) -> list[Array]:
            return [flat[i:j].reshape(w.shape) for i, j, w in zip(ends, ends[1:], weights, strict=False)]

        ws, gs = views(self.p), views(self.g)
        self.W, self.b, self.dW, self.db = ws[::2], ws[1::2], gs[::2], gs[1::2]
        self.a = [np.empty((b, n), f) for n in case.sizes[1:]]
        self.d = [np.empty((b, n), f) for n in case.sizes[1:]]
        self.mask = [np.empty((b, n), bool) for n in case.sizes[1:]]
        self.row, self.col = np.empty((b, 1), f), np.empty((b,), f)
        self.hot, self.out = np.zeros((b, case.sizes[-1]), f), np.empty((b, case.sizes[-1]), f)
        self.t = 0

    def step(self, x: Array, y: Array) -> float:
        """The loss of the batch before the update."""
        self._forward(x)
        loss = self._cross_entropy(y) if self.case.classes else self._binary_cross_entropy(y)
        np.multiply(self.d[-1], 1.0 / len(x), out=self.d[-1])
        self._backward(x)
        self._adam()
        return loss / len(x)

    def _forward(self, x: Array) -> None:
        W, bias, a, last = self.W, self.b, self.a, len(self.W) - 1
        h = x
        for i in range(last + 1):
            np.matmul(h, W[i], out=a[i])
            np.add(a[i], bias[i], out=a[i])
            if i < last:
                if self.case.activation == "tanh":
                    np.tanh(a[i], out=a[i])
                else:
                    np.maximum(a[i], 0.0, out=a[i])
            h = a[i]

    def _cross_entropy(self, y: Array) -> float:
        """The sum over the rows, of softmax, and its derivative."""
        z, d = self.a[-1], self.d[-1]
        z.max(axis=1, keepdims=True, out=self.row)
        np.subtract(z, self.row, out=z)
        np.exp(z, out=d)
        d.sum(axis=1, keepdims=True, out=self.row)
        np.divide(d, self.row, out=d)
        np.log(self.row, out=self.row)
        np.equal(y[:, None], np.arange(self.case.sizes[-1]), out=self.hot, casting="unsafe")
        np.subtract(z, self.row, out=z)
        np.multiply(z, self.hot, out=self.out)
        np.subtract(d, self.hot, out=d)
        return -float(self.out.sum())

    def _binary_cross_entropy(self, y: Array) -> float:
        """The same of sigmoid."""
        z, d = self.a[-1], self.d[-1]
        np.subtract(1.0, y, out=self.row)
        np.multiply(z, self.row, out=self.row)
        np.multiply(z, y, out=self.out)
        np.negative(self.out, out=self.out)
        np.logaddexp(self.row, self.out, out=self.row)
        np.negative(z, out=z)
        np.exp(z, out=z)
        np.add(z, 1.0, out=z)
        np.divide(1.0, z, out=z)
        np.subtract(z, y, out=d)
        return float(self.row.sum())

    def _backward(self, x: Array) -> None:
        W, dW, db, a, d = self.W, self.dW, self.db, self.a, self.d
        for i in range(len(W) - 1, -1, -1):
            below = a[i - 1] if i else x
            np.matmul(below.T, d[i], out=dW[i])
            d[i].sum(axis=0, out=db[i])
            if i:
                np.matmul(d[i], W[i].T, out=d[i - 1])
                if self.case.activation == "tanh":
                    np.multiply(below, below, out=below)
                    np.subtract(1.0, below, out=below)
                    np.multiply(d[i - 1], below, out=d[i - 1])
                else:
                    np.greater(below, 0.0, out=self.mask[i - 1])
                    np.multiply(d[i - 1], self.mask[i - 1], out=d[i - 1])

    def _adam(self) -> None:
        p, g, m, v, s1, s2 = self.p, self.g, self.m, self.v, self.s1, self.s2
        np.abs(g, out=s1)
        if not np.isfinite(s1.max()):
            raise FloatingPointError
        self.t += 1
        np.multiply(m, 0.9, out=m)
        np.multiply(g, 0.1, out=s1)
        np.add(m, s1, out=m)
        np.multiply(v, 0.999, out=v)
        np.multiply(g, g, out=s1)
        np.multiply(s1, 0.001, out=s1)
        np.add(v, s1, out=v)
        np.divide(v, 1.0 - 0.999**self.t, out=s2)
        np.sqrt(s2, out=s2)
        np.add(s2, 1e-8, out=s2)
        np.multiply(m, 0.001 / (1.0 - 0.9**self.t), out=s1)
        np.divide(s1, s2, out=s1)
        np.subtract(p, s1, out=p)


def measure(case: Case) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.batch, case.sizes[0])).astype(np.float32)
    y = (
        rng.integers(0, case.sizes[-1], case.batch)
        if case.classes
        else rng.integers(0, 2, (case.batch, 1)).astype(np.float32)
    )
    net = gpubp.loads(text(case))
    ours = {backend: gpubp.Executor(net, device="cpu", backend=backend) for backend in ("numpy", "native")}
    hand = ByHand(case, list(ours["numpy"].parameters.values()))
    data = {"x": x, "y": y}
    mine = [hand.step(x, y) for _ in range(20)]
    for ex in ours.values():
        np.testing.assert_allclose(ex.train_steps(data, 20, case.batch)[:5], mine[:5], rtol=1e-5)

    def loop() -> None:
        losses = np.empty(case.steps, np.float32)
        for i in range(case.steps):
            losses[i] = hand.step(x, y)

    ways: dict[str, Callable[[], object]] = {
        "hand": loop,
        **{name: partial(ex.train_steps, data, case.steps, case.batch) for name, ex in ours.items()},
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - start) / case.steps * 1e6)
    figures = "".join(f"{statistics.median(times[name]):>12.2f}" for name in ways)
    for name in ours:
        ratio = statistics.median(b / a for a, b in zip(times["hand"], times[name], strict=True))
        figures += f"{ratio:>10.3f}"
    print(f"{case.name:<26}{figures}")


def restarts(case: Case, count: int) -> None:
    net = gpubp.loads(text(case))
    x = np.random.default_rng(0).normal(size=(case.batch, case.sizes[0]))
    data = {"x": x, "y": np.random.default_rng(1).integers(0, 2, (case.batch, 1))}
    figures = ""
    for backend in ("numpy", "native"):
        together = Ensemble(net, count, "cpu", backend=backend)
        placed = together.place(data)
        together.run_steps(placed, 20, case.batch)
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            together.run_steps(placed, 500, case.batch)
            times.append((time.perf_counter() - start) / 500 / count * 1e6)
        figures += f"{statistics.median(times):>12.3f}"
    print(f"{f'one of {count} restarts':<26}{'':>12}{figures}")


def main() -> None:
    print(f"{'net':<26}{'by hand, us':>12}{'NumPy, us':>12}{'native, us':>12}{'ratio':>10}{'ratio':>10}")
    for case in CASES:
        measure(case)
    restarts(CASES[0], 64)


if __name__ == "__main__":
    main()
