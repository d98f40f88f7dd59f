"""A loop as text: a function of its own before the program that runs it, as a person would have written it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import gpubp
from gpubp import ops
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import plan
from gpubp.render import plan_source

PLAN = """\
def bind_loop(arena, first_h, first_c, all_x, w, last_h, c, all_t0):
    f32 = arena.view(xp.float32)
    # values of a step; memory is reused once they are dead
    t1 = xp.reshape(f32[0:6], (2, 3))

    def at(t):
        x = all_x[t]
        t0 = all_t0[t]
        h = all_t0[t + 1] if t < 3 else first_h
        return x, t0, h

    iterations = [at(t) for t in range(3, -1, -1)]

    def loop():
        c[...] = first_c
        for x, t0, h in iterations:
            xp.matmul(h, w, out=t1)
            xp.add(x, t1, out=t0)
            xp.tanh(t0, out=t0)
            xp.multiply(c, t0, out=c)
        last_h[...] = all_t0[0]

    return loop


def bind_run(arena, h, c, w):
    b8 = arena.view(xp.bool_)
    f32 = arena.view(xp.float32)
    # the batch
    x = xp.reshape(f32[0:24], (4, 2, 3))
    # values of a step; memory is reused once they are dead
    t0 = xp.reshape(f32[80:86], (2, 3))
    t1 = xp.reshape(f32[96:102], (2, 3))
    t2 = xp.reshape(f32[32:56], (4, 2, 3))
    t3 = b8[256:320]
    loop = bind_loop(t3, h, c, x, w, t0, t1, t2)

    def run():
        loop()

    return run, (x,), (t1, t2)
"""
NESTED = """
model {
  input  x: [3, 2]
  target y: [1]
  output p = x -> lstm(4) -> dropout(20%) -> gru(3, sequence = false, bidirectional = true) -> dense(1)
}
train {
  loss      = mse(p, y)
  optimizer = adam(lr = 0.05)
  epochs    = 1
}
"""


def example() -> Program:
    x, h, c = (Var(Aval(shape, "float32"), name) for shape, name in (((4, 2, 3), "x"), ((2, 3), "h"), ((2, 3), "c")))
    w = Var(Aval((3, 3), "float32"), "w")

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        new = ops.tanh(slices[0] + state[0] @ w)
        return (new, state[1] * new), (new,)

    with recording() as eqns:
        (_, last), (collected,) = ops.loop(step, (h, c), (x,), reverse=True)
    return verify(Program((x, h, c, w), tuple(eqns), (last, collected)))


def test_golden_plan() -> None:
    program = example()
    assert plan_source(plan(program, program.inputs[:1]), "run") == PLAN


def test_names_of_loops_are_no_other_names() -> None:
    """Values that bear the names which the text gives to functions and to the words of a loop."""
    words = ["loop", "body", "rounds", "at", "t", "bind_loop", "arena", "first_x", "all_x", "x", "last_x", "f64"]
    values = [Var(Aval((2,), "float64"), word) for word in words]
    xs = Var(Aval((3, 2), "float64"), "all_x")

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        total = slices[0]
        for v in values:
            total = total + v
        return (state[0] * total,), (total,)

    with recording() as eqns:
        (last,), (collected,) = ops.loop(step, (values[0],), (xs,))
    program = verify(Program((xs, *values), tuple(eqns), (last, collected)))
    arrays = [np.full((3, 2), 0.5), *(np.full((2,), 0.25) for _ in values)]
    total = 0.5 + 0.25 * len(words)
    scope: dict[str, object] = {"xp": np}
    exec(plan_source(plan(program, ()), "run"), scope)
    step_, _, outputs = scope["bind_run"](np.empty(4096, np.uint8), *arrays)  # type: ignore[operator]
    step_()
    for found, wanted in zip(outputs, (0.25 * total**3, total), strict=True):
        np.testing.assert_allclose(found, wanted)


def test_the_source_of_a_recurrent_net_runs_by_itself() -> None:
    ex = gpubp.Executor(gpubp.loads(NESTED), device="cpu")
    source = ex.source("train", 4)
    assert "gpubp" not in source.replace('"""<string>', "")
    printed: list[tuple[object, ...]] = []
    exec(compile(source, "<source>", "exec"), {"__name__": "__main__", "print": lambda *values: printed.append(values)})
    assert all(np.isfinite(value).all() for name, value in printed if name in ("data", "penalty"))
    assert source.count("def bind_loop") == 6, "three loops forward, three backward"
