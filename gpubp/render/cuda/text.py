"""The base of all CUDA sources: a plan's steps as work for a GPU, and the gather of the next batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from dsl.records import dataclass

from ...ir import Eqn, Var
from ...ops import cuda_names
from ...passes import ITEM, Buffer, Plan, Step
from ..c.memory import Memory, Span, span
from ..c.parts import KernelSteps
from ..c.source import PlanText
from ..c.statements import braced, indented
from .rows import CudaRows
from .single import is_product, single_body
from .work import BLOCK, Body, index_type

_WORDS = frozenset(
    "alignas alignof and and_eq arena asm bitand bitor block blockDim blockIdx bool bool8 break c case catch char "
    "class column compl concept const const_cast constexpr continue control decltype default delete do double "
    "dynamic_cast else enum explicit export extern false float for friend goto gridDim if inline int j jv k lane "
    "long m main mask memory mutable namespace net nets new noexcept not not_eq nullptr numbers operator or or_eq "
    "own p partial partials parts private protected public q r register reinterpret_cast requires return room row s "
    "scratch short signed sizeof slice static static_assert static_cast struct sum sums switch tables template this "
    "thread threadIdx thread_local throw total true try turn typedef typeid typename union unsigned using v virtual "
    "void volatile w wchar_t while x xor xor_eq y".split()
)
_PIECES = (("Pack<int, 4>", 16), ("int64_t", 8), ("int", 4), ("short", 2), ("char", 1))


@dataclass(frozen=True, slots=True)
class GpuSteps(KernelSteps):
    """Steps of a plan as work for a GPU, and the pointers that each of its kernels declares. `indices`: the steps that
    it computes, which need not be consecutive."""

    body: Body
    declared: tuple[str, ...]
    indices: tuple[int, ...]


class CudaText(PlanText):
    reserved = _WORDS | cuda_names()
    alignments: Mapping[Buffer, int] = MappingProxyType({})
    """See gpubp.render.c.memory.Memory."""

    def memory(self) -> Memory:
        memory = super().memory()
        memory.alignments = self.alignments
        return memory

    def numbers_declared(self) -> list[str]:
        """The declaration of the module's constant memory for run-time numbers, if there are any."""
        count = len(self.number_table.numbers)
        return [f'extern "C" {{ __constant__ int64_t numbers[{count}]; }}'] if count else []

    def row_kernel_type(self) -> type[CudaRows]:
        return CudaRows

    def single_lines(self, memory: Memory, step: Step) -> Body:
        return self.product_lines(memory, step.eqn) if is_product(step.eqn) else single_body(memory, step.eqn)

    def product_lines(self, memory: Memory, eqn: Eqn) -> Body:
        """The work of a matrix product or a convolution. Raises NoKernelError."""
        raise NotImplementedError

    def copy_kernel(self, memory: Memory, value: Var, to: Var, first: int, stop: int) -> GpuSteps:
        kernel = super().copy_kernel(memory, value, to, first, stop)
        assert isinstance(kernel, GpuSteps)
        return kernel

    def _kernel(self, first: int, stop: int, memory: Memory, lines: Sequence[str]) -> GpuSteps:
        assert isinstance(lines, Body)
        steps = super()._kernel(first, stop, memory, lines)
        declared = steps.lines[: len(steps.lines) - len(lines)]
        return GpuSteps(first, stop, steps.origins, steps.lines, None, lines, declared, tuple(range(first, stop)))

    def steps(self) -> Iterator[GpuSteps]:
        """The fusions that have kernels for a GPU."""
        yield from (step for step in self.kernels() if isinstance(step, GpuSteps))

    def copies(self) -> Iterator[GpuSteps]:
        """The copies of new states that could not be computed in place."""
        end = len(self.plan.steps)
        for k, (state, value) in enumerate(self.plan.copies):
            yield self.copy_kernel(self.memory(), value, state, end + k, end)

    def values_of(self, step: GpuSteps) -> tuple[list[Var], list[Var]]:
        """The values that a step, or one of the final copies, reads and writes."""
        plan, end = self.plan, len(self.plan.steps)
        if step.first >= end:
            state, value = plan.copies[step.first - end]
            return [value], [state]
        eqns = [plan.steps[i].eqn for i in step.indices]
        computed = {y for e in eqns for y in e.outputs}
        reads = [x for e in eqns for x in e.operands if self.base(x) not in computed]
        loops = [plan.steps[i] for i in step.indices if plan.steps[i].body is not None]
        return reads, [*self.stored(step.indices), *(v for loop in loops for v in (*loop.eqn.outputs, *loop.scratch))]

    def uses(self, values: Sequence[Var]) -> list[Span]:
        """The byte ranges of values."""
        return [span(self.plan.places[v], v.dtype) for v in values if v in self.plan.places]

    def unless_guard(self, then: str, more: str = "") -> list[str]:
        """The statement `then`, run if the guard is false; `more`: further terms of that condition."""
        guard = self.plan.program.guard
        if guard is None:
            return []
        memory = self.memory()
        text = memory.access(guard, ()).at([])
        return ["{", *indented(memory.declarations()), f"    if (!{text}{more}) {then}", "}"]


def batch_lines(plan: Plan, data: Callable[[int], str]) -> tuple[list[str], int]:
    """The statements that copy the rows from `first` on, permuted by `order` if that is not null, to the places of the
    feeds, in the widest words that their size allows. `data`: the address of the rows of each feed. Also returns the
    number of words of the largest feed. If a block has a thread for each word, all loads come before the first store,
    so that their latencies overlap."""
    batch, copies = plan.feeds[0].shape[0], []
    for k, feed in enumerate(plan.feeds):
        size = feed.aval.size // batch * ITEM[feed.dtype]
        start = plan.places[feed].buffer.start
        kind, wide = next((t, n) for t, n in _PIECES if size % n == 0 and start % n == 0)
        copies.append((kind, size // wide, f"(({kind} *)(arena + {start}))", f"((const {kind} *){data(k)})"))
    most = max(batch * each for _, each, _, _ in copies)
    lines, puts = list[str](), list[str]()
    for k, (kind, each, to, rows) in enumerate(copies):
        count, index = batch * each, index_type(batch * each)
        row = [f"const {index} i = q / {each}, e = q % {each};"]
        row.append("const int64_t row = order ? order[first + i] : first + i;")
        if most <= BLOCK:
            row.append(f"piece{k} = {rows}[row * {each} + e];")
            lines += [f"{kind} piece{k};", *braced(f"if (const int q = THREAD; q < {count})", row)]
            puts.append(f"if (const int q = THREAD; q < {count}) {to}[q] = piece{k};")
        else:
            row.append(f"{to}[q] = {rows}[row * {each} + e];")
            lines += braced(f"for ({index} q = THREAD; q < {count}; q += THREADS)", row)
    return lines + puts, most
