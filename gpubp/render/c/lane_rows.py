"""Row-wise computation for several copies of a program at once: each copy is a SIMD lane."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Operand, Reduction, Var
from .memory import C_TYPE, Access, NoKernelError
from .row_parts import Part
from .rows import RowKernel
from .statements import braced, lane_loop


class LaneKernel(RowKernel):
    """The loops of equations, each element for all lanes before the next. A value with one number per row is an array
    of lanes. Every lane gets bit-identical results to the kernel of a single program."""

    def _row(self, index: Sequence[str], begin: str, end: str) -> list[str]:
        if self.chunked:
            raise NoKernelError
        out: list[str] = []
        for part in self.parts:
            kind = C_TYPE[part.output.dtype]
            if part.buffered:
                out.append(f"{kind} {part.name}_row[{self.length} * LANES];")
            if not part.per_element:
                out.append(f"{kind} {part.name}_lanes[LANES];")
        for phase in range(1 + max((part.phase for part in self.parts), default=0)):
            parts = [part for part in self.parts if part.phase == phase]
            single = [part for part in parts if not part.per_element and not part.reduces]
            per_element_parts = [part for part in parts if part.per_element]
            if single:
                values = [self._value(part, [*index, "0"]) for part in single]
                out += lane_loop([*values, *(f"{part.name}_lanes[l] = {part.name};" for part in single)])
            if per_element_parts:
                body = lane_loop(self._body(per_element_parts, [*index, "j"], "j * LANES + l"))
                out += braced(f"for (int64_t j = {begin}; j < {end}; j++)", body)
            out += [
                f"{self._reduction(part, index).removesuffix(')')}, {part.name}_lanes);"
                for part in parts
                if part.reduces
            ]
        stores = [
            f"{part.store.at([*index, '0'])} = {part.name}_lanes[l];"
            for part in self.parts
            if part.store is not None and not part.per_element
        ]
        return out + (lane_loop(stores) if stores else [])

    def _function(self, form: Reduction) -> str:
        return form.lanes

    def _first(self, access: Access, index: Sequence[str]) -> str:
        return f"&{access.at(index, '0')}"

    def _operand(self, part: Part, i: int, x: Operand, index: Sequence[str]) -> str:
        if not isinstance(x, Var):
            return self.memory.literal(part.eqn, i)
        if i in part.reads:
            return part.reads[i].at(index)
        producer = self._producer(x)
        assert producer is not None
        if producer.phase == part.phase and producer.per_element == part.per_element and not producer.reduces:
            return producer.name
        if not producer.per_element:
            return f"{producer.name}_lanes[l]"
        if producer.buffered:
            return f"{producer.name}_row[{index[-1]} * LANES + l]"
        assert producer.store is not None
        return producer.store.at(index)
