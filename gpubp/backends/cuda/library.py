"""A plan's kernels on a GPU: bound to their memory, run one by one the first time, and as one graph from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

from ...render import Block, CudaSource, Gemm, Launch
from .device import MAX_ALIGNED, Device, Memory, Work
from .loops import BlockCopies, BlockLoop, GraphLoop
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
        somewhere = Own(MAX_ALIGNED, [MAX_ALIGNED] * len(source.tables), 0)
        for work in {work for works in source.work.values() for work in works if isinstance(work, Gemm)}:
            somewhere.product(device, work)

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
        memory = self._device.memory(source.before + max(source.scratch, 1))
        if source.before:
            memory.write(bytes(source.before))
        return memory

    def bind(self, name: str, arena: Any, tables: Sequence[Any]) -> Callable[[], int]:
        """The function `name` on its memory, ready to call: it returns 0, for what stands behind the guard looks at it
        by itself."""
        tables, batches = [*tables], self._source.batches

        @cache
        def run() -> Callable[[int], None]:
            control = None if batches is None else self._device.memory(8 * batches.words)
            if control is not None and batches is not None:
                control.write(bytes(8 * batches.words))
            return self._stream.steps(self._works(self._source.work[name], arena, tables, control))

        def call() -> int:
            run()(1)
            return 0

        return call

    def bind_many(self, name: str, arena: Any, tables: Sequence[Any]) -> GraphLoop | BlockLoop:
        """See gpubp.backends.base.Kernels. The host waits once, at the end. A net that fits into a block is trained by
        one launch for many steps, others by a graph for several."""
        batches, block = self._source.batches, self._source.block
        assert batches is not None
        (own,) = self._source.work.values()
        works = (batches.take, *own)

        def graphs(control: Memory) -> Callable[[int], None]:
            return self._stream.steps(self._works(works, arena, tables, control))

        if block is None:
            return GraphLoop(batches, self._device, graphs)
        launch = self._launch_of(block, arena, tables, 1)
        return BlockLoop(block, self._device, self._stream, launch, graphs)

    def bind_copies(self, arena: Callable[[int], Any], size: int, tables: Sequence[Any]) -> BlockCopies | Nets:
        """What gpubp.backends.base.BindCopies gives, with memory from `arena`, of `size` bytes for a copy: a block for
        each copy, or a graph for all where the source is one for several nets."""
        block, copies = self._source.block, len(tables[0])
        if block is None:
            return Nets(self._source, self._device, self._stream, size, tables)
        launch = self._launch_of(block, arena(size), tables, copies)
        return BlockCopies(block, self._device, self._stream, launch, copies)

    def _launch_of(self, block: Block, arena: Any, tables: Sequence[Any], copies: int) -> Callable[[Memory], Work]:
        """The launch of a block for each copy, on a control block."""
        work = Launch(block.name, copies, block.threads, dynamic_shared=block.dynamic_shared)

        def launch(control: Memory) -> Work:
            own = Own(self._device.address(arena), [*map(self._device.address, tables)], control.address)
            return kept(self._work(work, own), (self, arena, tables, control))

        return launch

    def _works(
        self, works: Sequence[Launch | Gemm], arena: Any, tables: Sequence[Any], control: Memory | None
    ) -> list[Work]:
        """Work of one net."""
        at = [*map(self._device.address, tables), *([] if control is None else [control.address])]
        own = Own(self._device.address(arena), at, self._memory.address + self._source.before)
        alive = self, arena, tables, control
        return [kept(self._work(work, own), alive) for work in works]

    def _work(self, work: Launch | Gemm, own: Own) -> Work:
        if isinstance(work, Gemm):
            return own.product(self._device, work)
        return self._stream.launch(work, by_value(own, work))
