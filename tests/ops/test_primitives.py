"""Every primitive of the registry on its own examples: shape rule, types, derivative.

The check is checked too: a derivative that is wrong by 0.1 % must be caught, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gpubp import ops
from gpubp.errors import GpubpError, ShapeError
from gpubp.insight.rules import both_sides, inputs_for, several
from gpubp.ir import PRIMITIVES, Aval, Example, Operand, Primitive, Program, Var, apply, evaluate, recording, results
from gpubp.passes import dense

from .checks import EXAMPLES, IDS, Array, arguments, check_derivative, derivatives

Op = Callable[..., Var]
each_example = pytest.mark.parametrize(("primitive", "example"), EXAMPLES, ids=IDS)
DIFFERENTIABLE = [(p, e) for p, e in EXAMPLES if p.vjp is not None]
differentiable = pytest.mark.parametrize(
    ("primitive", "example"), DIFFERENTIABLE, ids=[f"{p.name}-{p.examples.index(e)}" for p, e in DIFFERENTIABLE]
)
VIEWS = [(p, e) for p, e in EXAMPLES if p.view is not None]
BINARY = [
    p
    for p in PRIMITIVES.values()
    if p.trait == "elementwise" and len(p.examples[0].shapes) == 2 and len(set(p.examples[0].dtypes)) < 2
]


def test_every_primitive_says_where_to_test_it() -> None:
    assert len(PRIMITIVES) > 40
    assert [p.name for p in PRIMITIVES.values() if not p.examples] == []


@each_example
@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_shape_rule_is_what_numpy_does(primitive: Primitive, example: Example, floats: str) -> None:
    arrays, params = arguments(example, floats)
    found = tuple(Aval(y.shape, str(y.dtype)) for y in several(apply(primitive, np, arrays, params)))
    assert results(primitive, inputs_for(arrays), params) == found


@each_example
def test_a_result_is_a_new_array_unless_it_is_a_view(primitive: Primitive, example: Example) -> None:
    """A state may be overwritten while its flip is still read."""
    arrays, params = arguments(example)
    found = several(apply(primitive, np, arrays, params))
    shared = [np.shares_memory(y, x) for y in found for x in arrays]
    assert primitive.view is not None or not any(shared)


@pytest.mark.parametrize(("primitive", "example"), VIEWS, ids=[p.name for p, _ in VIEWS])
def test_a_view_lies_where_numpys_does(primitive: Primitive, example: Example) -> None:
    (x,), params = arguments(example)
    y = apply(primitive, np, [x], params)
    assert primitive.view is not None
    found = primitive.view(0, x.shape, dense(x.shape), **params)
    assert found is not None
    offset, strides = found
    assert y.ctypes.data - x.ctypes.data == 8 * offset
    longer = [i for i, size in enumerate(y.shape) if size > 1]
    assert [y.strides[i] for i in longer] == [8 * strides[i] for i in longer]


@differentiable
def test_derivative(primitive: Primitive, example: Example) -> None:
    check_derivative(primitive, example)


@differentiable
def test_planted_derivative_is_caught_by_name(primitive: Primitive, example: Example) -> None:
    def wrong(*args: Any, **params: Any) -> Sequence[Var | None]:
        assert primitive.vjp is not None
        return [None if c is None else c * 1.001 for c in primitive.vjp(*args, **params)]

    planted = replace(primitive, vjp=wrong)
    if check_derivative(primitive, example) == 0:
        assert primitive in (ops.sign, ops.floor), "a primitive without any cotangent"
        return
    with pytest.raises(AssertionError, match=f"derivative of `{primitive.name}`"):
        check_derivative(planted, example)


@pytest.mark.parametrize("primitive", [p for p in BINARY if p.vjp is not None], ids=lambda p: p.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("left", [True, False])
def test_literals_take_the_type_beside_them_and_have_no_cotangent(primitive: Primitive, dtype: str, left: bool) -> None:
    x = np.array([0.75, 1.25, 1.75], dtype)

    def build(v: Var) -> Var:
        return primitive(1.5, v) if left else primitive(v, 1.5)

    y, (dx,) = derivatives(build, x)
    assert y.dtype == dx.dtype == dtype
    if dtype == "float64":
        slopes = both_sides(lambda t: float(derivatives(build, x + t)[0].sum()))
        np.testing.assert_allclose(slopes, dx.sum(), rtol=1e-6)


@pytest.mark.parametrize("primitive", BINARY, ids=lambda p: p.name)
def test_nothing_is_promoted_silently(primitive: Primitive) -> None:
    pairs = [("float32", "float64"), ("int64", "float64"), ("int32", "int64"), ("bool", "int64")]
    for a, b in pairs:
        with recording(), pytest.raises(ShapeError):
            primitive(Var(Aval((2,), a)), Var(Aval((2,), b)))
    with recording(), pytest.raises(ShapeError):
        primitive(1.0, 2.0)
    dtype = primitive.examples[0].dtypes[0] if primitive.examples[0].dtypes else "float64"
    with recording(), pytest.raises(ShapeError, match="broadcast"):
        primitive(Var(Aval((2,), dtype)), Var(Aval((3,), dtype)))


@pytest.mark.parametrize(
    ("op", "shapes", "params"),
    [
        (ops.matmul, ((2, 3), (2, 3)), {}),
        (ops.matmul, ((3,), (3, 2)), {}),
        (ops.matmul, ((2, 2, 3), (3, 3, 2)), {}),
        (ops.sum_, ((2, 3),), {"axis": (2,)}),
        (ops.sum_, ((2, 3),), {"axis": (0, -2)}),
        (ops.softmax, ((2, 3),), {"axis": 2}),
        (ops.reshape, ((2, 3),), {"shape": (4, 2)}),
        (ops.broadcast_to, ((2, 3),), {"shape": (3,)}),
        (ops.broadcast_to, ((2, 3),), {"shape": (2, 4)}),
        (ops.transpose, ((2, 3),), {"axes": (0, 0)}),
        (ops.slice_, ((2, 3),), {"start": (0, 1), "stop": (2, 4)}),
        (ops.slice_, ((2, 3),), {"start": (0,), "stop": (2,)}),
        (ops.pad, ((2, 3),), {"before": (0, -1), "after": (0, 0)}),
        (ops.gather, ((2, 3), (2,)), {}),
        (ops.one_hot, ((2,),), {"classes": 3, "dtype": "float32"}),
    ],
)
def test_what_does_not_fit_is_refused(op: Op, shapes: tuple[tuple[int, ...], ...], params: dict[str, Any]) -> None:
    with recording(), pytest.raises(ShapeError):
        op(*(Var(Aval(s, "float64")) for s in shapes), **params)


def test_concat_refuses_other_shapes_and_types() -> None:
    a = Var(Aval((2, 3), "float64"))
    for shape, dtype in [((2,), "float64"), ((3, 3), "float64"), ((2, 3), "float32")]:
        with recording(), pytest.raises(ShapeError, match="cannot join"):
            ops.concat([a, Var(Aval(shape, dtype))], axis=1)


def test_a_primitive_is_applied_while_recording_only() -> None:
    with pytest.raises(GpubpError, match="outside"):
        ops.exp(Var(Aval((), "float64")))


def test_operators_are_the_primitives_of_their_name() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
    cases: list[tuple[Callable[[Any, Any], Operand], Array]] = [
        (lambda x, y: x + y, a + b),
        (lambda x, y: 2 - x, 2 - a),
        (lambda x, y: 2 / x, 2 / a),
        (lambda x, y: x / 2, a / 2),
        (lambda x, y: -x * y, -a * b),
        (lambda x, y: x < y, a < b),
        (lambda x, y: x <= y, a <= b),
        (lambda x, y: x > y, a > b),
        (lambda x, y: x >= y, a >= b),
    ]
    for build, wanted in cases:
        xs = inputs_for([a, b])
        with recording() as eqns:
            y = build(*xs)
        assert isinstance(y, Var)
        np.testing.assert_array_equal(evaluate(Program(tuple(xs), tuple(eqns), (y,)), [a, b], np)[0], wanted)
