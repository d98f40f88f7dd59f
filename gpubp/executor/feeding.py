"""Rows for programs, by batch or piece: from arrays on the device, or from a stream as needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from ..backends import Backend
from ..data import Stream
from ..frontend import check_feeds

AHEAD, MAX_AHEAD = 16, 1 << 17
"""Number of epochs whose permutations are generated ahead, and the maximum number of row indices of these."""


class Shared(Protocol):
    """The rows of a part of the data, for the inputs and targets of several nets."""

    own: bool
    """Whether each net has rows of its own, as many as the others; else all have the same."""

    def __len__(self) -> int: ...

    def fill_each(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, start: int, stop: int, *, mixed: bool
    ) -> None:
        """The rows from `start` to `stop` in the order of an epoch, copied into existing arrays, for several seeds at
        once: each slot has a leading axis."""

    def in_memory(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, epochs: int, *, mixed: bool
    ) -> tuple[list[Any], Any] | None:
        """All rows as they are in memory, and for each seed where those of `epochs` epochs from `epoch` on are, in
        their order (None if they are the same and not shuffled); None if the layout in memory is not that of the
        slots."""


class Rows(Shared, Protocol):
    """The rows of a part of the data, for the inputs and targets of a net, in order."""

    def batch(self, seed: int, epoch: int, start: int, stop: int, *, mixed: bool) -> list[Any]:
        """The rows from `start` to `stop` in the order of an epoch, on the device."""

    def fill(self, slots: Sequence[Any], seed: int, epoch: int, start: int, stop: int, *, mixed: bool) -> None:
        """The same, copied into existing arrays."""

    def pieces(self, most: int) -> Iterator[list[Any]]:
        """All rows in order, on the device, at most `most` at a time."""


class Orders:
    """The permutations of `rows` rows for several nets, on the device. Those of a few epochs more than asked for are
    made at once, and the last ones are kept."""

    def __init__(self, backend: Backend, rows: int) -> None:
        self._backend, self._rows = backend, rows
        # In one piece: executors of several threads may share rows.
        self._last: tuple[tuple[int, ...], int, Any] = (), 0, None

    def of(self, seeds: tuple[int, ...], epoch: int, epochs: int = 1) -> Any:
        """Those of so many epochs for each seed (seeds, epochs * rows)."""
        made_for, first, made = self._last
        at, count = epoch - first, len(seeds)
        if made_for != seeds or at < 0 or at + epochs > made.shape[1]:
            number = max(epochs, min(AHEAD, MAX_AHEAD // (self._rows * count)))
            made = self._backend.orders(self._rows, seeds, epoch, number).reshape(count, number, self._rows)
            self._last, at = (seeds, epoch, made), 0
        return self._backend.xp.ascontiguousarray(made[:, at : at + epochs].reshape(count, -1))


class Placed:
    """Arrays that are on the device as a whole."""

    own = False

    def __init__(self, backend: Backend, arrays: list[Any]) -> None:
        self._backend, self.arrays = backend, arrays
        self._orders = Orders(backend, len(arrays[0]))

    def __len__(self) -> int:
        return len(self.arrays[0])

    def batch(self, seed: int, epoch: int, start: int, stop: int, *, mixed: bool) -> list[Any]:
        rows = self._orders.of((seed,), epoch)[0, start:stop] if mixed else slice(start, stop)
        return [array[rows] for array in self.arrays]

    def fill(self, slots: Sequence[Any], seed: int, epoch: int, start: int, stop: int, *, mixed: bool) -> None:
        self._copy(slots, self._orders.of((seed,), epoch)[0, start:stop] if mixed else None, start, stop)

    def fill_each(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, start: int, stop: int, *, mixed: bool
    ) -> None:
        self._copy(slots, self._orders.of(seeds, epoch)[:, start:stop] if mixed else None, start, stop)

    def _copy(self, slots: Sequence[Any], order: Any, start: int, stop: int) -> None:
        for slot, array in zip(slots, self.arrays, strict=True):
            if order is not None:
                self._backend.take(array, order, slot)
            else:
                slot[...] = array[start:stop]

    def in_memory(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, epochs: int, *, mixed: bool
    ) -> tuple[list[Any], Any] | None:
        pairs = zip(self.arrays, slots, strict=True)
        if not all(a.flags.c_contiguous and a.dtype == slot.dtype for a, slot in pairs):
            return None
        return self.arrays, self._orders.of(seeds, epoch, epochs) if mixed else None

    def pieces(self, most: int) -> Iterator[list[Any]]:
        for start in range(0, len(self), most):
            yield [array[start : start + most] for array in self.arrays]


class PlacedEach:
    """Rows of its own for each of several nets, as many for each: their arrays, one behind the other."""

    own = True

    def __init__(self, backend: Backend, each: Sequence[Placed]) -> None:
        self._backend, self._each = backend, each
        self._arrays = [backend.xp.concatenate(arrays) for arrays in zip(*(one.arrays for one in each), strict=True)]
        self._orders = Orders(backend, len(self))
        self._last: tuple[Any, Any] = None, None  # an epoch's order is needed for each of its batches

    def __len__(self) -> int:
        return len(self._each[0])

    def fill_each(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, start: int, stop: int, *, mixed: bool
    ) -> None:
        (made_for, order), kind = self._last, (seeds, epoch if mixed else None)
        if made_for != kind:
            order = self._order(seeds, epoch, 1, mixed=mixed)
            self._last = kind, order
        for slot, array in zip(slots, self._arrays, strict=True):
            self._backend.take(array, order[:, start:stop], slot)

    def in_memory(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, epochs: int, *, mixed: bool
    ) -> tuple[list[Any], Any] | None:
        pairs = zip(self._arrays, slots, strict=True)
        if not all(a.flags.c_contiguous and a.dtype == slot.dtype for a, slot in pairs):
            return None
        return self._arrays, self._order(seeds, epoch, epochs, mixed=mixed)

    def _order(self, seeds: tuple[int, ...], epoch: int, epochs: int, *, mixed: bool) -> Any:
        """Where the rows of so many epochs are for each seed, on the device (seeds, epochs * rows)."""
        xp, count = self._backend.xp, len(self)
        if mixed:
            orders = self._orders.of(seeds, epoch, epochs)
        else:
            orders = xp.tile(xp.arange(count), (len(seeds), epochs))
        return orders + xp.arange(len(seeds))[:, None] * count


class Streamed:
    """The rows of a stream, validated and moved to the device when they are taken. Their order is that of
    gpubp.data.stream."""

    own = False

    def __init__(self, backend: Backend, nodes: Sequence[Any], stream: Stream, dtype: str) -> None:
        self._backend, self._nodes, self._stream, self._dtype = backend, nodes, stream, dtype

    def __len__(self) -> int:
        return len(self._stream)

    def batch(self, seed: int, epoch: int, start: int, stop: int, *, mixed: bool) -> list[Any]:
        return self._placed(self._stream.batch(seed, epoch, start, stop, mixed=mixed))

    def fill(self, slots: Sequence[Any], seed: int, epoch: int, start: int, stop: int, *, mixed: bool) -> None:
        for slot, rows in zip(slots, self.batch(seed, epoch, start, stop, mixed=mixed), strict=True):
            slot[...] = rows

    def fill_each(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, start: int, stop: int, *, mixed: bool
    ) -> None:
        for k, seed in enumerate(seeds):
            self.fill([slot[k] for slot in slots], seed, epoch, start, stop, mixed=mixed)

    def in_memory(
        self, slots: Sequence[Any], seeds: tuple[int, ...], epoch: int, epochs: int, *, mixed: bool
    ) -> tuple[list[Any], Any] | None:
        return None

    def pieces(self, most: int) -> Iterator[list[Any]]:
        for piece in self._stream.pieces(most):
            yield self._placed(piece)

    def _placed(self, rows: Mapping[str, Any]) -> list[Any]:
        named = {node.name: rows[node.name] for node in self._nodes}
        return check_feeds(self._backend, self._nodes, named, self._dtype)[0]


Data: TypeAlias = Mapping[str, Any] | Stream | Rows
"""What can be placed: arrays by name, a stream, or rows that are placed already."""


def place(backend: Backend, nodes: Sequence[Any], data: Data, dtype: str) -> Rows:
    """Rows for the nodes; placed rows are returned unchanged. Raises InputError for invalid arrays; a stream is
    validated as it is read."""
    if isinstance(data, Placed | Streamed):
        return data
    if isinstance(data, Stream):
        return Streamed(backend, nodes, data, dtype)
    return Placed(backend, check_feeds(backend, nodes, data, dtype)[0])
