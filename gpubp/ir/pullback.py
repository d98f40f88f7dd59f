"""Backpropagation over equations: from the cotangents of results to the cotangents of inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import GpubpError
from .context import Back, origin
from .values import Eqn, Var


def leading_to(value: Var, eqns: Sequence[Eqn]) -> list[Eqn]:
    """The equations that a value depends on, in order."""
    wanted = {value}
    found: list[Eqn] = []
    for eqn in reversed(eqns):
        if not wanted.isdisjoint(eqn.outputs):
            found.append(eqn)
            wanted.update(eqn.operands)
    return found[::-1]


def pullback(
    eqns: Sequence[Eqn], cotangents: Mapping[Var, Var], wrt: Iterable[Var]
) -> tuple[tuple[Eqn, ...], dict[Var, Var]]:
    """Record the equations that propagate `cotangents`, those of some values, back to the values `wrt` (inputs or
    results of the equations).

    Returns the equations, some of them with extra results (residuals), and the cotangents of all values on the way; a
    value without one has no influence. Only equations on a path from `wrt` to a value with a cotangent are visited
    (Griewank & Walther 2008, section 3.2). Raises GpubpError if a VJP returns a cotangent of the wrong shape or dtype.
    """
    live = set(wrt)
    for eqn in eqns:
        if eqn.op.vjp is not None and not live.isdisjoint(eqn.operands):
            live.update(eqn.outputs)
    found = dict(cotangents)
    kept: list[Eqn] = []
    back: dict[object, Back] = {}  # one object per origin: they are compared by identity
    for eqn in reversed(eqns):
        if eqn.op.vjp is not None and any(v in live and v in found for v in eqn.outputs):
            eqn = eqn if eqn.op.save_residuals is None else eqn.op.save_residuals(eqn)
            with origin(None if eqn.origin is None else back.setdefault(eqn.origin, Back(eqn.origin))):
                _push(eqn, live, found)
        kept.append(eqn)
    return tuple(reversed(kept)), found


def _push(eqn: Eqn, live: set[Var], cotangents: dict[Var, Var]) -> None:
    """Propagate the cotangents of an equation's results to its inputs."""
    if eqn.op.vjp is None:
        return
    several = len(eqn.outputs) > 1
    g = tuple(map(cotangents.get, eqn.outputs)) if several else cotangents[eqn.output]
    y = eqn.outputs if several else eqn.output
    for x, cotangent in zip(eqn.inputs, eqn.op.vjp(g, y, *eqn.inputs, **eqn.params), strict=True):
        if isinstance(x, Var) and cotangent is not None and x in live:
            if cotangent.aval != x.aval:
                raise GpubpError(f"the derivative of `{eqn.op.name}` gives {cotangent.aval} for {x.aval}")
            cotangents[x] = cotangents[x] + cotangent if x in cotangents else cotangent
