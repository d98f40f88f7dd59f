"""Several executors of one net, each with its own seed, rows and statistics, whose steps run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import DivergedError
from ..frontend import GOING, Built, Mode, UnlikeError
from .executor import Executor
from .feeding import Placed, PlacedEach, Rows
from .sweep import Exact, sizes_of

Steps = tuple[Any, Any, list[int]]
"""What `Executor.run_steps` returns."""


class Abreast(Exact):
    """Runs the steps of executors as one program: each has its own state, seed, statistics and rows, as many as the
    others. The executors must be of nets that differ in seed and split alone, on the device and backend in `where`."""

    def __init__(self, executors: Sequence[Executor], rows: Sequence[Rows], where: tuple[str, str], batch: int) -> None:
        first, *others = executors
        nets, seeds = [first.net] * len(executors), [executor.seed for executor in executors]
        super().__init__(first, where, nets, seeds, first.programs, [other.arrays() for other in others])
        self._executors, self._batch = executors, batch
        placed = [one for one in rows if isinstance(one, Placed)]
        if len(placed) < len(rows) or len({*map(len, rows)}) > 1:
            raise UnlikeError
        with self.backend.running():
            self._rows = PlacedEach(self.backend, placed)
            self._prepare(len(self._rows), batch)
            sizes = sizes_of(len(self._rows), batch)
            for n in sizes:
                self.require_bits(n)
        programs = [self._alone.compiled("train", n).built for n in sizes]
        # Statistics of the rows stay as they are while nets train; a counter may be set between two calls.
        self._states = {var.hint for built in programs for var, _ in built.program.updates}
        self._states |= {name for built in programs for name in built.states if name in self.counters}

    def _built(self, mode: Mode, batch: int, fit: object | None) -> Built:
        return self._first.compiled(mode, batch).built

    def run(self, members: Sequence[int], steps: int) -> dict[int, Steps]:
        """`steps` updates of some of the executors, which have made equally many. Those are missing from the result,
        and have not changed, that are faster alone, or whose gradient is not finite in one of the steps."""
        first = self._executors[members[0]]
        with self.backend.running():
            if self._each_is_faster(self._rows, self._batch, first.step + steps, len(members)):
                return {}
            # The others stand still, wherever they are.
            arrays = [self._executors[k if k in members else members[0]].arrays() for k in range(self.count)]
            for name in self._states:
                for k, found in enumerate(arrays):
                    if name in found:
                        self.arrays[name][k] = found[name]
                    else:  # a state of the optimizer, before the first step
                        self.arrays[name][k] = 0
            self.arrays[GOING][...] = self.backend.asarray([k in members for k in range(self.count)])
            self._all_go, self.diverged = len(members) == self.count, {}
            try:
                losses, penalties, sizes = self._at_once(self._rows, steps, self._batch)
            except DivergedError:
                return {}
            done = [k for k in members if k not in self.diverged]
            for k in done:
                self._executors[k].adopt({name: self.arrays[name][k, ...] for name in self._states})
        return {k: (losses[k], penalties[k], sizes) for k in done}
