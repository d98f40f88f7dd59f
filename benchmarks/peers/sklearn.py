"""scikit-learn's MLPClassifier: Adam by `partial_fit`, whose epoch is one step where the rows are one batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from ..suite import Case
from .base import Materials, Prepared, first_weights, xor_rows


def versions() -> dict[str, str]:
    return {"scikit-learn": sklearn.__version__}


def ways(case: Case) -> list[str]:
    known = case.family == "mlp" and case.kind != "restarts"
    return ["partial_fit"] if known else []


def _made(hidden: tuple[int, ...], case: Case, shuffled: bool) -> MLPClassifier:
    return MLPClassifier(
        hidden,
        activation=case.activation,
        alpha=0.0,
        batch_size=case.rows,
        learning_rate_init=case.rate,
        shuffle=shuffled,
        random_state=0,
    )


def prepare(case: Case, way: str, materials: Materials, ordered: bool) -> Prepared:
    weights = [np.array(w) for w in first_weights(materials)]
    x, y = materials["x"], materials["y"].reshape(-1).astype(np.int64)
    net = _made(tuple(len(b) for b in weights[1:-1:2]), case, case.kind == "epoch" and not ordered)
    classes = max(2, len(weights[-1]))
    # The net exists after its first step only: its weights are then replaced, and the optimizer begins anew.
    rows = case.rows if case.kind == "epoch" else len(x)
    net.partial_fit(x[:rows], y[:rows], classes=np.arange(classes))
    for own, given in zip((*net.coefs_, *net.intercepts_), (*weights[::2], *weights[1::2])):
        own[...] = given
    del net._optimizer
    net._no_improvement_count, net.t_ = 0, 0
    return _Predict(net, x) if case.kind == "predict" else _Train(net, x, y, case)


class _Train(Prepared):
    def __init__(self, net: MLPClassifier, x: Any, y: Any, case: Case) -> None:
        self.net, self.x, self.y = net, x, y
        self.batch = case.rows if case.kind == "epoch" else len(x)
        self.chunk = -(-len(x) // self.batch)

    def steps(self, count: int) -> Any:
        if count % self.chunk:  # a part of an epoch, its batches one by one
            batches = [slice(i, i + self.batch) for i in range(0, count * self.batch, self.batch)]
            return [self._fit(self.x[b], self.y[b]) for b in batches]
        return [self._fit(self.x, self.y) for _ in range(count // self.chunk)]

    def _fit(self, x: Any, y: Any) -> float:
        self.net.partial_fit(x, y)
        return float(self.net.loss_)


class _Predict(Prepared):
    def __init__(self, net: MLPClassifier, x: Any) -> None:
        self.net, self.x = net, x

    def steps(self, count: int) -> Any:
        for _ in range(count):
            out = self.net.predict_proba(self.x)
        return out


def train_xor(way: str) -> None:
    net = MLPClassifier(
        (8,),
        activation="tanh",
        alpha=0.0,
        batch_size=4,
        learning_rate_init=0.05,
        max_iter=500,
        n_iter_no_change=500,
        tol=0.0,
        random_state=0,
    )
    x, y = xor_rows()
    net.fit(x, y.reshape(-1).astype(np.int64))
    print(net.loss_)
