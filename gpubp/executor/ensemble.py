"""Several nets, such as restarts of one, trained side by side as one program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..errors import DivergedError
from ..frontend import GOING, GUARD, STEP, Built, Mode, Net, build, stack_program, tables
from .core import CHUNK
from .evaluation import accumulate, finish_metrics
from .executor import Executor
from .feeding import Data, Rows, Shared
from .guard import not_finite
from .lanes import LaneMachine
from .machine import Bound, Machine, Programs
from .prediction import rows_per_piece
from .state import State, set_horizon
from .updates import batch_sizes, steps_in_call

ROOM = 1 << 30
"""Bytes, about, that the values of all restarts may take in an evaluation."""


class SideBySide:
    """Nets of one structure trained side by side as one program: each has its own weights, order of rows, dropout,
    clipping and guard, and one whose gradient is not finite stands still from then on. Arguments and errors are those
    of `Executor`.

    `first`: an executor of the first net; `where`: its device and backend; `nets`, `seeds`: all of them; `alone`: the
    programs of one of them; `others`: the states of all but the first, unless they are to begin.
    """

    def __init__(
        self,
        first: Executor,
        where: tuple[str, str],
        nets: Sequence[Net],
        seeds: Sequence[int],
        alone: Machine,
        others: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._first, self._where, self._alone = first, where, alone
        self.nets, self.net, self.seeds, self.count = tuple(nets), nets[0], tuple(seeds), len(nets)
        self.backend = first.backend
        with self._running():
            pairs = zip(self.nets[1:], self.seeds[1:], strict=True)
            others = others or [State(net, self.backend, first.dtype, seed).arrays for net, seed in pairs]
            self.counters = first.counters.keys()
            self.arrays: dict[str, Any] = {
                name: self.xp.stack([array, *(other[name] for other in others)])
                for name, array in first.arrays().items()
                if all(name in other for other in others)
            }
            self.arrays[GOING] = self.xp.ones(self.count, dtype=bool)
            self._together = Machine(self._maker(apart=False), Programs(self.backend), self.arrays, first.compiled)
            self._apart = Machine(self._maker(apart=True), Programs(self.backend), self.arrays, first.compiled)
            self._lanes = LaneMachine(alone, self.arrays, self.count)
        self._fitted = not self.net.fitted
        self._all_go, self._most = True, CHUNK
        self.diverged: dict[int, str] = {}
        """The nets whose gradient was not finite, by number, with the message."""

    @contextmanager
    def _running(self) -> Iterator[None]:
        """The backend's context, in which a MemoryError also says how many nets there are."""
        try:
            with self.backend.running():
                yield
        except MemoryError as error:
            many = f"{self.count:,} restarts train side by side, and fewer need less"
            text = str(error)
            raise MemoryError(f"{many}: {text[:1].lower()}{text[1:]}" if text else many) from None

    def _maker(self, *, apart: bool) -> Callable[[Mode, int, object | None], Built]:
        def make(mode: Mode, batch: int, fit: object | None) -> Built:
            return stack_program(self._alone.make(mode, batch, fit), self.count, one_batch=mode != "train", apart=apart)

        return make

    @property
    def xp(self) -> Any:
        """The array module: numpy or cupy."""
        return self.backend.xp

    @property
    def step(self) -> int:
        """Number of updates so far, of the nets that go on."""
        with self.backend.running():
            return int(self.arrays[STEP].max())

    def member(self, k: int) -> Executor:
        """Net `k` as an independent executor."""
        return self._executor(k, self.state(k))

    def state(self, k: int) -> dict[str, Any]:
        """Copies of the arrays of net `k`."""
        with self._running():
            return {name: self.xp.array(array[k]) for name, array in self.arrays.items() if name != GOING}

    def state_dict(self, k: int, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """`Executor.state_dict` of net `k` in an earlier `state`."""
        return self._executor(k, arrays).state_dict()

    def _executor(self, k: int, arrays: Mapping[str, Any]) -> Executor:
        device, backend = self._where
        out = Executor(self.nets[k], device, self._first.precision, self.seeds[k], backend, start=False)
        out.backend.algorithms |= self.backend.algorithms
        out.adopt(arrays)
        return out

    def adopt(self, k: int, arrays: Mapping[str, Any]) -> None:
        """Let net `k` go on from arrays such as `state` gives."""
        with self._running():
            for name, array in arrays.items():
                if name not in self.arrays:
                    self.arrays[name] = self.backend.zeros((self.count, *array.shape), array.dtype)
                self.arrays[name][k] = array

    def snapshot(self) -> Callable[[], None]:
        """A function that restores the current state of all nets from a copy on the device."""
        with self._running():
            arrays = {name: self.xp.array(array) for name, array in self.arrays.items()}
        diverged, all_go = dict(self.diverged), self._all_go

        def restore() -> None:
            with self.backend.running():
                for name, array in arrays.items():
                    self.arrays[name][...] = array
            self.diverged, self._all_go = dict(diverged), all_go

        return restore

    def stop(self, k: int) -> None:
        """Exclude net `k` from all later updates."""
        with self.backend.running():
            self.arrays[GOING][k] = False
        self._all_go = False

    def steps_done(self) -> list[int]:
        """Number of updates so far of each net: one that has stopped has fewer."""
        done: list[int] = self.backend.to_host(self.arrays[STEP]).tolist()
        return done

    def fit(self, rows: Data) -> None:
        """Gather the statistics of layers such as `standardize`, as each net does by itself."""
        self._first.fit(rows)
        programs = [build(self.net, "fit", 2, self._first.dtype, node) for node in self.net.fitted]
        shared = all(state in self.net.buffers for program in programs for state in program.states)
        with self._running():
            for name in self.net.buffers:
                self.arrays[name][...] = self._first.arrays()[name]
            for k in range(1, 1 if shared else self.count):  # they depend on the weights before a layer
                member = self.member(k)
                member.fit(rows)
                for name in self.net.buffers:
                    self.arrays[name][k] = member.arrays()[name]
        self._fitted = True

    def place(self, data: Data) -> Rows:
        """Data checked and on the device, for `run_steps`; a stream stays where it is."""
        return self._first.place(data)

    def run_steps(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        """`steps` updates of every net: the data losses and the penalties, arrays (count, steps), and the rows of
        each batch. Raises DivergedError where no net is left."""
        self.net.require_loss()
        with self._running():
            if not self._fitted:
                self.fit(placed)
            return self._steps(placed, steps, batch)

    def _steps(self, placed: Rows, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        return self._at_once(placed, steps, batch)

    def _at_once(self, placed: Shared, steps: int, batch: int) -> tuple[Any, Any, list[int]]:
        count = len(placed)
        per_epoch = -(-count // batch)
        set_horizon(self.arrays, self.net, per_epoch)
        mixed = bool(self.net.option("shuffle", True)) and count > batch
        losses, penalties = self.xp.empty((2, self.count, steps), dtype=self._first.dtype)
        sizes: list[int] = []
        first = at = self.step
        full = min(batch, count)
        largest = self._first.compiled("train", full).costs.largest_product
        with self.backend.products(largest):
            while at < first + steps:
                taken = self._many(placed, at, first + steps - at, full, mixed=mixed)
                if taken is not None:
                    done, call, outputs = taken
                    before = self.arrays[GOING].copy()
                    call(going=self.arrays[GOING], results=(losses, penalties), column=at - first)
                    self._stop_diverged(before & ~self.arrays[GOING], outputs)
                else:
                    epoch, number = divmod(at, per_epoch)
                    start, stop = number * batch, min((number + 1) * batch, count)
                    bound = self._update(stop - start, partial(self._fill, placed, epoch, start, stop, mixed))
                    losses[:, at - first] = bound.outputs["data"]
                    penalties[:, at - first] = bound.outputs["penalty"]
                    done = 1
                sizes += batch_sizes(count, full, at, done)
                at += done
        return losses, penalties, sizes

    def _many(
        self, placed: Shared, step: int, most: int, batch: int, *, mixed: bool
    ) -> tuple[int, Callable[..., None], Mapping[str, Any]] | None:
        """How many steps from `step` on, at most `most`, one call of a compiled loop runs, that call, and where the
        results of a step are; None if there is no loop for the first of them. The call includes smaller batches that
        end an epoch, where their loop can be part of it."""
        count = len(placed)
        whole, (epoch, number) = count // batch, divmod(step, -(-count // batch))
        lanes, rest, steps, epochs = self._lanes.at(batch, step), None, 1, 1
        if count % batch and number + most > whole:
            rest = self._lanes.at(count % batch, step)
        through = lanes is not None and rest is not None and lanes.call.takes(rest.call)
        if number == whole and not through:
            lanes = rest
        elif lanes is not None:
            most = min(most, lanes.most)
            own = mixed or placed.own
            steps, epochs = steps_in_call(count, batch, step, most, mixed=own, orders=self.count, through=through)
        rows = None if lanes is None else placed.in_memory(lanes.slots, self.seeds, epoch, epochs, mixed=mixed)
        if lanes is None or rows is None:
            return None
        ending = rest.call if through and rest is not None else None
        call = partial(lanes.call, *rows, number * batch, steps, rest=ending, epoch=count)
        return steps, call, lanes.outputs

    def _fill(self, placed: Shared, epoch: int, start: int, stop: int, mixed: bool, slots: Sequence[Any]) -> None:
        placed.fill_each(slots, self.seeds, epoch, start, stop, mixed=mixed)

    def _update(self, rows: int, fill: Callable[[Sequence[Any]], None]) -> Bound:
        """One update: in one piece while all gradients are finite, else each net on its own."""
        if self._all_go:
            bound = self._step(self._together, rows, fill)
            if bool(bound.outputs[GUARD].all()):
                return bound
        bound = self._step(self._apart, rows, fill)
        self._stop_diverged(self.xp.logical_not(bound.outputs[GUARD]), bound.outputs)
        return bound

    def _stop_diverged(self, failed: Any, outputs: Mapping[str, Any]) -> None:
        """Stop the nets whose gradient is not finite. Raises DivergedError if none is left."""
        for k in self.backend.to_host(failed).nonzero()[0].tolist():
            if k not in self.diverged:
                step = int(self.arrays[STEP][k]) + 1
                self.diverged[k] = not_finite(self.net, outputs, self.xp, step, k)
                self.stop(k)
        if len(self.diverged) == self.count:
            raise DivergedError(f"all {self.count:,} restarts diverged; the last one: {self.diverged[self.count - 1]}")

    def _step(self, machine: Machine, rows: int, fill: Callable[[Sequence[Any]], None]) -> Bound:
        bound = machine.bound("train", rows, step=self.step)
        fill(bound.feeds)
        bound.step()
        return bound

    def evaluate(self, batch: Data, *, repeats: int = 0) -> list[dict[str, float]]:
        """For each net what `Executor.evaluate` gives: the data loss, the penalties and each metric over all
        rows."""
        self.net.require_loss()
        return self._measure(self._first.place(batch), self._most, repeats)

    def _measure(self, placed: Rows, most: int, repeats: int = 0) -> list[dict[str, float]]:
        """The same over placed rows, at most `most` at a time."""
        with self._running():
            host, built, count = accumulate(self._together, placed, most, 1, repeats)
        others = tables(self.net.graph)
        found = []
        for k in range(self.count):
            own = finish_metrics({name: value[k] for name, value in host.items()}, built, count)
            found.append({name: value for name, value in own.items() if name not in others})
        return found


class Ensemble(SideBySide):
    """`count` restarts of a net. Each is what an `Executor` of its own seed (the first one's, plus 1, plus 2, ...)
    would be."""

    def __init__(
        self,
        net: Net,
        count: int,
        device: str = "auto",
        precision: str | None = None,
        seed: int | None = None,
        backend: str = "auto",
    ) -> None:
        first = Executor(net, device, precision, seed, backend)
        seeds = [first.seed + k for k in range(count)]
        super().__init__(first, (device, backend), (net,) * count, seeds, first._machine)
        # Otherwise restarts that fit into memory in training would not in evaluation, which has many more rows.
        self._most = min(CHUNK, rows_per_piece(net, ROOM / count, first.dtype))
