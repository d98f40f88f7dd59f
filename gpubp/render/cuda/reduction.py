"""Warp and block reductions, by shuffles and shared memory, in an order that depends on the shape alone: no atomics."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.records import dataclass

from ...ir import Reduction, fill
from ..c.memory import C_TYPE, SUFFIX
from .work import FLOAT32_TERMS, WARP


@dataclass(frozen=True, slots=True)
class ThreadReduction:
    """A reduction `form` to a value `name` of type `dtype`, in which each thread accumulates at most `terms`
    elements."""

    name: str
    form: Reduction
    dtype: str
    terms: int

    @property
    def accumulator_dtype(self) -> str:
        """The dtype of the accumulator."""
        return "float64" if self.terms > FLOAT32_TERMS else self.dtype

    @property
    def kind(self) -> str:
        return C_TYPE[self.accumulator_dtype]

    def initialise(self) -> str:
        return f"{self.kind} {self.name}_all = {self.form.start};"

    def accumulate(self, text: str) -> str:
        """The statement that adds an element to the thread's accumulator."""
        return f"{self.name}_all = {self.combine(f'{self.name}_all', text)};"

    def combine(self, a: str, b: str) -> str:
        return fill(self.form.join, [a, b]).replace("{t}", SUFFIX[self.accumulator_dtype])

    def result(self) -> str:
        text = f"{self.name}_all" if self.accumulator_dtype == self.dtype else f"({C_TYPE[self.dtype]}){self.name}_all"
        return f"const {C_TYPE[self.dtype]} {self.name} = {text};"


def reduce_across(folds: Sequence[ThreadReduction], lanes: int) -> list[str]:
    """Combine the accumulators of `lanes` threads, so that each of them has the result. Up to 32 are adjacent in a warp
    and take part by `mask`; more are a whole block."""
    out: list[str] = []
    for fold in folds:
        own = f"{fold.name}_all"
        start = min(lanes, WARP) // 2
        if start:
            other = f"__shfl_xor_sync(mask, {own}, m, {min(lanes, WARP)})"
            out.append(f"for (int m = {start}; m; m /= 2) {own} = {fold.combine(own, other)};")
    if lanes > WARP:
        warps = lanes // WARP
        for fold in folds:
            out.append(f"__shared__ {fold.kind} {fold.name}_parts[{warps}];")
            out.append(f"if (threadIdx.x % {WARP} == 0) {fold.name}_parts[threadIdx.x / {WARP}] = {fold.name}_all;")
        out.append("__syncthreads();")
        for fold in folds:
            own = f"{fold.name}_all"
            out.append(f"{own} = {fold.name}_parts[0];")
            out.append(f"for (int w = 1; w < {warps}; w++) {own} = {fold.combine(own, f'{fold.name}_parts[w]')};")
    return out


def warp_mask(lanes: int, groups: int) -> str:
    """The statement that declares `mask`, the threads of a warp that shuffle together, if `groups` groups of `lanes`
    threads are active. A constant mask is cheaper than one that the hardware must compare with the active threads."""
    lanes = min(lanes, WARP)
    each = WARP // lanes
    if groups % each == 0 or groups < each:
        return f"const uint32_t mask = 0x{(1 << lanes * min(groups, each)) - 1:x}u;"
    return f"const uint32_t mask = 0x{(1 << lanes) - 1:x}u << threadIdx.x % {WARP} / {lanes} * {lanes};"
