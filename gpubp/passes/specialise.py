"""Partial evaluation: specialise a program to known inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..ir import Eqn, Program, Var, apply, verify


def specialise(
    program: Program, values: Mapping[Var, Any], xp: Any, later: Callable[[Eqn], bool] = lambda eqn: False
) -> tuple[Program, dict[Var, Any]]:
    """Specialise a program without updates to inputs that always have these `values`, arrays of `xp`: whatever depends
    on them alone is computed now and becomes an input, except for equations where `later` holds. Returns the program
    and the arrays of those inputs. Views stay if their source is read in several ways or they broadcast it, so that no
    number is stored twice. Takes and returns a verified program."""
    known = dict(values)
    views: list[Eqn] = []
    rest: list[Eqn] = []
    for eqn in program.eqns:
        if not all(x in known for x in eqn.operands) or later(eqn):
            rest.append(eqn)
            continue
        results = apply(eqn.op, xp, [known[x] if isinstance(x, Var) else x for x in eqn.inputs], eqn.params)
        known.update(zip(eqn.outputs, results if len(eqn.outputs) > 1 else (results,), strict=True))
        if eqn.op.trait == "view" and eqn.output.aval.size >= eqn.operands[0].aval.size:
            views.append(eqn)
    views_kept = _needed_views(views, rest, program.outputs)
    needed = [*program.outputs, *(x for eqn in (*views_kept, *rest) for x in eqn.operands)]
    view_outputs = {eqn.output for eqn in views_kept}
    arrays = {v: known[v] for v in dict.fromkeys(needed) if v in known and v not in view_outputs}
    feeds = (v for v in program.inputs if v not in values)
    return verify(Program((*feeds, *arrays), (*views_kept, *rest), program.outputs, ())), arrays


def _needed_views(views: Sequence[Eqn], rest: Sequence[Eqn], outputs: Sequence[Var]) -> list[Eqn]:
    """Which views of known values stay."""
    users = Counter((*outputs, *(x for eqn in rest for x in eqn.operands)))
    for eqn in reversed(views):
        if users[eqn.output]:
            users[eqn.operands[0]] += 1
    views_kept: list[Eqn] = []
    needed = {*outputs, *(x for eqn in rest for x in eqn.operands)}
    for eqn in reversed(views):
        (x,) = eqn.operands
        if eqn.output in needed and (users[x] > 1 or eqn.output.aval.size > x.aval.size):
            views_kept.insert(0, eqn)
            needed.add(x)
    return views_kept
