"""gpubp itself, with NumPy alone and with compiled kernels, as it is installed: nothing is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import gpubp
from gpubp.executor import Ensemble
from gpubp.training.environment import environment

from ..suite import Case
from .base import Materials, Prepared, first_weights


def versions() -> dict[str, str]:
    """What the figures depend on."""
    net = gpubp.loads("model { input x: [1]\noutput p = x -> dense(1) }")
    ex = gpubp.Executor(net, device="cpu")
    found = environment(ex)
    return {key: found[key] for key in ("gpubp", "numpy", "blas", "kernels") if key in found}


def ways(case: Case) -> list[str]:
    """How a case can be run."""
    return ["numpy", "native"]


def prepare(case: Case, way: str, materials: Materials, ordered: bool) -> Prepared:
    """The case, ready to run from its first weights."""
    net = gpubp.load(case.net, params={"mixed": not ordered} if case.kind == "epoch" else {})
    weights = first_weights(materials)
    rows = {"x": materials["x"], "y": materials["y"]}
    if case.kind == "restarts":
        return _Restarts(net, way, weights, rows, case)
    ex = gpubp.Executor(net, device="cpu", backend=way)
    ex.set_parameters(dict(zip(ex.parameters, weights, strict=True)))
    return _Predict(ex, rows["x"]) if case.kind == "predict" else _Train(ex, rows, case)


class _Train(Prepared):
    def __init__(self, ex: gpubp.Executor, rows: dict[str, Any], case: Case) -> None:
        self.ex, self.placed, self.batch = ex, ex.place(rows), case.rows
        if case.kind == "epoch":
            self.chunk = -(-len(rows["x"]) // case.rows)

    def steps(self, count: int) -> Sequence[float]:
        return self.ex.run_steps(self.placed, count, self.batch)[0]


class _Restarts(Prepared):
    def __init__(self, net: Any, way: str, weights: list[Any], rows: dict[str, Any], case: Case) -> None:
        self.ensemble = Ensemble(net, case.count, device="cpu", backend=way)
        self.placed, self.batch = self.ensemble.place(rows), case.rows
        for k in range(case.count):
            member = self.ensemble.member(k)
            member.set_parameters({name: w[k] for name, w in zip(member.parameters, weights, strict=True)})
            self.ensemble.adopt(k, member.arrays())

    def steps(self, count: int) -> Any:
        return self.ensemble.run_steps(self.placed, count, self.batch)[0].T


class _Predict(Prepared):
    def __init__(self, ex: gpubp.Executor, x: Any) -> None:
        self.ex, self.x = ex, x

    def steps(self, count: int) -> Any:
        for _ in range(count):
            out = self.ex.predict(self.x)
        return np.asarray(out)
