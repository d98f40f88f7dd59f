"""Diagnosis of a failed step: the first value that was not finite."""

from __future__ import annotations

from typing import Any

from ..frontend import describe_place
from ..ir import FLOATS, Eqn, Var, evaluate
from .executor import Executor
from .feeding import Rows


class _NonFiniteFoundError(Exception):
    """Raised at the first value that is not finite."""


def first_non_finite(executor: Executor, placed: Rows, batch: int) -> str:
    """A note on the next step of `run_steps` on the same data, which is recomputed equation by equation without
    changing anything: the first value that is not finite, with its place in the file; "" if all are finite."""
    for name, view in executor.parameters.items():
        if not bool(executor.xp.isfinite(view).all()):
            return f"\nnote: the parameter `{name}` was not finite before this step"
    count = len(placed)
    per_epoch = -(-count // batch)
    epoch, start = executor.step // per_epoch, executor.step % per_epoch * batch
    stop = min(start + batch, count)
    mixed = bool(executor.net.option("shuffle", True)) and count > batch
    built = executor.compiled("train", stop - start).built
    known = dict(zip(built.outputs, built.program.outputs, strict=True))
    search = _Search(executor.xp, {known["data"], known["penalty"]})
    with executor.backend.running():
        arrays = placed.batch(executor.seed, epoch, start, stop, mixed=mixed)
        arrays += [executor.xp.array(executor.arrays()[name]) for name in built.states]
        for var, array in zip(built.program.inputs, arrays, strict=True):
            search.record(var, array)
        try:
            evaluate(built.program, arrays, executor.xp, search.inspect)
        except _NonFiniteFoundError:
            return f"\nnote: {search.note}"
    return ""


class _Search:
    """Inspects each equation's value. What comes after the value `loss` is the backward pass."""

    def __init__(self, xp: Any, loss: set[Var]) -> None:
        self.xp, self.loss, self.largest, self.note = xp, loss, dict[Var, float](), ""

    def record(self, var: Var, array: Any) -> None:
        """Record the largest absolute value."""
        if var.dtype in FLOATS and array.size:
            self.largest[var] = float(self.xp.abs(array).max())

    def inspect(self, eqn: Eqn, value: Any) -> None:
        values = value if len(eqn.outputs) > 1 else (value,)
        for var, array in zip(eqn.outputs, values, strict=True):
            # A constant may be infinite on purpose, as a mask.
            if var.dtype in FLOATS and eqn.operands and not bool(self.xp.isfinite(array).all()):
                kind = "NaN" if bool(self.xp.isnan(array).any()) else "inf"
                largest = max((self.largest[x] for x in eqn.operands if x in self.largest), default=None)
                reach = "" if largest is None else f"; the values that go in reach {largest:.4g}"
                way = "the gradient through " if self.loss <= self.largest.keys() else ""
                place = describe_place(eqn.origin)
                self.note = f"the first value that is not finite is {kind}, in {way}{place}{reach}"
                raise _NonFiniteFoundError
            self.record(var, array)
