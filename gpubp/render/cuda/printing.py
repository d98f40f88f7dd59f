"""A CUDA source as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ops import cuda_functions
from .launch import Launch
from .source import CudaSource, Works
from .work import Gemm

MAX_PERIOD = 32
"""Longest sequence of launches that is recognised as repeated."""


def listing(source: CudaSource) -> str:
    """The launches, and the text of the kernels; functions that two modules have in common are printed once."""
    text = f"{_launches(source)}\n\n{source.text}"
    if source.block is None:
        return text
    return f"{text}\n/* A separate module. */{source.block.text.removeprefix(cuda_functions())}"


def _launches(source: CudaSource) -> str:
    """A comment with, for each function, the kernels it launches, their grid and block sizes, and the cuBLASLt calls;
    repeated sequences, such as the iterations of a loop, are counted."""
    lines = ["/* GPU work: kernels, as blocks x threads, and matrix products of cuBLASLt."]
    if source.block is not None:
        block = source.block
        lines += ["", f"up to {block.most:,} steps", f"    {block.name}  1 x {block.threads}"]
    for name, works in source.work.items():
        batches = source.batches if source.block is None else None
        all_work = works if batches is None else (batches.take, *works)
        lines += ["", f"{name if batches is None else 'a step'}: {len(all_work):,}", *_each(all_work)]
    return "\n".join([*lines, "*/"])


def _each(works: Works) -> Iterator[str]:
    texts, at = [*map(_launch_text, works)], 0
    while at < len(texts):
        repeats = ((_times(texts, at, length), length) for length in range(1, MAX_PERIOD + 1))
        times, length = max(repeats, key=lambda pair: (pair[0] - 1) * pair[1])
        lines = texts[at : at + length]
        lines = lines if times == 1 else [f"{times} times", *(f"    {line}" for line in lines)]
        yield from (f"    {line}" for line in lines)
        at += times * length


def _times(texts: Sequence[str], at: int, length: int) -> int:
    """How often the `length` lines from `at` on repeat consecutively."""
    times = 1
    while texts[at + times * length : at + (times + 1) * length] == texts[at : at + length] != []:
        times += 1
    return times


def _launch_text(work: Launch | Gemm) -> str:
    if isinstance(work, Launch):
        return f"{work.kernel}  {work.grid:,} x {work.block}"
    several = f", {work.batch} times" if work.batch > 1 else ""
    epilogue = ", bias" * (work.bias is not None) + ", relu" * work.relu
    return f"cublasLtMatmul  {work.m} x {work.k} by {work.k} x {work.n}{several}{epilogue}"
