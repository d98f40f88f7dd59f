"""The steps of a plan as tasks of one block, and the bodies of its loops as tasks of each iteration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from ...ir import Eqn, Var
from ...passes import Buffer, LoopBody, Plan, Step
from ..c.identifiers import comment
from ..c.memory import Memory
from ..c.number_table import NumberTable
from ..loop_addresses import Address, LoopAddresses, StateAddress
from .epilogue import ElementEpilogue
from .gemm import small_product
from .rows import CudaRows
from .single import is_product
from .tasks import LoopPhases, Task, phases
from .text import GpuSteps
from .tiles import SMALL
from .vertical import VerticalText
from .work import WARP, Body, Gemm, Kernel


class _Memory(Memory):
    """The states follow the arena in shared memory, at the byte offsets `homes`."""

    homes: Mapping[Buffer, int]

    def arena_offset(self, buffer: Buffer) -> int | None:
        return self.homes.get(buffer, super().arena_offset(buffer))


class _Rows(CudaRows):
    """Without vector accesses: in shared memory, a thread per element is faster than fewer wide accesses."""

    def _width(self) -> int:
        return 1


class TaskText(VerticalText):
    """A plan whose states are in shared memory, at the byte offsets `homes`. `largest`: maximum multiplications of a
    product."""

    homes: Mapping[Buffer, int]
    largest = SMALL

    def memory(self) -> Memory:
        memory = _Memory(self.plan, self.names, self.table_index, self.number_table)
        memory.homes = self.homes
        return memory

    def row_kernel_type(self) -> type[CudaRows]:
        return _Rows

    def product_and(self, memory: Memory, eqn: Eqn, after: Sequence[Eqn], stored: Collection[Var]) -> Body:
        # Tiled products, as of convolutions, need barriers of whole blocks.
        return small_product(memory, ElementEpilogue(memory, eqn, after, stored), self.largest)

    def _may_start_fusion(self, step: GpuSteps) -> bool:
        """Only products: unfused column sums run side by side with other tasks."""
        eqns = self._eqns(step)
        return len(eqns) == 1 and is_product(eqns[0])

    def all_steps(self) -> list[Task] | None:
        """The tasks of all steps and of the final copies; None if a step cannot be a task."""
        plan, at, tasks = self.plan, 0, list[Task]()
        steps = {step.first: step for step in self.fused(self.steps())}
        while at < len(plan.steps):
            one = plan.steps[at].body
            if at in steps:
                new = self._tasks_of(steps[at], *self.values_of(steps[at]))
                at = steps[at].stop
            elif one is not None:
                new = self.loop(at, plan.steps[at], one)
                at += 1
            else:
                return None
            if new is None:
                return None
            tasks += new
        for step in self.copies():
            tasks += self._tasks_of(step, *self.values_of(step)) or ()
        return tasks

    def _tasks_of(self, step: GpuSteps, reads: Sequence[Var], writes: Sequence[Var]) -> list[Task] | None:
        if any(isinstance(work, Gemm) or work.scratch for work in step.body.work):
            return None
        about = "; ".join(comment(self.describe(origin)) for origin in step.origins)
        behind, uses = step.first >= self.plan.early, (self.uses(reads), self.uses(writes))
        kernels = [work for work in step.body.work if isinstance(work, Kernel)]
        return [Task(about, (*step.declared, *k.lines), k.grid, k.block, *uses, behind) for k in kernels]

    # Loops -----------------------------------------------------------------------------------------------------------
    def loop(self, at: int, step: Step, body: LoopBody) -> list[Task] | None:
        """The tasks of a loop: the initial copies of its carries, its iterations, and the copies of the final carries.
        None if a part of an iteration cannot be a task, or it contains constants, for which it has no memory."""
        if body.plan.constants:
            return None
        loop = LoopAddresses(self.plan, self.table_index, step, body)
        addresses = {body.plan.places[v].buffer: self._state_address(loop, loop.addresses[v]) for v in body.plan.states}
        arena = self.plan.places[step.scratch[-1]].buffer.start
        text = TurnText(body.plan, f"{self.name}_loop{at}", self.describe, self.number_table, addresses, arena)
        text.largest = self.largest
        tasks = text.all_steps()
        if tasks is None:
            return None
        inner = LoopPhases(loop.length, tuple(map(tuple, phases(tasks))))
        writes = self.uses([*step.eqn.outputs, *step.scratch])
        loop_task = Task("", (), 1, WARP, self.uses(step.eqn.operands), writes, False, loop=inner)
        copies = ((self.memory(), initial, carry, initial) for initial, carry in loop.initial_copies())
        before = [task for copied in copies for task in self._copy_task(at, *copied)]
        memory = self.memory()
        ends = loop.final_copies(memory, self.readers.get)
        after = [task for x, last, slots in ends for task in self._copy_task(at, memory, x, last, slots)]
        return [*before, loop_task, *after]

    def _copy_task(self, at: int, memory: Memory, x: Var, to: Var, source: Var) -> Iterator[Task]:
        """The copy of a carry `x`, which is part of the value `source`."""
        yield from self._tasks_of(self.copy_kernel(memory, x, to, at, at + 1), [source], [to]) or ()

    def _state_address(self, loop: LoopAddresses, address: StateAddress) -> str:
        """The address of a state of the loop body, in iteration `turn`."""
        index = f"({loop.length - 1} - turn)" if loop.reverse else "turn"
        index = index if loop.length * address.step < 1 << 31 else f"(int64_t){index}"
        text = self._address(address.start) + (f" + {index} * {address.step}" if address.step else "")
        return text if address.first is None else f"(turn ? {text} : {self._address(address.first)})"

    def _address(self, address: Address) -> str:
        table, byte = address
        if table is None:
            return f"arena + {byte}"
        offset = self.homes.get(self.plan.places[self.tables[table]].buffer)
        return f"tables[{table}] + {byte}" if offset is None else f"arena + {offset + byte}"


class _TurnMemory(Memory):
    """The memory of a loop iteration: its arena begins at byte `begin` of the outer one, its states are at
    `addresses`."""

    addresses: Mapping[Buffer, str]
    begin: int

    def address(self, buffer: Buffer, start: int, dtype: str, kind: str) -> str:
        own = f"arena + {self.begin + buffer.start}" if buffer.kind == "arena" else self.addresses[buffer]
        return f"({kind})({own}){f' + {start}' if start else ''}"


class TurnText(TaskText):
    """The body of a loop, which contains no loops."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        describe: Callable[[object], str],
        number_table: NumberTable,
        addresses: Mapping[Buffer, str],
        begin: int,
    ) -> None:
        super().__init__(plan, name, {}, describe, number_table)
        self.addresses, self.begin = addresses, begin

    def memory(self) -> Memory:
        memory = _TurnMemory(self.plan, self.names, self.table_index, self.number_table)
        memory.addresses, memory.begin = self.addresses, self.begin
        return memory

    def loop(self, at: int, step: Step, one: LoopBody) -> list[Task] | None:
        return None
