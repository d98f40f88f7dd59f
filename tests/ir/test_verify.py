"""The verifier accepts what was recorded and names what is broken."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from gpubp import ops
from gpubp.errors import GpubpError, ShapeError
from gpubp.ir import PRIMITIVES, Aval, Eqn, Example, Primitive, Program, Var, define, evaluate, recording, verify

from .random_programs import Case, programs

F = Aval((2, 3), "float64")


def good() -> Program:
    """y = exp(x) + s; the state s becomes y."""
    x, s = Var(F, "x"), Var(F, "s")
    with recording() as eqns:
        y = ops.exp(x) + s
    return Program((x, s), tuple(eqns), (y,), ((s, y),))


def eqn(op: Primitive, inputs: tuple[Var | float, ...], output: Aval = F) -> Eqn:
    return Eqn(op, inputs, {}, (Var(output, "made"),))


def test_a_recorded_program_is_returned_as_it_is() -> None:
    program = good()
    assert verify(program) is program


P = good()
(X, S), (EXP, ADD), (Y,) = P.inputs, P.eqns, P.outputs
STRANGER = Var(F, "stranger")
SMALL = Var(Aval((2,), "float64"), "small")
WHOLE = Var(Aval((2, 3), "int64"), "whole")
with recording() as _tail:
    FLIPPED = ops.transpose(ops.transpose(S))
VIEWS = (*P.eqns, *_tail)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (Program((X, S, X), P.eqns, P.outputs), "an input is listed twice"),
        (Program((S,), P.eqns, P.outputs), "`exp` uses a value that is not made yet: x"),
        (Program((X, S), (ADD, EXP), P.outputs), "`add` uses a value that is not made yet"),
        (Program((X, S), (eqn(ops.exp, (X,), Aval((3, 2), "float64")),), ()), r"`exp` gives f64\[2,3\], .* f64\[3,2\]"),
        (Program((X, S), (eqn(ops.exp, (X,), Aval((2, 3), "float32")),), ()), r"`exp` gives f64\[2,3\], .* f32\[2,3\]"),
        (Program((X, S), (eqn(ops.less, (X, S)),), ()), r"`less` gives bool\[2,3\]"),
        (Program((X, S), (EXP, EXP, ADD), P.outputs), "`exp` makes a value that already exists"),
        (Program((X, S), (Eqn(ops.exp, (X,), {}, (S,)),), ()), "`exp` makes a value that already exists: s"),
        (Program((X, S), P.eqns, (STRANGER,)), "an output is never made: stranger"),
        (Program((X, S), P.eqns, (Y,), ((S, Y), (S, Y))), "a state is updated twice"),
        (Program((X, S), P.eqns, (Y,), ((Y, Y),)), "an update writes to a value that is no input"),
        (Program((X, S), P.eqns, (Y,), ((S, STRANGER),)), "the update of `s` is never made"),
        (Program((X, S), P.eqns, (Y,), ((S, X), (X, Y))), "the update of `s` is another state"),
        (Program((X, S), VIEWS, (Y,), ((X, FLIPPED), (S, Y))), "the update of `x` is another state"),
        (Program((X, S), VIEWS, (FLIPPED,), ((S, Y),)), "an output shows the memory of the state `s`"),
        (Program((X, S), VIEWS, (S,), ((S, Y),)), "an output shows the memory of the state `s`"),
        (Program((X, S), P.eqns, (Y,), ((S, Y),), Var(Aval((), "bool"))), "the guard is no bool scalar"),
        (Program((X, S, SMALL), P.eqns, (Y,), ((S, Y),), SMALL), "the guard is no bool scalar"),
        (
            Program((X, S, SMALL), P.eqns, (Y,), ((SMALL, Y),)),
            r"the update of `small` is f64\[2,3\], the state f64\[2\]",
        ),
        (
            Program((X, S, WHOLE), P.eqns, (Y,), ((WHOLE, Y),)),
            r"the update of `whole` is f64\[2,3\], the state i64\[2,3\]",
        ),
    ],
)
def test_what_is_broken_is_named(program: Program, message: str) -> None:
    with pytest.raises(GpubpError, match=message):
        verify(program)


def test_the_shape_rules_run_again() -> None:
    """A rule that refuses its inputs is reported as the rule says it."""
    bad = Program((X, SMALL), (eqn(ops.add, (X, SMALL)),), ())
    with pytest.raises(ShapeError, match="do not broadcast"):
        verify(bad)
    mixed = Program((X, WHOLE), (eqn(ops.mul, (X, WHOLE)),), ())
    with pytest.raises(ShapeError, match="float64 and int64"):
        verify(mixed)


def test_a_state_may_keep_its_value_and_two_states_may_change_places() -> None:
    verify(Program((X, S), P.eqns, (Y,), ((S, S),)))
    with recording() as eqns:
        a, b = X + 0.0, S + 0.0
    program = verify(Program((X, S), tuple(eqns), (a,), ((X, b), (S, a))))
    arrays = [np.ones((2, 3)), np.zeros((2, 3))]
    evaluate(program, arrays, np)
    assert (arrays[0] == 0).all()
    assert (arrays[1] == 1).all()


@given(case=programs(), choose=st.data())
def test_breaking_a_random_program_anywhere_is_noticed(case: Case, choose: st.DataObject) -> None:
    program, _ = case
    eqns = list(program.eqns)
    at = choose.draw(st.integers(0, len(eqns) - 1))
    kind = choose.draw(st.sampled_from(["shape", "type", "twice", "late"]))
    old = eqns[at]
    first, *rest = old.outputs
    aval = first.aval
    if kind == "shape":
        eqns[at] = Eqn(old.op, old.inputs, old.params, (Var(Aval((*aval.shape, 1), aval.dtype)), *rest))
    elif kind == "type":
        other = "int32" if aval.dtype != "int32" else "bool"
        eqns[at] = Eqn(old.op, old.inputs, old.params, (Var(Aval(aval.shape, other)), *rest))
    elif kind == "twice":
        eqns.insert(at, old)
    else:
        eqns.append(Eqn(PRIMITIVES["cast"], (Var(aval),), {"dtype": "float32"}, (Var(Aval(aval.shape, "float32")),)))
    with pytest.raises(GpubpError):
        verify(Program(program.inputs, tuple(eqns), program.outputs, program.updates))


def test_recordings_do_not_mix() -> None:
    x = Var(F)
    with recording() as outer:
        ops.exp(x)
        with recording() as inner:
            ops.log(x)
        ops.sqrt(x)
    assert [e.op.name for e in outer] == ["exp", "sqrt"]
    assert [e.op.name for e in inner] == ["log"]


def test_a_name_is_defined_once() -> None:
    with pytest.raises(GpubpError, match="`exp` is defined twice"):
        define(Primitive("exp", ops.exp.infer, None, "xp.exp({0})", "elementwise", (Example(((),), {}),)))


def test_what_the_docstring_of_a_primitive_calls_is_a_field_of_it() -> None:
    assert Primitive.__doc__ is not None
    called = re.findall(r"`(\w+)\(", Primitive.__doc__)
    assert len(called) > 9
    assert {*called} <= set(Primitive.__slots__)
