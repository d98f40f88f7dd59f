"""Kernels as parts of one: which of them can run side by side, or one after the other in a warp, and their text for a
thread of a block."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from dsl.records import dataclass

from ..c.memory import Span, spans_overlap
from .work import WARP

OWN_MEMORY = 48 * 1024
"""Bytes that a block of every GPU has of its own without asking for more (CUDA C++ Programming Guide, compute
capabilities). Newer ones give it more where it is asked for at the launch: 227 KiB on Hopper."""
MOST_BARRIERS = 14
"""Barriers that tasks can have beside that of all threads and FRONT's."""
FRONT = 15
"""The number of the barrier of all threads but those of a strand aside."""
_SHARED = re.compile(r"__shared__ (Pack<(\w+), (\d+)>|\w+) (.*?);")
_NAMES = {"blockIdx.x": "block", "threadIdx.x": "thread", "THREAD": "thread"}
_LOOP = re.compile(r"for \((\w+) q = (.+?); q < (\d+); q \+= (\d+)\)")
_WORD = re.compile(r"\b(?:blockIdx\.x|threadIdx\.x|THREADS?|__syncthreads\(\))")


@dataclass(frozen=True, slots=True)
class Inner:
    """The turns of a loop, each of which takes all threads through its phases."""

    length: int
    phases: tuple[tuple[Strand, ...], ...]


@dataclass(frozen=True)
class Task:
    """A kernel of `grid` blocks of `block` threads as a part of a step: its text, what it reads and writes, and whether
    it stands behind the guard; or a loop, `inner`."""

    about: str
    lines: tuple[str, ...]
    grid: int
    block: int
    reads: list[Span]
    writes: list[Span]
    guarded: bool
    scratch: bool = False
    """Whether it uses the memory that kernels of the same equation hand on to each other."""
    inner: Inner | None = None

    @cached_property
    def own_memory(self) -> int:
        """Bytes of the memory that each of its blocks has of its own, at most."""
        return shared(self.lines)

    @cached_property
    def meets(self) -> bool:
        """Whether its threads wait for each other."""
        return any("__syncthreads" in line for line in self.lines)

    @property
    def free(self) -> bool:
        """Whether any number of threads can share it."""
        return not any("threadIdx" in line or "blockIdx" in line for line in self.lines)

    @property
    def threads(self) -> int:
        return self.block if self.meets else self.grid * self.block

    @property
    def heading(self) -> list[str]:
        """What it is for, as a comment."""
        return [f"/* {self.about} */"] if self.about else []

    def clashes(self, other: Task) -> bool:
        """Whether one writes what the other reads or writes."""
        if self.scratch and other.scratch:
            return True
        pairs = ((self.writes, other.reads), (self.writes, other.writes), (self.reads, other.writes))
        return any(spans_overlap(a, b) for ones, others in pairs for a in ones for b in others)

    def rewritten(self, wait: str, threads: int) -> list[str]:
        """Its text for thread `thread` of block `block`, where `threads` are there. `wait`: how those of a block of its
        wait for each other."""
        return self.written({**_NAMES, "THREADS": str(threads), "__syncthreads()": wait})

    def wait(self, barrier: int) -> str:
        """How the threads of a block of its wait for each other at a barrier."""
        return f"meet<{barrier}, {self.block}>()"

    def written(self, words: Mapping[str, str]) -> list[str]:
        """Its text with these words for the numbers of threads and blocks, and for the wait of a block."""
        return [_WORD.sub(lambda m: words[m[0]], line) for line in self.lines]

    def called(self, name: str, arguments: str, barrier: str, threads: int) -> str:
        """The calls of the function `name` by `threads` threads for all blocks. `arguments`: its arguments before the
        numbers of the block and of the thread; `barrier`: how the threads of a block wait for each other."""
        active = f"if (thread < {self.threads}) " if self.threads < threads else ""
        if self.meets:
            if self.grid == 1:
                return f"{active}{name}({arguments}0, thread);"
            # What a block keeps in common is written by the next one.
            return f"{active}for (int b = 0; b < {self.grid}; b++) {name}({arguments}b, thread), {barrier};"
        call = f"{name}({arguments}{{0}} / {self.block}, {{0}} % {self.block});"
        if self.threads <= threads:
            return active + call.format("thread")
        return f"for (int v = thread; v < {self.threads}; v += {threads}) {call.format('v')}"


@dataclass(frozen=True)
class Strand:
    """Tasks one after the other on the same threads: a single one, or several of a warp each, whose threads wait for
    each other alone, which takes a fraction of the time that all threads of a block need for it."""

    tasks: tuple[Task, ...]

    @property
    def threads(self) -> int:
        return max(task.threads for task in self.tasks)

    @property
    def meets(self) -> bool:
        """Whether its threads need a barrier of their own."""
        return len(self.tasks) == 1 and self.tasks[0].meets


def phases(tasks: Sequence[Task]) -> list[list[Strand]]:
    """Tasks in strands, those that do not depend on each other side by side; all threads wait for each other between
    two phases. Each task is as early as it can be, those behind the guard after all before it. Of those that wait for
    the last of a strand, the one behind which most is left to do follows it on its threads, if it waits for no other
    strand of that phase; several of which the same is left are side by side."""
    count, before = len(tasks), _before(tasks)
    left = [0] * count  # tasks of the longest chain behind each one
    for k in reversed(range(count)):
        for i in before[k]:
            left[i] = max(left[i], left[k] + 1)
    heirs = [[k for k in range(i + 1, count) if i in before[k] and left[k] + 1 == left[i]] for i in range(count)]
    found: list[list[list[int]]] = []
    level = [0] * count
    for k, task in enumerate(tasks):
        level[k] = max((level[i] + 1 for i in before[k]), default=0)
        strands = [s for s in found[level[k] - 1] if not before[k].isdisjoint(s)] if level[k] else []
        if len(strands) == 1 and heirs[last := strands[0][-1]] == [k] and _follows(tasks[last], task):
            strands[0].append(k)
            level[k] -= 1
            continue
        while level[k] < len(found) and task.meets and _barriers(found[level[k]], tasks) == MOST_BARRIERS:
            level[k] += 1
        found += [[] for _ in range(level[k] + 1 - len(found))]
        found[level[k]].append([k])
    return [[Strand(tuple(tasks[k] for k in strand)) for strand in phase] for phase in found]


def aside(tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
    """What a warp of its own can do while the others go through all phases before the guard: it waits for nothing, the
    first task neither, which is the batch, and only what stands behind the guard waits for it. It has no barrier. Also
    the tasks that are left."""
    before = _before(tasks)
    able = [t.inner is None and t.threads <= WARP and not t.meets and not t.guarded for t in tasks]
    found = {k for k in range(1, len(tasks)) if able[k]}
    pairs = [(i, k) for k, task in enumerate(tasks) if not task.guarded for i in before[k]]
    while wrong := {pair for pair in pairs if len(found.intersection(pair)) == 1}:
        found.difference_update(*wrong)
    if not any(task.guarded for task in tasks):
        return [], [*tasks]
    own = [task for k, task in enumerate(tasks) if k in found]
    return own, [task for k, task in enumerate(tasks) if k not in found]


def _before(tasks: Sequence[Task]) -> list[set[int]]:
    """What each task waits for."""
    return [
        {i for i in range(k) if task.clashes(tasks[i]) or (task.guarded and not tasks[i].guarded)}
        for k, task in enumerate(tasks)
    ]


def _follows(first: Task, second: Task) -> bool:
    """Whether a task can follow another on the same warp."""
    both = first, second
    return first.guarded == second.guarded and all(t.inner is None and t.threads <= WARP for t in both)


def _barriers(phase: Sequence[Sequence[int]], tasks: Sequence[Task]) -> int:
    """The barriers that the strands of a phase need beside that of all threads, at most."""
    return sum(tasks[strand[0]].meets for strand in phase)


def once(text: str) -> str:
    """The text without loops of a single turn: a compiler does not know how many blocks there are, and unrolls them."""
    return _LOOP.sub(lambda m: f"if (const {m[1]} q = {m[2]}; q < {m[3]})" if int(m[3]) <= int(m[4]) else m[0], text)


def warps(threads: int) -> int:
    """Threads of whole warps."""
    return -(-threads // WARP) * WARP


def shared(lines: Sequence[str]) -> int:
    """Bytes of its own memory that a text declares, at most: as if all were apart, and numbers of the widest type."""
    return sum(size for line in lines for m in _SHARED.finditer(line) for _, size in _arrays(m))


def overlaid(lines: Iterable[str]) -> Iterator[str]:
    """A text whose own memory is at `room`, where that of others may be, too."""
    at = 0
    for line in lines:
        found = _SHARED.search(line)
        if found is None:
            yield line
            continue
        for name, size in _arrays(found):
            kind, sizes = found[1], name[len(name.split("[")[0]) :]
            place = f"*({kind} (*){sizes})(room + {at})"
            yield f"{line[: found.start()]}{kind} (&{name.removesuffix(sizes)}){sizes} = {place};"
            at += -(-size // 16) * 16


def _arrays(found: re.Match[str]) -> Iterator[tuple[str, int]]:
    """What is declared, with its bytes at most, and those before it begins at a multiple of 16."""
    item = 8 if found[2] is None else int(found[3]) * (8 if found[2] == "double" else 4)
    for name in found[4].split(", "):
        yield name, 16 + item * math.prod(map(int, re.findall(r"\[(\d+)\]", name)))
