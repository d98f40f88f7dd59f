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
class _BackwardPass:
    """The backward pass of a body. `seeds`: the cotangent of each result, by its number; `tail`: the equations that
    propagate them; `cotangent_of`: the cotangents of values; `eqns`: the body's own equations, with inner loops
    extended by the residuals that `tail` reads."""

    eqns: tuple[Eqn, ...]
    seeds: Mapping[int, Var]
    tail: tuple[Eqn, ...]
    cotangent_of: Mapping[Var, Var]


def _backward_pass(body: Program, with_cotangent: Iterable[int]) -> _BackwardPass:
    with recording() as tail:
        seeds = {i: Var(body.outputs[i].aval, _named(body.outputs[i])) for i in with_cotangent}
        cotangents: dict[Var, Var] = {}
        for i, seed in seeds.items():
            v = body.outputs[i]
            cotangents[v] = cotangents[v] + seed if v in cotangents else seed
        eqns, cotangent_of = pullback(body.eqns, cotangents, [v for v in body.inputs if v.dtype in FLOATS])
    return _BackwardPass(eqns, seeds, tuple(tail), cotangent_of)


def _named(v: Var) -> str:
    return f"d_{v.hint}" if v.hint else ""


def _needed(eqns: Sequence[Eqn], results: Iterable[Var]) -> tuple[list[Eqn], list[Var]]:
    """The equations that the results depend on, and their free variables."""
    equations: list[Eqn] = []
    needed = dict.fromkeys(results)
    for eqn in reversed(eqns):
        if any(v in needed for v in eqn.outputs):
            equations.append(eqn)
            needed.update(dict.fromkeys(eqn.operands))
    computed = {v for eqn in equations for v in eqn.outputs}
    return equations[::-1], [v for v in needed if v not in computed]


def _recomputed(eqns: Sequence[Eqn], available: Iterable[Var], needed: Iterable[Var]) -> tuple[list[Eqn], list[Var]]:
    """What the backward body recomputes because it is free: views and constants. The equations, and the values that
    they and the rest of `needed` are computed from; values that are `available` are used as they are."""
    free = [e for e in eqns if e.op.trait == "view" or not e.operands]
    known = set(available)
    return _needed([e for e in free if known.isdisjoint(e.outputs)], needed)


def save_residuals(eqn: Eqn) -> Eqn:
    """The loop with an additional result for each residual: each value that its derivative reads and that is not a
    slice, a constant, or already collected. The same equation if there are none."""
    while True:
        body, n, m = eqn.params["body"], eqn.params["carries"], eqn.params["scanned"]
        walked = _backward_pass(body, [i for i, v in enumerate(body.outputs) if v.dtype in FLOATS])
        read = _reads(walked.tail, [walked.cotangent_of[v] for v in body.inputs if v in walked.cotangent_of])
        _, roots = _recomputed(walked.eqns, body.outputs[n:], [v for v in read if v not in walked.seeds.values()])
        # For carries the new values are collected: the old ones are the same, shifted by one iteration.
        collected_after = dict(zip(body.inputs[:n], body.outputs, strict=False))
        available = {*body.inputs[n : n + m], *body.outputs[n:]}
        needed = (collected_after.get(v, v) for v in roots if v not in available and v not in body.inputs[n + m :])
        residuals = [v for v in dict.fromkeys(needed) if v not in available]
        if not residuals and all(a is b for a, b in zip(walked.eqns, body.eqns, strict=True)):
            return eqn
        extended = Program(body.inputs, walked.eqns, (*body.outputs, *residuals))
        stacked = (Var(Aval((eqn.params["length"], *v.shape), v.dtype), v.hint) for v in residuals)
        params = MappingProxyType({**eqn.params, "body": extended})
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
    """The loop that propagates the cotangents `gs` of the results `ys` to the inputs `xs` of a loop that
    `save_residuals` has prepared; None if no input gets one. Records the equations before it."""
    walked = _active(body, carries, gs)
    if walked.cotangent_of.keys().isdisjoint(body.inputs):
        return None
    return _Reversal(walked, gs, ys, xs, body, carries, scanned, reverse).loop(length)


class _Reversal:
    """A loop with its results `ys` and inputs `xs`, to be reversed.

    `stacks`: by the value of one iteration those of all, as far as the forward loop collected them or was given them;
    `collected_after`: the same for carries, whose values were collected at the end of each iteration. Cotangents of
    constants are `sums`, carried, or `products` of stacks. `collected`: the values of all iterations that the backward
    loop returns; `carried`: the numbers of the carries whose cotangents it carries.
    """

    def __init__(
        self,
        walked: _BackwardPass,
        gs: Sequence[Var | None],
        ys: Sequence[Var],
        xs: Sequence[Var],
        body: Program,
        carries: int,
        scanned: int,
        reverse: bool,
    ) -> None:
        self.walked, self.gs, self.body, self.reverse = walked, gs, body, reverse
        self.cotangent_of = walked.cotangent_of
        self.inits, self.given_inits = body.inputs[:carries], xs[:carries]
        self.sequences = body.inputs[carries : carries + scanned]
        self.constants, self.given_constants = body.inputs[carries + scanned :], xs[carries + scanned :]
        self.stacks = dict(zip(body.outputs[carries:], ys[carries:], strict=True))
        self.stacks.update(zip(self.sequences, xs[carries:], strict=False))
        self.stacks.update((seed, g) for i, seed in walked.seeds.items() if i >= carries and (g := gs[i]) is not None)
        self.collected_after = {
            v: self.stacks[w]
            for v, w in zip(self.inits, body.outputs, strict=False)
            if w in self.stacks and v not in self.stacks
        }
        needed = dict.fromkeys(self.cotangent_of[v] for v in self.sequences if v in self.cotangent_of)
        available = {*self.stacks, *self.collected_after, *needed}
        summed = [v for v in self.constants if v in self.cotangent_of]
        self.products = {v: p for v in summed if (p := _product(walked.tail, self.cotangent_of[v], available))}
        self.sums = {v: Var(v.aval, _named(v)) for v in summed if v not in self.products}
        self.factors = list(dict.fromkeys(chain.from_iterable(self.products.values())))
        returned = dict.fromkeys((*needed, *self.factors))
        self.collected = [v for v in returned if v not in self.stacks and v not in self.collected_after]
        self.carried = [i for i in walked.seeds if i < carries]

    def loop(self, length: int) -> Backward:
        """The backward loop."""
        carried_vars = [*(self.walked.seeds[i] for i in self.carried), *self.sums.values()]
        with recording() as ends:
            new = [self._or_zeros(self.cotangent_of.get(self.inits[i]), self.inits[i]) for i in self.carried]
            new += [total + self.cotangent_of[v] for v, total in self.sums.items()]
        eqns, read = _needed((*self.walked.tail, *ends), (*new, *self.collected))
        recomputed, roots = _recomputed(self.body.eqns, self.stacks, [v for v in read if v not in carried_vars])
        slices = [v for v in roots if v not in self.constants]
        fixed = [v for v in roots if v in self.constants]
        for given, v in zip(self.given_inits, self.inits, strict=True):
            if v in self.collected_after and (v in slices or v in self.factors):
                self.stacks[v] = _carry_before(given, self.collected_after[v], self.reverse)
        starts = [self._or_zeros(self.gs[i], self.inits[i]) for i in self.carried]
        starts += [self._or_zeros(None, v) for v in self.sums]
        outer = dict(zip(self.constants, self.given_constants, strict=True))
        params = {
            "body": Program((*carried_vars, *slices, *fixed), (*recomputed, *eqns), (*new, *self.collected)),
            "length": length,
            "carries": len(carried_vars),
            "scanned": len(slices),
            "reverse": not self.reverse,
        }
        inputs = (*starts, *(self.stacks[v] for v in slices), *(outer[v] for v in fixed))
        return Backward(inputs, params, self._cotangents)

    def _or_zeros(self, cotangent: Var | None, of: Var) -> Var:
        return full(of.shape, 0.0, of.dtype) if cotangent is None else cotangent

    def _cotangents(self, results: Sequence[Var]) -> list[Var | None]:
        """The cotangents of the inputs of the forward loop, from the results of the backward one."""
        carried = len(self.carried) + len(self.sums)
        stacked = {**self.stacks, **dict(zip(self.collected, results[carried:], strict=True))}
        by_init = dict(zip(self.carried, results, strict=False))
        by_constant = dict(zip(self.sums, results[len(self.carried) :], strict=False))
        by_constant.update((v, _summed(stacked[a], stacked[b])) for v, (a, b) in self.products.items())
        return [
            *(by_init[i] if v in self.cotangent_of else None for i, v in enumerate(self.inits)),
            *(stacked[self.cotangent_of[v]] if v in self.cotangent_of else None for v in self.sequences),
            *(by_constant.get(v) for v in self.constants),
        ]


def _active(body: Program, carries: int, gs: Sequence[Var | None]) -> _BackwardPass:
    """The backward pass from the results with a cotangent, and from carries that get one in a later iteration."""
    with_cotangent = {i for i, g in enumerate(gs) if g is not None}
    while True:
        backward_pass = _backward_pass(body, sorted(with_cotangent))
        residuals = {i for i in range(carries) if body.inputs[i] in backward_pass.cotangent_of} - with_cotangent
        if not residuals:
            return backward_pass
        with_cotangent |= residuals


def _carry_before(init: Var, collected_after: Var, reverse: bool) -> Var:
    """A carry at the beginning of each iteration, from its values after each."""
    length = collected_after.shape[0]
    first = reshape(init, shape=(1, *init.shape))
    if length == 1:
        return first
    rest = slice_(
        collected_after,
        start=(int(reverse), *(0,) * init.ndim),
        stop=(length - 1 + int(reverse), *init.shape),
    )
    return concat([rest, first] if reverse else [first, rest], axis=0)


# Sums of matrix products ---------------------------------------------------------------------------------------------
def _product(eqns: Sequence[Eqn], cotangent: Var, available: Collection[Var]) -> tuple[Var, Var] | None:
    """(a, b) if the cotangent of a constant is transpose(a) b, and its sum over all iterations is better computed as
    one product of the stacked a and b: the stacks are `available` anyway, or are no larger than the summands."""
    computed = {v: e for e in eqns for v in e.outputs}
    producer = computed.get(cotangent)
    if producer is None or producer.op is not matmul or cotangent.ndim != 2:
        return None
    transposed, b = producer.operands
    view = computed.get(transposed)
    if view is None or view.op is not transpose_primitive or b.ndim != 2:
        return None
    (a,) = view.operands
    residuals = [v for v in (a, b) if v not in available]
    if any(v not in computed for v in residuals) or sum(v.aval.size for v in residuals) > cotangent.aval.size:
        return None
    return a, b


def _summed(a: Var, b: Var) -> Var:
    """The sum of transpose(a[t]) b[t] over t."""
    rows = a.shape[0] * a.shape[1]
    return transpose(reshape(a, shape=(rows, a.shape[2]))) @ reshape(b, shape=(rows, b.shape[2]))
