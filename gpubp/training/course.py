"""A training as a generator that asks for steps: run by itself, or side by side with others of the same net."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from dsl.records import dataclass

from ..errors import DivergedError
from ..executor import Abreast, Executor, Placed, Rows, Steps
from ..frontend import UnlikeError
from ..memory import free_memory
from .run import Run

SHARE = 0.02
"""The fraction of free memory that the rows of all trainings may take: they are there several times, as they were read,
in double precision, and as steps take them."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A training waits for at most `count` steps of its executor on its rows, of which its data has `every` with those
    of validation and test."""

    executor: Executor
    rows: Rows
    every: int
    batch: int
    count: int

    def alone(self, most: int) -> Steps:
        """Run them, at most so many. Raises DivergedError."""
        return self.executor.run_steps(self.rows, min(self.count, most), self.batch)


Course = Generator[Wanted, Steps, Run]
"""A training, which is sent the steps that it wants, or the error that they raised, and returns its run."""


def alone(course: Course) -> Run:
    """Run a training to its end. Raises what it raises."""
    try:
        wanted = next(course)
        while True:
            wanted = _answer(course, wanted, wanted.count)
    except StopIteration as end:
        run: Run = end.value
        return run


def _answer(course: Course, wanted: Wanted, most: int) -> Wanted:
    try:
        steps = wanted.alone(most)
    except BaseException as error:  # the training knows what else to do, whatever it is
        return course.throw(error)
    return course.send(steps)


def together(
    courses: Sequence[Course], where: tuple[str, str], stopping: Callable[[], bool] | None
) -> Generator[tuple[Run | DivergedError, float]]:
    """Run trainings of nets that differ in seed and split alone to their ends, side by side: each does, to the bit,
    what it does alone. Yields what each has come to, in their order, and the seconds that it took, if several its share
    of them. Those of much data run one after the other, until `stopping` returns True. `where`: the device and the
    backend. Raises what one of them raises, unless it has diverged."""
    return _Courses(courses, where).work(stopping)


class _Courses:
    def __init__(self, courses: Sequence[Course], where: tuple[str, str]) -> None:
        self._courses, self._where = courses, where
        self._wanted: dict[int, Wanted] = {}
        self._groups: dict[int, tuple[list[int], Abreast | None]] = {}
        self._ended: dict[int, Run | DivergedError] = {}

    def work(self, stopping: Callable[[], bool] | None) -> Generator[tuple[Run | DivergedError, float]]:
        left, began = [*range(len(self._courses))], time.perf_counter()
        try:
            while left and not self._wanted:
                k = left.pop(0)
                self._go_on(k, partial(next, self._courses[k]))
                if k in self._wanted and not self._is_large(self._wanted[k], 1 + len(left)):
                    break
                while k in self._wanted:
                    self._go_on(k, partial(_answer, self._courses[k], self._wanted[k], self._wanted[k].count))
                yield self._ended.pop(k), time.perf_counter() - began
                began = time.perf_counter()
                if left and stopping is not None and stopping():
                    return
            for k in left:
                self._go_on(k, partial(next, self._courses[k]))
            while self._wanted:
                self._round()
            seconds = (time.perf_counter() - began) / max(1, len(self._ended))
            yield from ((self._ended[k], seconds) for k in sorted(self._ended))
        finally:
            for course in self._courses:
                course.close()

    def _is_large(self, wanted: Wanted, count: int) -> bool:
        """Whether so much data is not to be in memory for `count` trainings, or the rows stay in their file."""
        if not isinstance(wanted.rows, Placed):
            return True
        size = count * sum(array.nbytes for array in wanted.rows.arrays) * wanted.every / len(wanted.rows)
        free = [free_memory(), wanted.executor.backend.free_memory()]
        return bool(size > SHARE * min((one for one in free if one is not None), default=math.inf))

    def _go_on(self, k: int, act: Callable[[], Wanted]) -> None:
        self._wanted.pop(k, None)
        try:
            self._wanted[k] = act()
        except StopIteration as end:
            self._ended[k] = end.value
        except DivergedError as error:
            self._ended[k] = error

    def _round(self) -> None:
        """Steps of those that are behind, until they are where others are; or of all."""
        at = {k: wanted.executor.step for k, wanted in self._wanted.items()}
        first, *others = sorted({*at.values()})
        members = [k for k in self._wanted if at[k] == first]
        count = min(self._wanted[k].count for k in members)
        if others:
            count = min(count, others[0] - first)
        done = dict(self._together(members, count))
        for k in members:
            course = self._courses[k]
            act = partial(course.send, done[k]) if k in done else partial(_answer, course, self._wanted[k], count)
            self._go_on(k, act)

    def _together(self, members: Iterable[int], count: int) -> Iterator[tuple[int, Steps]]:
        """The steps of those that ran side by side."""
        by_rows: dict[int, list[int]] = {}
        for k in members:
            by_rows.setdefault(len(self._wanted[k].rows), []).append(k)
        for rows, some in by_rows.items():
            if len(some) == 1:
                continue
            if rows not in self._groups:  # those that are ahead are of it, too
                every = [k for k, wanted in self._wanted.items() if len(wanted.rows) == rows]
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
        wanted: list[Any] = [self._wanted[k] for k in members]
        try:
            return Abreast([w.executor for w in wanted], [w.rows for w in wanted], self._where, wanted[0].batch)
        except (UnlikeError, MemoryError):
            return None
