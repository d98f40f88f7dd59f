"""A plan as the statements of one C function: all values in arrays on the stack, one per dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...ir import Product, Routine, Var, apply
from ...passes import ITEM, Buffer, LoopBody, Plan, Step
from ..c.memory import Memory
from ..c.number_table import NumberTable
from ..c.single import single_kernel
from ..c.source import PlanText
from ..errors import CannotExportError
from ..loop_addresses import Address, LoopAddresses, StateAddress
from .contraction import sum_lines

ARENAS = {
    "float64": "f64",
    "float32": "f32",
    "int64": "i64",
    "int32": "i32",
    "uint64": "u64",
    "uint32": "u32",
    "bool": "b8",
}
"""The arrays that contain the values."""
_CPP = (
    "alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class compl concept const_cast "
    "consteval constexpr constinit co_await co_return co_yield decltype delete dynamic_cast explicit export false "
    "friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "reinterpret_cast requires static_assert static_cast template this thread_local throw true try typeid typename "
    "using virtual wchar_t xor xor_eq"
)
_SYSTEMS = "linux unix i386 errno"
"""Macros of some compilers, in lower case."""
WORDS = frozenset((*_CPP.split(), *_SYSTEMS.split(), *ARENAS.values(), "work"))
"""Reserved names, in addition to those of C."""


class PortableMemory(Memory):
    """Pointers into the arrays of a function, and to the states and constants of its plan: `homes`."""

    parallel = False
    sections: Mapping[str, range]
    homes: Mapping[Buffer, str]

    def address(self, buffer: Buffer, start: int, dtype: str, kind: str) -> str:
        if buffer.kind == "arena":
            return f"{ARENAS[dtype]} + {(buffer.start - self.sections[dtype].start) // ITEM[dtype] + start}"
        return f"{self.homes[buffer]} + {start}" if start else self.homes[buffer]


class PortableText(PlanText):
    """The code of a plan whose arena has `sections` for the dtypes (`split_arena` of gpubp.passes). `homes`: the
    addresses of its states; `table` takes a name and the values of a constant and returns the name of a table that
    holds them; `depth`: the nesting depth in loops."""

    reserved = PlanText.reserved | WORDS

    def __init__(
        self,
        plan: Plan,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        sections: Mapping[str, range],
        homes: Mapping[Buffer, str],
        table: Callable[[str, Any], str],
        depth: int = 0,
    ) -> None:
        super().__init__(plan, "", hints, describe, NumberTable((), {}))
        self.sections, self.homes, self.table, self.depth = sections, dict(homes), table, depth

    def memory(self) -> PortableMemory:
        memory = PortableMemory(self.plan, self.names, self.table_index, self.number_table)
        memory.sections, memory.homes = self.sections, self.homes
        return memory

    def single_lines(self, memory: Memory, step: Step) -> Sequence[str]:
        if isinstance(step.eqn.op.c, Product | Routine):
            return sum_lines(memory, step.eqn, memory.result(step.eqn))
        return single_kernel(memory, step)

    def function(self, xp: Any) -> Iterator[str]:
        """All statements, with `xp` for the values of constants. Raises CannotExportError."""
        yield from self._constants(xp)
        kernels = {kernel.first: kernel for kernel in self.kernels()}
        at, end = 0, len(self.plan.steps)
        while at < end:
            step = self.plan.steps[at]
            if at in kernels:
                yield from self.statements([kernels[at]], -1)
                at = kernels[at].stop
            elif step.body is not None:
                yield from self._loop(step, step.body, xp)
                at += 1
            else:
                raise CannotExportError(step.eqn)
        yield from self.statements([], end)

    def _constants(self, xp: Any) -> Iterator[str]:
        """Constants become tables; one that is part of a larger buffer is copied there."""
        values: dict[Var, Any] = {}
        for eqn in self.plan.constants:
            values[eqn.output] = apply(
                eqn.op, xp, [values[x] if isinstance(x, Var) else x for x in eqn.inputs], eqn.params
            )
            buffer = self.plan.places[eqn.output].buffer
            if buffer.kind == "constant":
                self.homes[buffer] = self.table(self.names[eqn.output], values[eqn.output])
            else:
                yield from self._copy(self.memory(), eqn.operands[0], eqn.output)

    def _copy(self, memory: Memory, x: Var, to: Var) -> list[str]:
        return self.block(self.copy_kernel(memory, x, to, 0, 0))

    def _loop(self, step: Step, body: LoopBody, xp: Any) -> Iterator[str]:
        loop = LoopAddresses(self.plan, self.table_index, step, body)
        counter = "turn" if not self.depth else f"turn_{self.depth + 1}"
        addresses = ((v, self._state_address(loop, loop.addresses[v], v.dtype, counter)) for v in body.plan.states)
        homes = {body.plan.places[v].buffer: address for v, address in addresses}
        text = PortableText(body.plan, {}, self.describe, self.sections, homes, self.table, self.depth + 1)
        for initial, carry in loop.initial_copies():
            yield from self._copy(self.memory(), initial, carry)
        yield f"    for (int64_t {counter} = 0; {counter} < {loop.length}; {counter}++) {{"
        yield from (f"    {line}" for line in text.function(xp))
        yield "    }"
        memory = self.memory()
        for last_slice, carry, _ in loop.final_copies(memory, self.readers.get):
            yield from self._copy(memory, last_slice, carry)

    def _state_address(self, loop: LoopAddresses, address: StateAddress, dtype: str, counter: str) -> str:
        """The address of a state of a loop body, in an iteration."""
        index = f"({loop.length - 1} - {counter})" if loop.reverse else counter
        text = self._address(address.start, dtype, f"{index} * {address.step // ITEM[dtype]}" if address.step else "")
        return text if address.first is None else f"({counter} ? {text} : {self._address(address.first, dtype)})"

    def _address(self, address: Address, dtype: str, index: str = "") -> str:
        table, byte = address
        base = ARENAS[dtype] if table is None else self.homes[self.plan.places[self.tables[table]].buffer]
        start = (byte - (self.sections[dtype].start if table is None else 0)) // ITEM[dtype]
        if index and start:
            # A single integer sum: a followed carry of the first iteration would be before the start of its array.
            index = f"({index} {'-' if start < 0 else '+'} {abs(start)})"
        elif start:
            index = str(start)
        return f"{base} + {index}" if index else base
