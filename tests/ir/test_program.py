"""How programs print, and the names of their values."""

from __future__ import annotations

from keyword import iskeyword

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from gpubp import ops
from gpubp.ir import (
    FLOATS,
    INTEGERS,
    Aval,
    Eqn,
    Program,
    Var,
    broadcast_shapes,
    evaluate,
    identifiers,
    names,
    origin,
    recording,
)

GOLDEN = """\
program(x:f32[4,2], w:f32[2,3], labels:i64[4], step:i64[]) {
  t0:f32[4,3] = matmul x w
  t1:f32[4,3] = mul 2.0 t0
  t2:f32[4,3] = softmax axis=-1 t1
  t3:f32[4,3] = one_hot classes=3 dtype='float32' labels
  t4:f32[4,3] = mul t3 t2
  t5:f32[] = sum axis=(0, 1) keepdims=False t4
  t6:f32[] = full shape=() value=0.5 dtype='float32'
  t7:bool[] = less t5 t6
  t8:f64[] = cast dtype='float64' t5
  t9:i64[] = add step 1
  w <- t10
  step <- t9
  return t8, t7
}"""


def test_golden() -> None:
    x, w = Var(Aval((4, 2), "float32"), "x"), Var(Aval((2, 3), "float32"), "w")
    labels, step = Var(Aval((4,), "int64"), "labels"), Var(Aval((), "int64"), "step")
    with recording() as eqns:
        p = ops.softmax(2 * (x @ w), axis=-1)
        picked = ops.sum_(ops.one_hot(labels, classes=3, dtype="float32") * p)
        small = picked < ops.full((), 0.5, "float32")
        figure = ops.cast(picked, dtype="float64")
        count = step + 1
        new = w * 0.5
    program = Program((x, w, labels, step), tuple(eqns), (figure, small), ((w, new), (step, count)))
    golden = GOLDEN.replace("  w <-", "  t10:f32[2,3] = mul w 0.5\n  w <-")
    assert repr(program) == golden


@pytest.mark.parametrize(
    ("dtype", "text"),
    [("float32", "f32[2]"), ("float64", "f64[2]"), ("int32", "i32[2]"), ("uint64", "u64[2]"), ("bool", "bool[2]")],
)
def test_types_print_shortly(dtype: str, text: str) -> None:
    assert str(Aval((2,), dtype)) == text
    dtypes = (*FLOATS, *INTEGERS, "bool")
    assert len({str(Aval((2,), dtype)) for dtype in dtypes}) == len(dtypes)


@given(hints=st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["t0", "t1", "x", "if", "xp", "1a", "softmax"]))))
@example(hints=["\u00b2", "\u00b2", "\ufb01", "fi", "2nd", "None", "a b", "a_b", "a-b", "", "t0", "x", "x", "x_2"])
@example(hints=["softmax", "float", "print", "range", "rng", "_"])
def test_names_are_distinct_identifiers(hints: list[str]) -> None:
    vars_ = [Var(Aval((), "float64"), hint) for hint in hints]
    with recording() as eqns:
        made = [ops.exp(v) for v in vars_]
        ops.softmax(Var(Aval((2,), "float64")), axis=-1)
    outputs = [Eqn(e.op, e.inputs, e.params, (Var(e.output.aval, h),)) for e, h in zip(eqns, hints, strict=False)]
    program = Program(tuple(vars_), tuple(outputs) + tuple(eqns[len(made) :]), ())
    found = names(program)
    assert len(found) == 2 * len(hints) + 1
    assert len(set(found.values())) == len(found)
    for name in found.values():
        assert name.isidentifier()
        assert name.isascii()
        assert not iskeyword(name)
    assert not {"xp", "softmax", "float", "print", "range", "rng"} & set(found.values())


def test_hints_come_before_the_values_own_names() -> None:
    x, y = Var(Aval((), "float64"), "x"), Var(Aval((), "float64"))
    found = identifiers((x, y), {y: "hidden.dense.weight"}, ("x",))
    assert list(found.values()) == ["x_2", "hidden_dense_weight"]


def test_origins_are_those_of_the_innermost_block() -> None:
    x = Var(Aval((), "float64"), "x")
    with recording() as eqns:
        ops.exp(x)
        with origin("outer"):
            ops.exp(x)
            with origin("inner"):
                ops.exp(x)
            ops.exp(x)
    assert [e.origin for e in eqns] == [None, "outer", "inner", "outer"]


def test_evaluation_shows_each_value() -> None:
    x = Var(Aval((2,), "float64"), "x")
    with recording() as eqns:
        y = ops.exp(x) + 1
    seen: list[tuple[str, list[float]]] = []
    program = Program((x,), tuple(eqns), (y,))
    evaluate(program, [np.zeros(2)], np, lambda eqn, value: seen.append((eqn.op.name, value.tolist())))
    assert seen == [("exp", [1.0, 1.0]), ("add", [2.0, 2.0])]


def test_states_change_when_all_is_computed() -> None:
    """What NumPy gives as a view of a state is what the state was before."""
    x, y = (Var(Aval((2,), "float64"), name) for name in "xy")
    with recording() as eqns:
        turned = ops.flip(x, axis=0)
    program = Program((x, y), tuple(eqns), (turned,), ((x, y), (y, x)))
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    (found,) = evaluate(program, [a, b], np)
    assert (found.tolist(), a.tolist(), b.tolist()) == ([2.0, 1.0], [3.0, 4.0], [1.0, 2.0])


@given(st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), max_size=4))
def test_broadcasting_is_that_of_numpy(shapes: list[tuple[int, ...]]) -> None:
    try:
        wanted = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == wanted
