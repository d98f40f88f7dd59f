"""What all texts of CUDA share: a plan's steps as work for a GPU, and the rows of the next batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from dsl.records import dataclass

from ...ir import Eqn, Var
from ...ops import copy, cuda_names
from ...passes import ITEM, Buffer, Plan, Step
from ..c.memory import Memory, Span, span
from ..c.parts import Kernel as Steps
from ..c.source import PlanText
from .rows import CudaRows
from .single import is_product, single_body
from .work import BLOCK, Body, indented, whole

_WORDS = frozenset(
    "alignas alignof and and_eq arena asm bitand bitor block blockDim blockIdx bool bool8 break c case catch char "
    "class column compl concept const const_cast constexpr continue control decltype default delete do double "
    "dynamic_cast else enum explicit export extern false float for found friend goto gridDim if inline int j jv k "
    "lane long m main mask memory mutable namespace net nets new noexcept not not_eq nullptr numbers operator or "
    "or_eq own p parts private protected public q r register reinterpret_cast requires return room row s scratch "
    "short signed sizeof slice static static_assert static_cast struct sum sums switch tables template this thread "
    "threadIdx thread_local throw total true try turn typedef typeid typename union unsigned using v virtual void "
    "volatile w wchar_t while x xor xor_eq y".split()
)
_PIECES = (("Pack<int, 4>", 16), ("int64_t", 8), ("int", 4), ("short", 2), ("char", 1))


@dataclass(frozen=True, slots=True)
class CudaStep(Steps):
    """Steps of a plan with the work that does them, and the pointers that each kernel of it declares. `numbers`: the
    steps that it computes, where these are not all between the first and the last."""

    body: Body
    declared: tuple[str, ...]
    numbers: tuple[int, ...]


class CudaText(PlanText):
    reserved = _WORDS | cuda_names()
    alignments: Mapping[Buffer, int] = MappingProxyType({})
    """See gpubp.render.c.memory.Memory."""

    def memory(self) -> Memory:
        found = super().memory()
        found.alignments = self.alignments
        return found

    def numbers_declared(self) -> list[str]:
        """The constant memory of a module for the numbers that kernels are given, if there are any."""
        count = len(self.number_table.numbers)
        return [f'extern "C" {{ __constant__ int64_t numbers[{count}]; }}'] if count else []

    def row_kernel_type(self) -> type[CudaRows]:
        return CudaRows

    def single_lines(self, memory: Memory, step: Step) -> Body:
        return self.product_lines(memory, step.eqn) if is_product(step.eqn) else single_body(memory, step.eqn)

    def product_lines(self, memory: Memory, eqn: Eqn) -> Body:
        """The work of a product of matrices, or of a convolution. Raises NoKernelError."""
        raise NotImplementedError

    def _kernel(self, first: int, stop: int, memory: Memory, lines: Sequence[str]) -> CudaStep:
        assert isinstance(lines, Body)
        found = super()._kernel(first, stop, memory, lines)
        declared = found.lines[: len(found.lines) - len(lines)]
        return CudaStep(first, stop, found.origins, found.lines, None, lines, declared, tuple(range(first, stop)))

    def steps(self) -> Iterator[CudaStep]:
        """The pieces that have a form for a GPU."""
        yield from (step for step in self.kernels() if isinstance(step, CudaStep))

    def copies(self) -> Iterator[CudaStep]:
        """New states that could not be computed in their place."""
        end = len(self.plan.steps)
        for k, (state, value) in enumerate(self.plan.copies):
            memory = self.memory()
            put = Eqn(copy, (value,), {}, (state,))
            lines = self.row_kernel_type()(memory, [put], state.shape, {state}).lines()
            yield self._kernel(end + k, end, memory, lines)

    def values_of(self, step: CudaStep) -> tuple[list[Var], list[Var]]:
        """What a step, or a copy behind all steps, reads and writes."""
        plan, end = self.plan, len(self.plan.steps)
        if step.first >= end:
            state, value = plan.copies[step.first - end]
            return [value], [state]
        eqns = [plan.steps[i].eqn for i in step.numbers]
        made = {y for e in eqns for y in e.outputs}
        reads = [x for e in eqns for x in e.operands if self.base(x) not in made]
        return reads, list(self.stored(step.numbers))

    def uses(self, values: Sequence[Var]) -> list[Span]:
        """The memory of values."""
        return [span(self.plan.places[v], v.dtype) for v in values if v in self.plan.places]

    def unless_guard(self, then: str, more: str = "") -> list[str]:
        """What is done where the guard does not hold; `more`: what else keeps it from holding."""
        guard = self.plan.program.guard
        if guard is None:
            return []
        memory = self.memory()
        text = memory.access(guard, ()).at([])
        return ["{", *(f"    {line}" for line in memory.declarations()), f"    if (!{text}{more}) {then}", "}"]


def batch_lines(plan: Plan, data: Callable[[int], str]) -> tuple[list[str], int]:
    """The statements that copy the rows from `first` on, in their `order` if that is not 0, to the places of the feeds,
    in the widest pieces that their length allows; `data`: the address of the rows for each feed. Also the most pieces
    of a feed. Where a block has a thread for each piece, all are read before the first is written, so that one does not
    wait for the other."""
    batch, found = plan.feeds[0].shape[0], []
    for k, feed in enumerate(plan.feeds):
        size = feed.aval.size // batch * ITEM[feed.dtype]
        start = plan.places[feed].buffer.start
        kind, wide = next((t, n) for t, n in _PIECES if size % n == 0 and start % n == 0)
        found.append((kind, size // wide, f"(({kind} *)(arena + {start}))", f"((const {kind} *){data(k)})"))
    most = max(batch * each for _, each, _, _ in found)
    lines, puts = list[str](), list[str]()
    for k, (kind, each, to, rows) in enumerate(found):
        count, index = batch * each, whole(batch * each)
        row = [f"const {index} i = q / {each}, e = q % {each};"]
        row.append("const int64_t row = order ? order[first + i] : first + i;")
        if most <= BLOCK:
            piece = [
                f"if (const int q = THREAD; q < {count}) {{",
                *indented([*row, f"piece{k} = {rows}[row * {each} + e];"]),
                "}",
            ]
            lines += [f"{kind} piece{k};", *piece]
            puts.append(f"if (const int q = THREAD; q < {count}) {to}[q] = piece{k};")
        else:
            row.append(f"{to}[q] = {rows}[row * {each} + e];")
            lines += [f"for ({index} q = THREAD; q < {count}; q += THREADS) {{", *indented(row), "}"]
    return lines + puts, most
