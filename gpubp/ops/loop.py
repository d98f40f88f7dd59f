"""The loop: a body that runs a fixed number of times over slices of sequences, with carries (a scan)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..errors import ShapeError
from ..ir import PRIMITIVES, Aval, Eqn, Example, Nodes, Primitive, Program, Var, bind, define, recording
from . import helpers
from .loop_gradient import reversed_loop, save_residuals
from .onnx_moves import loop as onnx_loop
from .shaping import broadcast_to, transpose

Iteration = Callable[[Sequence[Var], Sequence[Var]], tuple[Sequence[Var], Sequence[Var]]]
"""One iteration: from carries and slices to new carries and collected values."""


def _infer(*avals: Aval, body: Program, length: int, carries: int, scanned: int, reverse: bool) -> tuple[Aval, ...]:
    if length < 1:
        raise ShapeError(f"a loop runs once or more, not {length} times")
    if body.updates or body.guard is not None:
        raise ShapeError("the body of a loop updates no states")
    if carries + scanned > len(avals) or len(avals) != len(body.inputs):
        raise ShapeError(f"a loop gets {len(avals)} values, its body takes {len(body.inputs)}")
    if carries > len(body.outputs) or not body.outputs:
        raise ShapeError(f"the body of a loop with {carries} carries gives {len(body.outputs)} values")
    for i, (a, v) in enumerate(zip(avals, body.inputs, strict=True)):
        sliced = carries <= i < carries + scanned
        if sliced and a.shape[:1] != (length,):
            raise ShapeError(f"a loop of {length} rounds needs sequences of that length, not {list(a.shape)}")
        if (Aval(a.shape[1:], a.dtype) if sliced else a) != v.aval:
            raise ShapeError(f"the body of a loop takes {v.aval}, not {Aval(a.shape[sliced:], a.dtype)}")
    for a, v in zip(avals, body.outputs[:carries], strict=False):
        if a != v.aval:
            raise ShapeError(f"a loop carries {a}, its body makes {v.aval} of it")
    stacked = (Aval((length, *v.shape), v.dtype) for v in body.outputs[carries:])
    return (*avals[:carries], *stacked)


def _text(*, body: Program, length: int, carries: int, scanned: int, reverse: bool) -> str:
    call = "loop(xp, {body}, {length}, {carries}, {scanned}, {reverse}, {*})"
    return f"{call}[0]" if len(body.outputs) == 1 else call


def _prune(eqn: Eqn, needed: set[Var | None], dce: Callable[[Program], Program]) -> Eqn:
    """Remove unused results, carries that lead to no used result, and inputs that nothing reads."""
    body, n, m = eqn.params["body"], eqn.params["carries"], eqn.params["scanned"]
    live = {i for i in range(n) if eqn.outputs[i] in needed}
    collected = [i for i in range(n, len(body.outputs)) if eqn.outputs[i] in needed]
    while True:
        results = [*sorted(live), *collected]
        pruned = dce(replace(body, outputs=tuple(body.outputs[i] for i in results)))
        read = {*pruned.outputs, *(x for e in pruned.eqns for x in e.operands)}
        more = {i for i in range(n) if body.inputs[i] in read} - live
        if not more:
            break
        live |= more
    inputs = [i for i, v in enumerate(body.inputs) if (i in live if i < n else v in read)]
    unchanged = len(results) == len(body.outputs) and len(inputs) == len(body.inputs)
    if (
        unchanged
        and all(a is b for a, b in zip(pruned.eqns, body.eqns, strict=False))
        and len(pruned.eqns) == len(body.eqns)
    ):
        return eqn
    params = {
        **eqn.params,
        "body": replace(pruned, inputs=tuple(body.inputs[i] for i in inputs)),
        "carries": len(live),
        "scanned": sum(n <= i < n + m for i in inputs),
    }
    return replace(
        eqn,
        inputs=tuple(eqn.inputs[i] for i in inputs),
        params=MappingProxyType(params),
        outputs=tuple(eqn.outputs[i] for i in results),
    )


def _vjp(
    g: Var | tuple[Var | None, ...], y: Var | tuple[Var, ...], *xs: Var, reverse: bool, **params: Any
) -> Sequence[Var | None]:
    """The derivative of a loop: see gpubp.ops.loop_gradient."""
    gs = g if isinstance(g, tuple) else (g,)
    ys = y if isinstance(y, tuple) else (y,)
    backward = reversed_loop(gs, ys, xs, reverse=reverse, **params)
    if backward is None:
        return [None] * len(xs)
    # Cotangents that pass through unchanged need no loop.
    return backward.cotangents(
        bind(loop_primitive, *backward.inputs, **backward.params) if backward.params["body"].outputs else ()
    )


def _stack(
    flags: Sequence[bool],
    count: int,
    *inputs: Var,
    body: Callable[[Sequence[bool]], Program],
    carries: int,
    scanned: int,
    **params: Any,
) -> tuple[Var, ...]:
    """One loop over the stacked body: in sequences and collected values, iterations stay the first axis, copies become
    the second."""
    carried = [x if flag else broadcast_to(x, shape=(count, *x.shape)) for x, flag in zip(inputs[:carries], flags)]
    rebound = [_swapped(x) if flag else x for x, flag in zip(inputs[carries:][:scanned], flags[carries:])]
    copies = body([*(True for _ in carried), *flags[carries:]])
    operands = (*carried, *rebound, *inputs[carries + scanned :])
    results = bind(loop_primitive, *operands, body=copies, carries=carries, scanned=scanned, **params)
    return (*results[:carries], *map(_swapped, results[carries:]))


def _swapped(x: Var) -> Var:
    """The first two axes swapped."""
    return transpose(x, (1, 0, *range(2, x.ndim)))


def _example_body() -> Program:
    """h' = tanh(x + h w), c' = c h' + x; collected: h'. Carries, slices and collected values depend on each other."""
    h, c, x = (Var(Aval((2, 3), "float64"), name) for name in "hcx")
    w = Var(Aval((3, 3), "float64"), "w")
    with recording() as eqns:
        new = PRIMITIVES["tanh"](x + h @ w)
        cell = c * new + x
    return Program((h, c, x, w), tuple(eqns), (new, cell, new))


def _example(length: int, reverse: bool) -> Example:
    params = {"body": _example_body(), "length": length, "carries": 2, "scanned": 1, "reverse": reverse}
    return Example(((2, 3), (2, 3), (length, 2, 3), (3, 3)), params, ((-1.0, 1.0),))


loop_primitive: Primitive = define(
    Primitive(
        "loop",
        _infer,
        _vjp,
        _text,
        "opaque",
        (_example(3, False), _example(4, True), _example(1, False)),
        (helpers.loop,),
        save_residuals=save_residuals,
        prune=_prune,
        stack=_stack,
        onnx=Nodes(onnx_loop),
    )
)


def loop(
    step: Iteration,
    carries: Sequence[Var],
    scanned: Sequence[Var] = (),
    *,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[list[Var], list[Var]]:
    """Run `step` once for each index of the first axis of the `scanned` values (`length` times if there are none), from
    last to first with `reverse`.

    `step(carries, slices)` records one iteration and returns the new carries, with the shapes of the old, and the
    values to collect; values from the enclosing program are constant over all iterations. Returns the last carries and
    the collected values, with a leading axis indexed like the slices. Raises ShapeError if shapes do not match.
    """
    iterations = length if length is not None else scanned[0].shape[0] if scanned else 0
    carried = [Var(v.aval, v.hint) for v in carries]
    slices = [Var(Aval(v.shape[1:], v.dtype), v.hint) for v in scanned]
    with recording() as eqns:
        new, collected = step(carried, slices)
    closed, constants = _close_over(eqns, (*carried, *slices), (*new, *collected))
    if len(new) != len(carried):
        raise ShapeError(f"a loop carries {len(carried)} values, its body gives {len(new)}")
    params = {"length": iterations, "carries": len(carried), "scanned": len(slices), "reverse": reverse}
    results = bind(loop_primitive, *carries, *scanned, *constants, body=closed, **params)
    return list(results[: len(carried)]), list(results[len(carried) :])


def _close_over(eqns: Sequence[Eqn], inputs: Sequence[Var], outputs: Sequence[Var]) -> tuple[Program, list[Var]]:
    """A program of recorded equations, and its free variables: the values from the enclosing program that it reads,
    appended to its inputs."""
    local = {*inputs, *(v for e in eqns for v in e.outputs)}
    captured = dict.fromkeys(x for x in (*(x for e in eqns for x in e.operands), *outputs) if x not in local)
    inner: Mapping[Var, Var] = {v: Var(v.aval, v.hint) for v in captured}
    rebound = tuple(
        replace(e, inputs=tuple(inner.get(x, x) if isinstance(x, Var) else x for x in e.inputs)) for e in eqns
    )
    return Program((*inputs, *inner.values()), rebound, tuple(inner.get(v, v) for v in outputs)), list(captured)
