"""Kernels whose last axis is short, at full optimisation: gcc before 14 makes wrong code of such loops where it takes
them apart (its bug 114375), and every kernel tells it not to."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp

from .compiled import needs_compiler

pytestmark = needs_compiler

TEXT = """
model {{
  input  x: {shape}
  target u: {shape_of_p}
  w = weight({shape}, init = zeros)
  y = x + w
{lines}}}
train {{
  loss      = sum(p * u)
  optimizer = sgd(0.1)
  epochs    = 1
}}
"""
GATED = """
  a = slice(y, 0, {1}, axis = -1) -> {a}
  b = slice(y, {1}, {2}, axis = -1) -> {b}
  c = slice(y, {2}, {3}, axis = -1) -> {c}
  output p = {p}
"""


def gated(units: int, a: str, b: str, c: str, p: str) -> str:
    return GATED.format(0, units, 2 * units, 3 * units, a=a, b=b, c=c, p=p)


CASES = {
    "overlapping windows": ([7, 3], [7, 3], "  output p = y -> maxpool(2, stride = 1, pad = same)\n", "float64"),
    "a choice": ([8, 8, 9], [8, 8, 3], gated(3, "selu", "elu", "relu", "where(a > b, c, a * b)"), "float32"),
    "joined": ([8, 9, 12], [8, 9, 12], gated(4, "relu", "abs", "elu", "concat(c, a, b)"), "float32"),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_numpy(case: str) -> None:
    shape, after, lines, precision = CASES[case]
    net = gpubp.loads(TEXT.format(shape=shape, shape_of_p=after, lines=lines))
    rng = np.random.default_rng(3)
    rows = {"x": rng.normal(size=(5, *shape)), "u": rng.normal(size=(5, *after))}
    found = []
    for backend in ("numpy", "native"):
        ex = gpubp.Executor(net, device="cpu", precision=precision, backend=backend)
        _, gradients = ex.gradients(rows)
        found.append(gradients["w.weight"].copy())
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-5)
