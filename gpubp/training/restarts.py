"""Random restarts of one net, trained side by side; the best is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from dsl.records import dataclass

from ..data import Stream
from ..errors import DivergedError
from ..executor import Ensemble, Executor, Rows, SideBySide, Steps
from ..frontend import Length, Watch, plateau_of, start_of, training_lengths
from .best import Best, Sums
from .course import StepRequest
from .plateau import adapt_rate
from .run import epoch_record


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
        return epoch_record(self.number, self.step, float(self.losses[k]), float(self.penalties[k]), self.figures[k])


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
    """Several restarts in training, for an EpochLoop. Every restart has the same records, best state and early stopping
    as a separate run; the others continue without it.

    `placed`: the parts of the data that are on the device; `watches`: for each restart the metric that decides, None
    for the final loss on the training rows.
    """

    def __init__(
        self, ensemble: SideBySide, placed: Mapping[str, Rows], length: Length, watches: Sequence[Watch | None]
    ) -> None:
        self.ensemble, self.placed, self.length = ensemble, placed, length
        self.watches, self.watch = watches, watches[0]
        self.restarts = [Restart(seed) for seed in ensemble.seeds]
        self.log: list[Epoch] = []
        self.sums: Any = 0.0  # of the losses of each restart, batch by batch
        self.examples = 0
        self.plateaus = [plateau_of(net.graph) for net in ensemble.nets]
        self.bests = [None if watch is None else Best(watch) for watch in watches]
        self.kept: dict[int, dict[str, Any]] = {}
        self.lost: dict[int, int] = {}  # the step of which the loss was no finite number

    @property
    def step(self) -> int:
        """Number of updates so far."""
        return self.ensemble.step

    @property
    def ended(self) -> bool:
        """Whether all restarts have stopped."""
        return not self.going

    def snapshot(self) -> Callable[[], None]:
        """A function that restores the current state."""
        return self.ensemble.snapshot()

    def steps(self, first: int, count: int) -> Generator[StepRequest, Steps, list[int]]:
        """Request `count` steps from number `first` on, whose batches `add` then adds; returns the rows of each. Raises
        DivergedError if no restart is left."""
        ensemble, rows = self.ensemble, self.placed["train"]
        losses, penalties, sizes = yield StepRequest(ensemble, rows, len(rows), self.length.batch, first, count)
        self._losses, self._penalties = self._on_host(losses) * sizes, self._on_host(penalties)
        self._sizes, self._done = sizes, ensemble.steps_done()
        with ensemble.backend.running():
            self._look_for_lost(first, self._losses + self._penalties)
        return sizes

    def add(self, start: int, stop: int) -> None:
        """Add some of the last batches to the sums of the epoch. The numbers of stopped restarts are meaningless."""
        with self.ensemble.backend.running():
            for column in self._losses[:, start:stop].T:
                self.sums = self.sums + column
        self.examples += sum(self._sizes[start:stop])
        self.penalties = self._penalties[:, stop - 1]

    @property
    def mean_loss(self) -> float:
        """That of the leading restart over the examples of the epoch so far."""
        return min((float(self.sums[k]) / self.examples for k in self.going), default=math.nan)

    def _look_for_lost(self, first: int, losses: Any) -> None:
        """Find the first step after `first` whose loss is not a finite number, though its gradient was finite and
        it was made: a run of its own ends there."""
        for k in self.going:
            made = losses[k, : max(0, self._done[k] - first)].tolist()
            if not all(map(math.isfinite, made)):
                self.lost.setdefault(k, first + [*map(math.isfinite, made)].index(False) + 1)

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

    def end_epoch(self, step: int) -> dict[str, float]:
        """Record the epoch that ends with a step, and decide which restarts stop; returns the record of the leading
        one."""
        ensemble, number = self.ensemble, self.length.epoch(step)
        figures: list[dict[str, float]] = [{}] * ensemble.count
        if "valid" in self.placed:
            figures = ensemble.evaluate(self.placed["valid"], repeats=number - 1)
        epoch = Epoch(number, step, self.sums / self.examples, self.penalties, figures)
        self.log.append(epoch)
        for k in self.going:
            restart, best = self.restarts[k], self.bests[k]
            if self.lost.get(k, step + 1) <= step:
                restart.stopped = f"diverged: the loss is not a finite number at step {self.lost[k]:,}"
                ensemble.stop(k)
                continue
            if k in ensemble.diverged and self._done[k] < step:
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
                if best.patience_exhausted(step, self.length.per_epoch):
                    restart.stopped = "early stop"
                    ensemble.stop(k)
        if step % self.length.per_epoch == 0:
            self.sums, self.examples = 0.0, 0
        return self.leader(range(ensemble.count))

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
        final = self.ensemble.evaluate(self.placed["train"]) if watch is None else None
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
        ranked = [(figure, k) for k in among if (figure := self.restarts[k].figure) is not None]
        if not ranked:
            raise DivergedError(f"none of the {len(among):,} restarts has a figure that is a number")
        rising = watch is not None and watch.rising
        return min(ranked, key=lambda pair: (-pair[0] if rising else pair[0], pair[1]))[1]


def restarts_of(
    first: Executor,
    count: int,
    where: tuple[str, str],
    rows: Mapping[str, Any] | Stream,
    start: Mapping[str, Any] | None,
) -> Ensemble:
    """`count` restarts of a net with the statistics of its training `rows`, whose seed is that of `first` for the
    first one; all start with another run's weights if the file says so, or with those of `start`. `where`: the device
    and the backend."""
    ensemble = Ensemble(first.net, count, where[0], first.precision, first.seed, where[1])
    ensemble.backend.algorithms = first.backend.algorithms  # what they choose is saved with the run
    begin(ensemble, rows, {name: v for name, v in first.counters.items() if name in training_lengths(0, 0)}, start)
    return ensemble


def begin(
    ensemble: SideBySide,
    rows: Mapping[str, Any] | Stream,
    counters: Mapping[str, float],
    start: Mapping[str, Any] | None = None,
) -> None:
    """Give each member of an ensemble the statistics of the rows, these counters, and the weights of `start`, or those
    that its file starts from. Raises NetError, InputError."""
    ensemble.fit(rows)
    for k, net in enumerate(ensemble.nets):
        _Counters(ensemble, k).set_counters(counters)
        if start is not None or start_of(net) is not None:
            member = ensemble.member(k)
            member.start_from(start)
            member.fit(rows)
            arrays = member.arrays()  # also the optimizer's, which an ensemble allocates later
            ensemble.adopt(k, {name: arrays[name] for name in ensemble.state(k)})
