"""Arguments for primitives out of their examples, and derivatives beside differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpubp import ops
from gpubp.ir import FLOATS, PRIMITIVES, Aval, Example, Primitive, Program, Var, apply, evaluate, recording, verify
from gpubp.passes import dce, rewrite
from gpubp.transforms import grad

Array = np.ndarray[Any, Any]
EXAMPLES = [(p, e) for p in PRIMITIVES.values() for e in p.examples]
IDS = [f"{p.name}-{p.examples.index(e)}" for p, e in EXAMPLES]


def arguments(example: Example, floats: str = "", seed: int = 0) -> tuple[list[Array], dict[str, Any]]:
    """Arrays and params of an example; `floats` changes its float types."""
    rng = np.random.default_rng(seed)
    swap = {"float64": floats or "float64", "float32": "float32" if not floats else _other(floats)}
    params = {k: swap.get(v, v) if isinstance(v, str) else v for k, v in example.params.items()}
    arrays = []
    for i, shape in enumerate(example.shapes):
        low, high = example.ranges[i if len(example.ranges) > 1 else 0]
        dtype = example.dtypes[i] if example.dtypes else "float64"
        arrays.append(draw(rng, shape, swap.get(dtype, dtype), low, high))
    return arrays, params


def _other(dtype: str) -> str:
    return "float32" if dtype == "float64" else "float64"


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, low: float = -2.0, high: float = 2.0) -> Array:
    """Random values of a type; whole numbers leave out `high`."""
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype in FLOATS:
        return np.asarray(rng.uniform(low, high, shape)).astype(dtype)
    return np.asarray(rng.integers(int(low), int(high), shape)).astype(dtype)


def inputs_for(arrays: Sequence[Array]) -> list[Var]:
    return [Var(Aval(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]


def both_sides(f: Callable[[float], float], h: float = 2e-5) -> tuple[float, float]:
    """The derivative at 0 from points on its right only, and on its left only, each with an error of order h^2."""
    right, left = ((-3 * f(0.0) + 4 * f(s) - f(2 * s)) / (2 * s) for s in (h, -h))
    return right, left


def check_derivative(primitive: Primitive, example: Example, seed: int = 0) -> int:
    """Compare each cotangent, for a random upstream one, with differences along a random direction.

    Returns how many cotangents there are. AssertionError with the primitive's name where a side of the point disagrees.
    """
    rng = np.random.default_rng(seed + 100)
    arrays, params = arguments(example, seed=seed)
    with np.errstate(all="raise"):
        y = apply(primitive, np, arrays, params)
        upstream = rng.normal(size=y.shape)
        cotangents = cotangents_of(primitive, arrays, params, y, upstream)
        for i, (array, cotangent) in enumerate(zip(arrays, cotangents, strict=True)):
            if str(array.dtype) not in FLOATS:
                assert cotangent is None, f"`{primitive.name}` gives a cotangent to input {i}, {array.dtype}"
                continue
            direction = rng.uniform(0.5, 1.0, array.shape) * rng.choice([-1.0, 1.0], array.shape)

            def along(t: float, i: int = i, array: Array = array, direction: Array = direction) -> float:
                moved = [*arrays[:i], (array + t * direction).astype(array.dtype), *arrays[i + 1 :]]
                return float(np.sum(upstream * apply(primitive, np, moved, params)))

            single = array.dtype == np.float32
            expected = both_sides(along, 1e-2 if single else 2e-5)
            found = 0.0 if cotangent is None else float(np.sum(cotangent * direction))
            for side, difference in zip(("right", "left"), expected, strict=True):
                close = abs(found - difference) <= (1e-4 if single else 1e-6) * max(1.0, abs(found))
                assert close, f"derivative of `{primitive.name}`, input {i}: {found}, from the {side} {difference}"
    return sum(c is not None for c in cotangents)


def cotangents_of(
    primitive: Primitive, arrays: Sequence[Array], params: dict[str, Any], y: Array, upstream: Array
) -> list[Array | None]:
    """The rule `vjp` alone, evaluated; cotangents have their inputs' shapes and types."""
    assert primitive.vjp is not None
    xs = inputs_for(arrays)
    y = np.asarray(y)
    g, out = Var(Aval(y.shape, str(y.dtype)), "g"), Var(Aval(y.shape, str(y.dtype)), "y")
    with recording() as eqns:
        results = primitive.vjp(g, out, *xs, **params)
    assert len(results) == len(xs)
    wanted = [(x, r) for x, r in zip(xs, results, strict=True) if r is not None]
    assert all(r.aval == x.aval for x, r in wanted), f"a cotangent of `{primitive.name}` does not fit its input"
    program = verify(Program((g, out, *xs), tuple(eqns), tuple(r for _, r in wanted)))
    values = iter(evaluate(program, [upstream.astype(y.dtype), y, *arrays], np))
    return [None if r is None else next(values) for r in results]


def derivatives(build: Callable[..., Var], *arrays: Array, stabilise: bool = False) -> tuple[Array, list[Array]]:
    """A built value, and the derivative of its sum by each array."""
    xs = inputs_for([np.asarray(a) for a in arrays])
    with recording() as eqns:
        y = build(*xs)
        total = ops.sum_(y)
    program = Program(tuple(xs), tuple(eqns), (y, total))
    program = rewrite(program) if stabilise else program
    program, gradients = grad(program, program.outputs[1], xs)
    with recording() as tail:
        filled = [g if g is not None else ops.full(x.shape, 0.0, x.dtype) for g, x in zip(gradients, xs, strict=True)]
    program = verify(dce(Program(program.inputs, (*program.eqns, *tail), (program.outputs[0], *filled))))
    with np.errstate(all="ignore"):
        value, *found = evaluate(program, [np.asarray(a) for a in arrays], np)
    return value, found
