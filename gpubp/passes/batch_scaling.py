"""Comparison of the programs of two batch sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..ir import Program, Var


def same_but_for_batch(one: Program, other: Program, batches: tuple[int, int]) -> bool:
    """Whether two programs without updates, built for these batch sizes, consist of the same equations, and the whole
    numbers in them (shapes, params) are either equal or the same multiple of the batch size. Multiples of the first
    batch size in `one` then scale with the batch, and nothing else does."""
    counterparts: dict[Var, Var] = dict(zip(one.inputs, other.inputs, strict=False))

    def same(a: Any, b: Any) -> bool:
        if isinstance(a, Var):
            return counterparts.get(a) is b
        if isinstance(a, Program):
            return isinstance(b, Program) and same_but_for_batch(a, b, batches)
        if isinstance(a, Mapping):
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        if isinstance(a, tuple):
            return len(a) == len(b) and all(map(same, a, b))
        if type(a) is int and a and a % batches[0] == 0:
            return bool(a // batches[0] * batches[1] == b)
        return type(a) is type(b) and (a == b or a != a)

    def same_types(a: tuple[Var, ...], b: tuple[Var, ...]) -> bool:
        return len(a) == len(b) and all(x.dtype == y.dtype and same(x.shape, y.shape) for x, y in zip(a, b))

    if not same_types(one.inputs, other.inputs) or len(one.eqns) != len(other.eqns):
        return False
    for a, b in zip(one.eqns, other.eqns, strict=True):
        if a.op is not b.op or not same(a.inputs, b.inputs) or not same(a.params, b.params):
            return False
        if not same_types(a.outputs, b.outputs):
            return False
        counterparts.update(zip(a.outputs, b.outputs, strict=True))
    return same(one.outputs, other.outputs)
