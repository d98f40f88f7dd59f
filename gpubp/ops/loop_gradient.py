"""The derivative of a loop: a loop in the opposite direction, whose body is the pullback of the body.

Cotangents of carries are carried, those of slices are collected, those of constants are summed. The residuals, what the
backward body reads of the forward body, are collected by the forward loop as additional results (Griewank & Walther
2008, section 3.2: the tape, as one array for each value instead of one entry for each iteration).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Any

from dsl.records import dataclass

from ..ir import FLOATS, Aval, Eqn, Program, Var, pullback, recording
from .linear import matmul
from .pieces import concat, full, slice_
from .shaping import reshape, transpose, transpose_primitive


@dataclass(frozen=True, slots=True)
class _Walk:
    """The backward pass of a body. `seeds`: the cotangent of each result, by its number; `tail`: the equations that
    propagate them; `found`: the cotangents of values; `eqns`: the body's own equations, with inner loops extended by
    the residuals that `tail` reads."""

    eqns: tuple[Eqn, ...]
    seeds: Mapping[int, Var]
    tail: tuple[Eqn, ...]
    found: Mapping[Var, Var]


def _walk(body: Program, given: Iterable[int]) -> _Walk:
    with recording() as tail:
        seeds = {i: Var(body.outputs[i].aval, _named(body.outputs[i])) for i in given}
        cotangents: dict[Var, Var] = {}
        for i, seed in seeds.items():
            v = body.outputs[i]
            cotangents[v] = cotangents[v] + seed if v in cotangents else seed
        eqns, found = pullback(body.eqns, cotangents, [v for v in body.inputs if v.dtype in FLOATS])
    return _Walk(eqns, seeds, tuple(tail), found)


def _named(v: Var) -> str:
    return f"d_{v.hint}" if v.hint else ""


def _needed(eqns: Sequence[Eqn], results: Iterable[Var]) -> tuple[list[Eqn], list[Var]]:
    """The equations that the results depend on, and their free variables."""
    kept: list[Eqn] = []
    wanted = dict.fromkeys(results)
    for eqn in reversed(eqns):
        if any(v in wanted for v in eqn.outputs):
            kept.append(eqn)
            wanted.update(dict.fromkeys(eqn.operands))
    made = {v for eqn in kept for v in eqn.outputs}
    return kept[::-1], [v for v in wanted if v not in made]


def _again(eqns: Sequence[Eqn], there: Iterable[Var], wanted: Iterable[Var]) -> tuple[list[Eqn], list[Var]]:
    """What the backward body recomputes because it is free: views and constants. The equations, and the values that
    they and the rest of `wanted` are computed from; values that are `there` are used as they are."""
    free = [e for e in eqns if e.op.trait == "view" or not e.operands]
    known = set(there)
    return _needed([e for e in free if known.isdisjoint(e.outputs)], wanted)


def keep(eqn: Eqn) -> Eqn:
    """The loop with an additional result for each residual: each value that its derivative reads and that is not a
    slice, a constant, or already collected. The same equation if there are none."""
    while True:
        body, n, m = eqn.params["body"], eqn.params["carries"], eqn.params["scanned"]
        walk = _walk(body, [i for i, v in enumerate(body.outputs) if v.dtype in FLOATS])
        read = _reads(walk.tail, [walk.found[v] for v in body.inputs if v in walk.found])
        _, roots = _again(walk.eqns, body.outputs[n:], [v for v in read if v not in walk.seeds.values()])
        # For carries the new values are collected: the old ones are the same, shifted by one iteration.
        after = dict(zip(body.inputs[:n], body.outputs, strict=False))
        there = {*body.inputs[n : n + m], *body.outputs[n:]}
        wanted = (after.get(v, v) for v in roots if v not in there and v not in body.inputs[n + m :])
        more = [v for v in dict.fromkeys(wanted) if v not in there]
        if not more and all(a is b for a, b in zip(walk.eqns, body.eqns, strict=True)):
            return eqn
        grown = Program(body.inputs, walk.eqns, (*body.outputs, *more))
        stacked = (Var(Aval((eqn.params["length"], *v.shape), v.dtype), v.hint) for v in more)
        params = MappingProxyType({**eqn.params, "body": grown})
        eqn = replace(eqn, params=params, outputs=(*eqn.outputs, *stacked))


def _reads(eqns: Sequence[Eqn], results: Iterable[Var]) -> list[Var]:
    return _needed(eqns, results)[1]


@dataclass(frozen=True, slots=True)
class Backward:
    """The backward loop: its operands, and how the cotangents of the loop's inputs follow from its results."""

    inputs: tuple[Var, ...]
    params: Mapping[str, Any]
    cotangents: Callable[[Sequence[Var]], list[Var | None]]


def reversed_loop(
    gs: Sequence[Var | None],
    ys: Sequence[Var],
    xs: Sequence[Var],
    *,
    body: Program,
    length: int,
    carries: int,
    scanned: int,
    reverse: bool,
) -> Backward | None:
    """The loop that propagates the cotangents `gs` of the results `ys` to the inputs `xs` of a loop that `keep` has
    prepared; None if no input gets one. Records the equations before it."""
    inits, sequences, constants = (
        body.inputs[:carries],
        body.inputs[carries:][:scanned],
        body.inputs[carries + scanned :],
    )
    walk = _active(body, carries, gs)
    found = walk.found
    if found.keys().isdisjoint(body.inputs):
        return None
    stacks = dict(zip(body.outputs[carries:], ys[carries:], strict=True))
    stacks.update(zip(sequences, xs[carries:], strict=False))
    stacks.update((seed, g) for i, seed in walk.seeds.items() if i >= carries and (g := gs[i]) is not None)
    after = {v: stacks[w] for v, w in zip(inits, body.outputs, strict=False) if w in stacks and v not in stacks}
    wanted = dict.fromkeys(found[v] for v in sequences if v in found)
    there = {*stacks, *after, *wanted}
    products = {v: p for v in constants if v in found and (p := _product(walk.tail, found[v], there))}
    factors = list(dict.fromkeys(chain.from_iterable(products.values())))
    collected = [v for v in dict.fromkeys((*wanted, *factors)) if v not in stacks and v not in after]
    carried = [i for i in walk.seeds if i < carries]
    sums = {v: Var(v.aval, _named(v)) for v in constants if v in found and v not in products}
    with recording() as ends:
        new = [found[inits[i]] if inits[i] in found else full(inits[i].shape, 0.0, inits[i].dtype) for i in carried]
        new += [total + found[v] for v, total in sums.items()]
    eqns, read = _needed((*walk.tail, *ends), (*new, *collected))
    held = [*(walk.seeds[i] for i in carried), *sums.values()]
    again, roots = _again(body.eqns, stacks, [v for v in read if v not in held])
    slices = [v for v in roots if v not in constants]
    fixed = [v for v in roots if v in constants]
    for init, v in zip(xs, inits, strict=False):
        if v in after and (v in slices or v in factors):
            stacks[v] = _before(init, after[v], reverse)
    starts = [g if (g := gs[i]) is not None else full(inits[i].shape, 0.0, inits[i].dtype) for i in carried]
    starts += [full(v.shape, 0.0, v.dtype) for v in sums]
    outer = dict(zip(constants, xs[carries + scanned :], strict=True))
    backward = Program((*held, *slices, *fixed), (*again, *eqns), (*new, *collected))

    def cotangents(results: Sequence[Var]) -> list[Var | None]:
        stacked = {**stacks, **dict(zip(collected, results[len(held) :], strict=True))}
        by_init = dict(zip(carried, results, strict=False))
        by_constant = dict(zip(sums, results[len(carried) :], strict=False))
        by_constant.update((v, _summed(stacked[a], stacked[b])) for v, (a, b) in products.items())
        return [
            *(by_init[i] if v in found else None for i, v in enumerate(inits)),
            *(stacked[found[v]] if v in found else None for v in sequences),
            *(by_constant.get(v) for v in constants),
        ]

    params = {"body": backward, "length": length, "carries": len(held), "scanned": len(slices), "reverse": not reverse}
    inputs = (*starts, *(stacks[v] for v in slices), *(outer[v] for v in fixed))
    return Backward(inputs, params, cotangents)


def _active(body: Program, carries: int, gs: Sequence[Var | None]) -> _Walk:
    """The backward pass from the results with a cotangent, and from carries that get one in a later iteration."""
    given = {i for i, g in enumerate(gs) if g is not None}
    while True:
        walk = _walk(body, sorted(given))
        more = {i for i in range(carries) if body.inputs[i] in walk.found} - given
        if not more:
            return walk
        given |= more


def _before(init: Var, after: Var, reverse: bool) -> Var:
    """A carry at the beginning of each iteration, from its values after each."""
    length = after.shape[0]
    first = reshape(init, shape=(1, *init.shape))
    if length == 1:
        return first
    rest = slice_(
        after,
        start=(int(reverse), *(0,) * init.ndim),
        stop=(length - 1 + int(reverse), *init.shape),
    )
    return concat([rest, first] if reverse else [first, rest], axis=0)


# Sums of matrix products ---------------------------------------------------------------------------------------------
def _product(eqns: Sequence[Eqn], cotangent: Var, there: Collection[Var]) -> tuple[Var, Var] | None:
    """(a, b) if the cotangent of a constant is transpose(a) b, and its sum over all iterations is better computed as
    one product of the stacked a and b: the stacks are `there` anyway, or are no larger than the summands."""
    made = {v: e for e in eqns for v in e.outputs}
    maker = made.get(cotangent)
    if maker is None or maker.op is not matmul or cotangent.ndim != 2:
        return None
    turned, b = maker.operands
    view = made.get(turned)
    if view is None or view.op is not transpose_primitive or b.ndim != 2:
        return None
    (a,) = view.operands
    more = [v for v in (a, b) if v not in there]
    if any(v not in made for v in more) or sum(v.aval.size for v in more) > cotangent.aval.size:
        return None
    return a, b


def _summed(a: Var, b: Var) -> Var:
    """The sum of transpose(a[t]) b[t] over t."""
    rows = a.shape[0] * a.shape[1]
    return transpose(reshape(a, shape=(rows, a.shape[2]))) @ reshape(b, shape=(rows, b.shape[2]))
