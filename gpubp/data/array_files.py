"""Files of arrays: NumPy's own formats, read without its help, so that an array that needs pickle, and a header that
lies, are refused; and IDX, the format of MNIST.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
http://yann.lecun.com/exdb/mnist/, "the IDX file format": two zero bytes, the type, the number of axes, the sizes, the
numbers, all big-endian.
"""

from __future__ import annotations

import ast
import io
import struct
import zipfile
import zlib
from math import prod
from typing import IO, TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..wording import clipped, listed
from .checks import AGAIN, problem, remedy, suggestion
from .files import read_within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
ZIP = b"PK"
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_LONGEST = 1 << 16  # bytes of a header; NumPy's own limit for a header it evaluates is 10,000
_MAX_AXES = 30

# What `zipfile` raises for files that are no archives.
_BROKEN = (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, OverflowError, struct.error)


@dataclass(frozen=True, slots=True)
class Header:
    """What an npy file says of its array. `offset`: where the numbers begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    offset: int

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes], name: str, span: Span | None) -> Header:
    """The header at the start of an npy file. Raises DiagnosticError (E0422) for anything but an array of numbers."""
    start = file.read(8)
    if not start.startswith(MAGIC) or len(start) < 8:
        what = "empty" if not start else "no npy file: it does not begin as one"
        help = '`numpy.save("x.npy", array)` writes one'
        if start.startswith(ZIP):
            what, help = "an npz file, not an npy file", "`npz` reads it"
        raise problem("E0422", f"`{name}` is {what}", span, help=help)
    if start[6] not in (1, 2, 3):
        raise problem("E0422", f"`{name}` is an npy file of version {start[6]}; 1 to 3 are known", span)
    digits = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(digits), "little")
    text = file.read(length) if length <= _LONGEST else b""
    if len(text) != length or not length:
        raise problem("E0422", f"`{name}` is damaged: a header of {length:,} bytes is not there", span)
    try:
        fields = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1").strip())
        descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        message = f"`{name}` is damaged: its header is not that of an npy file"
        raise problem("E0422", message, span, help='`numpy.save("x.npy", array)` writes one') from None
    if not isinstance(fortran, bool) or not _is_shape(shape):
        raise problem("E0422", f"`{name}` is damaged: its header gives no sound shape", span)
    return Header(_dtype(descr, name, span), shape, fortran, 8 + digits + length)


def _is_shape(shape: object) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) <= _MAX_AXES
        and all(type(size) is int and 0 <= size < 1 << 48 for size in shape)
    )


def _dtype(descr: object, name: str, span: Span | None) -> np.dtype[Any]:
    import numpy as np

    kinds = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
    plain = isinstance(descr, str) and len(descr) == 3 and descr[0] in "<>|=" and descr[2] in "1248"
    if isinstance(descr, str) and plain and int(descr[2]) in kinds.get(descr[1], ()):
        return np.dtype(descr)
    if isinstance(descr, str) and descr[1:2] == "O":
        message = f"`{name}` holds Python objects, which are never unpickled: that could run arbitrary code"
        help = "save the numbers alone: `numpy.save(path, array.astype(float), allow_pickle=False)`"
        raise problem("E0422", message, span, help=help)
    what = f"`{clipped(descr)}`" if isinstance(descr, str) else "records of several fields"
    message = f"`{name}` holds {what}, not whole or floating-point numbers"
    raise problem("E0422", message, span, help="save it as integers, float32 or float64")


def read_array(raw: bytes, name: str, span: Span | None) -> NDArray[Any]:
    """The array of a whole npy file. Raises DiagnosticError (E0422)."""
    import numpy as np

    header = read_header(io.BytesIO(raw), name, span)
    check_size(header, len(raw) - header.offset, name, span)
    flat = np.frombuffer(raw, dtype=header.dtype, offset=header.offset)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def check_size(header: Header, size: int, name: str, span: Span | None) -> None:
    """Raises DiagnosticError where the file does not hold what its header says: nothing is allocated before that."""
    if header.size != size:
        shape = f"{header.dtype} of shape {list(header.shape)}"
        what = "is cut short" if size < header.size else "holds more than one array"
        message = f"`{name}` {what}: its header says {shape}, {header.size:,} bytes, but {size:,} follow"
        raise problem("E0422", message, span, help=AGAIN if size < header.size else "give each array a file")


class Archive:
    """An npz file: arrays by name. Raises DiagnosticError (E0422) for what is damaged."""

    def __init__(self, raw: bytes, name: str, span: Span | None) -> None:
        self.name, self.span, self._size = name, span, len(raw)
        if raw.startswith(MAGIC):
            raise problem("E0422", f"`{name}` is an npy file, not an npz file", span, help="`npy` reads it")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
            self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}
        except _BROKEN as error:
            raise self._damaged(error) from None
        if self._members and not any(info.filename.endswith(".npy") for info in self._members.values()):
            message, help = f"`{name}` is a ZIP archive without arrays", "`excel(...)` reads workbooks"
            raise problem("E0422", message, span, help=f"`numpy.savez` writes npz files; {help}")

    def read(self, key: str, span: Span | None) -> NDArray[Any]:
        """One array; `span`: what asks for it."""
        info = self._members.get(key)
        if info is None:
            there = list(self._members)
            named = f"its arrays are {listed(there)}"
            others = remedy(span, f"{named}: `columns = [...]` names one for each name", named)
            others = others if there else "it holds none"
            help = suggestion(key, there, others)
            raise problem("E0422", f"`{self.name}` has no array `{clipped(key)}`", span, help=help)
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            what = "is encrypted" if info.flag_bits & 1 else "is packed as no npz file is"
            raise problem("E0422", f"`{self.name}` {what}", self.span, help="`numpy.savez` writes npz files")
        try:
            with self._zip.open(info) as file:
                raw = read_within(file, self._size, f"{self.name}`, array `{key}", self.span)
        except (*_BROKEN, zlib.error) as error:
            raise self._damaged(error) from None
        return read_array(raw, f"{self.name}`, array `{key}", self.span)

    def _damaged(self, error: Exception) -> DiagnosticError:
        reason = str(error).partition("\n")[0].lower().rstrip(".") or type(error).__name__
        message = f"`{self.name}` is not a valid npz file: {clipped(reason)}"
        return problem("E0422", message, self.span, help=AGAIN)


def read_idx(raw: bytes, name: str, span: Span | None) -> NDArray[Any]:
    """The array of an unpacked IDX file. Raises DiagnosticError (E0422) where it is none, or damaged."""
    import numpy as np

    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in IDX_TYPES or not 1 <= raw[3] <= 30:
        what = "is not an IDX file: it does not start like one" if raw else "is empty"
        raise problem("E0422", f"`{name}` {what}", span, help="tables are read by `csv`, arrays of NumPy by `npy`")
    axes = raw[3]
    start = 4 + 4 * axes
    if len(raw) < start:
        raise problem("E0422", f"`{name}` is cut short: its header has {axes} sizes, but they are not all there", span)
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    dtype = np.dtype(IDX_TYPES[raw[2]])
    size, there = prod(shape) * dtype.itemsize, len(raw) - start
    if size != there:
        what = "is cut short" if there < size else "is too long"
        message = f"`{name}` {what}: its header says shape {shape}, {size:,} bytes, but {there:,} follow"
        raise problem("E0422", message, span, help=AGAIN)
    return np.frombuffer(raw, dtype=dtype, offset=start).reshape(shape)


def is_array(start: bytes) -> bool:
    """Whether a file that begins so is npy, npz or IDX."""
    return start.startswith((MAGIC, ZIP)) or (len(start) > 2 and start[:2] == b"\0\0" and start[2] in IDX_TYPES)
