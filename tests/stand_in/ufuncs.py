"""CuPy's elementwise functions: its arguments, its loops and its way to choose one of them; NumPy computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import host, ndarray
from .names import NAMES

SCATTER_KINDS = {"add": "ilqILQefd", "sub": "iI", "max": "ilqILQfd", "min": "ilqILQfd"}
REDUCTIONS = {"add": ("sum", "cumsum"), "multiply": ("prod", "cumprod")}
KIND_ORDER = {bool: 0, int: 1, float: 2, complex: 3, "b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


class ufunc:  # noqa: N801 - CuPy's name
    """One of CuPy's ufuncs. Arguments by keyword are `out`, `dtype`, `casting`, `_where` and nothing else."""

    def __init__(self, name: str) -> None:
        facts = NAMES["ufuncs"][name]
        self.name = f"cupy_{name.strip('_')}"
        self.__name__ = name.strip("_")
        self.nin, self.nout = int(facts["nin"]), int(facts["nout"])
        self.nargs = self.nin + self.nout
        self._casting, self._scatter = facts["casting"], facts["scatter"]
        self.types = [t for t in facts["loops"].split() if set(t) <= set("?bBhHiIlLqQefdFD->")]
        self._loops = [tuple(tuple(map(np.dtype, part)) for part in t.split("->")) for t in self.types]
        self._compute: Any = getattr(np, self.__name__)

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out, where = kwargs.pop("out", None), kwargs.pop("_where", None)
        dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", self._casting)
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}: {len(args)}, not {self.nin} to {self.nargs}")
        if out is not None and len(args) > self.nin:
            raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
        outs = list(args[self.nin :]) or list(out if isinstance(out, tuple) else (out,) * self.nout)
        outs += [None] * (self.nout - len(outs))
        inputs = [operand(a) for a in args[: self.nin]]
        in_types, out_types = self._loop(inputs, dtype)
        with np.errstate(all="ignore"):
            ready = [cast(x, t) for x, t in zip(inputs, in_types)]
            results = self._compute(*ready)
        results = results if isinstance(results, tuple) else (results,)
        given = tuple(self._store(r, t, o, where, casting) for r, t, o in zip(results, out_types, outs))
        return given[0] if self.nout == 1 else given

    def _loop(self, inputs: list[Any], dtype: Any) -> tuple[Any, ...]:
        """The first loop that takes all inputs; Python numbers follow the arrays' type where their kind allows."""
        if dtype is not None:
            for loop in self._loops:
                if all(t == np.dtype(dtype) for t in loop[1]):
                    return loop
            raise TypeError(f"Wrong type ({dtype}) of arguments for {self.name}")
        weak = [type(x) if type(x) in (int, float, complex) else None for x in inputs]
        types = [np.asarray(x).dtype for x in inputs]
        arrays = [KIND_ORDER[t.kind] for t, w in zip(types, weak) if w is None]
        scalars = [KIND_ORDER[w] for w in weak if w is not None]
        if not arrays or not scalars or max(arrays) < max(scalars):
            weak = [None] * len(weak)
        for loop in self._loops:
            if all(fits(t, w, into) for t, w, into in zip(types, weak, loop[0])):
                return loop
        raise TypeError(f"Wrong type ({tuple(types)}) of arguments for {self.name}")

    def _store(self, result: Any, dtype: Any, out: Any, where: Any, casting: str) -> ndarray:
        value = np.asarray(result).astype(dtype)
        if out is None:
            if where is not None:
                raise NotImplementedError("`_where` without `out` leaves elements undefined")
            return ndarray.of(value)
        if not isinstance(out, ndarray):
            raise TypeError(f"return arrays must be of ArrayType, not {type(out)}")
        if not np.can_cast(dtype, out.host.dtype, casting):  # type: ignore[arg-type]
            raise TypeError(f"output of type {dtype} cannot be cast to the given {out.host.dtype}")
        if np.broadcast_shapes(value.shape, out.shape) != out.shape:
            raise ValueError(f"Out shape is mismatched: {out.shape}, not {value.shape}")
        np.copyto(out.host, value, casting="unsafe", where=True if where is None else host(where))
        return out

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        """Adds (or the like) at places that may repeat. A GPU does it in no fixed order: sums of floats vary."""
        if self._scatter is None:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        if a.host.dtype.char not in SCATTER_KINDS.get(self._scatter, "ilqILQ"):
            raise TypeError(f"`{self.name}.at` does not support {a.host.dtype}")
        self._compute.at(a.host, host(indices), host(b))

    def outer(self, a: ndarray, b: ndarray, **kwargs: Any) -> Any:
        column = ndarray.of(a.host.reshape(a.shape + (1,) * len(b.shape)))
        return self(column, b, **kwargs)

    def _reduction(self, kind: int, what: str) -> str:
        if self.__name__ not in REDUCTIONS:
            raise NotImplementedError(f"`{self.name}.{what}` is not supported yet")
        return REDUCTIONS[self.__name__][kind]

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        return getattr(array, self._reduction(0, "reduce"))(axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        return getattr(array, self._reduction(1, "accumulate"))(axis, dtype, out)

    def reduceat(self, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        if self.__name__ != "add" or out is not None:
            raise NotImplementedError(f"`{self.name}.reduceat` is not supported yet")
        return ndarray.of(np.add.reduceat(array.host, host(indices), axis, dtype))


def operand(value: Any) -> Any:
    """An input: an array, or a Python or NumPy number. TypeError for all else, as in CuPy."""
    if isinstance(value, ndarray):
        return value.host
    if type(value) in (bool, int, float, complex) or (isinstance(value, np.generic) and value.dtype.kind in "biufc"):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def fits(dtype: Any, weak: type | None, into: Any) -> bool:
    if np.can_cast(dtype, into):
        return True
    return weak is not None and np.result_type(weak(0), into) == into


def cast(value: Any, dtype: Any) -> Any:
    """Numbers that do not fit an integer type are an OverflowError; arrays are cast as they are."""
    return value.astype(dtype) if isinstance(value, np.ndarray) else np.asarray(value, dtype)
