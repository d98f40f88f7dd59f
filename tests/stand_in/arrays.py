"""The stand-in's array: NumPy's data behind CuPy's manners.

- It does not turn into a NumPy array by itself, and is not mixed with one: `get()` and `cupy.asarray` are the doors.
- Whatever gives a single number gives an array of shape (), never a NumPy scalar.
- Only number types exist.

Stricter than CuPy, on purpose. These are errors: an index out of range (CuPy wraps it round), two writes to one element
through an index array (CuPy leaves open which of them stays), a NumPy array as an index (CuPy copies it to the GPU), a
write to a broadcast view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .names import NAMES, arrange, signature

NO_CONVERSION = "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct one explicitly."


def host(value: Any) -> Any:
    """NumPy's form of what a CuPy function was given, also inside lists and tuples. TypeError for a NumPy array."""
    if isinstance(value, ndarray):
        return value.host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(host(v) for v in value)
    return value


def device(value: Any) -> Any:
    """CuPy's form of what a NumPy function gave, also inside lists and tuples: NumPy scalars become arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return ndarray.of(np.asarray(value))
    if isinstance(value, list | tuple):
        return type(value)(device(v) for v in value)
    return value


class Memory:
    """`a.data`: a pointer, good for comparing places."""

    def __init__(self, ptr: int) -> None:
        self.ptr = ptr


class ndarray:  # noqa: N801 - CuPy's name
    """`cupy.ndarray`. `equip` and fake_cupy.py add methods and operators, from the list of CuPy's names."""

    __slots__ = ("host",)
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 100
    host: Any
    cupy: Any = None  # the module, set by fake_cupy.py

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"
    ) -> None:
        if memptr is not None or strides is not None:
            raise NotImplementedError("the stand-in has no raw memory")
        self.host = np.full(shape, np.nan if np.dtype(dtype).kind in "fc" else 77, dtype, order)  # type: ignore[call-overload]

    @classmethod
    def of(cls, array: Any) -> ndarray:
        if array.dtype.kind not in "?biufc":
            raise ValueError(f"Unsupported dtype {array.dtype}")
        made = cls.__new__(cls)
        made.host = array
        return made

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(NO_CONVERSION)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **kwargs: Any) -> Any:
        function = getattr(self.cupy, ufunc.__name__, None)
        if function is None:
            return NotImplemented
        if out:
            kwargs["out"] = out[0]
        return (function if method == "__call__" else getattr(function, method))(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        found = getattr(self.cupy, function.__name__, None)
        return NotImplemented if found is None else found(*args, **kwargs)

    def __getitem__(self, index: Any) -> ndarray:
        key = host(index)
        whole = key if isinstance(key, tuple) else (key,)
        if not any(part is Ellipsis for part in whole):
            whole = (*whole, ...)  # NumPy then gives a view of shape () where it would give a scalar
        return ndarray.of(self.host[whole])

    def __setitem__(self, index: Any, value: Any) -> None:
        key = host(index)
        if any(isinstance(k, list | np.ndarray) and np.asarray(k).dtype.kind in "iu" for k in _parts(key)):
            counts = np.zeros(self.host.shape, int)
            np.add.at(counts, key, 1)
            if counts.max(initial=0) > 1:
                raise RuntimeError("an element is written twice by an index array; CuPy may keep either value")
        with np.errstate(all="ignore"):
            self.host[key] = host(value)

    def __iter__(self) -> Iterator[ndarray]:
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self.host)

    def __bool__(self) -> bool:
        return bool(self.host)

    def __int__(self) -> int:
        return int(self.host)

    def __float__(self) -> float:
        return float(self.host)

    def __complex__(self) -> complex:
        return complex(self.host)

    def __repr__(self) -> str:
        return repr(self.host)

    def __str__(self) -> str:
        return str(self.host)

    def __format__(self, spec: str) -> str:
        return format(self.host, spec)

    def __copy__(self) -> ndarray:
        return ndarray.of(self.host.copy())

    def __deepcopy__(self, memo: Any) -> ndarray:
        return ndarray.of(self.host.copy())

    @property
    def data(self) -> Memory:
        return Memory(self.host.ctypes.data)

    @property
    def device(self) -> Any:
        return self.cupy.cuda.Device(0)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.host.shape)

    @shape.setter
    def shape(self, shape: Any) -> None:
        self.host = np.reshape(self.host, shape, copy=False)

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        if out is None:
            return self.host.copy(order)
        out[...] = self.host
        return out

    def set(self, arr: Any, stream: Any = None) -> None:
        if arr.shape != self.shape or arr.dtype != self.host.dtype:
            raise ValueError(f"{arr.dtype}{arr.shape} does not fit {self.host.dtype}{self.shape}")
        self.host[...] = arr

    def reduced_view(self, dtype: Any = None) -> ndarray:
        return self


def _parts(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def keep_out(result: Any, out: Any) -> Any:
    """`out` itself where the caller gave one, as CuPy does; else the result as a CuPy array."""
    return out if isinstance(out, ndarray) else device(result)


def _method(name: str) -> Callable[..., Any]:
    wanted = signature(NAMES["methods"][name])

    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = arrange(f"ndarray.{name}", wanted, args, kwargs)
        if not hasattr(np.ndarray, name):
            raise NotImplementedError(f"the stand-in does not compute ndarray.{name}")
        if name in ("sort", "argsort"):
            kwargs["kind"] = "stable"
        with np.errstate(all="ignore"):
            result = getattr(self.host, name)(*map(host, args), **{k: host(v) for k, v in kwargs.items()})
        return result if name in ("item", "tolist", "tobytes") else keep_out(result, kwargs.get("out"))

    return method


def _attribute(name: str) -> property:
    def get(self: ndarray) -> Any:
        if name in ("cstruct", "flat"):
            raise NotImplementedError(f"the stand-in has no ndarray.{name}")
        return device(getattr(self.host, name))

    return property(get)


def equip() -> None:
    """Gives `ndarray` the methods and attributes of CuPy that the class does not define."""
    for name in NAMES["methods"]:
        if not hasattr(ndarray, name):
            setattr(ndarray, name, _method(name))
    for name in NAMES["attributes"]:
        if not hasattr(ndarray, name):
            setattr(ndarray, name, _attribute(name))


equip()
