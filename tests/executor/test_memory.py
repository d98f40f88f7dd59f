"""A step in the steady state allocates nothing, whatever the size of the net."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.executor import Executor
from tests.render.compiled import QUICK, needs_compiler

NUMPY = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
MOST = 256 * 1024
MODELS = sorted(Path("models").glob("*.net"))
WIDE = """
model {
  input  x: [784]
  target y: class(10)
  output p = x -> dense(512) -> relu -> dropout(20%) -> dense(512) -> gelu -> dense(10) -> softmax
}
train {
  loss      = cross_entropy(p, y) + l2(1e-4)
  optimizer = adamw(lr = 0.001)
  clip      = clip_norm(1.0)
  epochs    = 1
}
"""


def peak(ex: Executor, rows: int, batch: int, steps: int = 4) -> int:
    """Bytes of arrays that steps allocate at most, after the first ones."""
    rng = np.random.default_rng(0)
    data: dict[str, object] = {}
    for node in (*ex.net.graph.inputs, *ex.net.graph.targets):
        assert node.type is not None
        labels = node.type.classes is not None
        data[node.name] = (
            rng.integers(0, node.type.classes, (rows, *node.type.shape))
            if labels
            else rng.random((rows, *node.type.shape))
        )
    placed = ex.place(data)
    ex.run_steps(placed, -(-rows // batch), batch)  # every batch size is compiled
    tracemalloc.start()
    try:
        ex.run_steps(placed, steps, batch)
        found = tracemalloc.take_snapshot().filter_traces([NUMPY])
        total = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in found.traces) <= MOST
    return total


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_models(path: Path) -> None:
    # By NumPy alone: where compiling pays, its text takes memory once, after some steps.
    assert peak(gpubp.Executor(gpubp.load(path), "cpu", backend="numpy"), 70, 32) <= MOST


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["numpy", pytest.param(QUICK, marks=needs_compiler, id="native")])
def test_a_wide_net(precision: str, backend: str) -> None:
    """Its activations are 512 KiB each, its parameters 2.6 MB."""
    assert peak(gpubp.Executor(gpubp.loads(WIDE), "cpu", precision, backend=backend), 350, 256) <= MOST


def test_the_arena_is_as_large_as_planned() -> None:
    ex = gpubp.Executor(gpubp.loads(WIDE), "cpu")
    peak(ex, 350, 256)
    compiled = [ex.compiled("train", rows) for rows in (256, 94)]
    assert ex._machine._arena.nbytes == max(c.plan.arena for c in compiled)
