"""Programs on a device: rendered, compiled and bound to their state, each on first use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dsl.records import dataclass

from ..backends import Backend, Kernels, Loop
from ..frontend import Built, Mode, describe, plan_of
from ..ir import Var
from ..passes import Cost, Plan, cost
from ..render import CSource, compile_source, plan_source
from .state import allocate_states


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A program with its plan, its cost, and its Python source. From step `native_from` on, if at all, compiled kernels
    replace it; for an evaluation, from that repetition on."""

    built: Built
    plan: Plan
    costs: Cost
    text: str
    bind: Callable[..., tuple[Callable[[], None], tuple[Any, ...], tuple[Any, ...]]]
    native_from: float


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A compiled program bound to its arrays: fill `feeds`, call `step`, read `outputs` before anything else runs.
    `many`, if present, runs many steps, at most `most` per call. `native`: whether kernels are
    compiled."""

    compiled: Compiled
    step: Callable[[], None]
    feeds: tuple[Any, ...]
    outputs: Mapping[str, Any]
    many: Loop | None = None
    most: int = 1
    native: bool = False


PRODUCTS = 20
"""Operations of matrix products that take as long as one other operation."""
RECORDED = ("data", "penalty")
"""The outputs that a loop over many steps records for each step."""


class Programs:
    """What executors of nets with the same programs have in common, on one backend: each is planned, rendered and
    compiled once. `others`: programs beside those of the net, by what they are for."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.compiled: dict[tuple[Any, ...], Compiled] = {}
        self.native: dict[tuple[Any, ...], tuple[CSource, Kernels] | None] = {}
        self.others: dict[tuple[Any, ...], Any] = {}


class Machine:
    """All programs share one arena, because only one runs at a time; it grows to the largest. `make(mode, batch, fit)`
    returns the program for a mode and batch size; `fit`: the layer whose statistics a `fit` program computes. `arrays`:
    the states by name; any additional state of a program is added. `programs`: those that were made already, of other
    states. `alone` returns the program of a single restart, if these are programs of several: they are compiled when
    that one is."""

    def __init__(
        self,
        make: Callable[[Mode, int, object | None], Built],
        programs: Programs,
        arrays: dict[str, Any],
        alone: Callable[[Mode, int], Compiled] | None = None,
    ) -> None:
        self.make, self.backend, self.arrays, self.alone = make, programs.backend, arrays, alone
        self._programs, self._native = programs, programs.native
        self._arena: Any = self.backend.arena(0)
        self._compiled: dict[tuple[Any, ...], Compiled] = {}
        self._bound: dict[tuple[Any, ...], Bound] = {}

    def compiled(self, mode: Mode, batch: int, fit: object | None = None) -> Compiled:
        """The program for a mode and batch size, planned and rendered."""
        key = (mode, batch, fit)
        if key not in self._compiled:
            if key not in self._programs.compiled:
                self._programs.compiled[key] = self._made(mode, batch, fit)
            self._compiled[key] = self._programs.compiled[key]
            allocate_states(self.arrays, self._compiled[key].built, self.backend)
        return self._compiled[key]

    def _made(self, mode: Mode, batch: int, fit: object | None) -> Compiled:
        built = self.make(mode, batch, fit)
        planned = plan_of(built)
        text = plan_source(planned, mode, built.hints, describe)
        bind = compile_source(text, f"bind_{mode}", self.backend.xp)
        costs = cost(planned)
        return Compiled(built, planned, costs, text, bind, self._native_from(mode, batch, planned, costs))

    def _native_from(self, mode: Mode, batch: int, plan: Plan, costs: Cost) -> float:
        """The step, or the repetition of an evaluation, at which a program is compiled: when NumPy has run for about as
        long as the compiler will. It depends on the program alone, not on a clock nor on whether kernels are cached, so
        that the same seed gives the same bytes, also after a resume."""
        if mode not in self.backend.modes or not self.backend.compiles:
            return math.inf
        if not self.backend.compile_threshold:
            return 0
        if self.alone is not None:
            return self.alone(mode, batch).native_from
        seconds = 1.5e-6 * len(plan.steps) + costs.traffic / 8e9 + costs.flops / 4e10
        return self.backend.compile_threshold * len(plan.fusions) / seconds

    def native(self, mode: Mode, batch: int, fit: object | None = None) -> tuple[CSource, Kernels] | None:
        """The compiled kernels of a program; None if there are none."""
        key = (mode, batch, fit)
        if key not in self._native:
            compiled = self.compiled(mode, batch, fit)
            kept = recorded_scalars(compiled.built, compiled.plan) if mode == "train" else []
            source = self.backend.source(compiled.plan, mode, compiled.built.hints, describe, kept)
            kernels = self.backend.library(source) if source.functions or source.bodies else None
            self._native[key] = None if kernels is None else (source, kernels)
        return self._native[key]

    def bound(self, mode: Mode, batch: int, fit: object | None = None, step: int = 0) -> Bound:
        """The same, ready to run. `step`: the number of the step that it is for, or of an evaluation's repeat."""
        done = self._bound.get((mode, batch, fit, self.backend.compiles and mode in self.backend.modes))
        if done is not None and done.native is (step >= done.compiled.native_from):
            return done
        compiled = self.compiled(mode, batch, fit)
        native = self.native(mode, batch, fit) if self.backend.compiles and step >= compiled.native_from else None
        key = (mode, batch, fit, native is not None)
        if key not in self._bound:
            if compiled.plan.arena > self._arena.size:
                self._arena = self.backend.arena(compiled.plan.arena)
                self._bound.clear()
            self._bound[key] = self._bind(compiled, mode, native)
        return self._bound[key]

    def _bind(self, compiled: Compiled, mode: Mode, native: tuple[CSource, Kernels] | None) -> Bound:
        states = [self.arrays[v.hint] for v in compiled.plan.states]
        if native is None:
            step, feeds, outputs = compiled.bind(self._arena, *states)
            return Bound(compiled, step, feeds, dict(zip(compiled.built.outputs, outputs, strict=True)))
        source, kernels = native
        tables: list[Any] = []

        def bind(name: str, arena: Any, given: list[Any]) -> Callable[[], int]:
            tables[:] = given
            return kernels.bind(name, arena, given)

        text = plan_source(compiled.plan, mode, compiled.built.hints, describe, source)
        step, feeds, outputs = compile_source(text, f"bind_{mode}", self.backend.xp, bind=bind)(self._arena, *states)
        results = dict(zip(compiled.built.outputs, outputs, strict=True))
        if not source.many:
            return Bound(compiled, step, feeds, results, native=True)
        many = kernels.bind_many(source.many, self._arena, tables)
        return Bound(
            compiled,
            step,
            feeds,
            results,
            many,
            steps_per_call(self.backend.max_call_flops, compiled.costs),
            native=True,
        )

    def run(self, mode: Mode, batch: int, feeds: Sequence[Any], fit: object | None = None, step: int = 0) -> Bound:
        """Run a program once on rows for each of its feeds."""
        bound = self.bound(mode, batch, fit, step)
        for slot, rows in zip(bound.feeds, feeds, strict=True):
            slot[...] = rows
        with self.backend.products(bound.compiled.costs.largest_product):
            bound.step()
        return bound


def steps_per_call(most: float, step: Cost, copies: int = 1) -> int:
    """The number of steps, of so many copies of a program, that fit into one call of `most` operations."""
    return max(1, int(most / (copies * max(step.flops - step.products * (1 - 1 / PRODUCTS), 100))))


def recorded_scalars(built: Built, plan: Plan) -> list[Var]:
    """The scalars that a loop over many steps records."""
    results = dict(zip(built.outputs, plan.program.outputs, strict=True))
    return [results[name] for name in RECORDED if name in results and not results[name].shape]


def bucket(rows: int) -> int:
    """The smallest power of two that is at least the number of rows."""
    return 1 << (rows - 1).bit_length()
