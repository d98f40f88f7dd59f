"""One of the two operands of a GEMM: how slices of it come to shared memory, for convolutions by implicit GEMM, which
computes the address of each element of what im2col would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from dsl.records import dataclass

from ...ir import MaskedIndex
from ...passes import ITEM
from ..c.memory import C_TYPE, Access
from .work import BYTES, DEPTH, aligned, indented, split_index


@dataclass(frozen=True, slots=True)
class Axes:
    """Axes that are counted as one: the number of indices, and for each axis its size and its name, "0" where the size
    is 1."""

    total: int
    sizes: tuple[int, ...]
    names: tuple[str, ...]

    def named(self, text: str, kind: str) -> list[str]:
        """The statements that divide an index into one for each axis."""
        kept = [k for k, name in enumerate(self.names) if name != "0"]
        return split_index(text, [self.sizes[k] for k in kept], [self.names[k] for k in kept], kind)


@dataclass(frozen=True)
class Factor:
    """A matrix in memory: the element at indices of `own` axes and of `terms` is at `start`. A block of `threads`
    threads works on `size` of its rows or columns, from the index `begin` on, and on `depth` terms at a time. `tensor`:
    for tensor cores, which take its elements rounded to TF32, from memory that lies as tensor.py says."""

    name: str
    access: Access
    start: MaskedIndex
    own: Axes
    size: int
    begin: str
    terms: Axes
    threads: int
    depth: int
    tensor: bool

    @property
    def kind(self) -> str:
        return C_TYPE[self.access.dtype]

    @cached_property
    def _way(self) -> tuple[bool, bool]:
        """Whether elements beside each other in memory are terms, and whether one follows the other: by the last index
        in which the last axis of a side stands."""
        for k, text in reversed([*enumerate(self.start.index)]):
            words = re.findall(r"\w+", text)
            sides = [(axes.sizes[-1], axes is self.terms) for axes in (self.own, self.terms) if axes.names[-1] in words]
            found = max((side for side in sides if side[0] > 1), default=None)
            if found is not None:
                return found[1], len(sides) == 1 and k == len(self.start.index) - 1 and self.access.strides[-1] == 1
        return True, False

    @property
    def along(self) -> bool:
        """Whether threads beside each other take terms beside each other, not rows or columns."""
        return self._way[0]

    @property
    def width(self) -> int:
        """Elements of one access."""
        along, dense = self._way
        vector = BYTES // ITEM[self.access.dtype]
        fast = (self.terms if along else self.own).sizes[-1]
        return vector if dense and fast % vector == 0 and aligned(self.access, vector) else 1

    @property
    def _slots(self) -> int:
        """Accesses for a piece."""
        return self.size * self.depth // self.width

    @property
    def _step(self) -> int:
        """Accesses for a row of terms, or for a term of all rows or columns."""
        return (self.depth if self.along else self.size) // self.width

    @property
    def _one_term(self) -> bool:
        """Whether all accesses of a thread are to the same terms."""
        return self.along and self.threads % self._step == 0

    @property
    def _in_turn(self) -> int:
        """Where a warp would write more than DEPTH terms of a few rows or columns to shared memory, to few banks, it
        takes DEPTH terms of more of them: of how many all threads then take all terms; else 0."""
        count = self.threads // self._step
        return count if self._one_term and self.depth > DEPTH and not self.tensor and self.size % count == 0 else 0

    @property
    def _deep(self) -> str:
        """The term of a thread, where there is one."""
        beside, width = DEPTH // self.width, f" * {self.width}" if self.width > 1 else ""
        if not self._in_turn:
            return f"threadIdx.x % {self._step}{width}"
        return f"threadIdx.x % {beside}{width} + threadIdx.x / {beside * self._in_turn} * {DEPTH}"

    def _each(self, lines: Sequence[str]) -> list[str]:
        """Statements for each access of a thread: to the element `at` of the tile's rows or columns, `deep` of its
        terms."""
        turns, width = -(-self._slots // self.threads), f" * {self.width}" if self.width > 1 else ""
        first, second = ("deep", "at") if self.along else ("at", "deep")
        place = [
            f"const int slot = threadIdx.x{f' + e * {self.threads}' if turns > 1 else ''};",
            *([f"if (slot >= {self._slots}) break;"] if self._slots % self.threads else []),
            f"const int {first} = slot % {self._step}{width}, {second} = slot / {self._step};",
        ]
        if self._in_turn:
            at, more = f"threadIdx.x / {DEPTH // self.width} % {self._in_turn}", f" + e * {self._in_turn}"
            place = [f"const int deep = {self._deep}, at = {at}{more if turns > 1 else ''};"]
        return ["#pragma unroll", f"for (int e = 0; e < {turns}; e++) {{", *indented([*place, *lines]), "}"]

    def place(self, half: str, deep: str, at: str, more: str = "") -> str:
        """The element of a term and of row or column `at` in a half of the shared memory. The term is `deep`, or `more`
        behind it, where that is one of the same four."""
        if self.tensor:
            further = f" + {more} * {self.size + 4}" if more else ""
            return f"(({self.kind} *){self.name}[{half}])[{skewed(self.size, self.depth, deep)}{further} + {at}]"
        return f"(({self.kind} *){self.name}[{half}][{deep}{f' + {more}' if more else ''}])[{at}]"

    def declared(self, vector: int) -> list[str]:
        """Shared memory for two pieces, with a gap so that no column lies in one bank."""
        shape = f"[{self.depth}][{self.size // vector + 1}]"
        if self.tensor:
            shape = f"[{room(self.size, self.depth) // vector}]"
        return [f"__shared__ Pack<{self.kind}, {vector}> {self.name}[2]{shape};"]

    def registers(self) -> list[str]:
        """Registers for the next piece."""
        return [f"Pack<{self.kind}, {self.width}> {self.name}_next[{-(-self._slots // self.threads)}];"]

    def fetch(self, kind: str) -> list[str]:
        """Read the piece whose terms begin at `next` into registers; what lies outside is 0. Where all accesses are to
        the same terms, these are found once; and all conditions are looked at together, for a branch between them would
        keep what they have in common apart."""
        pack = f"Pack<{self.kind}, {self.width}>"
        term = f"const {kind} t = next + {{}};"
        terms = self.terms.named("t", kind)
        there = [
            *([f"q < {self.own.total}"] if self.own.total % self.size else []),
            *(["t < stop"] if self.terms.total % self.depth else []),
            *([self.start.mask.replace("&&", "&")] if self.start.mask else []),
        ]
        read = f"{self.name}_next[e] = *(const {pack} *)(&{self.access.at(self.start.index)});"
        lines = [f"const {kind} q = {self.begin} + at;", *self.own.named("q", kind)]
        if not self._one_term:
            lines += [term.format("deep"), *terms]
        if there:
            lines += [f"{self.name}_next[e] = {pack}();", f"if ({' & '.join(there)}) {read}"]
        else:
            lines.append(read)
        if not self._one_term:
            return self._each(lines)
        return ["{", *indented([term.format(self._deep), *terms, *self._each(lines)]), "}"]

    def put(self, vector: int) -> list[str]:
        """Write what was read to the other half of the shared memory, whose rows begin at multiples of `vector`
        elements: only there may as many be written at once."""
        read, half = f"{self.name}_next[e]", "1 - half"
        if not self.along and self.width > 1 and vector % self.width == 0:
            pack = f"Pack<{self.kind}, {self.width}>"
            return self._each([f"*({pack} *)(&{self.place(half, 'deep', 'at')}) = {self._rounded(read)};"])
        each = f"for (int v = 0; v < {self.width}; v++) " if self.width > 1 else ""
        v, more = ("v", " + v") if self.width > 1 else ("0", "")
        place = (
            self.place(half, "deep", "at", v if more else "") if self.along else self.place(half, "deep", f"at{more}")
        )
        return self._each([f"{each}{place} = {self._rounded(f'{read}.at[{v}]')};"])

    def _rounded(self, text: str) -> str:
        return f"as_tf32({text})" if self.tensor else text


def skewed(size: int, depth: int, deep: str) -> str:
    """Where the row of term `deep` begins in the memory for tensor cores, of `depth` rows of `size` elements. Rows lie
    four elements further apart than they are long, every fourth another eight and every sixteenth another four: so
    threads that read or write at once do so in different banks (tensor.py)."""
    return f"{deep} * {size + 4} + {deep} / 4 * 8" + (f" + {deep} / 16 * 4" if depth > 16 else "")


def room(size: int, depth: int) -> int:
    """The elements of that memory."""
    return depth * (size + 4) + depth // 4 * 8 + (depth // 16 * 4 if depth > 16 else 0)
