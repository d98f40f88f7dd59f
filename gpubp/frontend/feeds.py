"""Validation of arrays passed to an executor against the net's inputs and targets."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from dsl.graph import Node, Type

from ..errors import InputError
from ..wording import named

if TYPE_CHECKING:
    from ..backends import Backend

_AT_ONCE = 1 << 22
"""Numbers that are looked at together."""


def check_feeds(backend: Backend, nodes: Sequence[Node], given: Any, dtype: str) -> tuple[list[Any], int]:
    """One array on the device per node, in the order of `nodes`, and their common number of rows.

    `given`: a mapping from names to arrays (n, *shape), or the array itself if there is one node. Any integer or float
    dtype and any strides are accepted. What a caller may write to later is copied; an array that is read-only, such as
    a file that NumPy maps into memory, is taken as it is where its dtype fits. Raises InputError with the name, and
    with row and value for an invalid value.
    """
    arrays, count = match_feeds(backend, nodes, given)
    return [_checked(backend, node, array, dtype) for node, array in zip(nodes, arrays, strict=True)], count


def match_feeds(backend: Backend, nodes: Sequence[Node], given: Any) -> tuple[list[Any], int]:
    """The same with any numeric dtype, possibly aliasing the caller's arrays; `check_values` must check their
    values."""
    names = [node.name for node in nodes]
    if not isinstance(given, Mapping):
        if len(nodes) != 1:
            raise InputError(f"this net takes {named(names)}: pass a mapping from names to arrays")
        given = {names[0]: given}
    missing, extra = [n for n in names if n not in given], [n for n in given if n not in names]
    if missing or extra:
        what = f"`{extra[0]}` is none of them" if extra else f"{named(missing)} missing"
        raise InputError(f"this call takes {named(names)}: {what}")
    arrays = [_shaped(backend, name, node.type, given[name]) for name, node in zip(names, nodes, strict=True)]
    count = len(arrays[0]) if arrays else 0
    if any(len(array) != count for array in arrays):
        counts = ", ".join(f"`{n}` {len(a):,}" for n, a in zip(names, arrays, strict=True))
        raise InputError(f"arrays have different numbers of rows: {counts}")
    if count == 0:
        raise InputError(f"{named(names)}: there are no rows")
    return arrays, count


def as_numbers(backend: Backend, name: str, values: Any) -> Any:
    """`values` as an array of real numbers on the device, of any dtype and layout. Raises InputError with the name."""
    masked = sys.modules.get("numpy.ma")  # slow to import, and without it there is no masked array
    if masked is not None and masked.is_masked(values):
        raise InputError(f"`{name}` hides values behind its mask: `{name}.filled(...)` puts numbers in their place")
    try:
        array = backend.asarray(values)
    except InputError:
        raise
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        # Other libraries' arrays raise the last two if they are on another device or cannot be shared.
        raise InputError(f"`{name}` cannot be read as an array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"`{name}` holds {array.dtype}, not {_made_real(name, array.dtype.kind)}")
    return array


def _made_real(name: str, kind: str) -> str:
    """Advice for values of another kind, by NumPy's letter for the kind: what is expected, and how to convert them."""
    if kind == "c":
        return f"real numbers: `{name}.real`, `{name}.imag` and `abs({name})` are"
    if kind in "OSU":
        return (
            f"numbers: `numpy.asarray({name}, float)` reads them, "
            f"`numpy.unique({name}, return_inverse=True)[1]` makes labels of words"
        )
    return "numbers"


def _shaped(backend: Backend, name: str, type_: Type | None, values: Any) -> Any:
    array = as_numbers(backend, name, values)
    if type_ is not None and (array.ndim == 0 or array.shape[1:] != type_.shape):
        wanted = f"(rows{''.join(f', {n}' for n in type_.shape)}{',' if not type_.shape else ''})"
        raise InputError(f"`{name}` has shape {array.shape}, it needs {wanted}{_reshaped(name, type_, array.shape)}")
    return array


def _reshaped(name: str, type_: Type, shape: tuple[int, ...]) -> str:
    """How to convert an array of a recognisable other layout."""
    if type_.classes is not None and shape[1:] == (*type_.shape, type_.classes):
        return f": `{name}.argmax(-1)` makes labels of one-hot vectors"
    if shape == type_.shape != ():
        return f": `{name}[None]` is one row"
    if shape and prod(shape[1:]) == prod(type_.shape):
        return f": `{name}.reshape({', '.join(map(str, (-1, *type_.shape)))})`"
    return ""


def _checked(backend: Backend, node: Node, array: Any, dtype: str) -> Any:
    assert node.type is not None
    copy = getattr(array.flags, "writeable", True)  # CuPy's arrays know no such flag
    if node.type.classes is not None:
        check_values(backend, node, array, array)
        return array.astype("int64", copy=copy)
    with backend.running():
        numbers = array.astype(dtype, copy=copy)
    check_values(backend, node, array, numbers)
    return numbers


def check_values(backend: Backend, node: Node, array: Any, numbers: Any, first: int = 0) -> None:
    """Raise InputError for the first value of an array that the node cannot take. `numbers`: the values as a program
    takes them; `first`: the number of the first row."""
    xp, classes = backend.xp, None if node.type is None else node.type.classes
    if classes is None:
        if array.dtype.kind == "f" and not _all_finite(xp, numbers):
            _refuse(backend, node, array, ~xp.isfinite(array), "is not a finite number", first)
            why = f"is too large for {numbers.dtype}: `precision = float64` takes it"
            _refuse(backend, node, array, ~xp.isfinite(numbers), why, first)
        return
    if array.dtype.kind == "f":
        with backend.running():
            whole = xp.floor(array) == array
        _refuse(backend, node, array, ~whole, "is not a whole number: labels are 0, 1, ...", first)
    wrong = (array < 0) | (array >= classes)
    _refuse(backend, node, array, wrong, f"is no label: they are 0 to {classes - 1}", first)


def _all_finite(xp: Any, numbers: Any) -> bool:
    """Whether all numbers are finite, without an array of as many answers."""
    many = max(1, _AT_ONCE // max(1, prod(numbers.shape[1:])))
    return all(bool(xp.isfinite(numbers[at : at + many]).all()) for at in range(0, len(numbers), many))


def _refuse(backend: Backend, node: Node, array: Any, wrong: Any, why: str, first: int) -> None:
    """Raise InputError for the first value marked in `wrong`, with its index, counted from 0 as in the array."""
    if not bool(wrong.any()):
        return
    place = tuple(int(i[0]) for i in wrong.nonzero())
    index = ", ".join(map(str, (first + place[0], *place[1:])))
    raise InputError(f"`{node.name}[{index}]`: {backend.to_host(array[place]).item()} {why}")
