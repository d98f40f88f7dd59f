"""Rows that are read where they are used, for arrays larger than memory.

The order of an epoch: the rows of a part are cut into blocks of about 1 MiB that lie together in the file; the blocks
are shuffled; 32 of them at a time are read, and their rows shuffled among each other. Both shuffles are counter-based
(seed, epoch, place), so any batch of any epoch can be made without those before it. Memory holds 32 blocks, for
each of several restarts its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import Diagnostic
from dsl.records import dataclass

from ..errors import DataError, reason
from ..seeds import Purpose, generator
from .encoders import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 20
"""Bytes of a block, as finished rows."""

TOGETHER = 32
"""Blocks whose rows are mixed among each other."""

_PIECE = 4  # blocks that are handed out at once, where the order does not matter


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows (n, *shape) of one dtype that lie one behind the other in a file, in C order."""

    path: Path
    offset: int
    dtype: np.dtype[Any]
    rows: int
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop`, as they stand. Raises DataError where the file has changed since it was opened."""
        import numpy as np

        size = (stop - start) * self.row_bytes
        buffer = np.empty(size, dtype=np.uint8)
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.offset + start * self.row_bytes)
                done = 0
                while done < size:
                    got = file.readinto(buffer[done:].data)
                    if not got:
                        raise DataError([Diagnostic("E0422", f"`{self.path}` was cut short while it was in use")])
                    done += got
        except OSError as error:
            message = f"`{self.path}` cannot be read any more: {reason(error)}"
            raise DataError([Diagnostic("E0412", message)]) from None
        return buffer.view(self.dtype).reshape(stop - start, *self.shape)


@dataclass(frozen=True, slots=True)
class Stored:
    """A column of the data that stays in its files; `encoder` makes finished rows of what is read."""

    segments: tuple[Segment, ...]
    encoder: Encoder

    def __len__(self) -> int:
        return sum(segment.rows for segment in self.segments)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.encoder.shape)

    @property
    def row_bytes(self) -> int:
        """Of one finished row."""
        return 8 * prod(self.encoder.shape)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The finished rows of these numbers, which ascend: float64 or int64 (n, *shape)."""
        import numpy as np

        out = np.empty((len(rows), *self.encoder.shape), dtype=np.int64 if self.encoder.classes else np.float64)
        for at, count, raw in self._raw(rows):
            out[at : at + count] = self.encoder.finish(raw)
        return out

    def pieces(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """All rows as they stand in the files, about 1 MiB at a time, each with the number of its first row."""
        import numpy as np

        for at, _, raw in self._raw(np.arange(len(self), dtype=np.int64)):
            yield at, raw

    def _raw(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Place among `rows`, count and raw rows of each piece. What lies between wanted rows is read and dropped."""
        import numpy as np

        first = 0
        for segment in self.segments:
            begin, end = np.searchsorted(rows, (first, first + segment.rows))
            many = max(1, BLOCK // max(1, segment.row_bytes))
            at = int(begin)
            while at < end:
                low = int(rows[at])
                stop = int(np.searchsorted(rows[at:end], low + many)) + at
                wanted = rows[at:stop] - low
                raw = segment.read(low - first, int(rows[stop - 1]) + 1 - first)
                yield at, stop - at, raw if len(raw) == len(wanted) else raw[wanted]
                at = stop
            first += segment.rows


class Stream:
    """The rows of one part, some of them in files. `len` gives their number."""

    def __init__(self, columns: Mapping[str, NDArray[Any] | Stored], rows: NDArray[np.int64]) -> None:
        self._columns, self._rows = columns, rows
        size = sum(_row_bytes(column) for column in columns.values())
        self._block = max(1, BLOCK // max(1, size))
        self._held: dict[int, tuple[tuple[int, int], dict[str, NDArray[Any]]]] = {}  # by seed

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Stream of {len(self):,} rows: {', '.join(self._columns)}>"

    def pieces(self, most: int) -> Iterator[dict[str, NDArray[Any]]]:
        """All rows in order, at most `most` at a time, and no more than a few blocks."""
        most = min(most, self._block * _PIECE)
        for start in range(0, len(self), most):
            yield self._take(self._rows[start : start + most])

    def batch(self, seed: int, epoch: int, start: int, stop: int, *, mixed: bool = True) -> dict[str, NDArray[Any]]:
        """The rows that stand at `start` to `stop` in the order of an epoch; in the order of the data if not mixed."""
        import numpy as np

        if not mixed:
            return self._take(self._rows[start:stop])
        span = self._block * TOGETHER
        windows = range(start // span, -(-stop // span))
        parts = []
        for window in windows:
            low, high = max(start - window * span, 0), stop - window * span
            held = self._window(seed, epoch, window)
            # A copy of a few rows lets the rest go before the next blocks are read.
            parts.append(
                {n: rows[low:high] if len(windows) == 1 else rows[low:high].copy() for n, rows in held.items()}
            )
            del held
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._columns}

    def _window(self, seed: int, epoch: int, window: int) -> dict[str, NDArray[Any]]:
        """The rows that stand together at one place of an epoch's order, mixed."""
        import numpy as np

        key = (epoch, window)
        if seed in self._held and self._held[seed][0] == key:
            return self._held[seed][1]
        self._held.pop(seed, None)  # before as much memory is asked for again
        full, rest = divmod(len(self), self._block)
        # The last, smaller block ends every epoch: so all windows but the last hold as many rows.
        order = generator(seed, Purpose.SHUFFLE, epoch).permutation(full)
        blocks = [int(block) for block in order[window * TOGETHER : (window + 1) * TOGETHER]]
        if rest and (window + 1) * TOGETHER > full:
            blocks.append(full)
        count = sum(min((b + 1) * self._block, len(self)) - b * self._block for b in blocks)
        # Where each row goes: what is read is put there at once, so memory holds one copy.
        places = generator(seed, Purpose.MIX, epoch, window).permutation(count)
        held: dict[str, NDArray[Any]] = {}
        at = 0
        for block in blocks:
            rows = self._take(self._rows[block * self._block : (block + 1) * self._block])
            for name, read in rows.items():
                if name not in held:
                    held[name] = np.empty((count, *read.shape[1:]), dtype=read.dtype)
                held[name][places[at : at + len(read)]] = read
            at += len(read)
        self._held[seed] = (key, held)
        return held

    def _take(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: _rows(column, rows) for name, column in self._columns.items()}


def _rows(column: NDArray[Any] | Stored, rows: NDArray[np.int64]) -> NDArray[Any]:
    return column.take(rows) if isinstance(column, Stored) else column[rows]


def _row_bytes(column: NDArray[Any] | Stored) -> int:
    return column.row_bytes if isinstance(column, Stored) else 8 * prod(column.shape[1:])
