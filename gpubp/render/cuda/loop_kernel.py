"""Loops of small iterations as kernels of one block: a single launch instead of several for each iteration."""

from __future__ import annotations

from types import MappingProxyType

from dsl.records import dataclass

from ...passes import LoopBody, Step
from .phase_text import MAX_THREADS, Crew, PhaseText, Schedule, threads_of
from .single import is_product
from .tasks import STATIC_SHARED, all_tasks, merge_single_iterations, phases
from .text import GpuSteps
from .work import Body

LARGEST = 16 * MAX_THREADS
"""Maximum threads of a kernel that becomes a part of such a loop. The threads of a block take turns for so many, which
takes no longer than the launches that are saved; larger kernels are faster on a whole GPU."""


@dataclass(frozen=True, slots=True)
class LoopKernel(GpuSteps):
    """A loop as a kernel of one block."""

    schedule: Schedule

    @property
    def threads(self) -> int:
        return threads_of(self.schedule, MAX_THREADS)


class LoopText(PhaseText):
    """The loops of a plan as kernels, with all values where the plan has them."""

    homes = MappingProxyType({})

    def kernel(self, first: int, step: Step, body: LoopBody) -> LoopKernel | None:
        """A loop as a kernel; None if its iterations are too large, or one block cannot run them. Products are left to
        the tiled kernels, which may add their terms in another order."""
        if any(is_product(inner.eqn) for inner in body.plan.steps):
            return None
        tasks = self.loop(first, step, body)
        if tasks is None:
            return None
        loop = LoopKernel(first, first + 1, (), (), None, Body([]), (), (first,), phases(tasks))
        tasks = [*all_tasks(loop.schedule)]
        small = all(task.grid * task.block <= LARGEST for task in tasks) and loop.threads <= MAX_THREADS
        return loop if small and sum(task.shared_memory for task in tasks) <= STATIC_SHARED else None

    def code(self, loop: LoopKernel, name: str) -> tuple[list[str], list[str]]:
        """The functions that the kernel `name` calls, and its statements."""
        crew = Crew(loop.threads, "__syncthreads();", name, [])
        lines = [line for phase in loop.schedule for line in self.phase_lines(phase, crew)]
        return [merge_single_iterations(text) for text in crew.functions], lines
