"""The CPU, by NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..ir import Var
from ..memory import free_memory
from ..passes import Plan
from ..render import CSource, c_source
from .base import BindCopies, Kernels
from .call_context import CallContext
from .orders import numpy_orders
from .threads import SMALL, one_thread


class NumpyBackend:
    """Arrays in the machine's memory."""

    name = place = "cpu"
    compiles = False
    modes = frozenset({"train", "measure"})
    compile_threshold = (
        0.01  # about the time of a C compiler: 0.15 to 0.2 s for tiny nets, 1 to 1.5 s for a hundred fusions
    )
    max_call_flops = 2.5e7  # some 50 ms at most
    near = 4e6  # the L2 cache, and a core's share of the L3 cache
    source = staticmethod(c_source)

    def __init__(self, why: str = "") -> None:
        """`why`: the reason for not using a GPU, if one was considered."""
        self.description = f"CPU (NumPy {np.__version__}{'; ' if why else ''}{why})"
        self.algorithms: dict[str, int] = {}
        self._calls = CallContext(partial(np.errstate, all="ignore"))

    @property
    def xp(self) -> Any:
        return np

    def kernels(self) -> str:
        return ""

    def library(self, source: CSource) -> Kernels | None:
        return None

    def copies(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var],
    ) -> tuple[CSource, BindCopies] | None:
        return None

    def asarray(self, values: Any, dtype: str | None = None) -> Any:
        if hasattr(values, "__cuda_array_interface__"):
            raise InputError(
                "an array on the GPU was handed to an executor on the CPU; "
                'copy it with `cupy.asnumpy`, or make the executor with device="gpu"'
            )
        if hasattr(values, "__dlpack__") and not isinstance(values, np.ndarray) and not hasattr(values, "__array__"):
            values = np.from_dlpack(values)
        return np.asarray(values, dtype=dtype)

    def arena(self, size: int) -> Any:
        memory = np.empty(size + 64, dtype=np.uint8)
        start = -memory.ctypes.data % 64
        return memory[start : start + size]

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Any:
        memory = self.arena(math.prod(shape) * np.dtype(dtype).itemsize)
        memory.fill(0)
        return memory.view(dtype).reshape(shape)

    def take(self, array: Any, rows: Any, out: Any) -> None:
        np.take(array, rows, axis=0, out=out, mode="clip")  # `raise` would copy once more

    def orders(self, n: int, seeds: Sequence[int], epoch: int, epochs: int) -> Any:
        return numpy_orders(n, seeds, epoch, epochs)

    def free_memory(self) -> int | None:
        return free_memory()

    def finish(self) -> None:
        """NumPy is synchronous."""

    def to_host(self, array: Any) -> NDArray[np.generic]:
        return np.array(array)

    def products(self, largest: int) -> AbstractContextManager[object]:
        return one_thread() if largest < SMALL else nullcontext()

    def running(self) -> AbstractContextManager[object]:
        return self._calls
