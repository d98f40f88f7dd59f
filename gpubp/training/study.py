"""Several trainings of one net, as of each fold or each seed, side by side where the net is small; and what they came
to over all."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from dsl.records import dataclass

from ..errors import CheckpointError, DivergedError, GpubpError, InputError
from ..executor import max_side_by_side
from ..executor.checkpoint import ABOUT, LAST, write
from ..frontend import Net
from . import history
from .course import Course, run_side_by_side
from .folder import holds_seeds, member_folder, saved_runs
from .hooks import Hooks
from .resume import require_start
from .run import Run
from .shared import Shared
from .trainer import course


class Outcome(Protocol):
    """What one training came to."""

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics, as of a Run."""

    @property
    def tables(self) -> dict[str, list[list[int]]]:
        """Those that are tables."""


Out = TypeVar("Out", bound=Outcome)


@dataclass(slots=True, repr=False)
class Study(ABC, Generic[Out]):
    """The trainings that have ended so far, `of` so many. `folder`: where they are saved, if anywhere; `outcomes`:
    those that did not diverge; `diverged`: the message of each that did, by number; `stopped`: why the study ended
    before the last, or "". `kind`: what the trainings differ in, FOLD or SEED; `file`: that of the results."""

    kind: ClassVar[str]
    file: ClassVar[str]
    of: int
    folder: Path | None
    outcomes: list[Out] = field(default_factory=list)
    diverged: dict[int, str] = field(default_factory=dict)
    stopped: str = ""

    def __repr__(self) -> str:
        mean, std = self.mean, self.std
        names = [name for name in mean if name.startswith(f"{self.part}.") and "penalty" not in name]
        shown = [f"{name} {mean[name]:.4g}" + (f" +- {std[name]:.2g}" if std else "") for name in names]
        figures = f": {', '.join(shown)}" if shown else ""
        return f"<{type(self).__name__}, {len(self.outcomes)} of {self.of} {self.kind}s{figures}>"

    @property
    @abstractmethod
    def part(self) -> str:
        """The part of the data that is looked at."""

    @abstractmethod
    def outcome(self, number: int, run: Run, epochs: int, seconds: float) -> Out:
        """What the training with this number came to, which took so long."""

    def as_json(self) -> dict[str, Any]:
        """The results as JSON-serialisable data."""
        results = {"mean": self.mean, "std": self.std, "tables": self.tables}
        each = {f"{self.kind}s": [asdict(one) for one in self.outcomes]}  # type: ignore[call-overload]  # data classes
        return {**results, **each, **({"diverged": self.diverged} if self.diverged else {})}

    def save(self) -> None:
        """Write the results to the study's folder. Raises SaveError."""
        assert self.folder is not None
        write(self.folder / self.file, (json.dumps(self.as_json(), indent=2) + "\n").encode())

    @property
    def mean(self) -> dict[str, float]:
        """The mean of every metric, `valid.accuracy` and so on, over those that did not diverge."""
        return self._over(fmean)

    @property
    def std(self) -> dict[str, float]:
        """The sample standard deviation (n - 1) of every metric over the same; empty with fewer than two."""
        return self._over(stdev) if len(self.outcomes) > 1 else {}

    def _over(self, work: Callable[[list[float]], float]) -> dict[str, float]:
        names = self.outcomes[0].metrics if self.outcomes else ()
        return {name: work([one.metrics[name] for one in self.outcomes]) for name in names}

    @property
    def tables(self) -> dict[str, list[list[int]]]:
        """The tables of the held-out rows of folds, `valid.confusion` and so on, or of the last part of the data,
        `test.confusion`: the sums over the trainings."""
        names = [one for one in self.outcomes[0].tables if one.startswith(f"{self.part}.")] if self.outcomes else []
        rows = {name: zip(*(one.tables[name] for one in self.outcomes), strict=True) for name in names}
        return {name: [list(map(sum, zip(*row, strict=True))) for row in rows[name]] for name in names}


@dataclass(frozen=True, slots=True)
class Member:
    """A training of a study: its `number`, which names its folder, its net, and its seed, None for the net's."""

    number: int
    net: Net
    seed: int | None = None


def conduct(
    result: Study[Any],
    members: Sequence[Member],
    where: tuple[str, str],
    hooks: Hooks,
    ended: Callable[[Any, Run], None] | None,
    diverged: Callable[[int, str], None] | None,
    given: Mapping[str, Any],
    *,
    resumed: bool,
) -> str:
    """Train the members of a study, each `kind`-`number` in its folder, those of small nets side by side, and add them
    to the `result`; returns `stopped`. `ended` and `diverged` are those of `cross_validate` and `replicate`; `given`
    are the other arguments of `course`. Raises DivergedError if all diverge, and whatever `train` raises."""
    if resumed and result.folder is not None and not all(_begun(result, member) for member in members):
        require_start(result.folder, given["start"])
    size = _side_by_side(members[0].net, where, hooks)
    shared = Shared()
    given = {**given, "shared": shared}
    for first in range(0, len(members), size):
        group = members[first : first + size]
        courses = [_course(result, member, where, hooks, resumed, given) for member in group]
        left, interrupted = [*group], False
        with closing(run_side_by_side(courses, where, hooks.stopping, shared)) as found:
            for run, seconds in found:
                member = left.pop(0)
                if isinstance(run, DivergedError):
                    result.diverged[member.number] = str(run)
                    if diverged is not None and len(result.diverged) < len(members):
                        diverged(member.number, str(run))
                elif run.stopped != "interrupted":
                    result.outcomes.append(result.outcome(member.number, run, _epochs(run), round(seconds, 3)))
                    if ended is not None:
                        ended(result.outcomes[-1], run)
                else:
                    interrupted = True
                del run  # the rows of one are not to be in memory beside those of the next
        if left or interrupted or (first + size < len(members) and hooks.stopping is not None and hooks.stopping()):
            return "interrupted"
    if len(result.diverged) == len(members):
        number = members[0].number
        all_of = f"all {len(members):,} {result.kind}s diverged; " if len(members) > 1 else ""
        raise DivergedError(f"{all_of}{result.kind} {number}: {result.diverged[number]}")
    return ""


def _course(
    result: Study[Any],
    member: Member,
    where: tuple[str, str],
    hooks: Hooks,
    resumed: bool,
    given: Mapping[str, Any],
) -> Course:
    """The training of a member, in its folder, where it goes on if there is something."""
    folder = None if result.folder is None else member_folder(result.folder, result.kind, member.number)
    before = folder if resumed and _begun(result, member) else None
    return course(member.net, where, hooks, folder, before, seed=member.seed, **given)


def _begun(result: Study[Any], member: Member) -> bool:
    """Whether a member has a checkpoint."""
    return result.folder is not None and (member_folder(result.folder, result.kind, member.number) / LAST).exists()


def _side_by_side(net: Net, where: tuple[str, str], hooks: Hooks) -> int:
    """How many trainings of a net run side by side. Whoever looks at the executor after each epoch sees one training
    after the other, and restarts are side by side themselves."""
    if hooks.callbacks or net.option("restarts", 1) != 1:
        return 1
    try:
        # On the device on which each trains alone.
        if max_side_by_side(net, where[0], 1, where[1], roughly=True) == 1:
            return 1
        return max_side_by_side(net, where[0], 1, where[1])
    except (GpubpError, MemoryError):
        return 1  # the training will report what is wrong


def place_of(what: str, out: Any, resume: Any) -> Path | None:
    """The folder of a study. Raises InputError or CheckpointError if there cannot be one."""
    if None not in (out, resume) and out != resume:
        raise InputError(f"{what} continues in its own folder: leave `out` out")
    if resume is None and out is not None:
        if (Path(out) / ABOUT).exists():
            raise CheckpointError(f"`{out}` already contains a run: save to another folder; nothing is overwritten")
        if saved_runs(Path(out)):
            those = "of several seeds" if holds_seeds(Path(out)) else "of a cross-validation"
            raise CheckpointError(f"`{out}` already contains runs {those}: resume them, or save to another folder")
    place = resume if out is None else out
    return None if place is None else Path(place)


def _epochs(run: Run) -> int:
    """The number of epochs of a training, including those before a resume."""
    records = run.history or ([] if run.folder is None else history.records(run.folder))
    return int(max((record["epoch"] for record in history.of_epochs(records)), default=0))
