"""Row-wise computation for several copies of a program at once: each copy is a SIMD lane."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Fold, Operand, Var
from .memory import C_TYPE, Access, UnfitError, each_lane
from .row_parts import Part
from .rows import RowKernel


class LaneKernel(RowKernel):
    """The loops of equations, each element for all lanes before the next. A value with one number per row is an array
    of lanes. Every lane gets bit-identical results to the kernel of a single program."""

    def _row(self, index: Sequence[str], begin: str, end: str) -> list[str]:
        if self.in_pieces:
            raise UnfitError
        out: list[str] = []
        for part in self.parts:
            kind = C_TYPE[part.output.dtype]
            if part.kept:
                out.append(f"{kind} {part.name}_row[{self.length} * LANES];")
            if not part.full:
                out.append(f"{kind} {part.name}_lanes[LANES];")
        for turn in range(1 + max((part.turn for part in self.parts), default=0)):
            own = [part for part in self.parts if part.turn == turn]
            single = [part for part in own if not part.full and not part.folds]
            loop = [part for part in own if part.full]
            if single:
                values = [self._value(part, [*index, "0"]) for part in single]
                out += each_lane([*values, *(f"{part.name}_lanes[l] = {part.name};" for part in single)])
            if loop:
                head = f"for (int64_t j = {begin}; j < {end}; j++) {{"
                body = each_lane(self._body(loop, [*index, "j"], "j * LANES + l"))
                out += [head, *(f"    {line}" for line in body), "}"]
            out += [f"{self._fold(part, index).removesuffix(')')}, {part.name}_lanes);" for part in own if part.folds]
        stores = [
            f"{part.store.at([*index, '0'])} = {part.name}_lanes[l];"
            for part in self.parts
            if part.store is not None and not part.full
        ]
        return out + (each_lane(stores) if stores else [])

    def _function(self, form: Fold) -> str:
        return form.lanes

    def _first(self, access: Access, index: Sequence[str]) -> str:
        return f"&{access.at(index, '0')}"

    def _operand(self, part: Part, i: int, x: Operand, index: Sequence[str]) -> str:
        if not isinstance(x, Var):
            return self.memory.literal(part.eqn, i)
        if i in part.reads:
            return part.reads[i].at(index)
        maker = self.made.get(x) or self.made[self.memory.base(x)]
        if maker.turn == part.turn and maker.full == part.full and not maker.folds:
            return maker.name
        if not maker.full:
            return f"{maker.name}_lanes[l]"
        if maker.kept:
            return f"{maker.name}_row[{index[-1]} * LANES + l]"
        assert maker.store is not None
        return maker.store.at(index)
