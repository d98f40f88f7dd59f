"""The source of a plan computes what the evaluator computes, bit for bit, on CuPy's names too, and as a file by
itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.passes import plan
from tests.passes.test_plan import run, same
from tests.stand_in.fake_cupy import cupy

Array = np.ndarray[Any, Any]

XOR = """
model {
  input  x: [2]
  target y: [1]
  hidden   = x -> dense(8) -> tanh
  output p = hidden -> dense(1) -> sigmoid
}
train {
  loss      = binary_cross_entropy(p, y) + l2(1e-3)
  optimizer = adam(lr = 0.05)
  epochs    = 1
  metrics   = [accuracy(p, y)]
}
"""
# Values here bear the names of functions that the rendered text calls.
CLASSES = """
model {
  input  x: [4]
  target measure: class(3)
  erf     = x -> standardize -> dense(6) -> gelu
  uniform = erf -> dropout(30%) -> dense(5, init = orthogonal) -> elu -> dense(4) -> selu
  float   = concat(uniform, softplus(uniform), abs(x)) -> dense(3)
  output softmax = float -> softmax
}
train {
  loss      = cross_entropy(softmax, measure) + l1(1e-4) + 0.1 * mean(erf * erf)
  optimizer = adamw(lr = 0.01)
  epochs    = 1
  metrics   = [accuracy(softmax, measure)]
}
"""
REGRESSION = """
model {
  input  x: [3]
  input  z: [2]
  target y: [2]
  shared = concat(x, z) -> dense(4) -> leaky_relu
  a = where(shared > 0.1, shared ^ 2, maximum(shared, -1)) -> dense(2)
  output p = a + z * exp(-a) -> silu
  output q = stack(a, p) -> max(axis = 0) -> relu
}
train {
  loss      = huber(p, y, delta = 0.5) + mae(q, y)
  optimizer = sgd(lr = 0.1, momentum = 0.9, nesterov = true)
  epochs    = 1
  metrics   = [r2(p, y), mse(q, y)]
}
"""
ROWS = 4
rng = np.random.default_rng(0)
DATA: dict[str, Mapping[str, Array]] = {
    XOR: {"x": np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), "y": np.array([[0.0], [1], [1], [0]])},
    CLASSES: {"x": rng.normal(size=(ROWS, 4)), "measure": np.array([0, 2, 1, 2])},
    REGRESSION: {n: rng.normal(size=(ROWS, k)) for n, k in (("x", 3), ("z", 2), ("y", 2))},
}
NETS = pytest.mark.parametrize("text", [XOR, CLASSES, REGRESSION], ids=["xor", "classes", "regression"])
MODES = pytest.mark.parametrize("mode", ["predict", "measure", "gradients", "train"])


def feeds_and_states(ex: gpubp.Executor, program: Any, data: Mapping[str, Array], mode: str) -> list[Array]:
    """Arguments for a program of the executor's: the batch, and its state."""
    state = ex.state_dict()
    out = []
    for var in program.inputs:
        if var.hint in data:
            out.append(np.asarray(data[var.hint]).astype(var.dtype))
        elif var.hint in state:
            out.append(np.array(state[var.hint]))
        elif var.hint == "mask":
            out.append(np.arange(ROWS) < ROWS - 1)
        else:
            out.append(np.random.default_rng(var.aval.size).uniform(0.1, 1.0, var.shape).astype(var.dtype))
    return [a.astype(v.dtype) for a, v in zip(out, program.inputs, strict=True)]


@NETS
@MODES
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_real_nets(text: str, mode: Any, precision: str) -> None:
    ex = gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision)
    built = ex.compiled(mode, ROWS).built
    count = len(built.feeds)
    planned = plan(built.program, built.program.inputs[:count])
    arrays = feeds_and_states(ex, built.program, DATA[text], mode)
    ours, plain = [a.copy() for a in arrays], [a.copy() for a in arrays]
    on_gpu = [cupy.asarray(a.copy()) for a in arrays[count:]]
    wanted = evaluate(built.program, ours, np)
    same(run(planned, plain[:count], plain[count:]), wanted)
    same(run(planned, plain[:count], on_gpu, cupy), wanted)
    same(plain, ours)
    same([a.get() for a in on_gpu], ours[count:])
    changed = [v.hint for v, a, b in zip(built.program.inputs, arrays, ours, strict=True) if a.tobytes() != b.tobytes()]
    assert bool(changed) == (mode == "train")


@NETS
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_source_runs_by_itself(text: str, precision: str, tmp_path: Path) -> None:
    """It prints what three steps compute, which is what the executor computes."""
    ex = gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision)
    ex.fit(DATA[text])
    source = ex.source("train", ROWS, DATA[text])
    assert "gpubp" not in source.replace('"""<string>', "")
    (tmp_path / "step.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "step.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line.split() for line in done.stdout.splitlines()]
    printed = [[float(words[1]) for words in shown if words[0] == name] for name in ("data", "penalty")]
    losses = [sum(both) for both in zip(*printed, strict=True)]
    assert losses == pytest.approx([ex.train_step(DATA[text]) for _ in range(3)], rel=1e-6)


@NETS
@MODES
def test_every_mode_has_a_source_that_runs(text: str, mode: Any) -> None:
    ex = gpubp.Executor(gpubp.loads(text), device="cpu")
    source = ex.source(mode, 256)
    with np.errstate(all="ignore"):
        exec(compile(source, "<source>", "exec"), {"__name__": "__main__", "print": lambda *values: None})


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), -0.0, 1e300, -1e-300, 0.1])
def test_numbers_survive_as_text(number: float) -> None:
    x = Var(Aval((1,), "float64"), "float")
    with recording() as eqns:
        y = x * number
        z = ops.sub(number, y)
    planned = plan(verify(Program((x,), tuple(eqns), (y, z))), (x,))
    with np.errstate(all="ignore"):
        wanted = [np.array([2.0]) * number, number - np.array([2.0]) * number]
        same(run(planned, [np.array([2.0])], []), wanted)


def test_the_old_state_is_read_by_all() -> None:
    """Two states change places."""
    a, b = Var(Aval((2,), "float64"), "a"), Var(Aval((2,), "float64"), "b")
    with recording() as eqns:
        old_a, old_b = a + 0.0, b + 0.0
    program = verify(Program((a, b), tuple(eqns), (), ((a, old_b), (b, old_a))))
    arrays = [np.zeros(2), np.ones(2)]
    assert run(plan(program, ()), [], arrays) == []
    same(arrays, [np.ones(2), np.zeros(2)])
