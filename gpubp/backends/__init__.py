"""Backends: where programs run. Importing this package imports neither NumPy nor CuPy."""

from __future__ import annotations

import re
from importlib import import_module

from ..errors import DeviceError
from .base import Backend, Kernels, Loop, LoopOfCopies
from .cupy import CupyBackend
from .threads import one_thread

__all__ = ["Backend", "Kernels", "Loop", "LoopOfCopies", "one_thread", "select"]


def select(device: str, backend: str = "auto", why: str = "", *, tf32: bool = False) -> Backend:
    """The backend for `auto`, `cpu`, `gpu` or `gpu:N`. `auto` uses a GPU if one works. `why`: the reason for the CPU,
    reported in its description. `tf32`: a GPU may round the factors of float32 matrix products to TF32.

    `backend` says how the device is used. On the CPU, `numpy` is NumPy alone, `native` compiled kernels, `auto` the
    latter if there is a C compiler and enough work; `native:COMMAND` and `auto:COMMAND` name the compiler. On a GPU,
    `cupy` is CuPy's own kernels alone, `auto` compiled ones. Raises DeviceError with the reason.
    """
    kind, _, command = backend.partition(":")
    if kind not in ("auto", "numpy", "native", "cupy") or (command and kind in ("numpy", "cupy")):
        raise DeviceError(f"there is no backend `{backend}`: it is auto, numpy, native or cupy")
    number = re.fullmatch(r"gpu(?::(\d+))?", device)
    if number is None and device not in ("auto", "cpu"):
        raise DeviceError(f"there is no device `{device}`: it is auto, cpu, gpu or gpu:N")
    if number is not None and kind in ("numpy", "native"):
        raise DeviceError(f"the backend `{kind}` is for the CPU, not for {device}")
    if device == "cpu" and kind == "cupy":
        raise DeviceError("the backend `cupy` is for a GPU, not for cpu")
    if number is not None or kind == "cupy":
        return _gpu(0 if number is None else int(number[1] or 0), tf32, compiled=kind != "cupy")
    if device == "auto" and kind == "auto":
        try:
            return _gpu(0, tf32)
        except DeviceError as error:
            why = error.reason
    return _cpu(kind, command, why)


def _cpu(kind: str, command: str, why: str) -> Backend:
    # NumPy is imported only when something is computed: it takes most of a short command's time.
    if kind != "numpy":
        native = import_module(".native", __name__)
        compiler = native.find_compiler(command)
        if compiler is not None:
            compiled: Backend = native.NativeBackend(compiler, forced=kind == "native", why=why)
            return compiled
        missing, error = "no C compiler", "there is no C compiler: neither cc nor gcc nor clang"
        if not native.SUPPORTED:
            missing = error = "nothing is compiled on Windows"
        elif command:
            missing = error = f"there is no C compiler `{command}`"
        if kind == "native":
            raise DeviceError(error)
        why = f"{missing}{'; ' if why else ''}{why}"
    cpu: Backend = import_module(".numpy", __name__).NumpyBackend(why)
    return cpu


def _gpu(number: int, tf32: bool, *, compiled: bool = True) -> Backend:
    gpu: Backend = CupyBackend(number, tf32, compiled=compiled)
    return gpu
