"""A plan's kernels on a GPU: bound to their memory, run one by one the first time, and as one graph from then on."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

from ...render import Block, CudaSource, Gemm, Launch
from .device import Device, Memory, Work
from .nets import Nets
from .stream import Own, Stream, by_value, kept


class CudaLibrary:
    """The functions of a CUDA source. Raises NativeError where it cannot be compiled or loaded, or a product is one
    that the library of matrices cannot take. Where a block does all steps of a training, the kernels of one step are
    compiled when the first step by them is asked for, which few trainings do."""

    def __init__(self, source: CudaSource, device: Device) -> None:
        self._source, self._device = source, device
        self._stream = Stream(device, self._kernel)
        code = source.code if source.block is None else source.block.code
        self._module = device.module(code, source.numbers)
        for work in {work for works in source.work.values() for work in works if isinstance(work, Gemm)}:
            device.product(work, work.a.start, work.b.start, work.c.start)

    def _kernel(self, name: str, asked: int) -> Any:
        block = self._source.block
        return (self._module if block is None or name == block.name else self._single)(name, asked)

    @cached_property
    def _single(self) -> Callable[[str, int], Any]:
        """The kernels of one step, where a block does many."""
        return self._device.module(self._source.code, self._source.numbers)

    @cached_property
    def _memory(self) -> Memory:
        """The counters of kernels, and the scratch memory behind them."""
        source = self._source
        found = self._device.memory(source.before + max(source.scratch, 1))
        if source.before:
            found.write(bytes(source.before))
        return found

    def bind(self, name: str, arena: Any, tables: Sequence[Any]) -> Callable[[], int]:
        """The function `name` on its memory, ready to call: it returns 0, for what stands behind the guard looks at it
        by itself."""
        tables = [*tables]

        @cache
        def run() -> Callable[[int], None]:
            return self._stream.steps(self._works(self._source.work[name], arena, tables))

        def call() -> int:
            run()(1)
            return 0

        return call

    def bind_many(self, name: str, arena: Any, tables: Sequence[Any]) -> Callable[..., int]:
        """A loop over many steps (gpubp.render.cuda.source): called with arrays of rows (a list), the order in which to
        take them (or None), the batches that it has, the number of the first step, that of steps, and arrays for the
        results (a list), it returns how many steps were done. The host waits once, at the end. A net that fits into a
        block is trained by one launch for many steps, others by a graph for each."""
        source, address = self._source, self._device.address
        if source.block is not None:
            return self._one_net(source.block, arena, tables)
        batches = source.batches
        assert batches is not None
        control = self._device.memory(8 * batches.words)
        (own,) = source.work.values()
        run = self._stream.steps(
            [
                *self._works((batches.take,), arena, tables, control),
                *self._works(own, arena, tables),
                *self._works((batches.keep,), arena, tables, control),
            ]
        )

        def many(
            rows: Sequence[Any], order: Any | None, per_epoch: int, first: int, steps: int, results: Sequence[Any]
        ) -> int:
            size, at = batches.batch, 0 if order is None else address(order)
            words = first * size, per_epoch * size, at, map(address, rows), map(address, results)
            control.write(batches.control(*words))
            run(steps)
            return batches.done(control.read(8 * batches.words))

        return many

    # A net in a block ------------------------------------------------------------------------------------------------
    def _one_net(self, block: Block, arena: Any, tables: Sequence[Any]) -> Callable[..., int]:
        run, going = self._blocks(block, arena, tables, 1), self._device.memory(1)

        def many(
            rows: Sequence[Any], order: Any | None, per_epoch: int, first: int, steps: int, results: Sequence[Any]
        ) -> int:
            going.write(b"\1")
            start = first % per_epoch * block.batch
            at = [self._device.address(array) for array in results]
            control = run(rows, order, start, steps, going.address, at, 0)
            done: int = struct.unpack("<q", control.read(8 * (block.words + 1))[-8:])[0]
            return done

        return many

    def bind_copies(self, arena: Callable[[int], Any], size: int, tables: Sequence[Any]) -> Callable[..., None]:
        """What gpubp.backends.base.BindCopies gives, with memory from `arena`, of `size` bytes for a copy: a block for
        each copy, or a graph for all where the source is one for several nets."""
        if self._source.block is None:
            return Nets(self._source, self._device, self._stream, size, _dense(tables)).train
        run = self._blocks(self._source.block, arena(size), tables, len(tables[0]))

        def copies(
            rows: Sequence[Any],
            order: Any | None,
            start: int,
            steps: int,
            going: Any,
            results: Sequence[Any],
            column: int,
        ) -> None:
            at = [self._device.address(array) + column * array.itemsize for array in results]
            run(rows, order, start, steps, self._device.address(going), at, results[0].shape[1])

        return copies

    def _blocks(self, block: Block, arena: Any, tables: Sequence[Any], copies: int) -> Callable[..., Memory]:
        """As many launches as steps need, of a block for each copy. The host does not wait for them."""
        control = self._device.memory(8 * (block.words + copies))
        work = Launch(block.name, copies, block.threads, asked=block.asked)
        (launch,) = self._works((work,), arena, tables, control)

        def run(
            rows: Sequence[Any],
            order: Any | None,
            start: int,
            steps: int,
            going: int,
            results: Sequence[int],
            width: int,
        ) -> Memory:
            at, count = (0, len(rows[0])) if order is None else (self._device.address(order), order.shape[-1])
            words = [start, count, steps, at, width, going, *map(self._device.address, rows), *results]
            control.write(struct.pack(f"<{len(words) + copies}q", *words, *(0,) * copies))
            for _ in range(0, steps, block.most):
                launch()
            return control

        return run

    def _works(
        self, works: Sequence[Launch | Gemm], arena: Any, tables: Sequence[Any], last: Memory | None = None
    ) -> list[Work]:
        """Work of one net. `last`: what kernels are given in the place of scratch memory, if anything."""
        tables = _dense(tables)
        address = self._memory.address + self._source.before if last is None else last.address
        own = Own(self._device.address(arena), [*map(self._device.address, tables)], address)
        alive = self, arena, tables, last
        return [kept(self._work(work, own), alive) for work in works]

    def _work(self, work: Launch | Gemm, own: Own) -> Work:
        if isinstance(work, Gemm):
            return own.product(self._device, work)
        return self._stream.launch(work, by_value(own, work))


def _dense(tables: Sequence[Any]) -> list[Any]:
    """A constant may be a view that repeats numbers; kernels take it as it is counted."""
    return [array if array.flags.c_contiguous else array.copy() for array in tables]
