"""Several nets that differ in numbers alone, trained side by side as one program."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..errors import DivergedError
from ..frontend import (
    GOING,
    GUARD,
    STEP,
    Built,
    Mode,
    Net,
    UnlikeError,
    lifted,
    planned,
    program_of,
    statistics,
    tables,
)
from ..passes import ITEM, cost
from ..render import LANES
from ..transforms import Column
from .choice import choose
from .ensemble import Ensemble
from .executor import CHUNK, Data, Executor
from .feeding import Rows
from .gathered import figures, gather
from .guard import bad_gradient
from .machine import Bound, Machine, bucket
from .state import State
from .updates import updates

MOST = 64
"""Nets of a sweep: with more, hardly anything is gained."""
FILLED = 0.75
"""Part of the lanes of vectors with a net in them from which on these are quicker than each net by itself: measured,
nets of 2 to 16 inputs and 8 to 32 hidden units cost a full set of lanes 2 to 13 times what one net costs."""
SHARE = 0.2
"""Part of the free memory that their steps may take; evaluation takes more."""


class Sweep(Ensemble):
    """Nets that differ in numbers alone: rates, decays, shares of dropout, first weights. Each is, to the bit, what an
    `Executor` of its own would be: the numbers in which they differ are states, which each has for itself. What NumPy
    computes of all of them at once, or a GPU in evaluation, is compared with each alone the first time.

    Every net begins with the same seed, that of the first. Raises UnlikeError, also later on, where they differ in more
    than numbers or their bits would not be those of each alone; and what `Executor` raises.
    """

    def __init__(self, nets: Sequence[Net], device: str = "auto", backend: str = "auto") -> None:
        self._first = Executor(nets[0], device, backend=backend)
        self._place = device, backend
        self._names: dict[Column, str] = {}
        self._made: dict[tuple[Mode, int], Built] = {}
        self._seen: set[tuple[int, bool]] = set()
        self._same_figures: dict[tuple[int, ...], bool] = {}
        self._begin(tuple(nets), (self._first.seed,) * len(nets))
        if len({*map(statistics, nets)}) > 1:
            raise UnlikeError

    def _one(self) -> Machine:
        """The programs of one of them, with states of their own: of any of them, whose numbers are among the states."""
        self._state = State(self.net, self.backend, self._first.dtype, self.seeds[0])
        self._alone = Machine(self._built, self.backend, self._state.arrays, self._first.compiled)
        return self._alone

    def _built(self, mode: Mode, batch: int, fit: object | None) -> Built:
        if (mode, batch) not in self._made:  # a sweep gathers statistics by its first net's executor
            programs = [program_of(net, mode, batch, self._first.dtype) for net in self.nets]
            self._made[mode, batch] = lifted(programs, self._names)
            for (dtype, values), name in self._names.items():
                if name not in self.arrays:
                    self.arrays[name] = self.backend.asarray(values, dtype)
                    self._alone.arrays[name] = self.xp.array(self.arrays[name][0])
        return self._made[mode, batch]

    def require_bits(self, rows: int) -> None:
        """Raise UnlikeError where a GPU trains one net on batches of so many rows by other kernels than several."""
        if self.backend.name != "cpu" and self._lanes.at(rows, 0) is None:
            raise UnlikeError

    def _steps(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        count = len(placed)
        sizes = {min(batch, count), count % batch or min(batch, count)}
        for rows in sizes:
            self._bring(rows)
        if self.backend.name == "cpu" and self._each_is_quicker(placed, sizes, self.step + steps):
            return self._each(placed, steps, batch)
        return super()._steps(placed, steps, batch)

    def _bring(self, rows: int) -> None:
        """Make the arrays that a training program needs: the optimizer's."""
        for var in self._alone.compiled("train", rows).plan.states:
            if var.hint not in self.arrays:
                self.arrays[var.hint] = self.backend.zeros((self.count, *var.shape), var.dtype)

    def _each_is_quicker(self, placed: Rows, sizes: Collection[int], until: int) -> bool:
        """Whether compiled steps of one net after the other are quicker than those of all, if there are any."""
        if all(until <= self._first.compiled("train", rows).native_from for rows in sizes):
            return False
        if len(self._going()) < FILLED * -(-self.count // LANES) * LANES:
            return True
        lanes = [self._lanes.at(rows, math.inf) for rows in sizes]
        return any(one is None or placed.in_memory(one.slots, (0,), 0, 1, mixed=False) is None for one in lanes)

    def _each(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        losses, penalties = self.xp.zeros((2, self.count, steps), dtype=self._first.dtype)
        sizes: list[int] = []
        for k in self._going():
            self._stand({name: array[k] for name, array in self.arrays.items() if name != GOING})
            try:
                losses[k], penalties[k], sizes = updates(self._alone, self._state, placed, steps, batch, self._check)
            except DivergedError as error:
                self.stopped[k] = str(error)
                self.stand_still(k)
            self.adopt(k, self._alone.arrays)
        if not sizes:
            raise DivergedError("all nets diverged")
        return losses, penalties, sizes

    def _check(self, outputs: Mapping[str, Any]) -> None:
        if not bool(outputs[GUARD]):
            step = int(self._state.arrays[STEP]) + 1
            raise DivergedError(bad_gradient(self.net, outputs, self.xp, step))

    def _going(self) -> list[int]:
        return [k for k, goes in enumerate(self.backend.to_host(self.arrays[GOING]).tolist()) if goes]

    def _update(self, rows: int, fill: Callable[[Sequence[Any]], None]) -> Bound:
        """One update; the first of each program is compared with those of each net alone."""
        key = rows, self._all_go
        if key in self._seen:
            return super()._update(rows, fill)
        self._seen.add(key)
        alone = self._alone.bound("train", rows, step=self.step)
        before = [self.state(k) for k in range(self.count)]
        going = self._going()
        bound = super()._update(rows, fill)
        results = {name: bound.outputs[name].copy() for name in ("data", "penalty", GUARD)}
        slots = [self.xp.empty((self.count, *slot.shape), slot.dtype) for slot in alone.feeds]
        fill(slots)
        for k in going:
            self._stand(before[k])
            for slot, array in zip(alone.feeds, slots, strict=True):
                slot[...] = array[k]
            alone.step()
            pairs = [(alone.outputs[name], results[name][k]) for name in results]
            if bool(alone.outputs[GUARD]):
                pairs += [(array, self.arrays[name][k]) for name, array in self._alone.arrays.items()]
            if any(self._bits(one) != self._bits(other) for one, other in pairs):
                raise UnlikeError
        return bound

    def _bits(self, array: Any) -> bytes:
        return self.backend.to_host(array).tobytes()

    def _stand(self, arrays: Mapping[str, Any]) -> None:
        """Let the programs of one begin from arrays."""
        for name, array in arrays.items():
            self._alone.arrays[name][...] = array

    def evaluate(self, batch: Data, *, repeats: int = 0) -> list[dict[str, float]]:
        placed = self._first.place(batch)
        sizes = {bucket(min(CHUNK, len(placed))), bucket(len(placed) % CHUNK or CHUNK)}
        kind = len(placed), *(repeats >= self._first.compiled("measure", rows).native_from for rows in sorted(sizes))
        same = self._same_figures.get(kind)
        if same:
            return super().evaluate(placed, repeats=repeats)
        found = [self._figures(k, placed, repeats) for k in range(self.count)]
        if same is None:
            self._same_figures[kind] = repr(super().evaluate(placed, repeats=repeats)) == repr(found)
        return found

    def finite(self, k: int) -> bool:
        """Whether the parameters of a net are finite numbers."""
        with self.backend.running():
            arrays = (self.arrays[group.name][k] for group in self.net.layout.groups)
            return all(bool(self.xp.isfinite(array).all()) for array in arrays)

    def _figures(self, k: int, placed: Rows, repeats: int) -> dict[str, float]:
        """The figures of one alone."""
        others = tables(self.net.graph)
        with self.backend.running():
            self._stand(self.state(k))
            host, built, count = gather(self._alone, placed, CHUNK, repeats=repeats)
        return {name: value for name, value in figures(host, built, count).items() if name not in others}


def most_together(net: Net, device: str, *, roughly: bool = False) -> int:
    """How many nets like this one may be trained side by side: as many as leave a part of the memory free, and on the
    CPU stay where it is quick; `roughly`: at most, without a plan of its step. Raises DeviceError."""
    backend, dtype, batch = choose(net, device, "auto", net.precision), net.dtype, int(net.option("batch", 32))
    if roughly:  # weights and gradients, and what the layers give
        values = 2 * sum(group.size for group in net.layout.groups)
        values += batch * sum(math.prod(shape) for shape in net.shapes.values())
        size = values * ITEM[dtype]
    else:
        size = cost(planned(net, "train", batch, dtype)[1]).memory
    room = min(backend.near, SHARE * (backend.free_memory() or math.inf))
    return int(min(MOST, max(1, room // size)))
