"""Random restarts of one net, trained side by side; the best is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dsl.records import dataclass

from ..data import Stream
from ..errors import DivergedError
from ..executor import Ensemble, Executor, SideBySide
from ..frontend import Watch, plateau_of, start_of, training_lengths
from .best import Best, Sums
from .pace import Pace, epochs_of
from .plateau import adapt_rate
from .run import Progress

Rows = Mapping[str, Any] | Stream
"""Rows of data: arrays by name, or a stream of them."""


@dataclass(slots=True)
class Restart:
    """The outcome of one restart. `figure`: the metric it is ranked by, None if it diverged; `epochs`: how many it has
    finished; `stopped`: why it ended before the others, or ""."""

    seed: int
    figure: float | None = None
    epochs: int = 0
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The metrics of all restarts after an epoch: arrays with one number for each, and those of validation."""

    number: int
    step: int
    losses: Any
    penalties: Any
    figures: Sequence[Mapping[str, float]]

    def figure(self, name: str, k: int) -> float:
        """A metric of restart `k`."""
        return float(self.losses[k]) if name == "train.loss" else self.record(k)[name]

    def record(self, k: int) -> dict[str, float]:
        """The history record of restart `k`."""
        found = {
            "epoch": float(self.number),
            "step": float(self.step),
            "train.loss": float(self.losses[k]),
            "train.penalty": float(self.penalties[k]),
        }
        return found | {f"valid.{name}": value for name, value in self.figures[k].items()}


@dataclass(frozen=True, slots=True)
class _Counters:
    """The counters of restart `k`, with the interface of an executor."""

    ensemble: SideBySide
    k: int

    @property
    def counters(self) -> Mapping[str, float]:
        return {name: self.ensemble.arrays[name][self.k].item() for name in self.ensemble.counters}

    def set_counters(self, values: Mapping[str, float]) -> None:
        for name in values.keys() & self.ensemble.counters:
            self.ensemble.arrays[name][self.k] = values[name]


class Race:
    """Trains an ensemble. Every restart has the same records, best state and early stopping as a separate run; the
    others continue without it.

    `watches`: for each the metric that decides, None for the final loss on the training rows.
    """

    def __init__(self, ensemble: SideBySide, rows: Rows, valid: Rows | None, watches: Sequence[Watch | None]) -> None:
        self.ensemble, self.rows, self.watches, self.watch = ensemble, rows, watches, watches[0]
        self.placed, self.valid = ensemble.place(rows), None if valid is None else ensemble.place(valid)
        self.restarts = [Restart(seed) for seed in ensemble.seeds]
        self.log: list[Epoch] = []
        self.sums: Any = 0.0  # of the losses of each restart, batch by batch
        self.examples = 0
        self.plateaus = [plateau_of(net.graph) for net in ensemble.nets]
        self.bests = [None if watch is None else Best(watch) for watch in watches]
        self.kept: dict[int, dict[str, Any]] = {}
        self.lost: dict[int, int] = {}  # the step of which the loss was no finite number

    def pieces(
        self,
        total: int,
        per_epoch: int,
        batch: int,
        progress: Callable[[Progress], None] | None,
        *,
        several: bool,
    ) -> Iterator[list[dict[str, float]]]:
        """Train to step `total`, or until all restarts have stopped; yields after some steps, those of several epochs
        only with `several`, the records of the leading restart for the epochs that ended."""
        ensemble, pace, began = self.ensemble, Pace(), time.monotonic()
        while ensemble.step < total and self.going:
            first, start = ensemble.step, time.monotonic()
            count = pace.piece(first, per_epoch, total, several=several)
            restore = ensemble.snapshot() if count > per_epoch - first % per_epoch else None
            try:
                losses, penalties, sizes = ensemble.run_steps(self.placed, count, batch)
            except DivergedError:
                if restore is None:
                    raise
                # One epoch at a time, so that earlier epochs are recorded.
                restore()
                pace.apart = first + count
                continue
            weighted, extra, done = self._on_host(losses) * sizes, self._on_host(penalties), ensemble.steps_done()
            with ensemble.backend.running():
                self._look_for_lost(first, weighted + extra, done)
            ended = []
            for begin, at in epochs_of(first, count, per_epoch):
                step = first + at
                self._add(weighted[:, begin:at], sizes[begin:at])
                if at == count:
                    pace.took(count, time.monotonic() - start)
                    if progress is not None:
                        rate = step / max(time.monotonic() - began, 1e-9)
                        epoch = (step - 1) // per_epoch + 1
                        progress(Progress(step, total, epoch, -(-total // per_epoch), self._leading_loss(), rate))
                if step % per_epoch == 0 or step == total:
                    self._note(step, per_epoch, extra[:, at - 1], done)
                    ended.append(self.leader(range(ensemble.count)))
            yield ended

    def _look_for_lost(self, first: int, losses: Any, done: Sequence[int]) -> None:
        """Find the first step after `first` whose loss is not a finite number, though its gradient was finite and
        it was made: a run of its own ends there."""
        for k in self.going:
            made = losses[k, : max(0, done[k] - first)].tolist()
            if not all(map(math.isfinite, made)):
                self.lost.setdefault(k, first + [*map(math.isfinite, made)].index(False) + 1)

    def _add(self, losses: Any, sizes: Sequence[int]) -> None:
        """Add batches. The numbers of stopped restarts are meaningless."""
        with self.ensemble.backend.running():
            for column in losses.T:
                self.sums = self.sums + column
        self.examples += sum(sizes)

    def _on_host(self, values: Any) -> Any:
        return self.ensemble.backend.to_host(values).astype("float64")

    def sums_of(self, k: int) -> Sums:
        """The sums of a restart over the epoch that has not ended."""
        return Sums(float(self.sums[k]), self.examples) if self.examples else Sums()

    @property
    def figure(self) -> str:
        """The metric that ranks the restarts."""
        return "train.loss" if self.watch is None else self.watch.figure

    @property
    def going(self) -> list[int]:
        """The restarts that are still training."""
        return [k for k, restart in enumerate(self.restarts) if not restart.stopped]

    def history(self, k: int) -> list[dict[str, float]]:
        """The records of a restart."""
        return [epoch.record(k) for epoch in self.log[: self.restarts[k].epochs]]

    def _leading_loss(self) -> float:
        return min((float(self.sums[k]) / self.examples for k in self.going), default=math.nan)

    def _note(self, step: int, per_epoch: int, penalties: Any, done: Sequence[int]) -> None:
        """Record an epoch, and decide which restarts stop. `done`: the steps that each restart has made, perhaps beyond
        it."""
        ensemble = self.ensemble
        figures: list[dict[str, float]] = [{}] * ensemble.count
        if self.valid is not None:
            figures = ensemble.evaluate(self.valid, repeats=(step - 1) // per_epoch)
        epoch = Epoch((step - 1) // per_epoch + 1, step, self.sums / self.examples, penalties, figures)
        self.log.append(epoch)
        for k in self.going:
            restart, best = self.restarts[k], self.bests[k]
            if self.lost.get(k, step + 1) <= step:
                restart.stopped = f"diverged: the loss is not a finite number at step {self.lost[k]:,}"
                ensemble.stop(k)
                continue
            if k in ensemble.diverged and done[k] < step:
                restart.stopped = f"diverged: {ensemble.diverged[k]}"
                continue
            restart.epochs += 1
            plateau = self.plateaus[k]
            if plateau is None and best is None:
                continue
            record = epoch.record(k)
            if plateau is not None:
                adapt_rate(plateau, _Counters(ensemble, k), record)
            if best is not None:
                if best.improves(record) and best.watch.restore:
                    self.kept[k] = ensemble.state(k)
                if best.patience_exhausted(step, per_epoch):
                    restart.stopped = "early stop"
                    ensemble.stop(k)
        if step % per_epoch == 0:
            self.sums, self.examples = 0.0, 0

    def leader(self, among: Sequence[int]) -> dict[str, float]:
        """The last record of the best so far of these restarts of one net."""
        k = self.leading(among)
        return self._last(k).record(k)

    def leading(self, among: Sequence[int]) -> int:
        """The best so far of these restarts of one net, the first before an epoch has ended."""
        watch = self.watches[among[0]]
        sign = -1.0 if watch is not None and watch.rising else 1.0

        def place(k: int) -> float:
            value = self._last(k).figure("train.loss" if watch is None else watch.figure, k)
            return sign * value if math.isfinite(value) else math.inf

        if not self.log:
            return among[0]
        losses = self.log[-1].losses
        if watch is None and len(self.going) == len(among) == len(losses) and math.isfinite(losses.max()):
            return int(losses.argmin())  # equivalent and faster
        return min((k for k in among if self.restarts[k].epochs), key=place, default=among[0])

    def _last(self, k: int) -> Epoch:
        """The last epoch that a restart has finished."""
        return self.log[self.restarts[k].epochs - 1]

    def judge(self, among: Sequence[int] | None = None) -> int:
        """The best of these restarts of one net, or of all, by their metric. Raises DivergedError if none has one."""
        among = among or range(len(self.restarts))
        watch = self.watches[among[0]]
        final = self.ensemble.evaluate(self.rows) if watch is None else None
        for k in among:
            restart, best = self.restarts[k], self.bests[k]
            if restart.stopped.startswith("diverged") and k not in self.kept:
                continue
            if final is not None:
                value = final[k]["loss"]
            elif best is not None and best.watch.restore and best.value is not None:
                value = best.value
            else:
                assert watch is not None
                value = self._last(k).figure(watch.figure, k) if restart.epochs else math.nan
            restart.figure = value if math.isfinite(value) else None
        found = [(figure, k) for k in among if (figure := self.restarts[k].figure) is not None]
        if not found:
            raise DivergedError(f"none of the {len(among):,} restarts has a figure that is a number")
        rising = watch is not None and watch.rising
        return min(found, key=lambda pair: (-pair[0] if rising else pair[0], pair[1]))[1]


def race_of(
    first: Executor,
    count: int,
    where: tuple[str, str],
    rows: Rows,
    valid: Rows | None,
    watch: Watch | None,
) -> Race:
    """`count` restarts of a net with the statistics of `first`, whose seed is the first one's; all start with another
    run's weights if the file says so. `where`: the device and the backend."""
    ensemble = Ensemble(first.net, count, where[0], first.precision, first.seed, where[1])
    ensemble.backend.algorithms = first.backend.algorithms  # what they choose is saved with the run
    begin(ensemble, rows, {name: v for name, v in first.counters.items() if name in training_lengths(0, 0)})
    return Race(ensemble, rows, valid, (watch,) * count)


def begin(ensemble: SideBySide, rows: Rows, counters: Mapping[str, float]) -> None:
    """Give each member of an ensemble the statistics of the rows, these counters, and the weights that its file starts
    from. Raises NetError."""
    ensemble.fit(rows)
    for k, net in enumerate(ensemble.nets):
        _Counters(ensemble, k).set_counters(counters)
        if start_of(net) is not None:
            member = ensemble.member(k)
            member.load_start()
            arrays = member.arrays()  # also the optimizer's, which an ensemble allocates later
            ensemble.adopt(k, {name: arrays[name] for name in ensemble.state(k)})
