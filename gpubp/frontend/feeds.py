"""Arrays handed to an executor: checked against the net's inputs and targets, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dsl.graph import Node, Type

from ..errors import InputError

if TYPE_CHECKING:
    from ..backends import Backend


def check_feeds(backend: Backend, nodes: Sequence[Node], given: Any, dtype: str) -> tuple[list[Any], int]:
    """One array on the device per node, in the order of `nodes`, and their common number of rows.

    `given`: a mapping from names to arrays (n, *shape), or the array itself where there is one node. Any integer or
    float type and any strides will do. Raises InputError with the name, and the row and value where a value is wrong.
    """
    names = [node.label or node.name for node in nodes]
    if not isinstance(given, Mapping):
        if len(nodes) != 1:
            raise InputError(f"this net takes {_listed(names)}: pass a mapping from names to arrays")
        given = {names[0]: given}
    missing, extra = [n for n in names if n not in given], [n for n in given if n not in names]
    if missing or extra:
        what = f"`{extra[0]}` is none of them" if extra else f"{_listed(missing)} missing"
        raise InputError(f"this call takes {_listed(names)}: {what}")
    arrays = [
        _checked(backend, n, node.type, given[n], dtype) for n, node in zip(names, nodes, strict=True) if node.type
    ]
    rows = {len(array) for array in arrays}
    if len(rows) > 1:
        counts = ", ".join(f"`{n}` {len(a):,}" for n, a in zip(names, arrays, strict=True))
        raise InputError(f"arrays have different numbers of rows: {counts}")
    count = rows.pop() if rows else 0
    if count == 0:
        raise InputError(f"{_listed(names)}: there are no rows")
    return arrays, count


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def as_numbers(backend: Backend, name: str, values: Any) -> Any:
    """`values` as an array of real numbers on the device, of any type and layout. Raises InputError with the name."""
    try:
        array = backend.asarray(values)
    except InputError:
        raise
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        # Other libraries' arrays raise the last two where they are on another device or cannot be shared.
        raise InputError(f"`{name}` cannot be read as an array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"`{name}` holds {array.dtype}, not numbers")
    return array


def _checked(backend: Backend, name: str, type_: Type, values: Any, dtype: str) -> Any:
    xp = backend.xp
    array = as_numbers(backend, name, values)
    if array.ndim == 0 or array.shape[1:] != type_.shape:
        wanted = f"(rows{''.join(f', {n}' for n in type_.shape)}{',' if not type_.shape else ''})"
        raise InputError(f"`{name}` has shape {array.shape}, it needs {wanted}")
    if type_.classes is None:
        with backend.running():
            numbers = array.astype(dtype)
        finite = xp.isfinite(numbers)
        if not bool(finite.all()):
            _refuse(backend, name, array, ~xp.isfinite(array), "is no finite number")
            _refuse(backend, name, array, ~finite, f"is too large for {dtype}: `precision = float64` takes it")
        return numbers
    if array.dtype.kind == "f":
        with backend.running():
            whole = xp.floor(array) == array
        _refuse(backend, name, array, ~whole, "is no whole number: labels are 0, 1, ...")
    wrong = (array < 0) | (array >= type_.classes)
    _refuse(backend, name, array, wrong, f"is no label: they are 0 to {type_.classes - 1}")
    return array.astype("int64")


def _refuse(backend: Backend, name: str, array: Any, wrong: Any, why: str) -> None:
    """Raise InputError for the first value marked in `wrong`, with its index, counted from 0 as in the array."""
    if not bool(wrong.any()):
        return
    place = tuple(int(i[0]) for i in wrong.nonzero())
    index = ", ".join(map(str, place))
    raise InputError(f"`{name}[{index}]`: {backend.to_host(array[place]).item()} {why}")
