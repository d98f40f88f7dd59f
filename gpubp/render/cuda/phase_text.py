"""The phases of a schedule as code of one block: tasks side by side on different warps, then a barrier; loops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from dsl.records import dataclass

from ..c.statements import braced, indented
from .task_text import TaskText
from .tasks import Strand, Task, all_phases, all_tasks, whole_warps
from .work import WARP

MAX_THREADS = 512
"""Maximum threads: with more, a thread would have fewer than 128 registers."""
WAIT_OF_WARP = "__syncwarp(0xffffffff)"

Schedule = Sequence[Sequence[Strand]]


@dataclass(frozen=True, slots=True)
class Crew:
    """The threads that go through phases together, and their barrier. `functions`: those that their code calls, whose
    names begin with `name`."""

    threads: int
    barrier_call: str
    name: str
    functions: list[str]


def threads_of(schedule: Schedule, most: int) -> int:
    """The threads for a schedule: as many as its widest phase can use, but at most `most`, unless a task needs more."""
    needed = max(sum(whole_warps(strand.threads) for strand in phase) for phase in all_phases(schedule))
    return max(min(most, needed), *(task.block for task in all_tasks(schedule) if not task.any_threads), 0)


class PhaseText(TaskText):
    """Adds the code of phases. The functions that it calls are added to those of the crew."""

    def phase_lines(self, phase: Sequence[Strand], crew: Crew, turn: str = "") -> list[str]:
        """The strands of a phase side by side, then the barrier; `turn`: the parameter for the loop counter, if in a
        loop."""
        out: list[str] = []
        at = barrier = 0
        # Loops first: after them no thread is at a named barrier that another task uses as well.
        for strand in sorted(phase, key=lambda strand: strand.tasks[0].loop is None):
            inner = strand.tasks[0].loop
            if inner is not None:
                each = (self.phase_lines(inner_phase, crew, "int turn, ") for inner_phase in inner.phases)
                out += braced(f"for (int turn = 0; turn < {inner.length}; turn++)", [*chain.from_iterable(each)])
                continue
            barrier += strand.synchronises
            thread = f"(threadIdx.x + {crew.threads - at}) % {crew.threads}" if at else "threadIdx.x"
            at = (at + whole_warps(strand.threads)) % crew.threads
            out += self.strand_lines(strand, thread, barrier, crew, turn)
        return [*out, crew.barrier_call]

    def strand_lines(self, strand: Strand, thread: str, barrier: int, crew: Crew, turn: str = "") -> list[str]:
        """The tasks of a strand; `thread`: the index of a thread in it."""
        first = f"    const int thread = {thread};"
        if len(strand.tasks) == 1:
            (task,) = strand.tasks
            lines = self._statements(task, task.barrier_call(barrier), crew.threads, crew, turn)
            return [*task.comment_lines, "{", first, *indented(lines), "}"]
        lines = []
        for task in strand.tasks:
            statements = self._statements(task, WAIT_OF_WARP, WARP, crew, turn)
            statements = statements if len(statements) == 1 else ["{", *indented(statements), "}"]
            lines += [*task.comment_lines, *statements, f"{WAIT_OF_WARP};"]
        return ["{", first, *indented(braced(f"if (thread < {WARP})", lines[:-1])), "}"]

    def _statements(self, task: Task, wait: str, threads: int, crew: Crew, turn: str) -> list[str]:
        """The code of a task for one of `threads` threads. `wait`: the statement for its block-wide barrier."""
        lines = task.for_threads(wait, threads)
        if task.any_threads:
            return lines
        name = f"{crew.name}_task{len(crew.functions)}"
        arguments = f"char *arena, const Tables<N> &tables, {turn}int block, int thread"
        crew.functions.append("\n".join(braced(f"template <int N> INLINE void {name}({arguments})", lines)))
        return [task.calls(name, f"arena, tables, {turn.removeprefix('int ')}", wait, threads)]
