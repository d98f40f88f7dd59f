"""tinygrad on its CPU device, which needs clang: a jitted step; the dense nets and the convolutions."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from typing import Any

import numpy as np
from tinygrad import Device, Tensor, TinyJit
from tinygrad.helpers import Context
from tinygrad.nn.optim import Adam

from ..suite import Case
from .base import Materials, Prepared, first_weights, xor_rows, xor_weights


def versions() -> dict[str, str]:
    if shutil.which("clang") is None:
        raise ImportError("tinygrad's CPU device needs clang")
    return {"tinygrad": f"{version('tinygrad')} on {Device.DEFAULT}"}


def ways(case: Case) -> list[str]:
    known = case.family in ("mlp", "cnn") and case.kind not in ("restarts", "epoch")
    return ["jit"] if known else []


def logits(weights: list[Tensor], x: Tensor, activation: str) -> Tensor:
    pairs = list(zip(weights[::2], weights[1::2]))
    for w, b in pairs[:-1]:
        if len(w.shape) == 4:
            x = x.conv2d(w, b, padding=1).relu().max_pool2d()
        else:
            x = x.linear(w, b)
            x = x.relu() if activation == "relu" else x.tanh()
    return x.flatten(1).linear(*pairs[-1])


def loss_of(z: Tensor, y: Tensor) -> Tensor:
    return z.binary_crossentropy_logits(y) if y.dtype.name == "float" else z.sparse_categorical_crossentropy(y)


def prepare(case: Case, way: str, materials: Materials, ordered: bool) -> Prepared:
    arrays, x = first_weights(materials), materials["x"]
    if case.family == "cnn":  # kernels as [out, in, height, width], flattened by channel, row, column
        arrays = [a.transpose(3, 2, 0, 1) if a.ndim == 4 else a for a in arrays]
        arrays[4] = arrays[4].reshape(7, 7, 32, 10).transpose(2, 0, 1, 3).reshape(1568, 10)
        x = x.transpose(0, 3, 1, 2)
    weights = [Tensor(np.ascontiguousarray(a)).contiguous().realize() for a in arrays]
    rows = Tensor(np.ascontiguousarray(x)).realize()
    if case.kind == "predict":
        return _Predict(weights, rows, case.activation)
    y = materials["y"]
    return _Train(weights, rows, Tensor(y if y.dtype.kind == "f" else y.astype(np.int32)).realize(), case)


class _Train(Prepared):
    def __init__(self, weights: list[Tensor], x: Tensor, y: Tensor, case: Case) -> None:
        optimizer = Adam(weights, lr=case.rate)

        @TinyJit
        def step(x: Tensor, y: Tensor) -> Tensor:
            with Context(TRAINING=1):
                optimizer.zero_grad()
                loss = loss_of(logits(weights, x, case.activation), y)
                loss.backward()
                return loss.realize(*optimizer.schedule_step())

        self.step, self.x, self.y = step, x, y

    def steps(self, count: int) -> Any:
        return [self.step(self.x, self.y).item() for _ in range(count)]


class _Predict(Prepared):
    def __init__(self, weights: list[Tensor], x: Tensor, activation: str) -> None:
        self.run, self.x = TinyJit(lambda x: logits(weights, x, activation).softmax().realize()), x

    def steps(self, count: int) -> Any:
        for _ in range(count):
            out = self.run(self.x).numpy()
        return out


def train_xor(way: str) -> None:
    x, y = (Tensor(a).realize() for a in xor_rows())
    weights = [Tensor(w).contiguous().realize() for w in xor_weights()]
    case = Case("", "", None, "mlp", "process", 4, "tanh", rate=0.05)  # type: ignore[arg-type]
    print(_Train(weights, x, y, case).steps(500)[-1])
