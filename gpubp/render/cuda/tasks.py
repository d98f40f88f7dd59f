"""Kernels as parts of one: which of them can run side by side, and their text for a thread of a block."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from dsl.records import dataclass

from ..c.memory import Span, meet
from .work import WARP

OWN_MEMORY = 48 * 1024
"""Bytes that a block of every GPU has of its own without asking for more (CUDA C++ Programming Guide, compute
capabilities). Newer ones give it more where it is asked for at the launch: 227 KiB on Hopper."""
MOST_BARRIERS = 15
"""Barriers that some threads of a block can have beside that of all."""
_SHARED = re.compile(r"__shared__ (?:Pack<(\w+), (\d+)>|\w+) (.*?);")
_NAMES = {"blockIdx.x": "block", "threadIdx.x": "thread", "THREAD": "thread"}
_WORD = re.compile(r"\b(?:blockIdx\.x|threadIdx\.x|THREADS?|__syncthreads\(\))")


@dataclass(frozen=True, slots=True)
class Inner:
    """The turns of a loop, each of which takes all threads through its phases."""

    length: int
    phases: tuple[tuple[Task, ...], ...]


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

    def clashes(self, other: Task) -> bool:
        """Whether one writes what the other reads or writes."""
        if self.scratch and other.scratch:
            return True
        pairs = ((self.writes, other.reads), (self.writes, other.writes), (self.reads, other.writes))
        return any(meet(a, b) for ones, others in pairs for a in ones for b in others)

    def rewritten(self, barrier: int, threads: int) -> list[str]:
        """Its text for thread `thread` of block `block`, where `threads` are there; those that wait do it at the
        barrier of that number."""
        return self.written({**_NAMES, "THREADS": str(threads), "__syncthreads()": self.wait(barrier)})

    def wait(self, barrier: int) -> str:
        """How the threads of a block of its wait for each other at a barrier."""
        return f"meet<{barrier}, {self.block}>()"

    def written(self, words: Mapping[str, str]) -> list[str]:
        """Its text with these words for the numbers of threads and blocks, and for the wait of a block."""
        return [_WORD.sub(lambda m: words[m[0]], line) for line in self.lines]

    def called(self, name: str, given: str, wait: str, threads: int) -> str:
        """The calls of the function `name` by `threads` threads for all blocks. `given`: its arguments before the
        numbers of the block and of the thread; `wait`: how the threads of a block wait for each other."""
        held = f"if (thread < {self.threads}) " if self.threads < threads else ""
        if self.meets:
            if self.grid == 1:
                return f"{held}{name}({given}0, thread);"
            # What a block keeps in common is written by the next one.
            return f"{held}for (int b = 0; b < {self.grid}; b++) {name}({given}b, thread), {wait};"
        call = f"{name}({given}{{0}} / {self.block}, {{0}} % {self.block});"
        if self.threads <= threads:
            return held + call.format("thread")
        return f"for (int v = thread; v < {self.threads}; v += {threads}) {call.format('v')}"


def phases(tasks: Sequence[Task]) -> list[list[Task]]:
    """Tasks that do not depend on each other, together: each as early as it can be, those behind the guard after all
    before it."""
    levels: list[int] = []
    for k, task in enumerate(tasks):
        before = [i for i in range(k) if task.clashes(tasks[i]) or (task.guarded and not tasks[i].guarded)]
        levels.append(max((1 + levels[i] for i in before), default=0))
    found: list[list[Task]] = []
    for level in range(1 + max(levels)):
        found.append([])
        for own, task in zip(levels, tasks, strict=True):
            if own == level:
                if task.meets and sum(t.meets for t in found[-1]) == MOST_BARRIERS:
                    found.append([])
                found[-1].append(task)
    return found


def warps(threads: int) -> int:
    """Threads of whole warps."""
    return -(-threads // WARP) * WARP


def shared(lines: Sequence[str]) -> int:
    """Bytes of its own memory that a text declares, at most: as if all were apart, and numbers of the widest type."""
    total = 0
    for kind, wide, names in (m.groups() for line in lines for m in _SHARED.finditer(line)):
        item = 8 if kind is None else int(wide) * (8 if kind == "double" else 4)
        sizes = (map(int, re.findall(r"\[(\d+)\]", name)) for name in names.split(","))
        total += sum(16 + item * math.prod(size) for size in sizes)
    return total
