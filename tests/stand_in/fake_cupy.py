"""`cupy`: a module with exactly CuPy's public names, computed by NumPy, for running GPU code where there is no GPU.

What CuPy lacks is an AttributeError here; an argument that it does not take, or a NumPy array, is a TypeError;
no result is a NumPy scalar (arrays.py says the rest). Elementwise functions choose their type as CuPy does (ufuncs.py).
What is not computed (kernels, random numbers, `cupy.linalg` ...) has its name and raises NotImplementedError.
CuPy never warns of overflow, so neither does this.

    from tests.stand_in.fake_cupy import cupy
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .arrays import device, host, keep_out, ndarray
from .names import NAMES, arrange, signature
from .ufuncs import ufunc

ALIASES = {"float_": "float64", "complex_": "complex128", "cfloat": "complex128", "singlecomplex": "complex64"}
ALIASES = {"float_": "float64", "complex_": "complex128", "cfloat": "complex128", "singlecomplex": "complex64"}
FROM_HOST = {"array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray"}
ARRAY_FIRST = {"a", "ary", "arr", "array", "x", "x1", "m", "p", "condition", "prototype", "dst"}
SEQUENCE_FIRST = {"tup", "arrays"}
PLAIN = {"can_cast", "isscalar", "result_type", "promote_types", "ndim", "shape", "size", "broadcast_shapes"}
BINARY = (
    "add add, sub subtract, mul multiply, matmul matmul, truediv true_divide, mod remainder, floordiv floor_divide, "
    "divmod divmod, pow power, lshift left_shift, rshift right_shift, and bitwise_and, or bitwise_or, xor bitwise_xor"
)
OPERATORS: dict[str, str] = dict(pair.split() for pair in BINARY.split(","))
ORDER = "eq equal, ne not_equal, lt less, le less_equal, gt greater, ge greater_equal"
COMPARISONS: dict[str, str] = dict(pair.split() for pair in ORDER.split(","))
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def function(name: str) -> Callable[..., Any]:
    """CuPy's function `name`: takes what CuPy's signature takes, and is NumPy's function of that name."""
    wanted, compute = signature(NAMES["functions"][name]), getattr(np, name, None)
    if compute is None:
        return missing(name)
    first = next(iter(wanted.parameters), "")

    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = arrange(name, wanted, args, kwargs)
        if first in ARRAY_FIRST and name not in PLAIN and not isinstance(args[0], ndarray):
            raise TypeError(f"cupy.{name} needs a cupy array, got {type(args[0])}")
        if name == "matmul" and not all(isinstance(a, ndarray) for a in args):
            raise TypeError("cupy.matmul needs cupy arrays")
        if first in SEQUENCE_FIRST and not all(isinstance(a, ndarray) for a in args[0]):
            raise TypeError("Only cupy arrays can be concatenated")
        if name in ("sort", "argsort"):
            kwargs["kind"] = "stable"
        with np.errstate(all="ignore"):
            result = compute(*map(host, args), **{k: host(v) for k, v in kwargs.items()})
        if isinstance(result, bool) and name not in PLAIN:
            result = np.bool_(result)
        return result if name in PLAIN else keep_out(result, kwargs.get("out"))

    return named(call, name)


def conversion(name: str) -> Callable[..., Any]:
    """`asarray` and its like: the door for NumPy arrays, lists and numbers."""
    wanted, compute = signature(NAMES["functions"][name]), getattr(np, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        (a,), kwargs = arrange(name, wanted, args, kwargs)
        kwargs.pop("blocking", None)
        if name in ("asarray", "asanyarray") and not isinstance(a, ndarray):
            kwargs["copy"] = True  # a copy to the GPU shares nothing with its source
        value = compute(a if isinstance(a, np.ndarray) else host(a), **kwargs)
        return a if isinstance(a, ndarray) and value is a.host else device(value)

    return named(call, name)


def missing(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"the stand-in does not compute cupy.{name}")

    return named(call, name)


def named(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    call.__name__ = call.__qualname__ = name
    return call


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    if isinstance(a, ndarray):
        return a.get(order=order, out=out)
    return np.asarray(a, order=order)  # type: ignore[call-overload]


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if not isinstance(condition, ndarray):
        raise TypeError(f"cupy.where needs a cupy array, got {type(condition)}")
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return device(np.nonzero(condition.host))
    return ufunc("_where")(ndarray.of(condition.host.astype(bool)), x, y)


def clip(a: Any, a_min: Any, a_max: Any, out: Any = None) -> Any:
    """Both bounds, or one of them and None."""
    if not isinstance(a, ndarray):
        raise TypeError(f"cupy.clip needs a cupy array, got {type(a)}")
    if a_min is None and a_max is None:
        raise ValueError("array_clip: must set either max or min")
    if a_min is None:
        return ufunc("minimum")(a, a_max, out=out)
    if a_max is None:
        return ufunc("maximum")(a, a_min, out=out)
    return ufunc("_clip")(a, a_min, a_max, out=out)


def as_strided(x: Any, shape: Any = None, strides: Any = None) -> Any:
    if not isinstance(x, ndarray):
        raise TypeError(f"cupy.lib.stride_tricks.as_strided needs a cupy array, got {type(x)}")
    return device(np.lib.stride_tricks.as_strided(x.host, shape, strides))


class Module(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")


class Device:
    """`cupy.cuda.Device`: there is one, number 0."""

    def __init__(self, device: int = 0) -> None:
        if device != 0:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = device
        self.mem_info = (1 << 30, 1 << 30)
        self.compute_capability = "90"

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def use(self) -> None:
        return None

    def synchronize(self) -> None:
        return None


@contextlib.contextmanager
def stream(*args: Any, **kwargs: Any) -> Iterator[None]:
    yield


def build_cuda() -> Module:
    cuda = Module("cupy.cuda")
    cuda.__dict__.update({name: missing(f"cuda.{name}") for name in NAMES["modules"]["cuda"]})
    runtime, memory = Module("cupy.cuda.runtime"), Module("cupy.cuda.memory")
    own = {"__module__": "cupy_backends.cuda.api.runtime"}
    memory.__dict__["OutOfMemoryError"] = type("OutOfMemoryError", (MemoryError,), {"__module__": "cupy.cuda.memory"})
    properties = {"name": b"stand-in", "major": 9, "minor": 0, "totalGlobalMem": 1 << 30}
    runtime.__dict__.update(
        getDeviceCount=lambda: 1,
        getDevice=lambda: 0,
        getDeviceProperties=lambda number: properties,
        deviceSynchronize=lambda: None,
        driverGetVersion=lambda: 12090,
        runtimeGetVersion=lambda: 12090,
        CUDARuntimeError=type("CUDARuntimeError", (RuntimeError,), own),
    )
    current = types.SimpleNamespace(synchronize=lambda: None, ptr=0)
    cuda.__dict__.update(
        Device=Device, runtime=runtime, memory=memory, Stream=stream, get_current_stream=lambda: current
    )
    return cuda


def build_class(name: str, kind: Any) -> Any:
    return getattr(np, ALIASES.get(name, name)) if kind == "numpy" or name in ALIASES else missing(name)


def constant(name: str, text: str) -> Any:
    """A number, None, False; of the helpers for indexing only those that make slices."""
    if text in ("None", "False"):
        return False if text == "False" else None
    try:
        return float(text)
    except ValueError:
        return getattr(np, name) if text == "IndexExpression" else missing(name)


def elementwise(name: str) -> Any:
    return ufunc(name) if hasattr(np, name) else missing(name)


def build() -> Any:
    """Makes the module."""
    module = Module("cupy")
    constants = {name: constant(name, text) for name, text in NAMES["constants"].items()}
    modules: dict[str, Any] = {}
    for name, inner in NAMES["modules"].items():
        modules[name] = Module(f"cupy.{name}")
        modules[name].__dict__.update({n: missing(f"{name}.{n}") for n in inner})
    modules["lib"].stride_tricks = Module("cupy.lib.stride_tricks")
    modules["lib"].stride_tricks.as_strided = as_strided
    everything = {
        **constants,
        **modules,
        **{name: build_class(name, kind) for name, kind in NAMES["classes"].items()},
        **{name: function(name) for name in NAMES["functions"]},
        **{name: conversion(name) for name in FROM_HOST},
        **{name: elementwise(name) for name in NAMES["ufuncs"] if not name.startswith("_")},
        "asnumpy": asnumpy, "where": where, "clip": clip, "ndarray": ndarray, "ufunc": ufunc, "cuda": build_cuda(),
    }  # fmt: skip
    pool = types.SimpleNamespace(used_bytes=lambda: 0, free_bytes=lambda: 0, malloc=None)
    everything["cuda"].get_allocator = lambda: pool.malloc
    module.__dict__.update(everything, __version__=NAMES["cupy"], get_default_memory_pool=lambda: pool)
    ndarray.cupy = module
    equip_operators(module)
    return module


def equip_operators(module: Any) -> None:
    """Gives `ndarray` its operators: each is the elementwise function of its name."""
    for word, name in OPERATORS.items():
        compute = getattr(module, name)
        setattr(ndarray, f"__{word}__", lambda self, other, compute=compute: compute(self, other))
        setattr(ndarray, f"__r{word}__", lambda self, other, compute=compute: compute(other, self))
        if f"__i{word}__" in NAMES["special"]:
            setattr(ndarray, f"__i{word}__", lambda self, other, compute=compute: compute(self, other, out=self))
    for word, name in (COMPARISONS | UNARY).items():
        compute = getattr(module, name)
        compute = getattr(module, name)
        setattr(ndarray, f"__{word}__", lambda self, *other, compute=compute: compute(self, *other))


cupy: Any = build()
