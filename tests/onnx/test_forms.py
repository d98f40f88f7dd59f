"""Each primitive's ONNX form beside its text over NumPy, alone and in random programs."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from gpubp.ir import Aval, Example, Primitive, Program, Var, bind, evaluate, recording
from gpubp.passes import dce, specialise
from gpubp.render import CannotExportError
from tests.ir.random_programs import Case, programs
from tests.ops.checks import EXAMPLES, IDS, arguments

from .running import Array, by_reference, by_runtime, checked, model_of_program, near, needs_onnx, needs_runtime

pytestmark = needs_onnx
NONE = {"conv_weight", "window_first", "window_put", "window_take", "window_spread", "shift"}
"""Primitives without a form: they are parts of derivatives and of augmentation."""
COPIES = {"conv-4", "conv_input-2"}
"""Examples with the weights of several copies, which no prediction has."""
GAPS = ("Scan is not implemented for other output input_direction", "cannot reshape array of size 36")
"""What the reference says to loops backward, and to transposed convolutions in groups."""


def values(program: Program, arrays: list[Array]) -> dict[str, Array]:
    with np.errstate(all="ignore"):
        found = evaluate(program, [a.copy() for a in arrays], np)
    return {f"y{k}": np.array(v) for k, v in enumerate(found)}


def by_any(model: bytes, feeds: dict[str, Array]) -> dict[str, Array] | None:
    """By onnxruntime, or, of types that it does not have, by the reference; None where that has gaps, too."""
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as Lacks

    try:
        return by_runtime(model, feeds)
    except Lacks:
        pass
    try:
        return by_reference(model, feeds)
    except (RuntimeError, ValueError) as error:
        if not any(gap in str(error) for gap in GAPS):
            raise
        return None


@needs_runtime
@pytest.mark.parametrize("floats", ["float32", "float64"])
@pytest.mark.parametrize(("primitive", "example"), EXAMPLES, ids=IDS)
def test_each_primitive(primitive: Primitive, example: Example, floats: str, request: pytest.FixtureRequest) -> None:
    arrays, params = arguments(example, floats)
    inputs = [Var(Aval(a.shape, str(a.dtype))) for a in arrays]
    with recording() as eqns:
        results = bind(primitive, *inputs, **params)
    program = Program(tuple(inputs), tuple(eqns), results)
    known = dict(zip(inputs, arrays, strict=True)) if primitive.name == "uniform" else {}
    if primitive.name in NONE or request.node.callspec.id.rpartition("-")[0] in COPIES:
        with pytest.raises(CannotExportError):
            model_of_program(program, known)
        return
    model = model_of_program(program, known)
    checked(model)
    feeds = {} if known else {f"x{k}": a for k, a in enumerate(arrays)}
    found = by_any(model, feeds)
    if found is None:
        pytest.skip("there is nothing that computes it")
    near(found, values(program, arrays), 1e-6 if floats == "float32" else 1e-13)


@needs_runtime
@settings(max_examples=30)
@given(case=programs(most=12, states=False), fed=st.integers(0, 2**12))
def test_random_programs(case: Case, fed: int) -> None:
    """With some of their inputs known."""
    program, arrays = dce(case[0]), case[1]
    feeds = [v for k, v in enumerate(program.inputs) if fed >> k & 1]
    known = {v: a for v, a in zip(program.inputs, arrays, strict=True) if v not in feeds}
    with np.errstate(all="ignore"):
        left, constants = specialise(program, known, np)
    given = [a for v, a in zip(program.inputs, arrays, strict=True) if v in feeds]
    try:
        model = model_of_program(left, constants)
    except CannotExportError:
        assume(False)
    checked(model)
    found = by_any(model, {f"x{k}": a for k, a in enumerate(given)})
    assume(found is not None)
    near(found, values(program, arrays), 1e-11)
