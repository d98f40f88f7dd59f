"""Horizontal fusion: several small kernels as one. A kernel node of a CUDA graph takes a microsecond or two whatever it
does, which is most of a small net's step. So independent kernels run side by side, on different blocks of one launch. A
dependent kernel of few blocks is chained: the last block to finish runs it; unless it can as well run side by side with
later kernels, where nothing waits for it.

The last block is found by a counter, as in threadFenceReduction of the CUDA samples. Which block that is has no effect
on the order of any sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.records import dataclass

from .tasks import Task, overlay_shared
from .work import BLOCK, VECTOR_BYTES

MAX_BLOCKS = 512
"""Maximum blocks of kernels that run side by side, about four per multiprocessor, so that all are resident at once:
larger kernels fill a GPU by themselves."""
MAX_CHAINED = 4
"""Maximum blocks of a chained kernel, which the last block runs one after the other."""
WINDOW = 24
"""How many preceding groups are considered for a kernel to join."""
_ARGUMENTS = "arena, tables, scratch, room, "
_UNLESS_LAST = "if (!comes_last((unsigned *)scratch - 1, gridDim.x)) return;"
_INDEX = {"blockIdx.x": "block", "threadIdx.x": "thread"}


@dataclass(frozen=True, slots=True)
class Group:
    """Kernels fused into one: those of `parallel` side by side, then those of `chain` one after the other, in the last
    block. A library product is always alone."""

    parallel: tuple[Task, ...]
    chain: tuple[Task, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (*self.parallel, *self.chain)

    @property
    def grid(self) -> int:
        return sum(task.grid for task in self.parallel)

    @property
    def block(self) -> int:
        return max(task.block for task in self.tasks)

    @property
    def all_run(self) -> bool:
        """Whether every block does its work although one of them may stop the net: blocks that begin after that return
        at once. Kernels after the guard have nothing to do then, but one before it would be left unfinished, and a
        chain would wait for blocks that are never counted."""
        stops = any(task.stops for task in self.parallel)
        return not stops or (not self.chain and all(task.guarded for task in self.parallel))

    def conflicts(self, other: Group) -> bool:
        return any(a.conflicts(b) for a in self.tasks for b in other.tasks)

    def with_task(self, task: Task) -> Group | None:
        """The group with one more kernel, run after those it depends on; None if it does not fit."""
        if not self._has_room(task):
            return None
        beside, after = Group((*self.parallel, task), self.chain), Group(self.parallel, (*self.chain, task))
        independent = not any(task.conflicts(other) for other in self.tasks)
        if independent and beside.grid <= MAX_BLOCKS and beside.all_run:
            return beside
        return after if task.grid <= MAX_CHAINED and after.all_run else None

    def with_earlier(self, task: Task) -> Group | None:
        """The group with one more kernel that came before all of them; None if it does not fit."""
        wider = Group((task, *self.parallel), self.chain)
        if not self._has_room(task) or wider.grid > MAX_BLOCKS or any(task.conflicts(other) for other in self.parallel):
            return None
        return wider if wider.all_run else None

    def _has_room(self, task: Task) -> bool:
        # A thread of a block of 1024 has 64 registers, too few for most others.
        return all(member.lines and member.block <= BLOCK for member in (*self.tasks, task))


def fuse(tasks: Sequence[Task]) -> list[Group]:
    """Partition tasks into groups, in an order that respects all dependences."""
    groups = _grouped_early(tasks)
    for at in range(len(groups) - 1):
        _defer_chained(groups, at)
    return groups


def _defer_chained(groups: list[Group], at: int) -> None:
    """Move tasks from the chain of a group into the parallel part of later groups, where dependences allow it: tasks
    without predecessors in the chain to the next group, their successors to the one after that, and so on."""
    chain, depths, remaining = groups[at].chain, list[int](), list[Task]()
    for task in chain:
        depths.append(1 + max((n for n, other in zip(depths, chain, strict=False) if other.conflicts(task)), default=0))
    for task, distance in [*zip(chain, depths, strict=True)][::-1]:
        for target in range(min(at + distance, len(groups) - 1), at, -1):
            between = [*remaining, *(other for group in groups[at + 1 : target] for other in group.tasks)]
            wider = None if any(task.conflicts(other) for other in between) else groups[target].with_earlier(task)
            if wider is not None:
                groups[target] = wider
                break
        else:
            remaining.insert(0, task)
    groups[at] = Group(groups[at].parallel, tuple(remaining))


def _grouped_early(tasks: Sequence[Task]) -> list[Group]:
    """Move each task up to a preceding group, or that group down to the task, unless a group in between depends on what
    is moved."""
    groups: list[Group] = []
    for task in tasks:
        alone, movable = Group((task,)), True
        for at in range(len(groups) - 1, max(-1, len(groups) - 1 - WINDOW), -1):
            group, between = groups[at], groups[at + 1 :]
            wider = group.with_task(task)
            if wider is not None and movable:
                groups[at] = wider
                break
            if wider is not None and not any(group.conflicts(other) for other in between):
                groups[at:] = [*between, wider]
                break
            movable = movable and not group.conflicts(alone)
        else:
            groups.append(alone)
    return groups


def body(group: Group, names: Sequence[str]) -> list[str]:
    """The body of a group's kernel, whose tasks are functions of these names. A block runs one of them at a time, so
    all share the same shared memory."""
    lines, first, last = ["const int thread = threadIdx.x;"], 0, len(group.parallel) - 1
    room = max(task.shared_memory for task in group.tasks)
    lines.append(f"__shared__ Pack<int, 4> memory[{max(1, -(-room // VECTOR_BYTES))}];")
    lines.append("char *const room = (char *)memory;")
    for k, (task, name) in enumerate(zip(group.parallel, names, strict=False)):
        if last:
            test = f"if (blockIdx.x < {first + task.grid}) " if k < last else ""
            lines.append(f"{'} else ' if k else ''}{test}{{")
        condition = f"if (thread < {task.block}) " if task.block < group.block else ""
        block = f"blockIdx.x - {first}" if first else "blockIdx.x"
        lines.append(f"{'    ' if last else ''}{condition}{name}({_ARGUMENTS}{block}, thread);")
        first += task.grid
    lines += ["}"] * (last > 0)
    for k, (task, name) in enumerate(zip(group.chain, names[last + 1 :], strict=True)):
        lines.append(_UNLESS_LAST if k == 0 < group.grid - 1 else "__syncthreads();")
        lines.append(task.calls(name, _ARGUMENTS, _wait(task, group.block), group.block))
    return lines


def _wait(task: Task, threads: int) -> str:
    return "__syncthreads()" if task.block == threads else task.barrier_call(1)


def functions(group: Group) -> Iterator[list[str]]:
    """The body of each task's function, for thread `thread` of block `block` of the task."""
    for task in group.tasks:
        count = {"THREAD": f"(block * {task.block} + thread)", "THREADS": str(task.grid * task.block)}
        yield [*overlay_shared(task.substituted(_INDEX | count | {"__syncthreads()": _wait(task, group.block)}))]
