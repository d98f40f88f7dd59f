"""The nets of benchmarks.gpu, and what is claimed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import gpubp

RATE = 1e-4
"""Of Adam: with ten times as much the widest net's loss leaps at first, and magnifies rounding."""


@dataclass(frozen=True)
class Case:
    """A net of dense layers, or with `filters` of convolutions before them; rows of a batch. `precision`: float32 in
    full, or tf32, products and convolutions of factors rounded to TF32."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    activation: str = "relu"
    filters: tuple[int, ...] = ()
    side: int = 28
    precision: str = "float32"

    @property
    def classes(self) -> bool:
        return self.sizes[-1] > 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.side, self.side, 1) if self.filters else (self.sizes[0],)

    @property
    def pooled(self) -> int:
        """Height and width of the image that the first dense layer sees."""
        return self.side >> len(self.filters)


XOR = Case("XOR 2-8-1 at 4", (2, 8, 1), 4, "tanh")
MLP = Case("784-256-128-10 at 128", (784, 256, 128, 10), 128)
CNN = Case("CNN 28x28 at 256", (3136, 128, 10), 256, filters=(16, 64))
CNN_TF32 = Case("CNN 28x28 at 256, TF32", CNN.sizes, CNN.batch, filters=CNN.filters, precision="tf32")
WIDE = Case("784-4096x4-10 at 8192", (784, 4096, 4096, 4096, 4096, 10), 8192)
WIDE_TF32 = Case("784-4096x4-10 at 8192, TF32", WIDE.sizes, WIDE.batch, precision="tf32")
CASES = (XOR, MLP, CNN, CNN_TF32, WIDE, WIDE_TF32)
"""Those that take least first, should the time run out."""


@dataclass(frozen=True)
class Claim:
    """A step of a net takes at most `limit` microseconds; or, where `peers` are named, the quickest of them takes at
    least `limit` times as long."""

    case: str
    limit: float
    peers: tuple[str, ...] = ()


COMPILED = ("torch compiled", "torch one graph")
CLAIMS = (
    Claim(XOR.name, 2.0),
    Claim(XOR.name, 50.0, ("torch eager",)),
    Claim(MLP.name, 2.0, COMPILED),
    Claim(MLP.name, 8.0, ("torch eager",)),
    Claim(CNN.name, 1.2, COMPILED),
    Claim(CNN_TF32.name, 1.0, COMPILED),
    Claim(WIDE.name, 1.0, COMPILED),
    Claim(WIDE_TF32.name, 1.0, COMPILED),
)


def text(case: Case) -> str:
    """The net as a file."""
    stages = "".join(f" -> conv({n}, 3, pad = same) -> relu -> maxpool(2)" for n in case.filters)
    stages += " -> flatten" if case.filters else ""
    stages += "".join(f" -> dense({n}) -> {case.activation}" for n in case.sizes[1:-1])
    last = case.sizes[-1]
    target = f"class({last})" if case.classes else "[1]"
    end, loss = ("softmax", "cross_entropy") if case.classes else ("sigmoid", "binary_cross_entropy")
    return f"""
model {{
  input x: [{", ".join(map(str, case.shape))}]
  target y: {target}
  output p = x{stages} -> dense({last}) -> {end}
}}
train {{
  loss = {loss}(p, y)
  optimizer = adam(lr = {RATE})
  epochs = 1
  shuffle = false
}}
"""


def materials(case: Case) -> dict[str, Any]:
    """What all begin with: weights and biases `w0`, `w1` ... in the order of the layers, the rows `x` and `y`."""
    ex = gpubp.Executor(gpubp.loads(text(case)), "cpu", backend="numpy")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.batch, *case.shape)).astype(np.float32)
    y = rng.integers(0, case.sizes[-1] if case.classes else 2, case.batch)
    y = y.astype(np.int64) if case.classes else y[:, None].astype(np.float32)
    return {f"w{i}": np.asarray(w) for i, w in enumerate(ex.parameters.values())} | {"x": x, "y": y}
