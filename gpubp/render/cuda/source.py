"""A plan as CUDA source: its fusions as kernels, with their launch configurations, and library calls between them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby

from dsl.records import dataclass

from ...ir import Eqn, Var
from ...ops import copy, cuda_functions
from ...passes import ALIGN, ITEM, LoopBody, Plan, Step
from ..c.identifiers import comment
from ..c.memory import Memory
from ..c.number_table import NumberTable, number_table
from ..c.parts import CSource, KernelSteps, consecutive
from ..c.statements import braced, indented
from ..loop_addresses import LoopAddresses
from .batches import CONTROL, Batches, BatchText
from .block import Block, BlockText
from .horizontal import body, functions, fuse
from .launch import Launch, frames, within
from .loop_kernel import LoopKernel, LoopText
from .tasks import STATIC_SHARED, Task, merge_single_iterations
from .text import GpuSteps
from .work import Gemm, Kernel

MAX_TABLES = 480
"""Maximum states and constants whose addresses fit into the 4 KiB of a kernel's arguments."""

Works = tuple[Launch | Gemm, ...]


@dataclass(frozen=True, slots=True)
class CudaSource(CSource):
    """A module of kernels. Each takes the arena, the addresses of `tables` by value, and `scratch` bytes of scratch
    memory. Before the latter lie `counters` counters of 4 bytes, which are 0 before and after each kernel. The module
    has constant memory for the table `numbers`. `work`: the work of each function, in order. Kernels after the guard do
    nothing if it is false.

    `batches`: how steps run back to back without the host, if `many` is not empty; the last table is then a control
    block. `block`: a kernel that runs many steps by itself, if the net is small enough; it is not in `text`.

    Kernels for several nets take an array with the memory of each instead (`Net` of base.cuh). They skip nets that are
    no longer trained; if the guard stops one, the last kernel of the step marks it so.
    """

    work: Mapping[str, Works]
    scratch: int
    counters: int
    batches: Batches | None
    block: Block | None

    @property
    def before(self) -> int:
        """Bytes of the counters before the scratch memory, rounded up so that the latter is aligned."""
        return -(-4 * self.counters // ALIGN) * ALIGN


def cuda_source(
    plan: Plan,
    name: str,
    hints: Mapping[Var, str] | None = None,
    describe: Callable[[object], str] = str,
    collect: Sequence[Var] = (),
    *,
    unfused: bool = False,
    tf32: bool = False,
    room: int = STATIC_SHARED,
    nets: bool = False,
) -> CudaSource:
    """The fusions of a plan that have a C form as CUDA kernels; arguments as those of `c_source`. With `unfused`,
    kernels are not fused further. A loop of small iterations becomes one kernel; another one becomes launches for each
    iteration if its whole body has kernels, else it is left to CuPy. `tf32`: whether factors of float32 may be rounded
    to TF32, for tensor cores. `room`: the shared memory that a block can have, in bytes. `nets`: kernels for several
    nets, whose states follow each other in memory."""
    text = _Text(plan, name, hints or {}, describe, number_table(plan), unfused, tf32, nets)
    if nets:
        sizes = {plan.places[v].buffer: v.aval.size * ITEM[v.dtype] for v in plan.states}
        text.alignments = {buffer: math.gcd(ALIGN, size) for buffer, size in sizes.items()}
    return text.cuda(collect, room)


@dataclass(frozen=True, slots=True)
class _Loop(KernelSteps):
    """A loop that is unrolled: the addresses of its iterations, and the source and steps of its body."""

    addresses: LoopAddresses
    text: _Text
    body_steps: tuple[GpuSteps | _Loop, ...]


class _Text(BatchText):
    def __init__(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        number_table: NumberTable,
        unfused: bool,
        tf32: bool,
        nets: bool,
    ) -> None:
        super().__init__(plan, name, hints, describe, number_table)
        self.unfused, self.tf32, self.nets = unfused, tf32, nets
        self.texts: dict[str, str] = {}
        self.tasks: dict[Launch | Gemm, Task] = {}
        self.scratch = self.counters = 0

    def cuda(self, collect: Sequence[Var], room: int) -> CudaSource:
        plan, end = self.plan, len(self.plan.steps)
        steps = self._gpu_steps()
        after_guard = [s for s in steps if s.first >= plan.early]
        if sum(s.stop - s.first for s in after_guard) < end - plan.early or not all(
            isinstance(s, GpuSteps) and all(isinstance(work_item, Kernel) for work_item in s.body.work)
            for s in after_guard
        ):
            # Python then tests the guard, and runs everything after it.
            steps = tuple(s for s in steps if s.first < plan.early)
        runs = consecutive(steps, self.unfused)
        functions = self.functions(runs)
        self.controlled = bool(functions and collect) and (functions[0].first, functions[0].stop) == (0, end)
        work = {}
        for function, run in zip(functions, runs, strict=True):
            copies = list(self.copies()) if function.stop == end else []
            work[function.name] = self._work_of((*run, *copies), collect if self.controlled else ())
        batches = block = None
        if self.controlled:
            batches = self._batches(collect)
            block = BlockText(plan, self.name, self.hints, self.describe, self.number_table, collect, room).kernel()
        tensor = any("mma_tf32(" in text for text in self.texts.values())
        numbers = (*self.number_table.comment(self.describe), *self.numbers_declared())
        text = "\n\n".join((cuda_functions(tensor), *numbers, *self.texts.values())) + "\n"
        many = f"{self.name}_many" if batches is not None else ""
        more = (self.scratch, self.counters, batches, block)
        return CudaSource(text, functions, self.tables, many, {}, self.number_table.table, work, *more)

    def _gpu_steps(self) -> tuple[GpuSteps | _Loop, ...]:
        """The steps that have kernels for a GPU, vertically fused unless `unfused`, and loops."""
        if len(self.tables) > MAX_TABLES:
            return ()
        supported = [step for step in self.kernels() if isinstance(step, GpuSteps | _Loop)]
        steps, loops = [s for s in supported if type(s) is GpuSteps], [s for s in supported if type(s) is not GpuSteps]
        return tuple(sorted((*(steps if self.unfused else self.fused(steps)), *loops), key=lambda s: s.first))

    def _launches(self, step: GpuSteps | _Loop, name: str = "") -> Iterator[Launch | Gemm]:
        if isinstance(step, _Loop):
            yield from self._loop_launches(step)
            return
        letters, name = iter("abcdefghijklmnop"), name or f"{self.name}_{step.first}"
        several = sum(isinstance(work, Kernel) for work in step.body.work) > 1
        guarded = step.first >= self.plan.early
        guard = [self.plan.program.guard] if guarded and self.plan.program.guard is not None else []
        read, written = self.values_of(step)
        reads, writes = self.uses([*read, *guard]), self.uses(written)
        unless_guard = self.unless_guard("return;") if guarded else []
        if isinstance(step, LoopKernel):
            launch = Launch(f"{self.name}_loop{step.first}", 1, step.threads)
            functions, statements = self._loop_text.code(step, launch.kernel)
            self._add(launch, functions, [*unless_guard, *statements])
            self.tasks[launch] = Task("", (), 1, 1, reads, writes, guarded)
            yield launch
        for work in step.body.work:
            if isinstance(work, Gemm):
                self.tasks[work] = Task("", (), 1, 1, reads, writes, guarded)
                yield work
                continue
            kernel_name = name + (next(letters) if several else "")
            self.scratch, self.counters = max(self.scratch, work.scratch), max(self.counters, work.counters)
            comments = [f"/* {comment(self.describe(origin))} */" for origin in step.origins]
            lines = (*unless_guard, *step.declared, *work.lines)
            launch = Launch(kernel_name, work.grid, work.block)
            self._add(launch, comments, lines)
            heading = "\n".join(comments)
            self.tasks[launch] = Task(heading, lines, work.grid, work.block, reads, writes, guarded, work.scratch > 0)
            yield launch

    def _add(self, launch: Launch, about: Sequence[str], lines: Iterable[str]) -> None:
        # At least one block per multiprocessor: without that, the compiler spills registers to fit more.
        head = f'extern "C" __global__ void __launch_bounds__({launch.block}, 1) {launch.kernel}('
        arguments = f"char *arena, const {self._table_type()} tables, char *scratch) {{"
        if self.nets:
            arguments = f"const Net<{self.table_count()}> *nets) {{"
            lines = [*self._net_memory(), *lines]
        text = "\n".join([head, *indented([arguments, *lines]), "}"])
        text = re.sub(r"\bTHREADS\b", str(launch.grid * launch.block), text)
        self.texts[launch.kernel] = "\n".join([*about, merge_single_iterations(text)])

    def _net_memory(self) -> list[str]:
        """The declarations of one net's memory, by the names that kernels for a single net use."""
        count = self.table_count()
        return [
            f"const Net<{count}> &net = nets[blockIdx.y];",
            "if (!*net.going) return;",
            "char *const arena = net.arena;",
            f"const Tables<{count}> &tables = net.tables;",
            "char *const scratch = net.scratch;",
        ]

    def _table_type(self) -> str:
        return f"Tables<{self.table_count()}>"

    def _work_of(self, steps: Sequence[GpuSteps | _Loop], collect: Sequence[Var] = ()) -> Works:
        """The work of steps, with small kernels horizontally fused, except in loops. `collect`: the values recorded
        last."""
        works = [work for step in steps for work in self._launches(step)]
        works += [self._record(collect)] if collect else []
        if self.unfused:
            return tuple(works)
        runs = groupby(works, lambda work: work in self.tasks)
        return tuple(
            work for has_task, run in runs for work in (self._fused_horizontally(list(run)) if has_task else run)
        )

    def _fused_horizontally(self, each: Sequence[Launch | Gemm]) -> Iterator[Launch | Gemm]:
        of = {id(self.tasks[one]): one for one in each}
        for group in fuse([self.tasks[one] for one in each]):
            works = [of[id(task)] for task in group.tasks]
            if len(works) == 1:
                yield works[0]
                continue
            names = [one.kernel for one in works if isinstance(one, Launch)]
            for name, task, lines in zip(names, group.tasks, functions(group), strict=True):
                arguments = f"char *arena, const {self._table_type()} &tables, char *scratch, char *room"
                lines = braced(f"INLINE void {name}({arguments}, int block, int thread)", lines)
                lines = [task.about, *lines] if task.about else lines
                del self.texts[name]  # the function stands before the kernel that calls it
                self.texts[name] = merge_single_iterations("\n".join(lines))
            launch = Launch(f"{names[0]}_to_{names[-1].removeprefix(self.name + '_')}", group.grid, group.block)
            self._add(launch, [], body(group, names))
            self.counters = max(self.counters, len(group.chain) > 0)
            yield launch

    # Loops -----------------------------------------------------------------------------------------------------------
    def _single(self, first: int) -> KernelSteps | None:
        step = self.plan.steps[first]
        return super()._single(first) if step.body is None else self._loop(first, step, step.body)

    @cached_property
    def _loop_text(self) -> LoopText:
        return LoopText(self.plan, self.name, self.hints, self.describe, self.number_table)

    def _loop(self, first: int, step: Step, one: LoopBody) -> LoopKernel | _Loop | None:
        """A loop, if its whole body has kernels and contains no constants, for which a body has no memory."""
        if kernel := self._loop_text.kernel(first, step, one):
            return kernel
        turns = LoopAddresses(self.plan, self.table_index, step, one)
        more = (self.number_table, self.unfused, self.tf32, self.nets)
        text = _Text(one.plan, f"{self.name}_loop{first}", {}, self.describe, *more)
        text.alignments = turns.alignments(self._alignment)
        steps = text._gpu_steps()
        if one.plan.constants or sum(s.stop - s.first for s in steps) < len(one.plan.steps):
            return None
        return _Loop(first, first + 1, (), (), None, turns, text, steps)

    def _alignment(self, table: int | None) -> int:
        return ALIGN if table is None else self.alignments.get(self.plan.places[self.tables[table]].buffer, ALIGN)

    def _loop_launches(self, loop: _Loop) -> Iterator[Launch | Gemm]:
        """The launches of a loop: the initial copies of its carries, its iterations, the copies of the final
        carries."""
        text, turns, memory = loop.text, loop.addresses, self.memory()
        yield from self._copy_launches(loop, memory, turns.initial_copies(), "enter")
        iteration = text._work_of((*loop.body_steps, *text.copies()))
        self.texts |= text.texts
        self.scratch, self.counters = max(self.scratch, text.scratch), max(self.counters, text.counters)
        for frame in frames(turns):
            yield from (within(one, frame) for one in iteration)
        memory = self.memory()
        ends = [(x, last) for x, last, _ in turns.final_copies(memory, self.readers.get)]
        yield from self._copy_launches(loop, memory, ends, "leave")

    def _copy_launches(
        self, loop: _Loop, memory: Memory, pairs: Sequence[tuple[Var, Var]], word: str
    ) -> Iterator[Launch | Gemm]:
        """The launches of copies, one for each shape."""
        for k, shape in enumerate(dict.fromkeys(last.shape for _, last in pairs)):
            puts = [Eqn(copy, (x,), {}, (last,)) for x, last in pairs if last.shape == shape]
            lines = self.row_kernel_type()(memory, puts, shape, {e.output for e in puts}).lines()
            step = self._kernel(loop.first, loop.stop, memory, lines)
            yield from self._launches(step, f"{loop.text.name}_{word}{k or ''}")

    # Many steps ------------------------------------------------------------------------------------------------------
    def _batches(self, collect: Sequence[Var]) -> Batches:
        feeds, (lines, grid, block) = self.plan.feeds, self.take_lines()
        take = Launch(f"{self.name}_take", grid, block)
        self._add(take, ["/* the next batch */"], lines)
        return Batches(feeds[0].shape[0], len(CONTROL) + len(feeds) + len(collect), take)

    def _record(self, collect: Sequence[Var]) -> Launch:
        """The last kernel of a step."""
        launch, about, lines = Launch(f"{self.name}_record", 1, 1), "/* the results */", self.record_lines(collect)
        self._add(launch, [about], lines)
        guard = [self.plan.program.guard] if self.plan.program.guard is not None else []
        self.tasks[launch] = Task(about, tuple(lines), 1, 1, self.uses([*collect, *guard]), [], True, stops=self.nets)
        return launch
