"""Loops over many steps: a batch after the other, without the host between them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ...render import Batches, Block
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
        run, whole = self.graphs(control), len(rows[0]) // batch
        if rest is None:
            run(steps)
            return self._batches.done(control.read(8 * self._batches.words))
        end, last = first + steps, rest.graphs(control)
        while first < end:
            left = whole - first % (whole + 1)
            if left:
                run(min(left, end - first))
                first += min(left, end - first)
            if first < end:
                last(1)
                first += 1
        return self._batches.done(control.read(8 * self._batches.words))


class BlockCopies:
    """Steps of a tiny net by one block for each of its `copies`; see gpubp.backends.base.BindCopies. `on`: gives the
    launch of these blocks on a control block."""

    def __init__(self, block: Block, device: Device, on: Callable[[Memory], Work], copies: int) -> None:
        self._block, self._device, self._copies = block, device, copies
        self.on = cache(on)
        self._control = device.memory(8 * (block.words + 2 * copies))

    def train(
        self,
        rows: Sequence[Any],
        order: Any | None,
        start: int,
        steps: int,
        going: Any,
        results: Sequence[Any],
        column: int,
    ) -> None:
        """So many steps of all copies. The host does not wait for them."""
        at = [self._device.address(array) + column * array.itemsize for array in results]
        self._begin(rows, order, start, steps, self._device.address(going), at, results[0].shape[1])
        self._launches(steps)

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

    def _launches(self, steps: int) -> None:
        launch = self.on(self._control)
        for _ in range(0, steps, self._block.most):
            launch()


class BlockLoop(BlockCopies):
    """Steps of a tiny net by one block; see gpubp.backends.base.Loop. `graphs`: the same steps kernel by kernel."""

    def __init__(
        self, block: Block, device: Device, stream: Stream, on: Callable[[Memory], Work], graphs: Graphs
    ) -> None:
        super().__init__(block, device, on, 1)
        self._stream, self.graphs = stream, cache(graphs)
        self._going = device.memory(1)
        self._epochs: dict[tuple[BlockLoop, int], Callable[[int], None]] = {}

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
        count, whole, control = len(rows[0]), len(rows[0]) // batch, self._control
        self._going.write(b"\1")
        at = [self._device.address(array) for array in results]
        epoch = NEVER if rest is None else count
        self._begin(rows, order, first * batch, steps, self._going.address, at, epoch=epoch)
        if rest is None:
            self._launches(steps)
        else:
            self._epoch(rest, whole)(-(-(first + steps) // (whole + 1)))
        done: int = struct.unpack("<q", control.read(8 * (self._block.words + 1))[-8:])[0]
        return done

    def _epoch(self, rest: BlockLoop, whole: int) -> Callable[[int], None]:
        """What does so many epochs of `whole` batches and a smaller one. A launch ends where its batches do."""
        if (rest, whole) not in self._epochs:
            full = [self.on(self._control)] * -(-whole // self._block.most)
            self._epochs[rest, whole] = self._stream.steps([*full, rest.on(self._control)])
        return self._epochs[rest, whole]
