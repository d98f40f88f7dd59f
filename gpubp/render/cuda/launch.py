"""What is put into the stream, in order: launches of kernels and products, each on the memory of the turn it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dsl.records import dataclass

from ..loop_addresses import Address
from .work import Gemm, Matrix


@dataclass(frozen=True, slots=True)
class Frame:
    """The memory of one turn of a loop, within that of what the loop stands in: the byte of the arena where its own
    begins, and where each of its tables lies."""

    arena: int
    tables: tuple[Address, ...]

    def start(self, table: int | None, byte: int) -> Address:
        """What is at a byte of the turn's arena, or of one of its tables, as the surrounding counts it."""
        if table is None:
            return None, self.arena + byte
        outer, start = self.tables[table]
        return outer, start + byte


@dataclass(frozen=True, slots=True)
class Launch:
    """A kernel by its name, `grid` blocks of `block` threads. `frame`: the arena and the tables that it is given, where
    they are not those of the whole. `asked`: bytes that each block has of its own beside those that it declares."""

    kernel: str
    grid: int
    block: int
    frame: Frame | None = None
    asked: int = 0

    def memory(self, arena: int, tables: Sequence[int]) -> tuple[int, Sequence[int]]:
        """The addresses of the arena and the tables that it is given, of those of the whole."""
        if self.frame is None:
            return arena, tables
        found = [(arena if table is None else tables[table]) + byte for table, byte in self.frame.tables]
        return arena + self.frame.arena, found


def within(work: Launch | Gemm, frame: Frame) -> Launch | Gemm:
    """Work of one turn as what surrounds the loop sees it."""
    if isinstance(work, Gemm):
        bias = None if work.bias is None else frame.start(*work.bias)
        return replace(work, a=_moved(work.a, frame), b=_moved(work.b, frame), c=_moved(work.c, frame), bias=bias)
    inner = work.frame
    if inner is None:
        return replace(work, frame=frame)
    tables = tuple(frame.start(*spot) for spot in inner.tables)
    return replace(work, frame=Frame(frame.arena + inner.arena, tables))


def _moved(matrix: Matrix, frame: Frame) -> Matrix:
    table, start = frame.start(matrix.table, matrix.start)
    return replace(matrix, table=table, start=start)
