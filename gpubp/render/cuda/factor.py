"""One operand of a GEMM: how its slices are loaded into shared memory. For convolutions by implicit GEMM, this computes
the address of each element of the matrix that im2col would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from dsl.records import dataclass

from ...ir import MaskedIndex
from ...passes import ITEM
from ..c.memory import C_TYPE, Access
from ..c.statements import indented, unrolled
from .work import DEPTH, VECTOR_BYTES, aligned, unflatten


@dataclass(frozen=True, slots=True)
class Axes:
    """Axes flattened into one: the total number of indices, and the size and index name of each axis, "0" if the size
    is 1."""

    total: int
    sizes: tuple[int, ...]
    names: tuple[str, ...]

    def named(self, text: str, kind: str) -> list[str]:
        """The statements that split the flat index `text` into one per axis."""
        split = [k for k, name in enumerate(self.names) if name != "0"]
        return unflatten(text, [self.sizes[k] for k in split], [self.names[k] for k in split], kind)


@dataclass(frozen=True)
class Factor:
    """A matrix in memory: `index` is that of the element at indices of `axes` (rows or columns) and of `terms`. A block
    of `threads` threads works on `size` of its rows or columns, from index `first` on, and on `depth` terms at a time.
    `tensor`: for tensor cores, with elements rounded to TF32 and shared memory laid out as tensor.py says."""

    name: str
    access: Access
    index: MaskedIndex
    axes: Axes
    size: int
    first: str
    terms: Axes
    threads: int
    depth: int
    tensor: bool

    @property
    def kind(self) -> str:
        return C_TYPE[self.access.dtype]

    @cached_property
    def _layout(self) -> tuple[bool, bool]:
        """Whether adjacent elements in memory differ in their term (not in their row or column), and whether these are
        contiguous: determined by the last index in which the last axis of a side occurs."""
        for k, text in reversed([*enumerate(self.index.index)]):
            words = re.findall(r"\w+", text)
            sides = [
                (axes.sizes[-1], axes is self.terms) for axes in (self.axes, self.terms) if axes.names[-1] in words
            ]
            largest = max((side for side in sides if side[0] > 1), default=None)
            if largest is not None:
                return largest[1], len(sides) == 1 and k == len(self.index.index) - 1 and self.access.strides[-1] == 1
        return True, False

    @property
    def k_contiguous(self) -> bool:
        """Whether adjacent threads load adjacent terms, rather than adjacent rows or columns."""
        return self._layout[0]

    @property
    def width(self) -> int:
        """Elements of one load."""
        along, dense = self._layout
        vector = VECTOR_BYTES // ITEM[self.access.dtype]
        fast = (self.terms if along else self.axes).sizes[-1]
        return vector if dense and fast % vector == 0 and aligned(self.access, vector) else 1

    @property
    def _access_count(self) -> int:
        """Loads for a slice of K."""
        return self.size * self.depth // self.width

    @property
    def _accesses_per_line(self) -> int:
        """Loads for the terms of one row or column, or for the rows or columns of one term."""
        return (self.depth if self.k_contiguous else self.size) // self.width

    @property
    def _one_term(self) -> bool:
        """Whether all loads of a thread are of the same terms."""
        return self.k_contiguous and self.threads % self._accesses_per_line == 0

    @property
    def _line_groups(self) -> int:
        """If a warp would store more than DEPTH terms of a few rows to shared memory, it would hit few banks. It then
        loads DEPTH terms of more rows instead: returns of how many rows all threads together load all terms, else 0."""
        count = self.threads // self._accesses_per_line
        return count if self._one_term and self.depth > DEPTH and not self.tensor and self.size % count == 0 else 0

    @property
    def _term(self) -> str:
        """The expression of a thread's term, if it has a single one."""
        beside, width = DEPTH // self.width, f" * {self.width}" if self.width > 1 else ""
        if not self._line_groups:
            return f"threadIdx.x % {self._accesses_per_line}{width}"
        return f"threadIdx.x % {beside}{width} + threadIdx.x / {beside * self._line_groups} * {DEPTH}"

    def _for_each_access(self, lines: Sequence[str]) -> list[str]:
        """A loop around statements for each load of a thread: of row or column `at` of the tile, and of term `deep` of
        the slice."""
        iterations, width = -(-self._access_count // self.threads), f" * {self.width}" if self.width > 1 else ""
        first, second = ("deep", "at") if self.k_contiguous else ("at", "deep")
        line = self._accesses_per_line
        position = [
            f"const int slot = threadIdx.x{f' + e * {self.threads}' if iterations > 1 else ''};",
            *([f"if (slot >= {self._access_count}) break;"] if self._access_count % self.threads else []),
            f"const int {first} = slot % {line}{width}, {second} = slot / {line};",
        ]
        if self._line_groups:
            at, more = f"threadIdx.x / {DEPTH // self.width} % {self._line_groups}", f" + e * {self._line_groups}"
            position = [f"const int deep = {self._term}, at = {at}{more if iterations > 1 else ''};"]
        return unrolled("e", iterations, [*position, *lines])

    def element(self, half: str, deep: str, at: str, more: str = "") -> str:
        """The element of a term, and of row or column `at`, in a half of the shared memory. The term is `deep + more`,
        which must be one of the same four as `deep`."""
        if self.tensor:
            further = f" + {more} * {self.size + 4}" if more else ""
            return f"(({self.kind} *){self.name}[{half}])[{skewed(self.size, self.depth, deep)}{further} + {at}]"
        return f"(({self.kind} *){self.name}[{half}][{deep}{f' + {more}' if more else ''}])[{at}]"

    def shared_declarations(self, vector: int) -> list[str]:
        """The declaration of shared memory for two slices, padded to avoid bank conflicts."""
        shape = f"[{self.depth}][{self.size // vector + 1}]"
        if self.tensor:
            shape = f"[{room(self.size, self.depth) // vector}]"
        return [f"__shared__ Pack<{self.kind}, {vector}> {self.name}[2]{shape};"]

    def register_declarations(self) -> list[str]:
        """The declaration of registers for the next slice."""
        return [f"Pack<{self.kind}, {self.width}> {self.name}_next[{-(-self._access_count // self.threads)}];"]

    def load_global(self, kind: str) -> list[str]:
        """Load the slice whose terms begin at `next` into registers, with 0 outside of the matrix. If all loads are of
        the same terms, their indices are computed once. All conditions are combined into one branch, so that the
        compiler can share subexpressions between them."""
        pack = f"Pack<{self.kind}, {self.width}>"
        term = f"const {kind} t = next + {{}};"
        terms = self.terms.named("t", kind)
        conditions = [
            *([f"q < {self.axes.total}"] if self.axes.total % self.size else []),
            *(["t < stop"] if self.terms.total % self.depth else []),
            *([self.index.mask.replace("&&", "&")] if self.index.mask else []),
        ]
        read = f"{self.name}_next[e] = *(const {pack} *)(&{self.access.at(self.index.index)});"
        lines = [f"const {kind} q = {self.first} + at;", *self.axes.named("q", kind)]
        if not self._one_term:
            lines += [term.format("deep"), *terms]
        if conditions:
            lines += [f"{self.name}_next[e] = {pack}();", f"if ({' & '.join(conditions)}) {read}"]
        else:
            lines.append(read)
        if not self._one_term:
            return self._for_each_access(lines)
        return ["{", *indented([term.format(self._term), *terms, *self._for_each_access(lines)]), "}"]

    def store_shared(self, vector: int) -> list[str]:
        """Store these registers to the other half of shared memory. Its rows begin at multiples of `vector` elements,
        which bounds the width of aligned stores."""
        read, half = f"{self.name}_next[e]", "1 - half"
        if not self.k_contiguous and self.width > 1 and vector % self.width == 0:
            pack = f"Pack<{self.kind}, {self.width}>"
            return self._for_each_access([f"*({pack} *)(&{self.element(half, 'deep', 'at')}) = {self._rounded(read)};"])
        if self.width == 1:
            return self._for_each_access([f"{self.element(half, 'deep', 'at')} = {self._rounded(f'{read}.at[0]')};"])
        target = (half, "deep", "at", "v") if self.k_contiguous else (half, "deep", "at + v")
        store = f"{self.element(*target)} = {self._rounded(f'{read}.at[v]')};"
        return self._for_each_access([f"for (int v = 0; v < {self.width}; v++) {store}"])

    def _rounded(self, text: str) -> str:
        return f"as_tf32({text})" if self.tensor else text


def skewed(size: int, depth: int, deep: str) -> str:
    """The offset of the row of term `deep` in shared memory for tensor cores, of `depth` rows of `size` elements. Rows
    are padded by four elements, every fourth one by eight more and every sixteenth by four more, so that simultaneous
    accesses hit different banks (tensor.py)."""
    return f"{deep} * {size + 4} + {deep} / 4 * 8" + (f" + {deep} / 16 * 4" if depth > 16 else "")


def room(size: int, depth: int) -> int:
    """The number of elements of that memory."""
    return depth * (size + 4) + depth // 4 * 8 + (depth // 16 * 4 if depth > 16 else 0)
