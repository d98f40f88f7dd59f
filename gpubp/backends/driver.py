"""The NVIDIA driver and its GPUs, queried without CuPy."""

from __future__ import annotations

import ctypes
import sys

from dsl.records import dataclass

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_MAJOR, _MINOR = 75, 76
"""Numbers of CUdevice_attribute: the compute capability."""
_NO_DEVICE = 100
"""CUDA_ERROR_NO_DEVICE: the result of `cuInit` if the process can see no GPU."""

_FORKED = 3
"""CUDA_ERROR_NOT_INITIALIZED: the result of `cuInit` in a process that was forked from one that uses the GPU."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: its number, its name, its compute capability (major, minor), its memory in bytes."""

    number: int
    name: str
    capability: tuple[int, int]
    memory: int


@dataclass(frozen=True, slots=True)
class Driver:
    """The newest CUDA version that the driver supports, (major, minor), and its GPUs; `reason`: why there are none."""

    cuda: tuple[int, int] | None
    gpus: tuple[Gpu, ...]
    reason: str = ""


def ask_driver() -> Driver:
    """Query the driver, which allocates no GPU memory."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return Driver(None, (), f"no NVIDIA driver is installed ({_LIBRARY} not found)")
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    library.cuDriverGetVersion(ctypes.byref(version))
    cuda = version.value // 1000, version.value % 1000 // 10
    status = library.cuInit(0)
    if status == _FORKED:
        why = "this process was forked from one that uses the GPU, and cannot use it; start processes by `spawn`"
        return Driver(cuda, (), why)
    if status not in (0, _NO_DEVICE):
        return Driver(cuda, (), f"the NVIDIA driver does not start (cuInit gives {status})")
    if not status and (status := library.cuDeviceGetCount(ctypes.byref(count))):
        return Driver(cuda, (), f"the NVIDIA driver does not answer (cuDeviceGetCount gives {status})")
    if not count.value:
        return Driver(cuda, (), "the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES can hide it)")
    return Driver(cuda, tuple(_gpu(library, number) for number in range(count.value)))


def _gpu(library: ctypes.CDLL, number: int) -> Gpu:
    device, memory = ctypes.c_int(0), ctypes.c_size_t(0)
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGet(ctypes.byref(device), number)
    library.cuDeviceGetName(name, len(name), device)
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    capability = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int(0)
        library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return Gpu(number, name.value.decode("utf-8", "replace"), (capability[0], capability[1]), memory.value)
