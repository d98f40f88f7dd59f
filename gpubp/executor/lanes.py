"""Restarts of a tiny net as copies of one program, for which a compiled function runs many steps per call: on the CPU
each copy is a SIMD lane, on the GPU a thread block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dsl.records import dataclass

from ..backends import LoopOfCopies
from ..frontend import Mode, describe
from ..render import compile_source, plan_source
from .machine import Machine, recorded_scalars, steps_per_call

MODE: Mode = "train"


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """The training program of all restarts for one batch size. `call`: many steps of it; `most`: steps per call;
    `slots`: the dtypes of its feeds; `outputs`: the results that have their own arrays, by name, one row for each
    restart."""

    call: LoopOfCopies
    most: int
    slots: Sequence[Any]
    outputs: Mapping[str, Any]


class LaneMachine:
    """Creates the function for each batch size on first use. `alone`: the programs of a single restart; `arrays`: the
    states of all `count` by name, to which any additional state of a program is added."""

    def __init__(self, alone: Machine, arrays: dict[str, Any], count: int) -> None:
        self.alone, self.arrays, self.count = alone, arrays, count
        self._made: dict[int, Lanes | None] = {}

    def at(self, batch: int, step: float) -> Lanes | None:
        """The function for step number `step`; None if there is none, or not yet."""
        if not self.alone.backend.compiles or step < self.alone.compiled(MODE, batch).native_from:
            return None
        if batch not in self._made:
            self._made[batch] = self._make(batch)
        return self._made[batch]

    def _make(self, batch: int) -> Lanes | None:
        compiled, backend = self.alone.compiled(MODE, batch), self.alone.backend
        plan, built = compiled.plan, compiled.built
        made = backend.copies(plan, "restarts", built.hints, describe, recorded_scalars(built, plan))
        if made is None:
            return None
        source, bind_copies = made
        tables: list[Any] = []

        def bind(name: str, arena: Any, given: list[Any]) -> Callable[[], int]:
            tables[:] = given
            return int

        # Binding the program of a single restart computes its constants, and writes those that are part of its states.
        states = [self.alone.arrays[v.hint] for v in plan.states]
        text = plan_source(plan, MODE, built.hints, describe, source)
        compile_source(text, f"bind_{MODE}", backend.xp, bind=bind)(backend.arena(plan.arena), *states)
        for v in plan.states:
            if v.hint not in self.arrays:
                self.arrays[v.hint] = backend.zeros((self.count, *v.shape), v.dtype)
        for home in built.homes.values():
            self.arrays[home.hint][...] = self.alone.arrays[home.hint]
        tables[: len(states)] = [self.arrays[v.hint] for v in plan.states]
        call = bind_copies(tables)
        homes = {name: built.homes.get(v) for name, v in zip(built.outputs, plan.program.outputs, strict=True)}
        outputs = {name: self.arrays[home.hint] for name, home in homes.items() if home is not None}
        return Lanes(call, steps_per_call(backend.max_call_flops, compiled.costs, self.count), plan.feeds, outputs)
