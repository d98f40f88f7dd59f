"""The orders in which epochs visit rows, made on the GPU: nothing is copied from the host but seeds."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from ...ops import cuda_orders
from ...render import Launch
from .device import Device
from .stream import Own, Stream, by_value

WARP = 32
WORDS = 256
"""Words that a warp draws at a time (gpubp/ops/orders/orders.cuh), beside the rows in the memory of its block."""
FEWEST = 4
"""Fewest permutations for which this is estimated to take less time than NumPy on the host. All are made side by side,
but each by a single thread: for a row it needs 1.4 words on average, and for each some 70 cycles (two reads of shared
memory that wait for one another), in all some 60 ns, where the host takes 12 to 28."""


class DeviceOrders:
    """See gpubp.backends.base.Backend.orders. `empty`: gives an array of int64 of the device. Raises NativeError if
    compiling fails."""

    def __init__(self, device: Device, empty: Callable[[tuple[int, int]], Any]) -> None:
        self._device, self._empty = device, empty
        self._stream = Stream(device, device.module(cuda_orders(), b""))

    def __call__(self, n: int, seeds: Sequence[int], epoch: int, epochs: int) -> Any:
        device, orders = self._device, self._empty((len(seeds), epochs * n))
        words = struct.pack(f"<{3 + len(seeds)}Q", n, epoch, epochs, *seeds)
        control = device.memory(len(words))
        control.write(words)
        work = Launch("orders", len(seeds) * epochs, WARP, dynamic_shared=_shared(n))
        self._stream.launch(work, by_value(Own(0, [device.address(orders)], control.address), work))()
        return orders


def pays(device: Device, n: int, count: int) -> bool:
    """Whether `count` permutations of `n` rows take less time on the device than on the host. Those of more rows than
    the memory of a block holds would take far longer."""
    return count >= FEWEST and _shared(n) <= device.room


def _shared(n: int) -> int:
    return 4 * (WORDS + n)
