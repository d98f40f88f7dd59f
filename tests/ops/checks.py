"""Arguments for primitives out of their examples, and derivatives beside differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gpubp import ops
from gpubp.ir import (
    FLOATS,
    PRIMITIVES,
    Aval,
    Eqn,
    Example,
    Primitive,
    Program,
    Var,
    apply,
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


def several(results: Any) -> tuple[Array, ...]:
    """What a primitive gives, as a tuple of arrays."""
    return tuple(map(np.asarray, results if isinstance(results, tuple) else (results,)))


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
    """Compare each cotangent, for a random upstream one, with differences along a random direction; where there are
    several results, for one of all of them and for one of each alone.

    Returns how many cotangents there are. AssertionError with the primitive's name where a side of the point disagrees.
    """
    rng = np.random.default_rng(seed + 100)
    arrays, params = arguments(example, seed=seed)
    count = 0
    with np.errstate(all="raise"):
        ys = several(apply(primitive, np, arrays, params))
        floats = [i for i, y in enumerate(ys) if str(y.dtype) in FLOATS]
        for chosen in [floats] if len(floats) < 2 else [floats, *([i] for i in floats)]:
            upstream = [rng.normal(size=y.shape) if i in chosen else None for i, y in enumerate(ys)]
            cotangents = cotangents_of(primitive, arrays, params, upstream)
            count += sum(c is not None for c in cotangents)
            for i, cotangent in enumerate(cotangents):
                _compare(primitive, arrays, params, upstream, i, cotangent, rng)
    return count


def _compare(
    primitive: Primitive,
    arrays: Sequence[Array],
    params: dict[str, Any],
    upstream: Sequence[Array | None],
    i: int,
    cotangent: Array | None,
    rng: np.random.Generator,
) -> None:
    array = arrays[i]
    if str(array.dtype) not in FLOATS:
        assert cotangent is None, f"`{primitive.name}` gives a cotangent to input {i}, {array.dtype}"
        return
    direction = rng.uniform(0.5, 1.0, array.shape) * rng.choice([-1.0, 1.0], array.shape)

    def along(t: float) -> float:
        moved = [*arrays[:i], (array + t * direction).astype(array.dtype), *arrays[i + 1 :]]
        found = several(apply(primitive, np, moved, params))
        return sum(float(np.sum(u * y)) for u, y in zip(upstream, found, strict=True) if u is not None)

    single = array.dtype == np.float32
    found = 0.0 if cotangent is None else float(np.sum(cotangent * direction))
    for side, difference in zip(("right", "left"), both_sides(along, 1e-2 if single else 2e-5), strict=True):
        close = abs(found - difference) <= (1e-4 if single else 1e-6) * max(1.0, abs(found))
        assert close, f"derivative of `{primitive.name}`, input {i}: {found}, from the {side} {difference}"


def cotangents_of(
    primitive: Primitive, arrays: Sequence[Array], params: Mapping[str, Any], upstream: Sequence[Array | None]
) -> list[Array | None]:
    """The rules `keep` and `vjp` alone, evaluated; cotangents have their inputs' shapes and types."""
    assert primitive.vjp is not None
    xs = inputs_for(arrays)
    eqn = Eqn(primitive, tuple(xs), params, tuple(map(Var, results(primitive, xs, params))))
    if primitive.keep is not None:
        eqn = primitive.keep(eqn)
        assert primitive.keep(eqn) is eqn, f"`{primitive.name}` keeps more of what it has kept already"
    gs = [None if u is None else Var(y.aval, "g") for u, y in zip(upstream, eqn.outputs, strict=False)]
    gs += [None] * (len(eqn.outputs) - len(gs))
    more = len(eqn.outputs) > 1
    with recording() as tail:
        found = primitive.vjp(tuple(gs) if more else gs[0], eqn.outputs if more else eqn.output, *xs, **eqn.params)
    assert len(found) == len(xs)
    wanted = [(x, r) for x, r in zip(xs, found, strict=True) if r is not None]
    assert all(r.aval == x.aval for x, r in wanted), f"a cotangent of `{primitive.name}` does not fit its input"
    given = {g: u.astype(g.dtype) for g, u in zip(gs, upstream, strict=False) if g is not None and u is not None}
    program = verify(Program((*given, *xs), (eqn, *tail), tuple(r for _, r in wanted)))
    values = iter(evaluate(program, [*given.values(), *arrays], np))
    return [None if r is None else next(values) for r in found]


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
