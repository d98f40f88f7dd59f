"""The work of a stream, in order: launches of kernels and library products, each on the memory of its iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dsl.records import dataclass

from ..loop_addresses import Address, LoopAddresses
from .work import Gemm, Matrix


@dataclass(frozen=True, slots=True)
class Frame:
    """The memory of one loop iteration within that of the enclosing program: the byte offset of its arena in the outer
    one, and the outer address of each of its tables."""

    arena: int
    tables: tuple[Address, ...]

    def address(self, table: int | None, byte: int) -> Address:
        """The outer address of a byte of the iteration's arena, or of one of its tables."""
        if table is None:
            return None, self.arena + byte
        outer, start = self.tables[table]
        return outer, start + byte


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch of `kernel`: `grid` blocks of `block` threads. `frame`: its arena and tables, if not those of the whole
    program. `dynamic_shared`: bytes of dynamic shared memory per block."""

    kernel: str
    grid: int
    block: int
    frame: Frame | None = None
    dynamic_shared: int = 0

    def memory(self, arena: int, tables: Sequence[int]) -> tuple[int, Sequence[int]]:
        """The addresses of its arena and tables, from those of the whole program."""
        if self.frame is None:
            return arena, tables
        addresses = [(arena if table is None else tables[table]) + byte for table, byte in self.frame.tables]
        return arena + self.frame.arena, addresses


def frames(loop: LoopAddresses) -> Iterator[Frame]:
    """The memory of each iteration of a loop, in order of execution."""
    arena = loop.plan.places[loop.step.scratch[-1]].buffer.start
    for iteration in range(loop.length):
        index = loop.length - 1 - iteration if loop.reverse else iteration
        yield Frame(arena, tuple(loop.addresses[v].at(index, iteration) for v in loop.body.plan.states))


def within(work: Launch | Gemm, frame: Frame) -> Launch | Gemm:
    """Work of one loop iteration, addressed in the memory of the enclosing program."""
    if isinstance(work, Gemm):
        bias = None if work.bias is None else frame.address(*work.bias)
        return replace(work, a=_moved(work.a, frame), b=_moved(work.b, frame), c=_moved(work.c, frame), bias=bias)
    inner = work.frame
    if inner is None:
        return replace(work, frame=frame)
    tables = tuple(frame.address(*spot) for spot in inner.tables)
    return replace(work, frame=Frame(frame.arena + inner.arena, tables))


def _moved(matrix: Matrix, frame: Frame) -> Matrix:
    table, start = frame.address(matrix.table, matrix.start)
    return replace(matrix, table=table, start=start)
