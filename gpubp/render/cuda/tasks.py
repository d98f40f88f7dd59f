"""Kernels as tasks within one kernel: which can run side by side, which one after the other in a warp, and their code
for a thread of a block."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from dsl.records import dataclass

from ..c.memory import Span, spans_overlap
from .work import WARP

STATIC_SHARED = 48 * 1024
"""Bytes of static shared memory that a block may declare on any GPU (CUDA C++ Programming Guide, compute capabilities).
More has to be requested at launch as dynamic shared memory: up to 227 KiB on Hopper."""
MAX_BARRIERS = 14
"""Named barriers left for tasks, of 16 in all: 0 is that of the whole block, and one is MAIN_BARRIER."""
MAIN_BARRIER = 15
"""The named barrier of all threads but those of the warp that runs ahead (split_off_warp)."""
_SHARED = re.compile(r"__shared__ (Pack<(\w+), (\d+)>|\w+) (.*?);")
_NAMES = {"blockIdx.x": "block", "threadIdx.x": "thread", "THREAD": "thread"}
_LOOP = re.compile(r"for \((\w+) q = (.+?); q < (\d+); q \+= (\d+)\)")
_WORD = re.compile(r"\b(?:blockIdx\.x|threadIdx\.x|THREADS?|__syncthreads\(\))")


@dataclass(frozen=True, slots=True)
class LoopPhases:
    """The phases of a loop body, which all threads go through in each iteration."""

    length: int
    phases: tuple[tuple[Strand, ...], ...]


@dataclass(frozen=True)
class Task:
    """A kernel of `grid` blocks of `block` threads as part of a step: its code, the memory it reads and writes, and
    whether it is `guarded`, that is after the guard; or a loop, `loop`."""

    about: str
    lines: tuple[str, ...]
    grid: int
    block: int
    reads: list[Span]
    writes: list[Span]
    guarded: bool
    scratch: bool = False
    """Whether it uses the scratch memory, through which kernels of one equation pass partial results."""
    loop: LoopPhases | None = None
    stops: bool = False
    """Whether it marks a net as stopped, one of several, whose blocks then do nothing from their first line on."""

    @cached_property
    def shared_memory(self) -> int:
        """An upper bound of its shared memory in bytes."""
        return shared_bytes(self.lines)

    @cached_property
    def synchronises(self) -> bool:
        """Whether it contains a block-wide barrier."""
        return any("__syncthreads" in line for line in self.lines)

    @property
    def any_threads(self) -> bool:
        """Whether any number of threads can run it: its loops are grid-stride loops."""
        return not any("threadIdx" in line or "blockIdx" in line for line in self.lines)

    @property
    def threads(self) -> int:
        return self.block if self.synchronises else self.grid * self.block

    @property
    def comment_lines(self) -> list[str]:
        """The comment before it."""
        return [f"/* {self.about} */"] if self.about else []

    def conflicts(self, other: Task) -> bool:
        """Whether the two depend on each other: one writes what the other reads or writes."""
        if self.scratch and other.scratch:
            return True
        pairs = ((self.writes, other.reads), (self.writes, other.writes), (self.reads, other.writes))
        return any(spans_overlap(a, b) for ones, others in pairs for a in ones for b in others)

    def for_threads(self, wait: str, threads: int) -> list[str]:
        """Its code for thread `thread` of block `block`, if run by `threads` threads. `wait`: the statement for a
        block-wide barrier."""
        return self.substituted({**_NAMES, "THREADS": str(threads), "__syncthreads()": wait})

    def barrier_call(self, barrier: int) -> str:
        """The statement by which the threads of one of its blocks wait at a named barrier."""
        return f"meet<{barrier}, {self.block}>()"

    def substituted(self, words: Mapping[str, str]) -> list[str]:
        """Its code with these substitutes for the indices of threads and blocks, and for the block-wide barrier."""
        return [_WORD.sub(lambda m: words[m[0]], line) for line in self.lines]

    def calls(self, name: str, arguments: str, barrier: str, threads: int) -> str:
        """The calls of the function `name` by `threads` threads, for all blocks of the task. `arguments`: those before
        the indices of the block and the thread; `barrier`: the statement for a block-wide barrier."""
        active = f"if (thread < {self.threads}) " if self.threads < threads else ""
        if self.synchronises:
            if self.grid == 1:
                return f"{active}{name}({arguments}0, thread);"
            # The next block reuses the shared memory.
            return f"{active}for (int b = 0; b < {self.grid}; b++) {name}({arguments}b, thread), {barrier};"
        call = f"{name}({arguments}{{0}} / {self.block}, {{0}} % {self.block});"
        if self.threads <= threads:
            return active + call.format("thread")
        return f"for (int v = thread; v < {self.threads}; v += {threads}) {call.format('v')}"


@dataclass(frozen=True)
class Strand:
    """Tasks that run one after the other on the same threads: a single one, or several of one warp, which synchronises
    in a fraction of the time of a block-wide barrier."""

    tasks: tuple[Task, ...]

    @property
    def threads(self) -> int:
        return max(task.threads for task in self.tasks)

    @property
    def synchronises(self) -> bool:
        """Whether its threads need a named barrier."""
        return len(self.tasks) == 1 and self.tasks[0].synchronises


def phases(tasks: Sequence[Task]) -> list[list[Strand]]:
    """Schedule tasks into phases, separated by a barrier of all threads; the strands of a phase run side by side. Each
    task is scheduled as early as possible, guarded ones after all others. A successor of the last task of a strand
    continues that strand if it is the one with the longest remaining chain (ties run side by side), and depends on no
    other strand of that phase."""
    count, before = len(tasks), _before(tasks)
    left = [0] * count  # length of the longest chain of successors of each
    for k in reversed(range(count)):
        for i in before[k]:
            left[i] = max(left[i], left[k] + 1)
    heirs = [[k for k in range(i + 1, count) if i in before[k] and left[k] + 1 == left[i]] for i in range(count)]
    schedule: list[list[list[int]]] = []
    level = [0] * count
    for k, task in enumerate(tasks):
        level[k] = max((level[i] + 1 for i in before[k]), default=0)
        strands = [s for s in schedule[level[k] - 1] if not before[k].isdisjoint(s)] if level[k] else []
        if len(strands) == 1 and heirs[last := strands[0][-1]] == [k] and _follows(tasks[last], task):
            strands[0].append(k)
            level[k] -= 1
            continue
        while level[k] < len(schedule) and task.synchronises and _barriers(schedule[level[k]], tasks) == MAX_BARRIERS:
            level[k] += 1
        schedule += [[] for _ in range(level[k] + 1 - len(schedule))]
        schedule[level[k]].append([k])
    return [[Strand(tuple(tasks[k] for k in strand)) for strand in phase] for phase in schedule]


def all_phases(schedule: Sequence[Sequence[Strand]]) -> Iterator[Sequence[Strand]]:
    """All phases, including those in loops."""
    for phase in schedule:
        yield phase
        for inner in _loops(phase):
            yield from inner.phases


def all_tasks(schedule: Sequence[Sequence[Strand]]) -> Iterator[Task]:
    """All tasks, including those in loops."""
    return (task for phase in all_phases(schedule) for strand in phase for task in strand.tasks)


def barrier_count(schedule: Sequence[Sequence[Strand]]) -> int:
    """The block-wide barriers of a step, those of all iterations of loops included."""
    return len(schedule) + sum(inner.length * len(inner.phases) for phase in schedule for inner in _loops(phase))


def _loops(phase: Sequence[Strand]) -> Iterator[LoopPhases]:
    return (task.loop for strand in phase for task in strand.tasks if task.loop is not None)


def split_off_warp(tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
    """Split tasks into those that a separate warp can run while the others go through all phases before the guard, and
    the rest. The former depend on nothing, not even the first task, which loads the batch; only guarded tasks depend on
    them; and they contain no barrier."""
    before = _before(tasks)
    able = [t.loop is None and t.threads <= WARP and not t.synchronises and not t.guarded for t in tasks]
    ahead = {k for k in range(1, len(tasks)) if able[k]}
    pairs = [(i, k) for k, task in enumerate(tasks) if not task.guarded for i in before[k]]
    while wrong := {pair for pair in pairs if len(ahead.intersection(pair)) == 1}:
        ahead.difference_update(*wrong)
    if not any(task.guarded for task in tasks):
        return [], [*tasks]
    own = [task for k, task in enumerate(tasks) if k in ahead]
    return own, [task for k, task in enumerate(tasks) if k not in ahead]


def _before(tasks: Sequence[Task]) -> list[set[int]]:
    """The predecessors of each task."""
    return [
        {i for i in range(k) if task.conflicts(tasks[i]) or (task.guarded and not tasks[i].guarded)}
        for k, task in enumerate(tasks)
    ]


def _follows(first: Task, second: Task) -> bool:
    """Whether a task can continue the strand of another, on the same warp."""
    both = first, second
    return first.guarded == second.guarded and all(t.loop is None and t.threads <= WARP for t in both)


def _barriers(phase: Sequence[Sequence[int]], tasks: Sequence[Task]) -> int:
    """The named barriers that the strands of a phase need."""
    return sum(tasks[strand[0]].synchronises for strand in phase)


def merge_single_iterations(text: str) -> str:
    """Replace loops of a single iteration: the compiler does not know the number of threads, and would unroll them."""
    return _LOOP.sub(lambda m: f"if (const {m[1]} q = {m[2]}; q < {m[3]})" if int(m[3]) <= int(m[4]) else m[0], text)


def whole_warps(threads: int) -> int:
    """A number of threads, rounded up to whole warps."""
    return -(-threads // WARP) * WARP


def shared_bytes(lines: Sequence[str]) -> int:
    """An upper bound of the shared memory that some code declares: nothing overlaps, and elements have the widest
    type."""
    return sum(size for line in lines for m in _SHARED.finditer(line) for _, size in _arrays(m))


def overlay_shared(lines: Iterable[str]) -> Iterator[str]:
    """Code whose shared memory is placed at `room`, which other tasks may use as well."""
    at = 0
    for line in lines:
        declared = _SHARED.search(line)
        if declared is None:
            yield line
            continue
        for name, size in _arrays(declared):
            kind, sizes = declared[1], name[len(name.split("[")[0]) :]
            place = f"*({kind} (*){sizes})(room + {at})"
            yield f"{line[: declared.start()]}{kind} (&{name.removesuffix(sizes)}){sizes} = {place};"
            at += -(-size // 16) * 16


def _arrays(declared: re.Match[str]) -> Iterator[tuple[str, int]]:
    """The declared arrays, with an upper bound of their bytes, including padding to a multiple of 16."""
    item = 8 if declared[2] is None else int(declared[3]) * (8 if declared[2] == "double" else 4)
    for name in declared[4].split(", "):
        yield name, 16 + item * math.prod(map(int, re.findall(r"\[(\d+)\]", name)))
