"""A CUDA source as text for a reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ops import cuda_functions
from .launch import Launch
from .source import CudaSource, Works
from .work import Gemm

MOST_ROUND = 32
"""Launches of what is looked for as the round of a loop."""


def listing(source: CudaSource) -> str:
    """Its launches and the text of its kernels; what two modules begin with stands there once."""
    found = f"{_launches(source)}\n\n{source.text}"
    if source.block is None:
        return found
    return f"{found}\n/* A module of its own. */{source.block.text.removeprefix(cuda_functions())}"


def _launches(source: CudaSource) -> str:
    """A comment that says, function by function, which kernels run, with their blocks and threads, and which products
    are cuBLASLt's; what repeats itself, as the turns of a loop do, is counted."""
    lines = ["/* What a GPU is given to do: kernels, with blocks times threads, and products of the library."]
    if source.block is not None:
        block = source.block
        lines += ["", f"up to {block.most:,} steps", f"    {block.name}  1 x {block.threads}"]
    for name, works in source.work.items():
        batches = source.batches if source.block is None else None
        whole = works if batches is None else (batches.take, *works)
        lines += ["", f"{name if batches is None else 'a step'}: {len(whole):,}", *_each(whole)]
    return "\n".join([*lines, "*/"])


def _each(works: Works) -> Iterator[str]:
    told, at = [*map(_told, works)], 0
    while at < len(told):
        found = ((_times(told, at, length), length) for length in range(1, MOST_ROUND + 1))
        times, length = max(found, key=lambda pair: (pair[0] - 1) * pair[1])
        lines = told[at : at + length]
        lines = lines if times == 1 else [f"{times} times", *(f"    {line}" for line in lines)]
        yield from (f"    {line}" for line in lines)
        at += times * length


def _times(told: Sequence[str], at: int, length: int) -> int:
    """How often what stands in `length` places from `at` on follows itself."""
    times = 1
    while told[at + times * length : at + (times + 1) * length] == told[at : at + length] != []:
        times += 1
    return times


def _told(work: Launch | Gemm) -> str:
    if isinstance(work, Launch):
        return f"{work.kernel}  {work.grid:,} x {work.block}"
    several = f", {work.batch} times" if work.batch > 1 else ""
    epilogue = ", bias" * (work.bias is not None) + ", relu" * work.relu
    return f"cublasLtMatmul  {work.m} x {work.k} by {work.k} x {work.n}{several}{epilogue}"
