"""The training loop: epochs of mini-batches, validation, checkpoints, early stopping, final evaluation."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..data import Dataset
from ..errors import DivergedError, SaveError
from ..executor import Executor, Programs, Rows, Steps, first_non_finite, require_finite_losses, require_memory
from ..executor.checkpoint import UNDECIDED, Saved
from ..frontend import STEP, Net, length_of, plateau_of, require_parts, training_lengths
from .best import Best, Sums
from .course import Course, StepRequest
from .dataset import dataset_of, hashes
from .environment import algorithms, describe_run, experiment
from .final import measure
from .folder import RunFolder
from .health import Health
from .hooks import Hooks
from .pace import Pace, epochs_of, may_run_ahead
from .plateau import adapt_rate
from .restarts import Race, race_of
from .resume import best_before, changes_bytes, continuing, measured_before, records_before, require_same, same_place
from .run import Progress, Run
from .undecided import resume_race, undecided


class Training:
    """One call of `train`: `course` runs it."""

    def __init__(
        self,
        net: Net,
        where: tuple[str, str],
        folder: RunFolder | None,
        source: Path | None,
        saved: Saved | None,
        data: Mapping[str, Any] | None,
        hooks: Hooks,
        shared: dict[str, Programs],
    ) -> None:
        """`where`: device and backend; `saved`: the state at `source` to resume; `data`: rows instead of the file's;
        `shared`: the programs of nets that differ in seed and split alone, by precision."""
        self.net, self.where, self.folder, self.hooks = net, where, folder, hooks
        self.started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        fresh, programs = saved is None or UNDECIDED in saved.about, shared.get(net.precision)
        ex = self.executor = Executor(net, where[0], backend=where[1], programs=programs, start=fresh)
        shared[net.precision] = ex.programs
        split_seed = ex.seed
        if saved is not None:
            ex.backend.algorithms |= saved.about.get("algorithms", {})
            with continuing(source, net):
                if not fresh:
                    ex.load_state_dict(saved.state)
        dataset = dataset_of(ex, data, split_seed)
        watch = require_parts(net, dataset.parts)
        self.best, self.plateau = None if watch is None else Best(watch), plateau_of(net.graph)
        self.batch, self.per_epoch, self.total = length_of(net, len(dataset.parts["train"]))
        self.race = self._prepare(dataset, fresh=fresh)
        if self.race is not None and saved is not None:
            with continuing(source, net):
                resume_race(self.race, saved)
        self.run = Run(ex, dataset, -(-self.total // self.per_epoch), self.total, self.step)
        self.run.folder = None if folder is None else folder.path
        self.sums, self.pace = Sums(), Pace(last=time.monotonic())
        self.saved_step: int | None = None  # the step of the last checkpoint
        self.metadata: dict[str, Any] = {}
        if folder is not None or saved is not None:
            self.metadata = experiment(ex, hashes(net, dataset, given=data is not None), dataset, split_seed)
        self.records, self.measured = list[dict[str, Any]](), list[dict[str, Any]]()
        self.health: Health | None = None
        if source is not None and saved is not None:
            self._resume(source, saved)
        self.placed: dict[str, Rows] = {one: ex.place(dataset.part(one)) for one in dataset.parts if one != "test"}
        self.all_rows = sum(map(len, dataset.parts.values()))

    def _prepare(self, dataset: Dataset, *, fresh: bool) -> Race | None:
        """Check that the training is possible, and initialise the executor if it is `fresh`. Returns the restarts, if
        there are several."""
        net, ex, count = self.net, self.executor, len(dataset.parts["train"])
        restarts = int(net.option("restarts", 1)) if fresh else 1
        require_memory(net, ex.backend, ex.dtype, min(self.batch, count), restarts)
        rows = dataset.part("train")
        if fresh:
            ex.fit(rows)
        ex.set_counters(training_lengths(self.per_epoch, self.total))
        race = None
        if restarts > 1:
            valid = dataset.part("valid") if "valid" in dataset.parts else None
            race = race_of(ex, restarts, self.where, rows, valid, None if self.best is None else self.best.watch)
        if self.total >= self.per_epoch and count % self.batch:
            ex.compiled("train", count % self.batch)  # a layer that cannot process the smaller last batch fails now
        return race

    @property
    def step(self) -> int:
        """Number of updates so far."""
        return (self.executor if self.race is None else self.race.ensemble).step

    def _resume(self, source: Path, saved: Saved) -> None:
        """Resume a saved state: in the middle of an epoch, of the patience."""
        self.run.warnings += require_same(source, saved, self.net, self.metadata["data"])
        self.run.warnings += changes_bytes(saved, self.metadata["environment"])
        step = self.step
        if self.folder is not None and same_place(self.folder.path, source):
            self.saved_step = step
        if step % self.per_epoch and self.race is None:
            self.sums = Sums(**saved.about["sums"])
        self.records = records_before(source, step, self.per_epoch, self.total)
        self.measured = measured_before(source, step)
        self.run.restarts = saved.about.get("restarts", [])
        self.run.judged_by = "train.loss" if self.best is None else self.best.watch.figure
        if self.best is not None and saved.about.get("best"):
            self.best.resume(saved.about["best"], best_before(source))
            self.best.fresh = self.saved_step is None  # in another folder the best state is written again

    # The loop ----------------------------------------------------------------------------------------------------
    def course(self) -> Course:
        """Train to the end, or until it is stopped; save and evaluate."""
        run = self.run
        self.several = not self.hooks.callbacks and self.best is None and may_run_ahead(self.net)
        if self.net.option("health"):
            self.health = Health(self.placed["train"], self.batch, self.total, self.measured, self.hooks.notice)
        if self.race is not None:
            self._decide(self.race)
        ex = self.executor
        while (step := ex.step) < self.total and not run.stopped:
            # Checked between epochs only, so that it does not depend on where a piece or a process ended.
            between = step > 0 and step % self.per_epoch == 0
            if between and self.best is not None and self.best.patience_exhausted(step, self.per_epoch):
                run.stopped = "early stop"
                break
            if self.health is not None and self.health.due(ex, step):
                self._note_sizes(self.health.measure(ex))
            ends = yield from self._piece(step)
            if self.hooks.stopping is not None and self.hooks.stopping():
                run.stopped = "interrupted"
            elif self.folder is not None and self.pace.due(time.monotonic(), ends) and ex.step < self.total:
                self._save()
        if self.health is not None and run.stopped != "interrupted":
            losses = {r["epoch"]: r["train.loss"] for r in (*self.records, *run.history)}
            records, run.health = self.health.conclude(ex, list(losses.values()))
            self._note_sizes(records)
        if self.folder is not None:
            self._save()
        if run.stopped != "interrupted":
            measure(run, ex, self.best, self.placed, self.per_epoch)
            if self.folder is not None:
                findings = {} if self.health is None else {"health": [asdict(finding) for finding in run.health]}
                self.folder.note({"metrics": run.metrics, **findings})
                self.folder.save(None)
        return run

    def _decide(self, race: Race) -> None:
        """Train all restarts and continue with the best; if the training is stopped before, none is chosen."""
        run, hooks, folder = self.run, self.hooks, self.folder
        for records in race.pieces(self.total, self.per_epoch, self.batch, hooks.progress, several=self.several):
            for record in records:
                run.history.append(record)
                if folder is not None:
                    folder.note(record)
                hooks.epoch_ended(run)
            if hooks.stopping is not None and hooks.stopping():
                run.stopped = "interrupted"
                run.executor = self.executor = race.ensemble.member(race.leading(range(race.ensemble.count)))
                return
            if folder is not None and self.pace.due(time.monotonic(), bool(records)) and self.step < self.total:
                self._save()
        k = race.judge()
        run.executor = self.executor = race.ensemble.member(k)
        run.restarts, run.judged_by = [asdict(one) for one in race.restarts], race.figure
        run.history[:], run.stopped = race.history(k), race.restarts[k].stopped
        self.race, self.sums = None, race.sums_of(k)
        self.best, self.records = race.bests[k], list(run.history)
        if folder is not None:
            folder.begin_anew()  # with its figures instead of the leaders'
        if self.best is not None and k in race.kept:
            state = race.ensemble.state_dict(k, race.kept[k])
            self.best.fresh, self.best.saved = True, self._saved(state)

    def _piece(self, first: int) -> Generator[StepRequest, Steps, bool]:
        """Run steps from number `first`, at most to the end of the epoch, or of several. Returns whether one ended."""
        ex, run, began = self.executor, self.run, time.monotonic()
        most = None if self.health is None else self.health.steps_left(ex, first)
        count = self.pace.piece(first, self.per_epoch, self.total, most, several=self.several)
        restore = ex.snapshot() if count > self.per_epoch - first % self.per_epoch else None
        try:
            losses, penalties, sizes = yield from self._updates(first, count)
        except DivergedError:
            if restore is None:
                raise
            # One epoch at a time, so that earlier epochs are recorded, and the state is that of the failing step.
            restore()
            self.pace.apart = first + count
            return (yield from self._piece(first))
        ends, count = False, len(sizes)
        for start, at in epochs_of(first, count, self.per_epoch):
            step, epoch = first + at, (first + start) // self.per_epoch + 1
            self.sums.add(losses[start:at], penalties[start:at], sizes[start:at])
            if at == count:
                seconds = time.monotonic() - began
                self.pace.took(count, seconds)
                if self.hooks.progress is not None:
                    mean, rate = self.sums.loss / self.sums.examples, count / max(seconds, 1e-9)
                    self.hooks.progress(Progress(step, self.total, epoch, run.epochs, mean, rate))
            ends = step % self.per_epoch == 0 or step == self.total
            if ends:
                self._epoch_over(step)
                self.hooks.epoch_ended(run)
        return ends

    def _updates(
        self, first: int, count: int
    ) -> Generator[StepRequest, Steps, tuple[list[float], list[float], list[int]]]:
        """Run at most `count` steps: their losses, penalties, and the rows of each batch. Raises DivergedError."""
        ex, rows, epoch = self.executor, self.placed["train"], first // self.per_epoch + 1
        try:
            steps = yield StepRequest(ex, rows, self.all_rows, self.batch, count)
            losses, penalties = map(ex.backend.to_host, steps[:2])
            require_finite_losses(losses, penalties, first)
        except DivergedError as error:
            # A step whose loss alone is not finite was applied: the following steps show what is wrong, too.
            raise DivergedError(f"epoch {epoch:,}: {error}{first_non_finite(ex, rows, self.batch)}") from None
        return losses.tolist(), penalties.tolist(), steps[2]

    def _epoch_over(self, step: int) -> None:
        """Record the epoch that ends with a step: the mean loss of its examples, and the validation metrics."""
        record = {
            "epoch": float((step - 1) // self.per_epoch + 1),
            "step": float(step),
            "train.loss": self.sums.loss / self.sums.examples,
            "train.penalty": self.sums.penalty,
        }
        if "valid" in self.placed:
            figures = self.executor.evaluate(self.placed["valid"], repeats=(step - 1) // self.per_epoch)
            record |= {f"valid.{name}": value for name, value in figures.items()}
        if step % self.per_epoch == 0:
            self.sums = Sums()
        if self.plateau is not None:
            adapt_rate(self.plateau, self.executor, record)
        self.run.history.append(record)
        if self.folder is not None:
            self.folder.note(record)
        if (best := self.best) and best.improves(record) and (self.folder or best.watch.restore):
            best.saved, best.fresh = self._saved(), True

    def _note_sizes(self, records: Sequence[dict[str, Any]]) -> None:
        if self.folder is not None:
            self.folder.note_sizes(records)

    # The folder --------------------------------------------------------------------------------------------------
    def _saved(self, state: Mapping[str, Any] | None = None) -> Saved:
        """A state, the current one by default, with metadata."""
        ex, best = self.executor, self.best
        about = {**self.metadata, **algorithms(ex), **({"restarts": self.run.restarts} if self.run.restarts else {})}
        if self.race is not None:
            return undecided(self.race, about)
        state = ex.state_dict() if state is None else state
        step = int(state[STEP])
        about |= {
            "step": step,
            "epoch": step / self.per_epoch,
            "seed": ex.seed,
            "sums": (self.sums if step % self.per_epoch else Sums()).state(),
            "result": "best" if best is not None and best.watch.restore else "last",
            "best": None if best is None else best.state(),
        }
        return Saved(state, about)

    def _save(self) -> None:
        """Write the folder. Raises SaveError, and DivergedError for a state that is not finite."""
        assert self.folder is not None
        began = time.monotonic()
        if self.race is None:
            self.executor.require_finite()
        try:
            if not self.folder.begun:
                if self.hooks.begun is not None:
                    self.hooks.begun()
                sizes = self.measured if self.measured or self.health is not None else None
                about = describe_run(self.run, self.metadata, self.where, self.started)
                self.folder.begin(self.net, about, self.records, sizes)
            best = self.best if self.best is not None and self.best.fresh else None
            self.folder.save(self._saved(), None if best is None else best.saved)
        except SaveError as error:
            gone = ": the folder is gone" if self.folder.begun and not self.folder.path.exists() else ""
            raise SaveError(f"{error}{gone}; the training stopped at step {self.step:,}") from None
        if best is not None:
            best.fresh = False
        self.pace.saved(began, time.monotonic())
        self.saved_step = self.step
