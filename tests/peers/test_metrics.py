"""Metrics beside scikit-learn, over sets that are evaluated in one piece and in several."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES
from tests.layers.test_metrics import evaluate

from .nets import case, fixture

FILE = fixture("metrics")
GROUPS = list(dict.fromkeys(key.split("/")[0] for key in FILE if "/" in key))
FIGURES = [(group, name) for group in GROUPS for name in case(FILE, group) if "(" in name]


@pytest.mark.parametrize("copies", [1, 30])
@pytest.mark.parametrize(("group", "metric"), FIGURES)
def test_beside_the_peer(group: str, metric: str, copies: int) -> None:
    """The same rows many times over have the same figures: 9,000 of them are evaluated in three pieces."""
    c = case(FILE, group)
    p, y = np.tile(c["p"], (copies, 1)), np.tile(c["y"], (copies, *[1] * (c["y"].ndim - 1)))
    width = p.shape[1]
    target = f"[{width}]" if y.ndim == 2 else f"class({width})"
    model = f"input x: [{width}]\n  target y: {target}\n  output p = 1 * x"
    found = evaluate(model, "sum(p)" if y.ndim == 2 else "sum(p * one_hot(y))", metric, {"x": p, "y": y})
    assert found[metric.split("(")[0]] == pytest.approx(float(c[metric]), rel=1e-12)


def test_every_metric_is_compared() -> None:
    here = {metric.split("(")[0] for _, metric in FIGURES} | {"confusion"}
    assert here == {name for part, name in ENTRIES if part == "metric"}


@pytest.mark.parametrize("copies", [1, 30])
@pytest.mark.parametrize("group", ["labels2", "labels4"])
def test_the_confusion(group: str, copies: int) -> None:
    c = case(FILE, group)
    width = c["p"].shape[1]
    text = f"""model {{
  input  x: [{width}]
  target y: class({width})
  output p = 1 * x
}}
train {{
  loss      = cross_entropy(softmax(p), y)
  optimizer = adam
  metrics   = [confusion(p, y), accuracy(p, y)]
}}"""
    ex = gpubp.Executor(gpubp.loads(text), device="cpu", precision="float64")
    rows = {"x": np.tile(c["p"], (copies, 1)), "y": np.tile(c["y"], copies)}
    found = ex.tables(rows)
    assert found == {"confusion": (c["confusion"] * copies).tolist()}
    figures = ex.evaluate(rows)
    assert set(figures) == {"loss", "penalty", "accuracy"}
    assert figures["accuracy"] == pytest.approx(np.trace(found["confusion"]) / np.sum(found["confusion"]))
