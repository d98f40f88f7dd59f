"""Programs on a device: rendered, compiled and bound to their state, each when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..backends import Backend
from ..frontend import Built, Mode, describe
from ..passes import Plan, plan
from ..render import compile_source, plan_source
from .state import allot


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A program with its plan and the Python text that runs it."""

    built: Built
    plan: Plan
    text: str
    bind: Callable[..., tuple[Callable[[], None], tuple[Any, ...], tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A compiled program on its arrays: fill `feeds`, call `step`, read `outputs` before anything else runs."""

    compiled: Compiled
    step: Callable[[], None]
    feeds: tuple[Any, ...]
    outputs: Mapping[str, Any]


class Machine:
    """All programs share one arena, for only one of them runs at a time; it grows to the largest.

    `make(mode, batch, fit)` gives the program for a mode and batch size; `fit`: the layer whose statistics a `fit`
    program gathers. `arrays`: the states by name; what a program needs beside is added.
    """

    def __init__(
        self, make: Callable[[Mode, int, object | None], Built], backend: Backend, arrays: dict[str, Any]
    ) -> None:
        self.make, self.backend, self.arrays = make, backend, arrays
        self._arena: Any = backend.arena(0)
        self._compiled: dict[tuple[Any, ...], Compiled] = {}
        self._bound: dict[tuple[Any, ...], Bound] = {}

    def compiled(self, mode: Mode, batch: int, fit: object | None = None) -> Compiled:
        """The program for a mode and batch size, planned and compiled."""
        key = (mode, batch, fit)
        if key not in self._compiled:
            built = self.make(mode, batch, fit)
            planned = plan(built.program, built.program.inputs[: len(built.feeds)], built.homes)
            text = plan_source(planned, mode, built.hints, describe)
            bind = compile_source(text, f"bind_{mode}", self.backend.xp)
            self._compiled[key] = Compiled(built, planned, text, bind)
            allot(self.arrays, built, self.backend.xp)
        return self._compiled[key]

    def bound(self, mode: Mode, batch: int, fit: object | None = None) -> Bound:
        """The same, ready to run."""
        key = (mode, batch, fit)
        if key not in self._bound:
            compiled = self.compiled(mode, batch, fit)
            if compiled.plan.arena > self._arena.size:
                self._arena = self.backend.arena(compiled.plan.arena)
                self._bound.clear()
            states = [self.arrays[v.hint] for v in compiled.plan.states]
            step, feeds, outputs = compiled.bind(self._arena, *states)
            self._bound[key] = Bound(compiled, step, feeds, dict(zip(compiled.built.outputs, outputs, strict=True)))
        return self._bound[key]

    def run(self, mode: Mode, batch: int, feeds: Sequence[Any], fit: object | None = None) -> Bound:
        """Run a program once on rows for each of its feeds."""
        bound = self.bound(mode, batch, fit)
        for slot, rows in zip(bound.feeds, feeds, strict=True):
            slot[...] = rows
        bound.step()
        return bound
