"""Several nets that differ in numbers alone, trained side by side as one program."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
    build_plan,
    lift_programs,
    program_of,
    statistics_key,
    tables,
)
from ..passes import ITEM, cost
from ..render import LANES
from ..transforms import Column
from .core import CHUNK
from .device_choice import choose_backend, lanes_are_faster
from .ensemble import SideBySide
from .evaluation import accumulate, finish_metrics
from .executor import Executor
from .feeding import Data, Rows, Shared
from .guard import not_finite
from .machine import Bound, Machine, Programs, bucket
from .state import State
from .updates import run_updates

MAX_NETS = 64
"""Maximum number of nets in a sweep: more gain hardly anything."""
MEMORY_SHARE = 0.2
"""The fraction of free memory that their steps may take; evaluation takes more."""


class Exact(SideBySide):
    """Nets each of which is, to the bit, what an `Executor` of its own would be. The numbers in which they differ are
    states, of which each has its own. What NumPy computes of all of them at once, or a GPU in evaluation, is compared
    with each net alone the first time. Raises UnlikeError, also later on, if that is impossible.

    Arguments as of SideBySide; `programs`: those of any one of the nets."""

    def __init__(
        self,
        first: Executor,
        where: tuple[str, str],
        nets: Sequence[Net],
        seeds: Sequence[int],
        programs: Programs,
        others: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._names: dict[Column, str] = {}
        self._made: dict[tuple[Mode, int], Built] = {}
        self._seen: set[tuple[int, bool]] = set()
        self._same_figures: dict[tuple[int, ...], bool] = {}
        with first.backend.running():
            # The numbers in which the nets differ are among the states.
            self._state = State(nets[0], first.backend, first.dtype, first.seed)
        alone = Machine(self._built, programs, self._state.arrays, first.compiled)
        super().__init__(first, where, nets, seeds, alone, others)

    def _built(self, mode: Mode, batch: int, fit: object | None) -> Built:
        if (mode, batch) not in self._made:  # a sweep gathers statistics by its first net's executor
            programs = [program_of(net, mode, batch, self._first.dtype) for net in self.nets]
            self._made[mode, batch] = lift_programs(programs, self._names)
            for (dtype, values), name in self._names.items():
                if name not in self.arrays:
                    self.arrays[name] = self.backend.asarray(values, dtype)
                    self._alone.arrays[name] = self.xp.array(self.arrays[name][0])
        return self._made[mode, batch]

    def require_bits(self, rows: int) -> None:
        """Raise UnlikeError if a GPU trains one net on batches of so many rows with other kernels than several nets."""
        if self.backend.name != "cpu" and self._lanes.at(rows, 0) is None:
            raise UnlikeError

    def _steps(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        self._prepare(len(placed), batch)
        if self._each_is_faster(placed, batch, self.step + steps, len(self._going())):
            return self._each(placed, steps, batch)
        return self._at_once(placed, steps, batch)

    def _prepare(self, count: int, batch: int) -> None:
        """Make the programs for batches of so many rows, of which the last of an epoch may be smaller."""
        for rows in sizes_of(count, batch):
            self._allot(rows)

    def _allot(self, rows: int) -> None:
        """Allocate the arrays that a training program needs and that do not exist yet: the optimizer's."""
        for var in self._alone.compiled("train", rows).plan.states:
            if var.hint not in self.arrays:
                self.arrays[var.hint] = self.backend.zeros((self.count, *var.shape), var.dtype)

    def _each_is_faster(self, placed: Shared, batch: int, until: int, going: int) -> bool:
        """Whether compiled steps, if there are any before step `until`, are faster for one net after the other than for
        all at once, of which so many are going."""
        sizes = sizes_of(len(placed), batch)
        if self.backend.name != "cpu" or all(until <= self._first.compiled("train", n).native_from for n in sizes):
            return False
        costs = self._first.compiled("train", max(sizes)).costs
        if not lanes_are_faster(costs, going, -(-self.count // LANES) * LANES):
            return True
        lanes = [self._lanes.at(rows, math.inf) for rows in sizes]
        return any(one is None or placed.in_memory(one.slots, self.seeds, 0, 1, mixed=False) is None for one in lanes)

    def _each(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        losses, penalties = self.xp.zeros((2, self.count, steps), dtype=self._first.dtype)
        sizes: list[int] = []
        for k in self._going():
            self._load({name: array[k] for name, array in self.arrays.items() if name != GOING})
            try:
                losses[k], penalties[k], sizes = run_updates(
                    self._alone, self._state, placed, steps, batch, self._check
                )
            except DivergedError as error:
                self.diverged[k] = str(error)
                self.stop(k)
            self.adopt(k, self._alone.arrays)
        if not sizes:
            raise DivergedError("all nets diverged")
        return losses, penalties, sizes

    def _check(self, outputs: Mapping[str, Any]) -> None:
        if not bool(outputs[GUARD]):
            step = int(self._state.arrays[STEP]) + 1
            raise DivergedError(not_finite(self.net, outputs, self.xp, step))

    def _going(self) -> list[int]:
        return [k for k, goes in enumerate(self.backend.to_host(self.arrays[GOING]).tolist()) if goes]

    def _update(self, rows: int, fill: Callable[[Sequence[Any]], None]) -> Bound:
        """One update; the first by each program is compared with the update of each net alone."""
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
            self._load(before[k])
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

    def _load(self, arrays: Mapping[str, Any]) -> None:
        """Copy arrays to the state of the programs of one net."""
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

    def all_finite(self, batch: Data, like: int) -> list[bool]:
        """For each net whether its figures over these rows are finite numbers. They are computed in pieces that the
        program for an evaluation of `like` rows takes, where that goes, so that no other need be built."""
        placed = self._first.place(batch)
        pieces = -(-len(placed) // bucket(min(CHUNK, like)))
        found = self._measure(placed, -(-len(placed) // pieces))
        return [all(map(math.isfinite, own.values())) for own in found]

    def finite(self, k: int) -> bool:
        """Whether the parameters of a net are finite numbers."""
        with self.backend.running():
            arrays = (self.arrays[group.name][k] for group in self.net.layout.groups)
            return all(bool(self.xp.isfinite(array).all()) for array in arrays)

    def _figures(self, k: int, placed: Rows, repeats: int) -> dict[str, float]:
        """The figures of net `k`, computed by itself."""
        others = tables(self.net.graph)
        with self.backend.running():
            self._load(self.state(k))
            host, built, count = accumulate(self._alone, placed, CHUNK, repeats=repeats)
        return {name: value for name, value in finish_metrics(host, built, count).items() if name not in others}


class Sweep(Exact):
    """Nets that differ in numbers alone: learning rates, decays, dropout rates, initial weights.

    Each net is there `restarts` times, one after the other, with the seed of the first net, that plus 1, plus 2, ...
    Raises UnlikeError if they differ in more than numbers; and what `Executor` raises.
    """

    def __init__(self, nets: Sequence[Net], device: str = "auto", backend: str = "auto", *, restarts: int = 1) -> None:
        place = choose_backend(nets[0], device, backend, nets[0].precision, len(nets) * restarts).place
        first = Executor(nets[0], place, backend=backend)
        seeds = [first.seed + k for k in range(restarts)]
        members = [net for net in nets for _ in seeds]
        super().__init__(first, (place, backend), members, seeds * len(nets), Programs(first.backend))
        if len({*map(statistics_key, nets)}) > 1:
            raise UnlikeError


def sizes_of(count: int, batch: int) -> set[int]:
    """The rows of batches."""
    return {min(batch, count), count % batch or min(batch, count)}


def max_side_by_side(
    net: Net, device: str, nets: int | None = None, backend: str = "auto", *, roughly: bool = False
) -> int:
    """How many nets like this one, of so many, may be trained side by side: as many as fit into a fraction of free
    memory, and on the CPU into its cache. `roughly`: an upper bound, without planning a step. Raises DeviceError."""
    chosen = choose_backend(net, device, backend, net.precision, nets)
    dtype, batch = net.dtype, net.batch_size()
    if roughly:  # weights, gradients, and the outputs of layers
        values = 2 * sum(group.size for group in net.layout.groups)
        values += batch * sum(math.prod(shape) for shape in net.shapes.values())
        size = values * ITEM[dtype]
    else:
        size = cost(build_plan(net, "train", batch, dtype)[1]).memory
    room = min(chosen.near, MEMORY_SHARE * (chosen.free_memory() or math.inf))
    return int(min(MAX_NETS, max(1, room // size)))
