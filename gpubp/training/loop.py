"""A training: its set-up, its loop over epochs, its checkpoints, and the final evaluation."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..data import Dataset
from ..errors import SaveError
from ..executor import Executor, Steps, require_memory
from ..executor.checkpoint import UNDECIDED, Saved, hash_of
from ..frontend import Length, Net, length_of, require_parts, training_lengths
from .best import Best, Sums
from .course import Course, StepRequest
from .dataset import dataset_of, hashes
from .environment import algorithms, describe_run, experiment
from .epochs import EpochLoop, Trainee
from .final import measure
from .folder import RunFolder
from .health import Health
from .hooks import Hooks
from .pace import Pace, may_run_ahead
from .restarts import Race, restarts_of
from .resume import best_before, changes_bytes, continuing, measured_before, records_before, require_same, same_place
from .run import Run
from .shared import Shared
from .single import Single
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
        start: Mapping[str, Any] | None,
        hooks: Hooks,
        shared: Shared,
    ) -> None:
        """`where`: device and backend; `saved`: the state at `source` to resume; `data`: rows instead of the file's;
        `start`: weights to begin with; `shared`: the same for nets that differ in seed and split alone."""
        self.net, self.where, self.folder, self.hooks, self.shared = net, where, folder, hooks, shared
        self.started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self.metadata: dict[str, Any] = {}
        fresh = saved is None or UNDECIDED in saved.about
        ex = self._executor(source, saved, start, fresh=fresh)
        split_seed = int(net.option("seed", 0))  # the executor may have that of the best restart
        dataset = dataset_of(ex, data, split_seed, shared.readings)
        watch = require_parts(net, dataset.parts)
        length = length_of(net, len(dataset.parts["train"]))
        restarts = int(net.option("restarts", 1)) if fresh else 1
        _prepare(ex, dataset, length, restarts, fresh=fresh)
        if folder is not None or saved is not None:
            self.metadata |= experiment(ex, hashes(net, dataset, given=data is not None), dataset, split_seed)
        placed = {part: ex.place(dataset.part(part)) for part in dataset.parts if part != "test"}
        best = None if watch is None or restarts > 1 else Best(watch)
        self.single = Single(ex, placed, sum(map(len, dataset.parts.values())), length, best)
        self.race: Race | None = None
        if restarts > 1:
            ensemble = restarts_of(ex, restarts, where, dataset.part("train"), start)
            self.race = Race(ensemble, placed, length, (watch,) * restarts)
        ahead = watch is None and not hooks.callbacks and may_run_ahead(net)
        self.loop = EpochLoop(hooks.progress, ahead, Pace(shared.steps, last=time.monotonic()))
        self.run = Run(ex, dataset, length.epoch(length.total), length.total, 0)
        self.run.folder = None if folder is None else folder.path
        self.saved_step: int | None = None  # the step of the last checkpoint
        self.records, self.measured = list[dict[str, Any]](), list[dict[str, Any]]()
        if source is not None and saved is not None:
            self._resume(source, saved)
        self.health = None
        if net.option("health"):
            self.health = Health(placed["train"], length, self.measured, hooks.notice)

    def _executor(
        self,
        source: Path | None,
        saved: Saved | None,
        start: Mapping[str, Any] | None,
        *,
        fresh: bool,
    ) -> Executor:
        """The net on its device: new, or in the saved state."""
        net, (device, backend) = self.net, self.where
        programs = self.shared.programs.get(net.precision)
        ex = Executor(net, device, backend=backend, programs=programs, start=fresh and start is None)
        self.shared.programs[net.precision] = ex.programs
        if start is not None:
            ex.start_from(start)
            state = ex.state_dict()
            given = {name: state[name] for name in (*ex.parameters, *net.buffers) if name in start}
            self.metadata["start"] = hash_of(given)  # without the others, which differ from seed to seed
        if saved is not None:
            ex.backend.algorithms |= saved.about.get("algorithms", {})
            if not fresh:
                with continuing(source, net):
                    ex.load_state_dict(saved.state)
        return ex

    @property
    def trainee(self) -> Trainee:
        """What takes the steps: the restarts until one of them is chosen."""
        return self.single if self.race is None else self.race

    def _resume(self, source: Path, saved: Saved) -> None:
        """Resume a saved state: in the middle of an epoch, of the patience."""
        if self.race is not None:
            with continuing(source, self.net):
                resume_race(self.race, saved)
        self.run.warnings += require_same(source, saved, self.net, self.metadata)
        if "start" in saved.about:
            self.metadata["start"] = saved.about["start"]
        self.run.warnings += changes_bytes(saved, self.metadata["environment"])
        step, length, best = self.trainee.step, self.single.length, self.single.best
        self.run.first_step = step
        if self.folder is not None and same_place(self.folder.path, source):
            self.saved_step = step
        if step % length.per_epoch and self.race is None:
            self.single.sums = Sums(**saved.about["sums"])
        self.records = records_before(source, step, length)
        self.measured = measured_before(source, step)
        self.run.restarts = saved.about.get("restarts", [])
        self.run.judged_by = "train.loss" if best is None else best.watch.figure
        if best is not None and saved.about.get("best"):
            best.resume(saved.about["best"], best_before(source))
            best.fresh = self.saved_step is None  # in another folder the best state is written again

    # The loop ----------------------------------------------------------------------------------------------------
    def course(self) -> Course:
        """Train to the end, or until it is stopped; save and evaluate."""
        run, folder = self.run, self.folder
        if self.race is not None:
            yield from self._epochs(self.race)
            self._choose(self.race)
        yield from self._epochs(self.single)
        ex = self.single.executor
        if not run.stopped and ex.step < self.single.length.total:
            run.stopped = "early stop"
        if self.health is not None and run.stopped != "interrupted":
            losses = {r["epoch"]: r["train.loss"] for r in (*self.records, *run.history)}
            warm = "start" in self.metadata or self.net.option("start") is not None
            records, run.health = self.health.conclude(ex, list(losses.values()), warm=warm)
            self._note_sizes(records)
        if folder is not None:
            self._save()
        if run.stopped != "interrupted":
            measure(run, self.single)
            if folder is not None:
                findings = {} if self.health is None else {"health": [asdict(finding) for finding in run.health]}
                folder.note({"metrics": run.metrics, **findings})
                folder.save(None)
        return run

    def _epochs(self, trainee: Trainee) -> Generator[StepRequest, Steps, None]:
        """Train to the last step, or until it ends before."""
        loop, run, stopping = self.loop, self.run, self.hooks.stopping
        while not run.stopped and loop.goes_on(trainee):
            records = yield from loop.piece(trainee, self._most(trainee))
            self.shared.steps = loop.pace.steps
            for record in records:
                self._record(record)
                self.hooks.epoch_ended(run)
            due = self.folder is not None and loop.pace.due(time.monotonic(), bool(records), self.shared.turns)
            if stopping is not None and stopping():
                run.stopped = "interrupted"
            elif due and trainee.step < trainee.length.total:
                self._save()

    def _most(self, trainee: Trainee) -> int | None:
        """The number of steps to the next measurement, if there are any; one that is due is made."""
        if self.health is None or isinstance(trainee, Race):
            return None
        step = trainee.step
        if self.health.due(trainee.executor, step):
            self._note_sizes(self.health.measure(trainee.executor))
        return self.health.steps_left(trainee.executor, step)

    def _record(self, record: dict[str, float]) -> None:
        """Note the figures of an epoch, and keep the state if it is the best so far."""
        self.run.history.append(record)
        if self.folder is not None:
            self.folder.note(record)
        best = self.single.best
        if best is not None and best.improves(record) and (self.folder is not None or best.watch.restore):
            best.saved, best.fresh = self._saved(), True

    def _choose(self, race: Race) -> None:
        """Go on with the best of the restarts. If they were interrupted, none is chosen, and the leading one is what
        callers see."""
        run = self.run
        k = race.leading(range(race.ensemble.count)) if run.stopped else race.judge()
        run.executor = race.ensemble.member(k)
        self.single.executor, self.single.best, self.single.sums = run.executor, race.bests[k], race.sums_of(k)
        if run.stopped:
            return
        run.restarts, run.judged_by = [asdict(one) for one in race.restarts], race.figure
        run.history[:], run.stopped = race.history(k), race.restarts[k].stopped
        self.race, self.records = None, list(run.history)
        if self.folder is not None:
            self.folder.begin_anew()  # with its figures instead of the leaders'
        if self.single.best is not None and k in race.kept:
            state = race.ensemble.state_dict(k, race.kept[k])
            self.single.best.fresh, self.single.best.saved = True, self._saved(state)

    def _note_sizes(self, records: Sequence[dict[str, Any]]) -> None:
        if self.folder is not None:
            self.folder.note_sizes(records)

    # The folder --------------------------------------------------------------------------------------------------
    def _saved(self, state: Mapping[str, Any] | None = None) -> Saved:
        """A state, the current one by default, with metadata."""
        restarts = {"restarts": self.run.restarts} if self.run.restarts else {}
        about = {**self.metadata, **algorithms(self.single.executor), **restarts}
        return self.single.saved(about, state) if self.race is None else undecided(self.race, about)

    def _save(self) -> None:
        """Write the folder. Raises SaveError, and DivergedError for a state that is not finite."""
        assert self.folder is not None
        began = time.monotonic()
        if self.race is None:
            self.single.executor.require_finite()
        try:
            if not self.folder.begun:
                if self.hooks.begun is not None:
                    self.hooks.begun()
                sizes = self.measured if self.measured or self.health is not None else None
                about = describe_run(self.run, self.metadata, self.where, self.started)
                self.folder.begin(self.net, about, self.records, sizes)
            best = self.single.best if self.single.best is not None and self.single.best.fresh else None
            self.folder.save(self._saved(), None if best is None else best.saved)
        except SaveError as error:
            gone = ": the folder is gone" if self.folder.begun and not self.folder.path.exists() else ""
            raise SaveError(f"{error}{gone}; the training stopped at step {self.trainee.step:,}") from None
        if best is not None:
            best.fresh = False
        self.loop.pace.saved(began, time.monotonic())
        self.saved_step = self.trainee.step


def _prepare(executor: Executor, dataset: Dataset, length: Length, restarts: int, *, fresh: bool) -> None:
    """Check that the training is possible, and give the executor its statistics, if it is `fresh`, and its counters."""
    (batch, per_epoch, total), count = length, len(dataset.parts["train"])
    require_memory(executor.net, executor.backend, executor.dtype, min(batch, count), restarts)
    if fresh:
        executor.fit(dataset.part("train"))
    executor.set_counters(training_lengths(per_epoch, total))
    if total >= per_epoch and count % batch:
        executor.compiled("train", count % batch)  # a layer that cannot process the smaller last batch fails now
