"""Arguments for primitives out of their examples, and derivatives beside differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gpubp import ops
from gpubp.insight.rules import check_rule, inputs_for
from gpubp.ir import (
    FLOATS,
    PRIMITIVES,
    Aval,
    Eqn,
    Example,
    Primitive,
    Program,
    Var,
    evaluate,
    recording,
    results,
    verify,
)
from gpubp.passes import dce, rewrite
from gpubp.transforms import grad

Array = np.ndarray[Any, Any]
EXAMPLES = [(p, e) for p in PRIMITIVES.values() for e in p.examples]
IDS = [f"{p.name}-{p.examples.index(e)}" for p, e in EXAMPLES]


def arguments(example: Example, floats: str = "", seed: int = 0) -> tuple[list[Array], dict[str, Any]]:
    """Arrays and params of an example; `floats` changes its float types."""
    rng = np.random.default_rng(seed)
    swap = {"float64": floats or "float64", "float32": "float32" if not floats else _other(floats)}
    params = {k: swapped(v, swap) for k, v in example.params.items()}
    arrays = []
    for i, shape in enumerate(example.shapes):
        low, high = example.ranges[i if len(example.ranges) > 1 else 0]
        dtype = example.dtypes[i] if example.dtypes else "float64"
        arrays.append(draw(rng, shape, swap.get(dtype, dtype), low, high))
    return arrays, params


def swapped(value: Any, swap: Mapping[str, str]) -> Any:
    """A param in other float types; so are the values of a body."""
    if isinstance(value, Program):
        var = {v: Var(Aval(v.shape, swap.get(v.dtype, v.dtype)), v.hint) for v in values_of(value)}
        eqns = [
            replace(
                e,
                inputs=tuple(var[x] if isinstance(x, Var) else x for x in e.inputs),
                params={k: swapped(p, swap) for k, p in e.params.items()},
                outputs=tuple(var[v] for v in e.outputs),
            )
            for e in value.eqns
        ]
        return Program(tuple(var[v] for v in value.inputs), tuple(eqns), tuple(var[v] for v in value.outputs))
    return swap.get(value, value) if isinstance(value, str) else value


def values_of(program: Program) -> list[Var]:
    return [*program.inputs, *(v for e in program.eqns for v in e.outputs)]


def _other(dtype: str) -> str:
    return "float32" if dtype == "float64" else "float64"


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, low: float = -2.0, high: float = 2.0) -> Array:
    """Random values of a type; whole numbers leave out `high`."""
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype in FLOATS:
        return np.asarray(rng.uniform(low, high, shape)).astype(dtype)
    return np.asarray(rng.integers(int(low), int(high), shape)).astype(dtype)


def check_derivative(primitive: Primitive, example: Example, seed: int = 0) -> int:
    """Check the derivative as `gradcheck` does (gpubp.insight.rules), on an example, and that cotangents fit their
    inputs.

    Returns how many cotangents there are. AssertionError with the primitive's name where a side of the point disagrees.
    """
    arrays, params = arguments(example, seed=seed)
    with np.errstate(all="raise"):
        _check_form(primitive, arrays, params)
        count, wrong = check_rule(primitive, arrays, params, seed)
    assert not wrong, f"derivative of `{primitive.name}`: {wrong}"
    return count


def _check_form(primitive: Primitive, arrays: Sequence[Array], params: Mapping[str, Any]) -> None:
    """Numbers that are no floats have no cotangent, others one of their own shape and type; what is kept is kept
    once."""
    assert primitive.vjp is not None
    xs = inputs_for(arrays)
    eqn = Eqn(primitive, tuple(xs), params, tuple(map(Var, results(primitive, xs, params))))
    if primitive.save_residuals is not None:
        eqn = primitive.save_residuals(eqn)
        assert primitive.save_residuals(eqn) is eqn, f"`{primitive.name}` keeps more of what it has kept already"
    gs = tuple(Var(y.aval, "g") if y.dtype in FLOATS else None for y in eqn.outputs)
    more = len(eqn.outputs) > 1
    with recording():
        found = primitive.vjp(gs if more else gs[0], eqn.outputs if more else eqn.output, *xs, **eqn.params)
    assert len(found) == len(xs)
    for i, (x, r) in enumerate(zip(xs, found, strict=True)):
        assert r is None or r.aval == x.aval, f"a cotangent of `{primitive.name}` does not fit input {i}"
        assert r is None or x.dtype in FLOATS, f"`{primitive.name}` gives a cotangent to input {i}, {x.dtype}"


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
