"""Makes the GPU of an environment the emulated one, whenever its Python starts: `tests.emulator.build` puts this file
and a line that imports it into the environment's own folder of packages.

The driver is loaded here, so that whoever asks for `libcuda.so.1` later gets it. NVRTC is asked for PTX in place of
machine code: the driver translates PTX. What CuPy has as machine code alone and gpubp calls, Thrust's sort, is NumPy's.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

HOME = Path(sys.prefix) / "emulated_gpu"


def _as_ptx(nvrtc: Any) -> None:
    nvrtc.getCUBIN = nvrtc.getPTX


def _by_numpy(thrust: Any) -> None:
    """Sorts along the last axis, in memory that is the host's, too."""
    import numpy

    def array(address: int, dtype: Any, shape: Sequence[int]) -> Any:
        dtype = numpy.dtype(dtype)
        size = dtype.itemsize * int(numpy.prod(shape))
        return numpy.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)

    def wait() -> None:
        sys.modules["cupy_backends.cuda.api.runtime"].deviceSynchronize()

    def sort(dtype: Any, data: int, keys: int, shape: Sequence[int]) -> None:
        wait()
        array(data, dtype, shape).sort(axis=-1)

    def argsort(dtype: Any, order: int, data: int, keys: int, shape: Sequence[int]) -> None:
        wait()
        array(order, "intp", shape)[...] = numpy.argsort(array(data, dtype, shape), axis=-1, kind="stable")

    thrust.sort, thrust.argsort = sort, argsort


CHANGES: dict[str, Callable[[Any], None]] = {"cupy_backends.cuda.libs.nvrtc": _as_ptx, "cupy.cuda.thrust": _by_numpy}


class _Changed:
    """Finds modules of CuPy, and changes them when they have been loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name in CHANGES else None
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_change(module: ModuleType) -> None:
            load(module)
            CHANGES[name](module)

        spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def start() -> None:
    settings = (HOME / "settings").read_text("utf-8").splitlines()
    for line in settings:
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)
    ctypes.CDLL(str(HOME / "libcuda.so.1"), mode=ctypes.RTLD_GLOBAL)
    sys.meta_path.insert(0, _Changed())  # type: ignore[arg-type]


if (HOME / "settings").exists():
    start()
