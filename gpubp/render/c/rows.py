"""Equations fused row by row into one C loop nest: local values are never written to memory."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir import FLOATS, Elementwise, Operand, Reduction, Var, fill
from .memory import C_TYPE, SUFFIX, Access, NoKernelError
from .parallel import CACHE_LINE, parallel_bounds
from .row_parts import Part, RowParts
from .statements import braced

CHUNK = 1024
"""Elements of a longer row that are computed before they are reduced; sums are accumulated in such chunks anyway."""


class RowKernel(RowParts):
    """The loops of equations that are fused."""

    def lines(self) -> list[str]:
        """The loops. The pointers are declared elsewhere."""
        index = [f"i{k}" for k in range(len(self.outer))]
        ends = [("0", str(n)) for n in (*self.outer, self.length)]
        work = math.prod(self.outer) * self.length * len(self.parts)
        if self.outer:
            ends[0] = parallel_bounds(self.memory, self.outer[0], work)
        elif all(part.per_element for part in self.parts):
            ends[0] = parallel_bounds(self.memory, self.length, work, CACHE_LINE)
        row = self._row(index, *ends[-1])
        for i, (begin, end) in reversed(list(zip(index, ends, strict=False))):
            row = braced(f"for (int64_t {i} = {begin}; {i} < {end}; {i}++)", row)
        return row

    def _row(self, index: Sequence[str], begin: str, end: str) -> list[str]:
        out: list[str] = []
        for part in self.parts:
            if part.buffered and not self.chunked:
                out.append(f"{C_TYPE[part.output.dtype]} {part.name}_row[{self.length}];")
        fixed: dict[str, str] = {}
        for part in self.parts:
            if part.per_element:
                for access in part.reads.values():
                    if not access.strides[-1] and self.length > 1:
                        text = access.at([*index, "0"])
                        fixed.setdefault(text, f"{access.name}_once{len(fixed)}")
                        self.fixed[access] = fixed[text]
        kinds = {a.at([*index, "0"]): C_TYPE[a.dtype] for a in self.fixed}
        out += [f"const {kinds[text]} {name} = {text};" for text, name in fixed.items()]
        for phase in range(1 + max((part.phase for part in self.parts), default=0)):
            parts = [part for part in self.parts if part.phase == phase]
            out += [self._value(part, [*index, "0"]) for part in parts if not part.per_element and not part.reduces]
            per_element_parts = [part for part in parts if part.per_element]
            reductions = [part for part in parts if part.reduces]
            if self.chunked and reductions and per_element_parts:
                out += self._chunks(per_element_parts, reductions, index)
                continue
            if per_element_parts:
                out += ["EACH"] if self.length > 1 else []
                body = self._body(per_element_parts, [*index, "j"], "j")
                out += braced(f"for (int64_t j = {begin}; j < {end}; j++)", body)
            out += [f"const {C_TYPE[p.output.dtype]} {p.name} = {self._reduction(p, index)};" for p in reductions]
        for part in self.parts:
            if part.store is not None and not part.per_element:
                out.append(f"{part.store.at([*index, '0'])} = {part.name};")
        return out

    def _body(self, per_element_parts: Sequence[Part], index: Sequence[str], at: str) -> list[str]:
        lines = [self._value(part, index) for part in per_element_parts]
        lines += [f"{part.store.at(index)} = {part.name};" for part in per_element_parts if part.store is not None]
        lines += [f"{part.name}_row[{at}] = {part.name};" for part in per_element_parts if part.buffered]
        return lines

    def _chunks(self, per_element_parts: Sequence[Part], reductions: Sequence[Part], index: Sequence[str]) -> list[str]:
        """A long row in chunks: each is computed, then reduced."""
        chunk = [f"const int64_t n = {self.length} - first < {CHUNK} ? {self.length} - first : {CHUNK};"]
        chunk += [f"{C_TYPE[p.output.dtype]} {p.name}_row[{CHUNK}];" for p in per_element_parts if p.buffered]
        body = ["const int64_t j = first + k;", *self._body(per_element_parts, [*index, "j"], "k")]
        chunk += ["EACH", *braced("for (int64_t k = 0; k < n; k++)", body)]
        for p in reductions:
            piece = f"{p.reduction.row}({self._row_at(p, index, 'first')}, n)".replace("{t}", _suffix(p))
            chunk.append(f"{p.name}_all = {fill(p.reduction.join, [f'{p.name}_all', piece])};".replace("{t}", "f64"))
        return [
            *(f"double {p.name}_all = {p.reduction.start};" for p in reductions),
            *braced(f"for (int64_t first = 0; first < {self.length}; first += {CHUNK})", chunk),
            *(f"const {C_TYPE[p.output.dtype]} {p.name} = ({C_TYPE[p.output.dtype]}){p.name}_all;" for p in reductions),
        ]

    def _reduction(self, part: Part, index: Sequence[str]) -> str:
        function = self._function(part.reduction).replace("{t}", _suffix(part))
        return f"{function}({self._row_at(part, index, '0')}, {self.length})"

    def _row_at(self, part: Part, index: Sequence[str], first: str) -> str:
        """A pointer to the elements that a reduction reads."""
        (x,) = part.eqn.operands
        producer = self._producer(x)
        if producer is not None and producer.buffered:
            return f"{producer.name}_row"
        if producer is not None and not producer.per_element:
            raise NoKernelError  # a row of one element, which is in memory only after the row
        access = part.reads.get(0) if producer is None else producer.store
        if access is None or (access.strides[-1] != 1 and self.length > 1):
            raise NoKernelError
        return self._first(access, [*index, first])

    def _function(self, form: Reduction) -> str:
        """The function that reduces a row."""
        return form.row

    def _first(self, access: Access, index: Sequence[str]) -> str:
        """A pointer to an element."""
        return f"&{access.at(index)}"

    def _value(self, part: Part, index: Sequence[str]) -> str:
        """The statement that computes a value."""
        eqn, y = part.eqn, part.output
        dtypes = [x.dtype for x in eqn.operands]
        texts = [self._operand(part, i, x, index) for i, x in enumerate(eqn.inputs)]
        form = part.form
        assert isinstance(form, Elementwise)
        text = form.text if isinstance(form.text, str) else form.text(**eqn.params)
        kind = next((SUFFIX[d] for d in dtypes if d in FLOATS), "")
        text = fill(text.replace("{t}", kind).replace("{type}", C_TYPE[y.dtype]), texts)
        if y.dtype == "bool" and "bool" in dtypes:
            text = f"({text}) != 0"
        return f"const {C_TYPE[y.dtype]} {part.name} = {text};"

    def _operand(self, part: Part, i: int, x: Operand, index: Sequence[str]) -> str:
        if not isinstance(x, Var):
            return self.memory.literal(part.eqn, i)
        if i in part.reads:
            read = part.reads[i]
            return self.fixed[read] if part.per_element and read in self.fixed else read.at(index)
        producer = self._producer(x)
        assert producer is not None
        if not producer.per_element or producer.phase == part.phase:
            return producer.name
        if producer.buffered:
            return f"{producer.name}_row[{index[-1]}]"
        assert producer.store is not None
        return producer.store.at(index)


def _suffix(part: Part) -> str:
    return SUFFIX[part.output.dtype]
