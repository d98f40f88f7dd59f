"""Loops over many steps: a batch after the other, without the host between them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ...render import Batches, Block
from ..base import batches_of
from .device import Device, Memory, Work
from .stream import Stream

NEVER = 1 << 62
"""Rows of an epoch that does not end."""


Graphs = Callable[[Memory], Callable[[int], None]]
"""Gives what does so many steps on a control block."""


class GraphLoop:
    """Steps as graphs; see gpubp.backends.base.Loop."""

    def __init__(self, batches: Batches, device: Device, graphs: Graphs) -> None:
        self._batches, self._device, self.graphs = batches, device, cache(graphs)
        self._control = device.memory(8 * batches.words)

    def takes(self, rest: GraphLoop | BlockLoop) -> bool:
        return True

    def __call__(
        self,
        rows: Sequence[Any],
        order: Any | None,
        batch: int,
        first: int,
        steps: int,
        results: Sequence[Any],
        rest: GraphLoop | BlockLoop | None = None,
    ) -> int:
        address, control = self._device.address, self._control
        count, at = (len(rows[0]), 0) if order is None else (order.size, address(order))
        control.write(self._batches.control(first * batch, count, at, map(address, rows), map(address, results)))
        last = None if rest is None else rest.graphs(control)
        run_steps(self.graphs(control), last, first, steps, len(rows[0]) // batch)
        return self._batches.done(control.read(8 * self._batches.words))


def run_steps(
    run: Callable[[int], None], last: Callable[[int], None] | None, first: int, steps: int, whole: int
) -> None:
    """So many steps from number `first` of an epoch on, by `run`; where epochs of `whole` batches end with a smaller
    one, that by `last`."""
    if last is None:
        run(steps)
        return
    for count, smaller in batches_of(first, steps, whole):
        (last if smaller else run)(count)


class _Blocks:
    """Steps of a tiny net by one block for each of its `copies`. `on`: gives the launch of these blocks on a control
    block."""

    def __init__(
        self, block: Block, device: Device, stream: Stream, on: Callable[[Memory], Work], copies: int = 1
    ) -> None:
        self._block, self._device, self._stream, self._copies = block, device, stream, copies
        self.on = cache(on)
        self._control = device.memory(8 * (block.words + 2 * copies))
        self._epochs: dict[tuple[_Blocks, int], Callable[[int], None]] = {}

    def _begin(
        self,
        rows: Sequence[Any],
        order: Any | None,
        start: int,
        steps: int,
        going: int,
        results: Sequence[int],
        width: int = 0,
        epoch: int = NEVER,
    ) -> None:
        at, count = (0, len(rows[0])) if order is None else (self._device.address(order), order.shape[-1])
        words = [epoch, count, steps, at, width, going, *map(self._device.address, rows), *results]
        words += [0, start] * self._copies
        self._control.write(struct.pack(f"<{len(words)}q", *words))

    def _launches(self, first: int, steps: int, rest: _Blocks | None, whole: int) -> None:
        """Do so many steps from number `first` of an epoch on; `rest`: what does the smaller last batch of an epoch of
        `whole` others. A launch ends where its batches do."""
        if rest is not None:
            self._epoch(rest, whole)(-(-(first + steps) // (whole + 1)))
            return
        launch = self.on(self._control)
        for _ in range(0, steps, self._block.most):
            launch()

    def _epoch(self, rest: _Blocks, whole: int) -> Callable[[int], None]:
        """What does so many epochs of `whole` batches and a smaller one."""
        if (rest, whole) not in self._epochs:
            full = [self.on(self._control)] * -(-whole // self._block.most)
            self._epochs[rest, whole] = self._stream.steps([*full, rest.on(self._control)])
        return self._epochs[rest, whole]


class BlockCopies(_Blocks):
    """Steps of several nets; see gpubp.backends.base.LoopOfCopies. The host does not wait for them."""

    def takes(self, rest: object) -> bool:
        return isinstance(rest, BlockCopies)

    def __call__(
        self,
        rows: Sequence[Any],
        order: Any | None,
        start: int,
        steps: int,
        going: Any,
        results: Sequence[Any],
        column: int,
        rest: BlockCopies | None = None,
        epoch: int = NEVER,
    ) -> None:
        at = [self._device.address(array) + column * array.itemsize for array in results]
        epoch, batch = NEVER if rest is None else epoch, self._block.batch
        self._begin(rows, order, start, steps, self._device.address(going), at, results[0].shape[1], epoch)
        self._launches(start // batch, steps, rest, epoch // batch)


class BlockLoop(_Blocks):
    """Steps of one net; see gpubp.backends.base.Loop. `graphs`: the same steps kernel by kernel."""

    def __init__(
        self, block: Block, device: Device, stream: Stream, on: Callable[[Memory], Work], graphs: Graphs
    ) -> None:
        super().__init__(block, device, stream, on)
        self.graphs = cache(graphs)
        self._going = device.memory(1)

    def takes(self, rest: GraphLoop | BlockLoop) -> bool:
        return isinstance(rest, BlockLoop)

    def __call__(
        self,
        rows: Sequence[Any],
        order: Any | None,
        batch: int,
        first: int,
        steps: int,
        results: Sequence[Any],
        rest: BlockLoop | None = None,
    ) -> int:
        self._going.write(b"\1")
        at = [self._device.address(array) for array in results]
        epoch = NEVER if rest is None else len(rows[0])
        self._begin(rows, order, first * batch, steps, self._going.address, at, epoch=epoch)
        self._launches(first, steps, rest, epoch // batch)
        done: int = struct.unpack("<q", self._control.read(8 * (self._block.words + 1))[-8:])[0]
        return done
