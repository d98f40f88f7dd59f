"""IDX, the format of MNIST: two zero bytes, the type, the number of axes, the sizes, the numbers, all big-endian.

http://yann.lecun.com/exdb/mnist/, "the IDX file format".
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from dsl.source import Span

from .checks import AGAIN, problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(raw: bytes, name: str, span: Span | None) -> NDArray[Any]:
    """The array of an unpacked IDX file. Raises DiagnosticError (E0422) where it is none, or damaged."""
    import numpy as np

    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in TYPES or not 1 <= raw[3] <= 30:
        what = "is not an IDX file: it does not start like one" if raw else "is empty"
        raise problem("E0422", f"`{name}` {what}", span, help="tables are read by `csv`, arrays of NumPy by `npy`")
    axes = raw[3]
    start = 4 + 4 * axes
    if len(raw) < start:
        raise problem("E0422", f"`{name}` is cut short: its header has {axes} sizes, but they are not all there", span)
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    dtype = np.dtype(TYPES[raw[2]])
    size, there = prod(shape) * dtype.itemsize, len(raw) - start
    if size != there:
        what = "is cut short" if there < size else "is too long"
        message = f"`{name}` {what}: its header says shape {shape}, {size:,} bytes, but {there:,} follow"
        raise problem("E0422", message, span, help=AGAIN)
    return np.frombuffer(raw, dtype=dtype, offset=start).reshape(shape)
