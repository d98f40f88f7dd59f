"""Plans run by their CUDA kernels on the processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gpubp.ir import Var
from gpubp.passes import Plan
from gpubp.render import CudaSource, Gemm, Launch, compile_source, cuda_source, plan_source

from .host import Array, HostModule, host_gemm

BEHIND = 1 << 14
"""Bytes behind the scratch memory of kernels, which none may write."""


def run_cuda(
    planned: Plan,
    feeds: Sequence[Array],
    states: Sequence[Array],
    order: int = 0,
    hints: Mapping[Var, str] | None = None,
    source: CudaSource | None = None,
    compiled: type[HostModule] = HostModule,
) -> tuple[CudaSource, list[Array]]:
    """A step in memory that holds garbage; states change in place. `compiled`: what runs kernels. Returns what they are
    made of, and the outputs."""
    source = source or cuda_source(planned, "run", hints)
    module = compiled(source.code, source.numbers, order)
    before, size = source.before, max(source.scratch, 1)  # an empty array lies nowhere
    scratch = np.full(before + size + BEHIND, 0xFF, dtype=np.uint8)
    scratch[:before] = 0

    def bind(name: str, arena: Array, tables: Sequence[Array]) -> Callable[[], int]:
        kept = [np.ascontiguousarray(t) for t in tables]
        addresses = [t.ctypes.data for t in kept]

        def step() -> int:
            for work in source.work[name]:
                if isinstance(work, Gemm):
                    begins = {None: arena.ctypes.data, **dict(enumerate(addresses))}
                    places = [*((x.table, x.start) for x in (work.a, work.b, work.c)), work.bias]
                    host_gemm(work, *(None if at is None else begins[at[0]] + at[1] for at in places))
                else:
                    module.launch(work, *of_turn(work, arena, kept), scratch[before:])
            return 0 if kept is not None else 1

        return step

    text = plan_source(planned, "run", hints, compiled=source)
    memory = np.full(planned.arena + 64, 0xFF, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    step, slots, outputs = compile_source(text, "bind_run", np, bind=bind)(
        memory[start : start + planned.arena], *states
    )
    for slot, values in zip(slots, feeds, strict=True):
        slot[...] = values
    with np.errstate(all="ignore"):
        step()
    assert not scratch[:before].any(), "a counter is not 0 again"
    assert (scratch[before + size :] == 0xFF).all(), "something was written behind the scratch memory"
    return source, [np.array(v) for v in outputs]


def of_turn(work: Launch, arena: Array, tables: Sequence[Array]) -> tuple[Array, Sequence[Array]]:
    """The arena and the tables that a launch is given, of those of the whole; bytes where it is the turn of a loop."""
    if work.frame is None:
        return arena, tables
    whole = {None: arena, **{k: table.reshape(-1).view(np.uint8) for k, table in enumerate(tables)}}
    return arena[work.frame.arena :], [whole[table][byte:] for table, byte in work.frame.tables]
