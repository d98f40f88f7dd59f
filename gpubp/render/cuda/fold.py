"""Warp and block reductions, by shuffles and shared memory, in an order that depends on the shape alone: no atomics."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.records import dataclass

from ...ir import Reduction, fill
from ..c.memory import C_TYPE, SUFFIX
from .work import TERMS, WARP


@dataclass(frozen=True, slots=True)
class Folding:
    """A reduction `form` to a value `name` of type `dtype`, of which each thread joins at most `terms` elements."""

    name: str
    form: Reduction
    dtype: str
    terms: int

    @property
    def wide(self) -> str:
        """The type that is summed in."""
        return "float64" if self.terms > TERMS else self.dtype

    @property
    def kind(self) -> str:
        return C_TYPE[self.wide]

    def begin(self) -> str:
        return f"{self.kind} {self.name}_all = {self.form.start};"

    def take(self, text: str) -> str:
        """Join an element to what the thread has so far."""
        return f"{self.name}_all = {self.join(f'{self.name}_all', text)};"

    def join(self, a: str, b: str) -> str:
        return fill(self.form.join, [a, b]).replace("{t}", SUFFIX[self.wide])

    def result(self) -> str:
        text = f"{self.name}_all" if self.wide == self.dtype else f"({C_TYPE[self.dtype]}){self.name}_all"
        return f"const {C_TYPE[self.dtype]} {self.name} = {text};"


def across(folds: Sequence[Folding], lanes: int) -> list[str]:
    """Join what `lanes` threads found, so that each of them has the result. Up to 32 are neighbours in a warp, named by
    `mask`; more are a whole block."""
    out: list[str] = []
    for fold in folds:
        own = f"{fold.name}_all"
        start = min(lanes, WARP) // 2
        if start:
            other = f"__shfl_xor_sync(mask, {own}, m, {min(lanes, WARP)})"
            out.append(f"for (int m = {start}; m; m /= 2) {own} = {fold.join(own, other)};")
    if lanes > WARP:
        warps = lanes // WARP
        for fold in folds:
            out.append(f"__shared__ {fold.kind} {fold.name}_parts[{warps}];")
            out.append(f"if (threadIdx.x % {WARP} == 0) {fold.name}_parts[threadIdx.x / {WARP}] = {fold.name}_all;")
        out.append("__syncthreads();")
        for fold in folds:
            own = f"{fold.name}_all"
            out.append(f"{own} = {fold.name}_parts[0];")
            out.append(f"for (int w = 1; w < {warps}; w++) {own} = {fold.join(own, f'{fold.name}_parts[w]')};")
    return out


def warp_mask(lanes: int, groups: int) -> str:
    """The statement that names the threads of a warp that shuffle at once as `mask`, where `groups` of `lanes` threads
    go on, those of the warp at most. Where the compiler does not know a mask, the hardware first finds out whose it is.
    """
    lanes = min(lanes, WARP)
    each = WARP // lanes
    if groups % each == 0 or groups < each:
        return f"const uint32_t mask = 0x{(1 << lanes * min(groups, each)) - 1:x}u;"
    return f"const uint32_t mask = 0x{(1 << lanes) - 1:x}u << threadIdx.x % {WARP} / {lanes} * {lanes};"
