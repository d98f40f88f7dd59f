"""Several random starts of one net, trained side by side; the best one is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from dsl.records import dataclass

from ..data import Stream
from ..errors import DivergedError
from ..executor import Ensemble, Executor
from ..frontend import EPOCH_STEPS, TOTAL_STEPS, Net, Watch, start_of
from .best import Best, Sums
from .plateau import look
from .resume import begin_from
from .run import Progress

Rows = Mapping[str, Any] | Stream
"""Rows of data: arrays by name, or a stream of them."""


@dataclass(slots=True)
class Restart:
    """One random start: what became of it. `figure`: what it is judged by, None where it diverged; `stopped`: why it
    ended before the others, or ""."""

    seed: int
    figure: float | None = None
    stopped: str = ""
    history: list[dict[str, float]] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        """For `Run.restarts` and the run's folder."""
        return {"seed": self.seed, "figure": self.figure, "epochs": len(self.history), "stopped": self.stopped}


@dataclass(frozen=True, slots=True)
class _Counters:
    """The counters of restart `k`, as an executor has them."""

    ensemble: Ensemble
    k: int

    @property
    def net(self) -> Net:
        return self.ensemble.net

    @property
    def counters(self) -> Mapping[str, float]:
        return {name: self.ensemble.arrays[name][self.k].item() for name in self.ensemble.counters}

    def set_counters(self, values: Mapping[str, float]) -> None:
        for name in values.keys() & self.ensemble.counters:
            self.ensemble.arrays[name][self.k] = values[name]


class Race:
    """Trains an ensemble. Every restart has what a run of its own has: its records, its best state, its early stop; the
    others go on without it.

    `watch`: the figure that decides, None for the loss of the training rows at the end.
    """

    def __init__(self, ensemble: Ensemble, rows: Rows, valid: Rows | None, watch: Watch | None) -> None:
        self.ensemble, self.rows, self.valid, self.watch = ensemble, rows, valid, watch
        self.placed = ensemble.place(rows)
        self.restarts = [Restart(seed) for seed in ensemble.seeds]
        self.sums = [Sums() for _ in self.restarts]
        self.bests = [None if watch is None else Best(watch) for _ in self.restarts]
        self.kept: dict[int, Executor] = {}
        self.interrupted = ""

    def epochs(
        self,
        total: int,
        per_epoch: int,
        batch: int,
        progress: Callable[[Progress], None] | None,
        stopping: Callable[[], bool] | None,
    ) -> Iterator[dict[str, float]]:
        """Train to step `total`, or until all restarts have stopped; gives after each epoch the record of the restart
        that leads. Sets `interrupted` where `stopping` ended it."""
        ensemble, began, last = self.ensemble, time.monotonic(), -(-total // per_epoch)
        while ensemble.step < total and self.going:
            end = min(total, (ensemble.step // per_epoch + 1) * per_epoch)
            while ensemble.step < end:
                self._piece(min(end - ensemble.step, max(1, per_epoch // 4)), batch)
                step = ensemble.step
                if progress is not None:
                    rate = step / max(time.monotonic() - began, 1e-9)
                    progress(Progress(step, total, (step - 1) // per_epoch + 1, last, self._leading_loss(), rate))
                if step < end and stopping is not None and stopping():
                    self.interrupted = "interrupted"
                    return
            self._note(per_epoch)
            yield self._leader()
            if stopping is not None and stopping():
                self.interrupted = "interrupted"
                return

    def _piece(self, steps: int, batch: int) -> None:
        losses, penalties, sizes = self.ensemble.run_steps(self.placed, steps, batch)
        to_host = self.ensemble.backend.to_host
        for k in self.going:
            self.sums[k].add(to_host(losses[k]).tolist(), to_host(penalties[k]).tolist(), sizes)

    @property
    def figure(self) -> str:
        """What the restarts are judged by."""
        return "train.loss" if self.watch is None else self.watch.figure

    def as_records(self) -> list[dict[str, Any]]:
        """What became of each restart."""
        return [restart.as_record() for restart in self.restarts]

    @property
    def going(self) -> list[int]:
        """The restarts that are trained on."""
        return [k for k, restart in enumerate(self.restarts) if not restart.stopped]

    def _leading_loss(self) -> float:
        return min((self.sums[k].loss / self.sums[k].examples for k in self.going), default=math.nan)

    def _note(self, per_epoch: int) -> None:
        """The records of an epoch, and who stops."""
        ensemble, step = self.ensemble, self.ensemble.step
        figures = ensemble.evaluate(self.valid) if self.valid is not None else [{} for _ in self.restarts]
        for k in self.going:
            restart, sums, best = self.restarts[k], self.sums[k], self.bests[k]
            if k in ensemble.stopped:
                restart.stopped = f"diverged: {ensemble.stopped[k]}"
                continue
            record = {
                "epoch": float((step - 1) // per_epoch + 1),
                "step": float(step),
                "train.loss": sums.loss / sums.examples,
                "train.penalty": sums.penalty,
            }
            record |= {f"valid.{name}": value for name, value in figures[k].items()}
            restart.history.append(record)
            look(_Counters(ensemble, k), record)
            if best is not None:
                if best.improves(record) and best.watch.restore:
                    self.kept[k] = ensemble.member(k)
                if best.too_old(step, per_epoch):
                    restart.stopped = "early stop"
                    ensemble.stand_still(k)
            self.sums[k] = Sums()

    def _leader(self) -> dict[str, float]:
        """The last record of the restart that is best so far."""
        records = [restart.history[-1] for restart in self.restarts if restart.history]
        key = self.figure
        sign = -1.0 if self.watch is not None and self.watch.rising else 1.0
        return min(records, key=lambda record: sign * record[key] if math.isfinite(record[key]) else math.inf)

    def judge(self) -> int:
        """Give every restart its figure and return the number of the best. Raises DivergedError where none has one."""
        final = self.ensemble.evaluate(self.rows) if self.watch is None else None
        for k, restart in enumerate(self.restarts):
            best = self.bests[k]
            if restart.stopped.startswith("diverged") and k not in self.kept:
                continue
            if final is not None:
                value = final[k]["loss"]
            elif best is not None and best.watch.restore and best.value is not None:
                value = best.value
            else:
                assert self.watch is not None
                value = restart.history[-1][self.watch.figure] if restart.history else math.nan
            restart.figure = value if math.isfinite(value) else None
        found = [(restart.figure, k) for k, restart in enumerate(self.restarts) if restart.figure is not None]
        if not found:
            raise DivergedError(f"none of the {len(self.restarts):,} restarts has a figure that is a number")
        rising = self.watch is not None and self.watch.rising
        return min(found, key=lambda pair: (-pair[0] if rising else pair[0], pair[1]))[1]


def race_of(
    first: Executor,
    count: int,
    where: tuple[str, str],
    rows: Rows,
    valid: Rows | None,
    watch: Watch | None,
) -> Race:
    """`count` restarts of a net with the statistics of `first`, whose seed is the first one's; each begins with the
    weights of another run where the file says so. `where`: the device and the backend."""
    net = first.net
    ensemble = Ensemble(net, count, where[0], first.precision, first.seed, where[1])
    ensemble.fit(rows)
    for k in range(count):
        known = first.counters.items()
        _Counters(ensemble, k).set_counters({name: v for name, v in known if name in (EPOCH_STEPS, TOTAL_STEPS)})
    if start_of(net) is not None:
        for k in range(count):
            member = ensemble.member(k)
            begin_from(net, member)
            ensemble.adopt(k, member)
    return Race(ensemble, rows, valid, watch)


def spread(restarts: list[dict[str, Any]], figure: str) -> str:
    """How far the restarts lie apart, in one line."""
    found = sorted(r["figure"] for r in restarts if r["figure"] is not None)
    diverged = len(restarts) - len(found)
    middle = found[len(found) // 2] if len(found) % 2 else (found[len(found) // 2 - 1] + found[len(found) // 2]) / 2
    lost = f"; {diverged:,} diverged" if diverged else ""
    return f"{len(restarts):,} restarts: {figure} from {found[0]:.4g} to {found[-1]:.4g}, median {middle:.4g}{lost}"
