"""A persistent kernel for tiny nets: many steps in one launch, one block per net, with all values in shared memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from dsl.records import dataclass

from ...ir import Var
from ...ops import cuda_functions
from ...passes import ALIGN, ITEM, Buffer, Plan
from ..c.memory import C_TYPE
from ..c.number_table import NumberTable
from ..c.parts import code_of
from ..c.statements import braced, indented
from .phase_text import MAX_THREADS, Crew, PhaseText, Schedule, threads_of
from .tasks import (
    MAIN_BARRIER,
    STATIC_SHARED,
    Strand,
    Task,
    all_tasks,
    barrier_count,
    merge_single_iterations,
    phases,
    split_off_warp,
    whole_warps,
)
from .text import batch_lines
from .work import BLOCK, WARP

STEPS, WAITS = 2048, 2**16
"""Maximum steps of a launch, and maximum barriers. They keep launches short: a display on the same GPU freezes during
one, and Ctrl-C waits for its end."""
WITH_LOOPS = 4
"""In programs with loops, products may be larger than SMALL by this factor: one of that size takes some 5 us (two
shared memory loads per multiplication, 32 per cycle), but a graph with launches for each iteration takes 100 us or
more."""
BLOCK_CONTROL = ("epoch", "count", "steps", "order", "width", "going")
"""The first words of the control block, 8 bytes each: the number of rows of an epoch, at whose end a launch ends; the
number of rows after which it starts over; the number of steps to do; the address of the permutations of the rows, one
per net (0: none); the distance between the results of two nets; and the address of a bool per net that says whether it
is still trained. The addresses of the data follow, then those of the results, and then for each net the number of steps
done and the first row of its next batch."""


@dataclass(frozen=True, slots=True)
class Block:
    """The kernel `name`, with a block of `threads` threads per net. Its arguments are the arena, the tables, and a
    control block with `words` words before the numbers of steps done. A launch runs at most `most` further steps on
    batches of `batch` rows: what is left of `steps`, up to the end of the `epoch`. A net whose guard is false is not
    trained further; the arena then holds the values of that step, of the first net. `phases`: the barriers of a step.
    `dynamic_shared`: bytes of dynamic shared memory. `text`: a module with this kernel alone, since most trainings need
    no other."""

    name: str
    threads: int
    batch: int
    words: int
    phases: int
    dynamic_shared: int
    text: str

    @property
    def code(self) -> str:
        """The source to compile."""
        return code_of(self.text)

    @property
    def most(self) -> int:
        return max(1, min(STEPS, WAITS // self.phases))


class BlockText(PhaseText):
    """The steps of a plan as tasks of one block, whose shared memory holds the arena and the states."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        number_table: NumberTable,
        collect: Sequence[Var],
        most: int,
    ) -> None:
        """`most`: the shared memory of a block in bytes."""
        super().__init__(plan, name, hints, describe, number_table)
        self.collect, self.most = collect, most
        if any(step.body is not None for step in plan.steps):
            self.largest *= WITH_LOOPS
        self.homes: dict[Buffer, int] = {}
        self.size = _aligned(plan.arena)
        for state in plan.states:
            self.homes[plan.places[state].buffer] = self.size
            self.size += _aligned(state.aval.size * ITEM[state.dtype])

    def kernel(self) -> Block | None:
        """The kernel; None if a step contains something it cannot run, or does not fit into shared memory."""
        if self.size > self.most or not self.collect:
            return None
        tasks = self._all_tasks()
        if tasks is None:
            return None
        warp_tasks, block_tasks = split_off_warp(tasks)
        schedule = phases(block_tasks)
        tasks = [*warp_tasks, *all_tasks(schedule)]
        size = self.size + sum(task.shared_memory for task in tasks)
        main_threads = threads_of(schedule, BLOCK)
        threads = main_threads + (WARP if warp_tasks else 0)
        if size > self.most or threads > MAX_THREADS:
            return None
        control_words = len(BLOCK_CONTROL) + len(self.plan.feeds) + len(self.collect)
        dynamic = self.size if size > STATIC_SHARED else 0
        batch, barriers = self.plan.feeds[0].shape[0], barrier_count(schedule)
        block = Block(f"{self.name}_block", threads, batch, control_words, barriers, dynamic, "")
        return replace(block, text=self._text(schedule, warp_tasks, block))

    # Tasks -----------------------------------------------------------------------------------------------------------
    def _all_tasks(self) -> list[Task] | None:
        plan = self.plan
        lines, most = batch_lines(plan, lambda k: f"control[{len(BLOCK_CONTROL) + k}]")
        batch = Task("the next batch", tuple(lines), 1, whole_warps(min(most, BLOCK)), [], self.uses(plan.feeds), False)
        tasks = self.all_steps()
        return None if tasks is None else [batch, *tasks, self._record_task()]

    def _record_task(self) -> Task:
        """The task that records the results of a step, by one thread."""
        memory, lines = self.memory(), list[str]()
        for k, var in enumerate(self.collect):
            text, word = memory.access(var, ()).at([]), len(BLOCK_CONTROL) + len(self.plan.feeds) + k
            place = f"net * control[{_control_index('width')}] + s"
            lines.append(f"(({C_TYPE[var.dtype]} *)control[{word}])[{place}] = {text};")
        lines = braced("if (THREAD == 0)", [*memory.declarations(), *lines])
        return Task("the results", tuple(lines), 1, WARP, self.uses(self.collect), [], True)

    # Text ------------------------------------------------------------------------------------------------------------
    def _text(self, schedule: Schedule, warp_tasks: Sequence[Task], block: Block) -> str:
        """The module. `warp_tasks`: the tasks of the separate warp."""
        functions: list[str] = []
        guarded = [phase[0].tasks[0].guarded for phase in schedule]
        early, late = schedule[: guarded.count(False)], schedule[guarded.count(False) :]
        whole_block = Crew(block.threads, "__syncthreads();", self.name, functions)
        main_threads = block.threads - WARP
        crew = whole_block
        if warp_tasks:
            crew = Crew(main_threads, f"meet<{MAIN_BARRIER}, {main_threads}>();", self.name, functions)
        step = [line for phase in early for line in self.phase_lines(phase, crew)]
        if warp_tasks:
            strand, thread = Strand(tuple(warp_tasks)), f"threadIdx.x - {main_threads}"
            step = [
                f"if (threadIdx.x < {main_threads}) {{",
                *indented(step[:-1]),
                *braced("} else", self.strand_lines(strand, thread, 0, crew)),
                whole_block.barrier_call,
            ]
        if late:
            step += ["/* skip the update if a gradient is not finite */", *self.unless_guard("break;")]
        step += [line for phase in late for line in self.phase_lines(phase, whole_block)]
        step.append(f"first = first + {block.batch} < count ? first + {block.batch} : 0;")
        lines = [*self._begin(block), *braced("for (; s < stop; s++)", step), *self._end(block)]
        head = f'extern "C" __global__ void __launch_bounds__({block.threads}, 1) {block.name}('
        arguments = f"char *whole, const Tables<{max(1, len(self.tables))}> tables, int64_t *control) {{"
        comment = "/* many steps; each block trains one net */"
        kernel = "\n".join((comment, head, f"    {arguments}", *indented(lines), "}"))
        parts = (*self.numbers_declared(), *map(merge_single_iterations, (*functions, kernel)))
        return "\n\n".join((cuda_functions(), *parts)) + "\n"

    def _begin(self, block: Block) -> list[str]:
        return [
            f"ASKED_ROOM({self.size // 16});"
            if block.dynamic_shared
            else f"__shared__ Pack<int, 4> room[{self.size // 16}];",
            "char *const arena = in_register(room);",
            "const int64_t net = blockIdx.x;",
            f"bool8 *const going = (bool8 *)control[{_control_index('going')}] + net;",
            "if (!*going) return;",
            *(f"{call}(arena + {at}, {outside}, threadIdx.x);" for call, at, outside in self._state_moves(block)),
            f"const int64_t epoch = control[{_control_index('epoch')}], count = control[{_control_index('count')}];",
            f"const int64_t left = control[{_control_index('steps')}];",
            f"int64_t s = control[{block.words} + 2 * net], first = control[{block.words} + 2 * net + 1];",
            f"int64_t stop = left - s < {block.most} ? left : s + {block.most};",
            f"const int64_t fit = (epoch - first % epoch) / {block.batch};",
            "if (fit < stop - s) stop = s + fit;",
            f"const int64_t *order = (const int64_t *)control[{_control_index('order')}];",
            "if (order) order += net * count;",
            "__syncthreads();",
        ]

    def _end(self, block: Block) -> list[str]:
        return [
            *(f"{call}({outside}, arena + {at}, threadIdx.x);" for call, at, outside in self._state_moves(block)),
            f"if (net == 0) move<{self.plan.arena}, {block.threads}>(whole, arena, threadIdx.x);",
            "if (threadIdx.x == 0) {",
            f"    control[{block.words} + 2 * net] = s, control[{block.words} + 2 * net + 1] = first;",
            "    if (s < stop) *going = 0;",
            "}",
        ]

    def _state_moves(self, block: Block) -> Iterator[tuple[str, int, str]]:
        """For each state the function that copies it, its byte offset in the block's memory, and its address
        outside."""
        for k, state in enumerate(self.plan.states):
            size, at = state.aval.size * ITEM[state.dtype], self.homes[self.plan.places[state].buffer]
            yield f"move<{size}, {block.threads}>", at, f"tables[{k}] + net * {size}"


def _control_index(name: str) -> int:
    return BLOCK_CONTROL.index(name)


def _aligned(size: int) -> int:
    return -(-size // ALIGN) * ALIGN
