"""Horizontal fusion: small kernels as one. A kernel of a graph takes a microsecond or two whatever it does, which is
most of the time of a small net's step: those that do not depend on each other run side by side, on blocks of their own,
and what depends on them runs after them in the block that is done last, if it is work for one and not as well side by
side with the kernels behind, where nobody waits for it.

The last block is found by a counter, as in the CUDA sample threadFenceReduction. Each sum is still made in one
order, by the same threads, whichever block that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.records import dataclass

from .tasks import Task, overlaid
from .work import BLOCK, BYTES

MOST_BLOCKS = 512
"""Blocks of kernels that run side by side, about four for each multiprocessor, which all have their place there: larger
ones fill a GPU by themselves."""
MOST_CHAINED = 4
"""Blocks of a dependent kernel that the last block runs one after the other."""
WINDOW = 24
"""How many groups before a kernel are looked at for one that it can join."""
_GIVEN = "arena, tables, scratch, room, "
_LAST = "if (!comes_last((unsigned *)scratch - 1, gridDim.x)) return;"
_INDEX = {"blockIdx.x": "block", "threadIdx.x": "thread"}


@dataclass(frozen=True, slots=True)
class Group:
    """Kernels as one: those of `wide` side by side, then those of `chain` one after the other. A product of the library
    is always alone."""

    wide: tuple[Task, ...]
    chain: tuple[Task, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (*self.wide, *self.chain)

    @property
    def grid(self) -> int:
        return sum(task.grid for task in self.wide)

    @property
    def block(self) -> int:
        return max(task.block for task in self.tasks)

    def clashes(self, other: Group) -> bool:
        return any(a.clashes(b) for a in self.tasks for b in other.tasks)

    def joined(self, task: Task) -> Group | None:
        """With one kernel more, which comes after those that it depends on; None where it cannot be."""
        if not self._has_room(task):
            return None
        if self.grid + task.grid <= MOST_BLOCKS and not any(task.clashes(one) for one in self.tasks):
            return Group((*self.wide, task), self.chain)
        return Group(self.wide, (*self.chain, task)) if task.grid <= MOST_CHAINED else None

    def beside(self, task: Task) -> Group | None:
        """With one kernel more, which came before them; None where it cannot be."""
        if not self._has_room(task) or self.grid + task.grid > MOST_BLOCKS:
            return None
        return None if any(task.clashes(one) for one in self.wide) else Group((task, *self.wide), self.chain)

    def _has_room(self, task: Task) -> bool:
        # A thread of a block of 1024 has 64 registers, too few for most others.
        return all(one.lines and one.block <= BLOCK for one in (*self.tasks, task))


def joined(tasks: Sequence[Task]) -> list[Group]:
    """Tasks as groups in an order that does the same."""
    found = _early(tasks)
    for at in range(len(found) - 1):
        _put_off(found, at)
    return found


def _put_off(found: list[Group], at: int) -> None:
    """What the chain of a group need not do goes to the blocks of groups behind it: the first tasks to the next, those
    that wait for them to the one after that."""
    chain, behind, kept = found[at].chain, list[int](), list[Task]()
    for task in chain:
        behind.append(1 + max((n for n, one in zip(behind, chain, strict=False) if one.clashes(task)), default=0))
    for task, most in [*zip(chain, behind, strict=True)][::-1]:
        for to in range(min(at + most, len(found) - 1), at, -1):
            between = [*kept, *(one for group in found[at + 1 : to] for one in group.tasks)]
            wider = None if any(task.clashes(one) for one in between) else found[to].beside(task)
            if wider is not None:
                found[to] = wider
                break
        else:
            kept.insert(0, task)
    found[at] = Group(found[at].wide, tuple(kept))


def _early(tasks: Sequence[Task]) -> list[Group]:
    """Each task joins a group before it, or that group waits for it, where none of those in between depends on the one
    that changes its place."""
    found: list[Group] = []
    for task in tasks:
        alone, movable = Group((task,)), True
        for at in range(len(found) - 1, max(-1, len(found) - 1 - WINDOW), -1):
            group, between = found[at], found[at + 1 :]
            wider = group.joined(task)
            if wider is not None and movable:
                found[at] = wider
                break
            if wider is not None and not any(group.clashes(other) for other in between):
                found[at:] = [*between, wider]
                break
            movable = movable and not group.clashes(alone)
        else:
            found.append(alone)
    return found


def body(group: Group, names: Sequence[str]) -> list[str]:
    """The body of the kernel of a group whose tasks are functions of these names. Each block works on one of them at a
    time: what they have of their own is the same memory."""
    found, first, last = ["const int thread = threadIdx.x;"], 0, len(group.wide) - 1
    room = max(task.own_memory for task in group.tasks)
    found.append(f"__shared__ Pack<int, 4> memory[{max(1, -(-room // BYTES))}];")
    found.append("char *const room = (char *)memory;")
    for k, (task, name) in enumerate(zip(group.wide, names, strict=False)):
        if last:
            test = f"if (blockIdx.x < {first + task.grid}) " if k < last else ""
            found.append(f"{'} else ' if k else ''}{test}{{")
        held = f"if (thread < {task.block}) " if task.block < group.block else ""
        block = f"blockIdx.x - {first}" if first else "blockIdx.x"
        found.append(f"{'    ' if last else ''}{held}{name}({_GIVEN}{block}, thread);")
        first += task.grid
    found += ["}"] * (last > 0)
    for k, (task, name) in enumerate(zip(group.chain, names[last + 1 :], strict=True)):
        found.append(_LAST if k == 0 < group.grid - 1 else "__syncthreads();")
        found.append(task.called(name, _GIVEN, _wait(task, group.block), group.block))
    return found


def _wait(task: Task, threads: int) -> str:
    return "__syncthreads()" if task.block == threads else task.wait(1)


def functions(group: Group) -> Iterator[list[str]]:
    """The body of each task's function, for thread `thread` of its block `block`."""
    for task in group.tasks:
        count = {"THREAD": f"(block * {task.block} + thread)", "THREADS": str(task.grid * task.block)}
        yield [*overlaid(task.written(_INDEX | count | {"__syncthreads()": _wait(task, group.block)}))]
