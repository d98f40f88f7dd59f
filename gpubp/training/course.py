"""A training as a generator that asks for steps: run by itself, or side by side with others of the same net."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from dsl.records import dataclass

from ..errors import DivergedError
from ..executor import Abreast, Executor, Placed, Rows, SideBySide, Steps
from ..frontend import UnlikeError
from ..memory import free_memory
from .run import Run
from .shared import Shared

T = TypeVar("T")

SHARE = 0.02
"""The fraction of free memory that the rows of all trainings may take: they are there several times, as they were read,
in double precision, and as steps take them."""


@dataclass(frozen=True, slots=True, eq=False)
class StepRequest:
    """A training's request for at most `count` steps of its executor, from number `first` on, on its training rows; its
    data has `all_rows`, with those of validation and test."""

    executor: Executor | SideBySide
    rows: Rows
    all_rows: int
    batch: int
    first: int
    count: int

    def run(self, most: int) -> Steps:
        """Run them, at most `most`. Raises DivergedError."""
        return self.executor.run_steps(self.rows, min(self.count, most), self.batch)


Course = Generator[StepRequest, Steps, Run]
"""A training as a generator, which is sent the results of the steps it requests, or the error that they raised, and
returns its run."""


def run_alone(course: Generator[StepRequest, Steps, T]) -> T:
    """Run a training, or a piece of one, to its end, and return what it does. Raises what it raises."""
    try:
        request = next(course)
        while True:
            request = _answer(course, request, request.count)
    except StopIteration as end:
        result: T = end.value
        return result


def _answer(course: Generator[StepRequest, Steps, Any], request: StepRequest, most: int) -> StepRequest:
    try:
        steps = request.run(most)
    except BaseException as error:  # the training knows what else to do, whatever it is
        return course.throw(error)
    return course.send(steps)


def run_side_by_side(
    courses: Sequence[Course], where: tuple[str, str], stopping: Callable[[], bool] | None, shared: Shared
) -> Generator[tuple[Run | DivergedError, float]]:
    """Run trainings of nets that differ in seed and split alone to their ends, side by side: each does, to the bit,
    what it does alone. Yields the result of each, in their order, and the seconds that it took, its share of them if it
    was not alone. Those of much data run one after the other, until `stopping` returns True. `where`: the device and
    the backend; `shared`: what they share. Raises what one of them raises, unless it has diverged."""
    return _SideBySide(courses, where, shared).work(stopping)


class _SideBySide:
    def __init__(self, courses: Sequence[Course], where: tuple[str, str], shared: Shared) -> None:
        self._courses, self._where, self._shared = courses, where, shared
        self._requests: dict[int, StepRequest] = {}
        self._groups: dict[int, tuple[list[int], Abreast | None]] = {}
        self._results: dict[int, Run | DivergedError] = {}

    def work(self, stopping: Callable[[], bool] | None) -> Generator[tuple[Run | DivergedError, float]]:
        left, began = [*range(len(self._courses))], time.perf_counter()
        try:
            while left and not self._requests:
                k = left.pop(0)
                self._advance(k, partial(next, self._courses[k]))
                if k in self._requests and not self._is_large(self._requests[k], 1 + len(left)):
                    break
                while k in self._requests:
                    self._advance(k, partial(_answer, self._courses[k], self._requests[k], self._requests[k].count))
                yield self._results.pop(k), time.perf_counter() - began
                began = time.perf_counter()
                if left and stopping is not None and stopping():
                    return
            for k in left:
                self._advance(k, partial(next, self._courses[k]))
            while self._requests:
                self._shared.turns = len(self._requests)
                self._round()
            seconds = (time.perf_counter() - began) / max(1, len(self._results))
            yield from ((self._results[k], seconds) for k in sorted(self._results))
        finally:
            self._shared.turns = 1
            for course in self._courses:
                course.close()

    def _is_large(self, request: StepRequest, count: int) -> bool:
        """Whether so much data is not to be in memory for `count` trainings, or the rows stay in their file."""
        if not isinstance(request.rows, Placed):
            return True
        size = count * sum(array.nbytes for array in request.rows.arrays) * request.all_rows / len(request.rows)
        free = [free_memory(), request.executor.backend.free_memory()]
        return bool(size > SHARE * min((one for one in free if one is not None), default=math.inf))

    def _advance(self, k: int, act: Callable[[], StepRequest]) -> None:
        self._requests.pop(k, None)
        try:
            self._requests[k] = act()
        except StopIteration as end:
            self._results[k] = end.value
        except DivergedError as error:
            self._results[k] = error

    def _round(self) -> None:
        """Steps of those that are behind, until they are where others are; or of all."""
        at = {k: request.first for k, request in self._requests.items()}
        first, *others = sorted({*at.values()})
        members = [k for k in self._requests if at[k] == first]
        count = min(self._requests[k].count for k in members)
        if others:
            count = min(count, others[0] - first)
        done = dict(self._together(members, count))
        for k in members:
            course = self._courses[k]
            act = partial(course.send, done[k]) if k in done else partial(_answer, course, self._requests[k], count)
            self._advance(k, act)

    def _together(self, members: Iterable[int], count: int) -> Iterator[tuple[int, Steps]]:
        """The steps of those that ran side by side."""
        by_rows: dict[int, list[int]] = {}
        for k in members:
            by_rows.setdefault(len(self._requests[k].rows), []).append(k)
        for rows, some in by_rows.items():
            if len(some) == 1:
                continue
            if rows not in self._groups:  # those that are ahead are of it, too
                every = [k for k, request in self._requests.items() if len(request.rows) == rows]
                self._groups[rows] = every, self._abreast(every)
            group, abreast = self._groups[rows]
            if abreast is None:
                continue
            try:
                done = abreast.run([group.index(k) for k in some], count)
            except (UnlikeError, MemoryError):
                self._groups[rows] = group, None
                continue
            yield from ((group[i], steps) for i, steps in done.items())

    def _abreast(self, members: Sequence[int]) -> Abreast | None:
        requests: list[Any] = [self._requests[k] for k in members]
        try:
            return Abreast(
                [one.executor for one in requests], [one.rows for one in requests], self._where, requests[0].batch
            )
        except (UnlikeError, MemoryError):
            return None
