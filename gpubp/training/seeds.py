"""Replication: one training for each of several seeds, to see how much the results vary."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsl.records import dataclass

from ..errors import CheckpointError, InputError, positive, reason
from ..frontend import Net, required
from ..health import Finding
from .folder import SEED, SEEDS, holds_seeds, number_of, saved_runs
from .hooks import Callback, Hooks
from .run import Progress, Run
from .study import Member, Study, conduct, place_of

DEFAULT = 10
"""How many seeds there are if nobody says."""


@dataclass(frozen=True, slots=True)
class Replicate:
    """The training with one seed. `metrics` and `tables` as in a Run; `epochs`: how many it took; `seconds`: training
    time of the last process; `folder`: where it is saved, if anywhere."""

    seed: int
    metrics: dict[str, float]
    tables: dict[str, list[list[int]]]
    epochs: int
    seconds: float
    folder: str | None


@dataclass(slots=True, repr=False)
class Replication(Study[Replicate]):
    """The trainings with the seeds `first`, `first` + 1, ... so far.

    - `replicates`: of each its `seed`, the `metrics` and `tables` of its training as of a Run, its `epochs`, the
      `seconds` of training, and its `folder`; `of`: how many there are to be.
    - `mean`, `std`: the mean and the sample standard deviation (n - 1) of every metric over the seeds that did not
      diverge; `tables`: of the last part of the data, the sums over the seeds.
    - `diverged`: the seeds whose training diverged, with the message.
    - `stopped`: why it ended before the last, or ""; `folder`: where it is saved, if anywhere.
    """

    kind = SEED
    file = SEEDS
    first: int = 0

    @property
    def replicates(self) -> list[Replicate]:
        """Those that did not diverge."""
        return self.outcomes

    @property
    def part(self) -> str:
        return [*self.outcomes[0].metrics][-1].partition(".")[0] if self.outcomes else ""

    def outcome(self, number: int, run: Run, epochs: int, seconds: float) -> Replicate:
        place = None if run.folder is None else str(run.folder)
        return Replicate(number, run.metrics, run.tables, epochs, seconds, place)

    def as_json(self) -> dict[str, Any]:
        # A data class with slots is another class than the one that `super()` stands in.
        return {"first": self.first, "of": self.of, **Study.as_json(self)}


def replicate(
    net: Net,
    seeds: int | None = None,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    *,
    data: Mapping[str, Any] | None = None,
    start: Mapping[str, Any] | None = None,
    ended: Callable[[Replicate, Run], None] | None = None,
    diverged: Callable[[int, str], None] | None = None,
    recorded: Sequence[Callback] = (),
    epochs: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    stopping: Callable[[], bool] | None = None,
    notice: Callable[[Finding], None] | None = None,
    backend: str = "auto",
) -> Replication:
    """Train a net once with each of several seeds, to see how much the results vary. Each result is, to the bit, that
    of `train` with its seed, which draws the initial weights, the split, the order of the rows and dropout.

    - `seeds`: how many (default: 10); `seed`: the first of them (default: the file's).
    - `start`: as of `train`, the same for all seeds, which draw the rest; with `resume` those that have begun go on
      with their own weights.
    - `ended`: called after each training with its entry in `replicates` and its Run, whose executor predicts.
    - `diverged`: called with a seed whose training diverged, and the message; the others are still trained.
    - `out`: a folder with a run for each seed, `seed-0` and so on, and `seeds.json`; `load_ensemble` loads it.
    - `resume`: such a folder, or one with runs of single processes, called `seed-0` and so on; it may go on to more
      `seeds`, and finished runs are not trained again.
    - All other arguments are those of `train`.

    Returns a Replication. Raises InputError for an invalid number of seeds, CheckpointError for a folder that holds no
    such runs or began with another seed, DivergedError if all diverged, and whatever `train` raises.

    >>> result = gpubp.replicate(gpubp.load("models/iris.net"), seeds=3, device="cpu")
    >>> [one.seed for one in result.replicates], result.std["test.accuracy"] < 0.1
    ([0, 1, 2], True)
    """
    first = int(required(net).option("seed", 0)) if seed is None else positive(seed, "the seed", 0)
    place = place_of("a replication", out, resume)
    if resume is None:
        net.require_training(epochs, given=data is not None)
        seeds = DEFAULT if seeds is None else seeds
    else:
        began, number = seeds_in(Path(resume))
        if seed not in (None, began):
            raise CheckpointError(f"`{resume}` begins with seed {began} and cannot continue with {seed}")
        first, seeds = began, number if seeds is None else seeds
    seeds = positive(seeds, "seeds")
    result = Replication(seeds, place, first=first)
    announced = False

    def announce() -> None:
        """Note how many there are to be, before there is something to go on with."""
        nonlocal announced
        if result.folder is not None and not announced:
            result.save()
        announced = True

    hooks = Hooks(callbacks, recorded, progress, stopping, notice, announce)
    members = [Member(number, net, number) for number in range(first, first + seeds)]
    where, given = (device, backend), {"data": data, "start": start, "epochs": epochs, "precision": precision}
    result.stopped = conduct(result, members, where, hooks, ended, diverged, given, resumed=resume is not None)
    if result.folder is not None and result.folder.exists():
        result.save()
    return result


def seeds_in(place: Path) -> tuple[int, int]:
    """The first seed of a replication in a folder, and how many there are to be. Raises CheckpointError."""
    if not holds_seeds(place):
        raise CheckpointError(f"`{place}` contains no runs of several seeds to continue")
    if not (place / SEEDS).exists():  # each is by a process of its own, such as a job of an array
        numbers = [number_of(run) for run in saved_runs(place)]
        return numbers[0], numbers[-1] - numbers[0] + 1
    try:
        known = json.loads((place / SEEDS).read_text("utf-8"))
        return int(known["first"]), positive(known["of"], "seeds")
    except OSError as error:
        raise CheckpointError(f"cannot read `{place / SEEDS}`: {reason(error)}") from None
    except (ValueError, KeyError, TypeError, RecursionError, InputError):
        raise CheckpointError(f"`{place / SEEDS}` is damaged: it is not what a replication wrote") from None
