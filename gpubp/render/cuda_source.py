"""A plan as CUDA text: its pieces as kernels, with their launch sizes and the products of matrices between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from dsl.records import dataclass

from ..ir import Var
from ..ops import cuda_functions
from ..passes import Plan
from .c_memory import C_TYPE
from .c_parts import Compiled, CSource
from .c_words import comment
from .cuda_block import Block, BlockText
from .cuda_text import CudaStep, CudaText, batch_lines
from .cuda_work import BLOCK, Gemm, Kernel, blocks

MOST_TABLES = 480
"""States and constants that fit into the arguments of a kernel, of 4 KiB."""
CONTROL = ("at", "done", "per_epoch", "order")
"""The first words of the control block of a loop of steps, 8 bytes each: the number of the next step, the steps done,
the batches of an epoch, the address of the order of its rows (0: as they stand). Then come the addresses of the rows
and those of the results."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A kernel by its name, `grid` blocks of `block` threads."""

    kernel: str
    grid: int
    block: int


@dataclass(frozen=True, slots=True)
class CudaSource(CSource):
    """A module of kernels: each takes the arena, the addresses of `tables` by value, and `scratch` bytes of memory that
    nothing else uses. `work`: what each function does, in order. No kernel behind the guard does anything where it does
    not hold.

    Where `many` is not empty, `take` copies the next batch to its place, and `keep` writes down the results of a step
    and counts it, unless the guard stopped it: both take the arena, the tables and a control block (CONTROL). `block`:
    a kernel that does many steps by itself, where the net is small enough.
    """

    work: Mapping[str, tuple[Launch | Gemm, ...]]
    scratch: int
    take: Launch | None
    keep: Launch | None
    block: Block | None


def cuda_source(
    plan: Plan,
    name: str,
    hints: Mapping[Var, str] | None = None,
    describe: Callable[[object], str] = str,
    collect: Sequence[Var] = (),
    *,
    apart: bool = False,
) -> CudaSource:
    """The pieces of a plan that have a C form as CUDA kernels; arguments as those of `c_source`. Rounds of loops have
    none."""
    return _Text(plan, name, hints or {}, describe).cuda(collect, apart)


class _Text(CudaText):
    def cuda(self, collect: Sequence[Var], apart: bool) -> CudaSource:
        plan, end = self.plan, len(self.plan.steps)
        steps = {step.first: step for step in self.steps()}
        if len(self.tables) > MOST_TABLES:
            steps = {}
        behind = {s.first: s for s in steps.values() if s.first >= plan.early}
        if sum(s.stop - s.first for s in behind.values()) < end - plan.early or any(
            isinstance(one, Gemm) for s in behind.values() for one in s.body.work
        ):
            # The guard is looked at by Python, which then does all that stands behind it.
            steps = {first: s for first, s in steps.items() if first < plan.early}
        self.texts: list[str] = []
        self.scratch = 0
        functions: list[Compiled] = []
        work: dict[str, tuple[Launch | Gemm, ...]] = {}
        at = 0
        while at < end:
            if at not in steps:
                at += 1
                continue
            run = [steps[at]]
            while not apart and run[-1].stop in steps:
                run.append(steps[run[-1].stop])
            done = Compiled(f"{self.name}_{len(functions)}", at, run[-1].stop)
            functions.append(done)
            copies = list(self.copies()) if done.stop == end else []
            work[done.name] = tuple(one for step in (*run, *copies) for one in self._launches(step))
            at = done.stop
        take = keep = block = None
        if functions and collect and (functions[0].first, functions[0].stop) == (0, end):
            take, keep = self._take(), self._keep(collect)
            block = self._block(collect)
        text = "\n\n".join((cuda_functions(), *self.texts)) + "\n"
        many = f"{self.name}_many" if take is not None else ""
        return CudaSource(text, tuple(functions), self.tables, many, {}, work, self.scratch, take, keep, block)

    def _launches(self, step: CudaStep) -> Iterator[Launch | Gemm]:
        letters = iter("abcdefghijklmnop")
        for one in step.body.work:
            if isinstance(one, Gemm):
                yield one
                continue
            name = f"{self.name}_{step.first}{next(letters) if len(step.body.work) > 1 else ''}"
            self.scratch = max(self.scratch, one.scratch)
            about = [f"/* {comment(self.describe(origin))} */" for origin in step.origins]
            held = self.unless_guard("return;") if step.first >= self.plan.early else []
            self._add(name, one, about, [*held, *step.declared, *one.lines], "char *scratch")
            yield Launch(name, one.grid, one.block)

    def _add(self, name: str, kernel: Kernel, about: Sequence[str], lines: Sequence[str], last: str) -> None:
        # At least one block: without that number the compiler spills registers to fit one more.
        head = f'extern "C" __global__ void __launch_bounds__({kernel.block}, 1) {name}('
        arguments = f"char *arena, const Tables<{max(1, len(self.tables))}> tables, {last}) {{"
        self.texts.append("\n".join([*about, head, f"    {arguments}", *(f"    {line}" for line in lines), "}"]))

    # Many steps ------------------------------------------------------------------------------------------------------
    def _block(self, collect: Sequence[Var]) -> Block | None:
        made = BlockText(self.plan, self.name, self.hints, self.describe, collect).made()
        if made is None:
            return None
        self.texts.append(made[1])
        return made[0]

    def _take(self) -> Launch:
        batch = self.plan.feeds[0].shape[0]
        lines, most = batch_lines(self.plan, lambda k: f"control[{len(CONTROL) + k}]")
        begin = [f"const int64_t first = control[0] % control[2] * {batch};"]
        begin.append("const int64_t *const order = (const int64_t *)control[3];")
        kernel = Kernel((*begin, *lines), min(blocks(most, BLOCK), 1024), BLOCK)
        name = f"{self.name}_take"
        self._add(name, kernel, ["/* the next batch */"], kernel.lines, "const int64_t *control")
        return Launch(name, kernel.grid, kernel.block)

    def _keep(self, collect: Sequence[Var]) -> Launch:
        memory, lines = self.memory(), list[str]()
        for k, var in enumerate(collect):
            text = memory.access(var, ()).at([])
            place = len(CONTROL) + len(self.plan.feeds) + k
            lines.append(f"(({C_TYPE[var.dtype]} *)control[{place}])[control[1]] = {text};")
        lines = [*self.unless_guard("return;"), *memory.declarations(), *lines, "control[0] += 1;", "control[1] += 1;"]
        kernel = Kernel(tuple(lines), 1, 1)
        self._add(f"{self.name}_keep", kernel, ["/* the results */"], lines, "int64_t *control")
        return Launch(f"{self.name}_keep", 1, 1)
