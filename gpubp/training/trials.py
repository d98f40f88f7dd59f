"""The trials of a hyperparameter search: all combinations of the params' values, or random samples; and how one is
run."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dsl.records import dataclass

from ..data import Purpose, generator
from ..errors import DataError, DeviceError, DivergedError, GpubpError, NetError
from ..frontend import Domain, Net, load_set, with_fold, with_options
from .folds import CrossValidation, cross_validate
from .run import Progress, Run
from .seeds import Replication, replicate
from .trainer import train

GRID, RANDOM, TPE = "grid", "random", "tpe"


@dataclass(frozen=True, slots=True)
class Trial:
    """One training, or one for each fold or seed. `value`: the metric that the search optimises, or its mean over
    these, None if the training `failed`, for the reason given. `epochs`: the maximum number it took, `seconds` the
    time. `std`: the standard deviation (n - 1) over the folds or seeds, None if there is only one."""

    number: int
    params: dict[str, str]
    value: float | None
    epochs: int
    seconds: float
    failed: str = ""
    std: float | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What all trials of a search share: the file, the given params, the epochs if not the file's, the folds if each is
    cross-validated, the seeds if there are several, the metric."""

    file: str
    given: Mapping[str, str]
    epochs: int | None
    folds: int | None
    figure: str
    seeds: int | None = None

    def divided(self, net: Net) -> list[Net]:
        """The nets that a trial with this net trains: one for each fold or each seed."""
        if self.folds is not None:
            return [with_fold(net, fold, self.folds) for fold in range(1, self.folds + 1)]
        first = int(net.option("seed"))
        return [with_options(net, seed=seed) for seed in range(first, first + (self.seeds or 1))]


def method_of(space: Mapping[str, Domain], trials: int, asked: str) -> str:
    """A grid search if there are no more combinations than `trials`, else `asked`."""
    return GRID if combinations(space) <= trials else asked


def combinations(space: Mapping[str, Domain]) -> float:
    """The number of combinations; infinite if a param is any number of a range."""
    return math.prod((len(domain.values) or _size(domain)) for domain in space.values())


def _size(domain: Domain) -> float:
    if domain.first == domain.last:
        return 1
    return domain.last - domain.first + 1 if domain.whole else math.inf


def settings(space: Mapping[str, Domain], method: str, seed: int) -> Iterator[dict[str, str]]:
    """The params of trial 1, 2, ..., without duplicates, in the language's syntax. In a grid the last param varies
    fastest. Random ones depend only on the seed and their number, so that raising the number of trials extends the same
    sequence (random search: Bergstra & Bengio, "Random search for hyper-parameter optimization", 2012)."""
    if method == GRID:
        choices = [domain.values or (domain.at(0.0),) for domain in space.values()]
        yield from (dict(zip(space, values, strict=True)) for values in itertools.product(*choices))
        return
    seen: set[tuple[str, ...]] = set()
    most = combinations(space)
    for counter in itertools.count():
        shares = generator(seed, Purpose.SEARCH, counter).random(len(space))
        values = tuple(domain.at(float(share)) for domain, share in zip(space.values(), shares, strict=True))
        if values not in seen:
            seen.add(values)
            yield dict(zip(space, values, strict=True))
        # Numbers are rounded, so that a very narrow range has few of them.
        if len(seen) >= most or counter > 1000 * (len(seen) + 10):
            return


def one_trial(
    task: Task,
    number: int,
    params: dict[str, str],
    device: str,
    progress: Callable[[Progress], None] | None,
    stopping: Callable[[], bool] | None,
) -> Trial | None:
    """Run one trial; None if it was interrupted. Raises errors that affect every trial: DataError, DeviceError."""
    began, epochs = time.perf_counter(), 0

    def count(run: Run) -> None:
        nonlocal epochs
        epochs = max(epochs, int(run.history[-1]["epoch"]))

    value, std, failed = None, None, ""
    how: dict[str, Any] = {"epochs": task.epochs, "recorded": [count], "progress": progress, "stopping": stopping}
    try:
        net = with_options(load_set(task.file, {**task.given, **params}), health=False)  # nobody would read the report
        measured = _measured(task, net, device, how)
        if measured is None:
            return None
        value, std = measured
    except (DataError, DeviceError):
        raise
    except NetError as error:
        failed = "; ".join(f"{found.code}: {found.message}" for found in error.diagnostics if found.severity == "error")
    except DivergedError as error:
        failed = f"diverged: {str(error).splitlines()[0]}"
    except (GpubpError, MemoryError) as error:
        failed = str(error).partition("\n")[0] or "not enough memory"
    return Trial(number, params, value, epochs, round(time.perf_counter() - began, 3), failed, std)


def _measured(task: Task, net: Net, device: str, how: Mapping[str, Any]) -> tuple[float, float | None] | None:
    """Train a net, or each of its folds or seeds: the metric, or its mean and standard deviation; None if it was
    interrupted. `how`: other arguments of `train`. Raises what that raises."""
    if task.folds is None and task.seeds is None:
        run = train(net, device, **how)
        if run.stopped == "interrupted":
            return None
        return run.metrics[task.figure] if task.figure in run.metrics else run.history[-1][task.figure], None
    result: CrossValidation | Replication
    if task.folds is not None:
        result = cross_validate(net, task.folds, device, **how)
    else:
        result = replicate(net, task.seeds, device, **how)
    if result.stopped:
        return None
    for number, why in result.diverged.items():  # a mean over the easier ones compares with no other
        raise DivergedError(f"{result.kind} {number}: {why}")
    return result.mean[task.figure], result.std.get(task.figure)
