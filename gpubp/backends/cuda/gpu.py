"""A real GPU: CuPy's memory, streams and graphs, the driver's launches, cuBLASLt's products."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from ..native import CacheError, KernelCache, NativeError, say_once
from .algorithms import Choices
from .cublaslt import CublasLt, load
from .device import CaptureError, Work
from .nvrtc import Nvrtc

_ASKED = 8
"""CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES."""


class GpuMemory:
    """Memory of CuPy's pool."""

    def __init__(self, cupy: Any, size: int) -> None:
        self._array = cupy.empty(size, dtype="uint8")
        self.address: int = self._array.data.ptr

    def write(self, data: bytes, at: int = 0) -> None:
        self._array[at : at + len(data)].set(np.frombuffer(data, np.uint8))

    def read(self, size: int) -> bytes:
        data: bytes = self._array[:size].get().tobytes()
        return data


class GpuNumbers:
    """Numbers that are normally distributed, the same each time: PERIOD of them over and over."""

    PERIOD = 1_000_003

    def __init__(self, cupy: Any, dtype: str, count: int) -> None:
        self.array = cupy.empty(-(-count // self.PERIOD) * self.PERIOD, dtype=dtype)
        few = np.random.default_rng(0).standard_normal(self.PERIOD).astype(dtype)
        self.array.reshape(-1, self.PERIOD)[...] = cupy.asarray(few)
        self.address: int = self.array.data.ptr


class GpuBench:
    """See gpubp.backends.cuda.algorithms.Bench. Times are those of the stream, by events, in milliseconds."""

    def __init__(self, cupy: Any, number: int) -> None:
        self._cupy = cupy
        properties = cupy.cuda.runtime.getDeviceProperties(number)
        self.identity = f"{properties['name'].decode()}, {properties['multiProcessorCount']} multiprocessors"

    def numbers(self, dtype: str, count: int) -> GpuNumbers:
        return GpuNumbers(self._cupy, dtype, count)

    def times(self, works: Sequence[Work], rounds: int) -> list[list[float]]:
        cuda = self._cupy.cuda
        events = [[(cuda.Event(), cuda.Event()) for _ in range(rounds)] for _ in works]
        for k in range(rounds):
            for work, pairs in zip(works, events, strict=True):
                begin, end = pairs[k]
                begin.record()
                work()
                end.record()
        cuda.get_current_stream().synchronize()
        return [[float(cuda.get_elapsed_time(*pair)) for pair in pairs] for pairs in events]

    def same(self, first: Any, second: Any) -> bool:
        return bool((first.array.view("uint32") == second.array.view("uint32")).all())

    def release(self) -> None:
        self._cupy.get_default_memory_pool().free_all_blocks()


class CupyDevice:
    """The GPU `number`. `tf32`: products of float32 may take their factors as TF32; `algorithms`: see
    gpubp.backends.base.Backend. Raises NativeError where there is no compiler."""

    def __init__(self, cupy: Any, number: int, algorithms: dict[str, int], tf32: bool = False) -> None:
        self._tf32, self._algorithms = tf32, algorithms
        self._cupy, self._cache = cupy, KernelCache(user_cache_path("gpubp") / "kernels")
        self._device, self._number = cupy.cuda.Device(number), number
        capability = self._device.compute_capability  # such as `90`
        self.compiler, self.tensor = Nvrtc(f"sm_{capability}", cupy.cuda.nvrtc), int(capability) >= 80
        self.identity = self.compiler.identity.replace("\n", " ")
        runtime = cupy.cuda.runtime
        self.room: int = runtime.deviceGetAttribute(runtime.cudaDevAttrMaxSharedMemoryPerBlockOptin, number)

    def module(self, text: str, numbers: bytes) -> Callable[[str, int], Any]:
        try:
            image = self._cache.library(text, self.compiler, ".cubin").read_bytes()
        except CacheError as error:
            say_once(f"kernels are compiled anew each time: {error}")
            image = self.compiler.cubin(text)[0]
        module = self._cupy.cuda.function.Module()
        try:
            module.load(image)
            if numbers:
                given, runtime = np.frombuffer(numbers, np.uint8), self._cupy.cuda.runtime
                there = module.get_global_var("numbers")
                stream = self._cupy.cuda.get_current_stream().ptr
                runtime.memcpyAsync(there, given.ctypes.data, given.nbytes, runtime.memcpyHostToDevice, stream)
        except self._cupy.cuda.driver.CUDADriverError as error:
            raise NativeError(f"the driver does not load kernels for {self.compiler.architecture}: {error}") from None

        def kernel(name: str, asked: int) -> Any:
            function = module.get_function(name)
            if asked:
                self._cupy.cuda.driver.funcSetAttribute(function.ptr, _ASKED, asked)
            return function, asked

        return kernel

    def launch(self, kernel: Any, grid: tuple[int, int], block: int, arguments: Any) -> None:
        function, asked = kernel
        stream = self._cupy.cuda.get_current_stream().ptr
        launch = self._cupy.cuda.driver.launchKernel
        launch(function.ptr, *grid, 1, block, 1, 1, asked, stream, ctypes.addressof(arguments), 0)

    def product(self, work: Any, a: int, b: int, c: int, bias: int | None) -> Work:
        return self._products.product(work, a, b, c, bias)

    @cached_property
    def _products(self) -> CublasLt:
        # A folder of its own: of compiled kernels the oldest are removed to make room, for they can be made again.
        cache = KernelCache(user_cache_path("gpubp") / "algorithms")
        choices = Choices(cache, GpuBench(self._cupy, self._number), self._algorithms)
        library = load(self._cupy.cuda.runtime.runtimeGetVersion() // 1000)

        def stream() -> int:
            return int(self._cupy.cuda.get_current_stream().ptr)

        return CublasLt(library, self._number, stream, self.memory, choices, self._tf32)

    def memory(self, size: int) -> GpuMemory:
        return GpuMemory(self._cupy, size)

    def address(self, array: Any) -> int:
        at: int = array.data.ptr
        return at

    def graph(self, work: Work) -> Work:
        cuda = self._cupy.cuda
        stream = cuda.Stream(non_blocking=True)
        cuda.get_current_stream().synchronize()  # what failed before is no fault of the capture
        try:
            with stream:
                stream.begin_capture()
                try:
                    work()
                finally:
                    graph = stream.end_capture()
        except Exception as error:  # what cannot be captured fails in many ways
            raise CaptureError(f"a step cannot be captured: {_first_line(error)}") from None

        def launch() -> None:
            graph.launch(stream=cuda.get_current_stream())

        return launch


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
