"""Rendered text computes what the evaluator computes, bit for bit; on CuPy's names alone; and as a file by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import ops
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.render import compile_source, python_source
from tests.ir.random_programs import Case, programs
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


def same(found: Sequence[Any], wanted: Sequence[Any]) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=True)


@given(case=programs(), hints=st.lists(st.text(max_size=4), max_size=4))
def test_random_programs(case: Case, hints: list[str]) -> None:
    program, arrays = case
    ours, theirs = [a.copy() for a in arrays], [a.copy() for a in arrays]
    named = {e.outputs[0]: hint for e, hint in zip(program.eqns, hints, strict=False)}
    run = compile_source(python_source(program, "run", named), "run", np)
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
        found = run(*theirs)
    assert isinstance(found, tuple)
    same(found, wanted)
    same(theirs, ours)


@given(case=programs())
def test_random_programs_run_on_the_names_of_cupy(case: Case) -> None:
    program, arrays = case
    ours, theirs = [a.copy() for a in arrays], [cupy.asarray(a) for a in arrays]
    text = python_source(program, "run")
    with np.errstate(all="ignore"):
        wanted = compile_source(text, "run", np)(*ours)
        found = compile_source(text, "run", cupy)(*theirs)
    same([a.get() for a in found], wanted)
    same([a.get() for a in theirs], ours)


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
    rendered = python_source(built.program, mode, built.hints)
    arrays = feeds_and_states(ex, built.program, DATA[text], mode)
    ours, plain, stand_in = ([a.copy() for a in arrays] for _ in range(3))
    on_gpu = [cupy.asarray(a) for a in stand_in]
    wanted = evaluate(built.program, ours, np)
    same(compile_source(rendered, mode, np)(*plain), wanted)
    same([a.get() for a in compile_source(rendered, mode, cupy)(*on_gpu)], wanted)
    same(plain, ours)
    same([a.get() for a in on_gpu], ours)
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


def test_golden() -> None:
    """A person could have written it."""
    x, w, step = Var(Aval((4, 2), "float32"), "x"), Var(Aval((2, 3), "float32"), "w"), Var(Aval((), "int64"), "step")
    with recording() as eqns:
        p = ops.softmax(x @ w * -2, axis=-1)
        top = ops.max_(p, (1,))
        new = w - 0.5 * w
        count = step + 1
    program = verify(Program((x, w, step), tuple(eqns), (top,), ((w, new), (step, count))))
    assert python_source(program, "run", {p: "hidden.p", new: "new"}, lambda origin: "here") == (
        """\
def softmax(xp, x, axis):
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


def run(x, w, step):
    t0 = xp.matmul(x, w)
    t1 = t0 * (-2.0)
    hidden_p = softmax(xp, t1, -1)
    t2 = xp.max(hidden_p, axis=(1,))
    t3 = 0.5 * w
    new = w - t3
    t4 = step + 1
    # the new state, stored after the last read of the old one
    w[...] = new
    step[...] = t4
    return (t2,)
"""
    )


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), -0.0, 1e300, -1e-300, 0.1])
def test_numbers_survive_as_text(number: float) -> None:
    x = Var(Aval((1,), "float64"), "float")
    with recording() as eqns:
        y = x * number
        z = ops.sub(number, y)
    run = compile_source(python_source(Program((x,), tuple(eqns), (y, z)), "run"), "run", np)
    with np.errstate(all="ignore"):
        same(run(np.array([2.0])), [np.array([2.0]) * number, number - np.array([2.0]) * number])


def test_the_old_state_is_read_by_all() -> None:
    """Two states change places."""
    a, b = Var(Aval((2,), "float64"), "a"), Var(Aval((2,), "float64"), "b")
    with recording() as eqns:
        old_a, old_b = a + 0.0, b + 0.0
    program = verify(Program((a, b), tuple(eqns), (), ((a, old_b), (b, old_a))))
    arrays = [np.zeros(2), np.ones(2)]
    assert compile_source(python_source(program, "run"), "run", np)(*arrays) == ()
    same(arrays, [np.ones(2), np.zeros(2)])
