"""Abstract values: the shape and dtype of a value, known before anything runs."""

from __future__ import annotations

from dsl.records import dataclass

FLOATS = frozenset({"float32", "float64"})
INTEGERS = frozenset({"int32", "int64", "uint32", "uint64"})

WEAK = "weak"
"""The dtype of a literal: weak, it adopts that of the other operands."""

_SHORT = {"float": "f", "int": "i", "uint": "u"}


@dataclass(frozen=True, slots=True)
class Aval:
    """Shape and dtype of a value."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for axis in self.shape:
            count *= axis
        return count

    def __str__(self) -> str:
        kind = self.dtype.rstrip("0123456789")
        return f"{_SHORT.get(kind, kind)}{self.dtype[len(kind) :]}[{','.join(map(str, self.shape))}]"


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's broadcasting of several shapes; ValueError if they are incompatible."""
    longest = max(shapes, key=len, default=())
    if all(shape == longest or not shape for shape in shapes):  # the common case, and a net has thousands
        return longest
    rank = len(longest)
    out = [1] * rank
    for shape in shapes:
        for i, size in enumerate(shape, start=rank - len(shape)):
            if size != 1 and out[i] not in (1, size):
                raise ValueError(f"shapes {' and '.join(map(str, map(list, shapes)))} do not broadcast")
            if size != 1:
                out[i] = size
    return tuple(out)
