"""Trials of a search whose nets differ in numbers alone: how to find them, and their training side by side, as one
program."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from itertools import islice

from dsl.records import dataclass

from ..data import Dataset
from ..data import load as load_data
from ..errors import DataError, DeviceError, DivergedError, GpubpError
from ..executor import Sweep, max_side_by_side, require_memory
from ..frontend import (
    Net,
    UnlikeError,
    length_of,
    load_set,
    require_parts,
    sweep_key,
    training_lengths,
    with_options,
)
from .course import run_alone
from .epochs import EpochLoop
from .groups import mean_std
from .restarts import Race, begin
from .run import Progress
from .trials import Task, Trial, one_trial

WINDOW = 64
"""How many trials are searched at a time for such nets."""
Figures = list[tuple[float, int] | None]
"""For each net the metric that the search optimises and the epochs it took; None if something is wrong: trained by
itself, it will report what."""
Repeated = list[tuple[list[float], int] | None]
"""The same with the metric on each division of the rows, or of each seed, and the most epochs that one took."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trial that has not run yet, and its net; None if it is to be trained by itself."""

    number: int
    params: dict[str, str]
    net: Net | None = None


def grouped(
    task: Task,
    asked: Iterable[tuple[int, dict[str, str]]],
    device: str,
    most: int = WINDOW,
    stopping: Callable[[], bool] | None = None,
) -> Iterator[list[Candidate]]:
    """The trials `asked` for, in groups of at most `most` that may be trained side by side. They end if `stopping`
    returns True."""
    left = iter(asked)
    while some := list(islice(left, WINDOW)):
        found: dict[Hashable, list[Candidate]] = {}
        for number, params in some:
            if stopping is not None and stopping():
                return
            one, kind = _candidate(task, number, params, device)
            found.setdefault(number if kind is None else kind, []).append(one)
        for group in found.values():
            net, size = group[0].net, 1
            if net is not None and len(group) > 1:
                restarts = int(net.option("restarts"))
                size = max(1, min(most, max_side_by_side(net, device, len(group) * restarts) // restarts))
            parts = -(-len(group) // size)
            for k in range(parts):
                yield group[k * len(group) // parts : (k + 1) * len(group) // parts]


def _candidate(task: Task, number: int, params: dict[str, str], device: str) -> tuple[Candidate, Hashable]:
    """A trial, and a key that it shares with those it may be trained beside; None if it is trained by itself: large
    nets, and params that the file is wrong with, which the trial will report."""
    try:
        net = with_options(load_set(task.file, {**task.given, **params}), epochs=task.epochs)
        if max_side_by_side(net, device, roughly=True) > int(net.option("restarts")):
            return Candidate(number, params, net), sweep_key(net)
    except (GpubpError, MemoryError):
        pass
    return Candidate(number, params), None


def trials_of(
    task: Task,
    group: Sequence[Candidate],
    device: str,
    progress: Callable[[Progress], None] | None,
    stopping: Callable[[], bool] | None,
) -> Generator[Trial | None]:
    """The results of a group, to the bit those of `one_trial`; finally None if it was interrupted. Raises errors that
    affect every trial: DataError, DeviceError."""
    began = time.perf_counter()
    found: Repeated | None = [None] * len(group)
    if len(group) > 1:
        try:
            found = _figures(task, [one.net for one in group if one.net is not None], device, progress, stopping)
        except (DataError, DeviceError):
            raise
        except (UnlikeError, GpubpError, MemoryError):
            pass  # trained by itself, each reports what is wrong, if anything is
    if found is None:
        yield None
        return
    # The time that they took together is divided equally.
    seconds = round((time.perf_counter() - began) / len(group), 3)
    for one, figure in zip(group, found, strict=True):
        if figure is not None:
            values, epochs = figure
            mean, std = mean_std(values)
            yield Trial(one.number, one.params, mean, epochs, seconds, std=std)
    for one, figure in zip(group, found, strict=True):
        if figure is None:
            trial = one_trial(task, one.number, one.params, device, progress, stopping)
            yield trial
            if trial is None:
                return


def in_turn(
    task: Task,
    rounds: Iterable[Iterable[Sequence[Candidate]]],
    device: str,
    progress: Callable[[Progress], None] | None,
    stopping: Callable[[], bool] | None,
) -> Generator[Trial | None]:
    """The results of one group after the other, round by round; finally None if `stopping` returned True."""
    ended = stopping if stopping is not None else bool
    for several in rounds:
        for group in several:
            if ended():
                break
            yield from trials_of(task, group, device, progress, stopping)
        if ended():
            yield None
            return


def _figures(
    task: Task,
    nets: Sequence[Net],
    device: str,
    progress: Callable[[Progress], None] | None,
    stopping: Callable[[], bool] | None,
) -> Repeated | None:
    """The metrics of nets of one group; None if they were interrupted."""
    several: list[Figures] = []
    for alike in zip(*map(task.divided, nets), strict=True):
        found = _trained(alike, task.figure, device, progress, stopping)
        if found is None:
            return None
        several.append(found)
    return [
        None if None in each else ([value for value, _ in each], max(epochs for _, epochs in each))
        for each in zip(*several, strict=True)
    ]


def _trained(
    nets: Sequence[Net],
    figure: str,
    device: str,
    progress: Callable[[Progress], None] | None,
    stopping: Callable[[], bool] | None,
) -> Figures | None:
    """The same on one division of the rows. Each net is trained as gpubp.training.loop would, with all its restarts."""
    net = nets[0]
    restarts = int(net.option("restarts"))
    sweep = Sweep(nets, device, restarts=restarts)
    dataset = load_data(net.graph, net.base, sweep.seeds[0])
    count = len(dataset.parts["train"])
    length = length_of(net, count)
    largest = min(length.batch, count)
    watches = [require_parts(one, dataset.parts) for one in sweep.nets]
    require_memory(net, sweep.backend, net.dtype, largest, sweep.count)
    begin(sweep, dataset.part("train"), training_lengths(length.per_epoch, length.total))
    placed = {part: sweep.place(dataset.part(part)) for part in dataset.parts if part != "test"}
    race, loop = Race(sweep, placed, length, watches), EpochLoop(progress)
    sweep.require_bits(largest)
    each = [range(k, k + restarts) for k in range(0, sweep.count, restarts)]
    epochs = [0] * len(nets)
    while loop.goes_on(race):
        run_alone(loop.piece(race))
        epochs = [max(before, _reached(race, members)) for before, members in zip(epochs, each, strict=True)]
        if stopping is not None and stopping():
            return None
    chosen = [_chosen(race, members) for members in each]
    values = _values(sweep, race, [k for k in chosen if k is not None], dataset, figure)
    return [
        (values[k], reached) if k is not None and k in values else None
        for k, reached in zip(chosen, epochs, strict=True)
    ]


def _reached(race: Race, members: Sequence[int]) -> int:
    """The epoch of the record that the training of these restarts alone would show."""
    return int(race.leader(members)["epoch"]) if any(race.restarts[k].epochs for k in members) else 0


def _chosen(race: Race, members: Sequence[int]) -> int | None:
    """The member that the training of these restarts alone would go on with, if it would."""
    if len(members) == 1:
        return None if race.restarts[members[0]].stopped.startswith("diverged") else members[0]
    try:
        return race.judge(members)
    except DivergedError:
        return None


def _values(sweep: Sweep, race: Race, members: Sequence[int], dataset: Dataset, figure: str) -> dict[int, float]:
    """The figure of each of these members in the state that is its result; without those of which something is not
    finite."""
    sound = {k: sweep.finite(k) for k in members}
    for k, kept in race.kept.items():
        sweep.adopt(k, kept)
    metrics: dict[int, dict[str, float]] = {}
    for k in (k for k in members if sound[k]):
        last, best = race.restarts[k].epochs, race.bests[k]
        of = best.epoch if best is not None and k in race.kept else last
        # The epoch of that state has evaluated `valid` already.
        then = {name: value for name, value in race.log[of - 1].record(k).items() if name.startswith("valid.")}
        sound[k] = all(map(math.isfinite, then.values()))
        metrics[k] = race.log[last - 1].record(k) | {name: v for name, v in then.items() if name != "valid.penalty"}
    evaluated = len(dataset.parts.get("valid", dataset.parts["train"]))
    for part in (part for part in ("train", "test") if part in dataset.parts):
        finite = sweep.all_finite(dataset.part(part), evaluated)
        found = sweep.evaluate(dataset.part(part)) if figure.startswith(f"{part}.") else None
        for k, known in metrics.items():
            sound[k] &= finite[k]
            if found is not None:
                known |= {f"{part}.{name}": value for name, value in found[k].items() if name != "penalty"}
    return {k: known[figure] for k, known in metrics.items() if sound[k]}
