"""The cost of a plan: arithmetic, memory traffic, memory."""

from __future__ import annotations

from collections import Counter

from dsl.records import dataclass

from ..ir import Eqn, Var, aval_of, source_of
from .arena import ITEM
from .plan import Plan


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one step. `flops`: floating-point operations, counting each of + - * / and each elementary function
    as one; `products`: those in matrix products and convolutions, `largest_product` in the largest that NumPy computes
    at once; `traffic`: bytes that its equations read and write, one by one; `by_origin`: the operations of each
    layer, forward and backward. In bytes: `states` including caller-owned arrays, `constants`, `arena`."""

    flops: int
    products: int
    largest_product: int
    traffic: int
    by_origin: Counter[object]
    states: int
    constants: int
    arena: int

    @property
    def memory(self) -> int:
        """Total memory of the step, in bytes."""
        return self.states + self.constants + self.arena


def cost(plan: Plan) -> Cost:
    """Count what a plan computes, moves and stores, without running it; loop bodies times the number of iterations."""
    by_origin: Counter[object] = Counter()
    traffic = body_constants = products = largest = 0
    for step in plan.steps:
        if step.body is not None:
            body, length = cost(step.body.plan), step.eqn.params["length"]
            by_origin.update({origin: length * count for origin, count in body.by_origin.items()})
            traffic += length * body.traffic
            products += length * body.products
            largest = max(largest, body.largest_product)
            body_constants += body.constants
            continue
        by_origin[source_of(step.eqn.origin)] += (own_flops := flops(step.eqn))
        if step.eqn.op.trait == "gemm":
            products, largest = products + own_flops, max(largest, own_flops // calls(step.eqn))
        traffic += sum(map(_bytes, (*step.eqn.operands, *step.eqn.outputs)))
    traffic += sum(2 * _bytes(state) for state, _ in plan.copies)
    made = [v for eqn in plan.constants for v in eqn.outputs if plan.places[v].buffer.kind == "constant"]
    states, constants = sum(map(_bytes, plan.states)), sum(map(_bytes, made)) + body_constants
    return Cost(sum(by_origin.values()), products, largest, traffic, by_origin, states, constants, plan.arena)


def flops(eqn: Eqn) -> int:
    """Floating-point operations of an equation: as its primitive says, else one per element of the result, or for a
    reduction, of the input."""
    if eqn.op.flops is not None:
        return int(eqn.op.flops(*map(aval_of, eqn.inputs), **eqn.params))
    if eqn.op.trait == "elementwise":
        return eqn.output.aval.size
    return sum(x.aval.size for x in eqn.operands) if eqn.op.trait == "reduce" else 0


def calls(eqn: Eqn) -> int:
    """The matrix products of an equation that NumPy computes one after the other, at least 1."""
    return 1 if eqn.op.calls is None else max(1, int(eqn.op.calls(*map(aval_of, eqn.inputs), **eqn.params)))


def _bytes(var: Var) -> int:
    return var.aval.size * ITEM[var.dtype]
