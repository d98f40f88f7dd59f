"""Programs that train several restarts side by side."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Aval, Var, verify
from ..passes import optimise
from ..transforms import stack
from .programs import Built

GOING = "going"
"""The state that says which restarts are still training, (restarts,) of bool."""


def stack_program(built: Built, count: int, *, one_batch: bool, apart: bool) -> Built:
    """The program of `count` restarts: states, gradients and results have a leading axis, and so have the feeds, unless
    all restarts see `one_batch`. If a gradient is not finite, no restart is updated; with `apart` only that one is not,
    nor are those that are not `GOING`."""
    program = built.program
    shared = program.inputs[: len(built.feeds)] if one_batch else ()
    going = Var(Aval((count,), "bool"), GOING) if apart and program.guard is not None else None
    several = verify(optimise(verify(stack(program, count, shared, going))))
    homes = {
        new: Var(new.aval, built.homes[old].hint)
        for old, new in zip(program.outputs, several.outputs, strict=True)
        if old in built.homes
    }
    states = built.states if going is None else (*built.states, GOING)
    return replace(built, program=several, states=states, homes=homes, hints={})
