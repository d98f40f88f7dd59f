"""Programs of inputs that are known, by the text before and after; memory by types."""

from __future__ import annotations

import numpy as np

from gpubp import ops
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import plan, specialise, split_arena

from .test_passes import body


def test_what_depends_on_known_values_alone_is_computed() -> None:
    x, flat, wide = (
        Var(Aval((1, 2), "float64"), "x"),
        Var(Aval((6,), "float64"), "flat"),
        Var(Aval((), "float64"), "wide"),
    )
    with recording() as eqns:
        weight = ops.reshape(ops.slice_(flat, start=(0,), stop=(4,)), shape=(2, 2))
        bias = ops.slice_(flat, start=(4,), stop=(6,)) / wide
        h = x @ weight + bias
        y = h @ ops.transpose(weight)  # read twice: it is there once
        z = h + ops.broadcast_to(ops.sqrt(wide), shape=(1, 2))  # repeated: it is one number
    program = verify(Program((x, flat, wide), tuple(eqns), (y, z)))
    after, arrays = specialise(program, {flat: np.arange(6.0), wide: np.array(4.0)}, np)
    assert [a.ravel().tolist() for a in arrays.values()] == [[0.0, 1.0, 2.0, 3.0], [2.0], [1.0, 1.25]]
    assert body(after) == [
        "t3:f64[2,2] = transpose axes=(1, 0) t0",
        "t4:f64[1,2] = broadcast_to shape=(1, 2) t1",
        "t5:f64[1,2] = matmul x t0",
        "t6:f64[1,2] = add t5 t2",
        "t7:f64[1,2] = matmul t6 t3",
        "t8:f64[1,2] = add t6 t4",
        "return t7, t8",
    ]


def test_each_type_of_numbers_has_a_piece_of_the_arena() -> None:
    x, labels = Var(Aval((3, 4), "float32"), "x"), Var(Aval((3,), "int64"), "labels")
    with recording() as eqns:
        y = ops.cast(ops.matmul(x, ops.transpose(x)), dtype="float64")
        z = ops.one_hot(labels, classes=5, dtype="float32")
    found, pieces = split_arena(plan(verify(Program((x, labels), tuple(eqns), (y, z))), (x, labels)))
    assert list(pieces) == ["float64", "int64", "float32"], "the widest first"
    assert [piece.stop for piece in pieces.values()] == [*(p.start for p in list(pieces.values())[1:]), found.arena]
    for var, place in found.places.items():
        assert place.buffer.start in pieces[var.dtype]
        assert place.buffer.start + place.buffer.bytes <= pieces[var.dtype].stop
    assert not any(step.scratch for step in found.steps)
