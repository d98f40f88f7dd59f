"""The GPU: CuPy arrays, with compiled kernels, and CuPy's own kernels otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import DeviceError, DeviceFailedError
from ..ir import Var
from ..passes import Plan
from ..render import CSource, CudaSource, cuda_source
from .base import BindCopies
from .call_context import CallContext
from .driver import ask_driver
from .orders import Shuffles, numpy_orders
from .wheels import load_matching

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .cuda import CudaLibrary, Device, DeviceOrders


_FULL = "cudaErrorMemoryAllocation", "CUDA_ERROR_OUT_OF_MEMORY"
"""The errors of the runtime and the driver if there is no memory for what CuPy's pool does not allocate, such as the
code of a kernel, which is loaded at its first launch."""
_NOT_INITIALIZED = "cudaErrorInitializationError", "CUDA_ERROR_NOT_INITIALIZED"
"""The errors of all calls in a process that was forked from one that uses the GPU."""
_DEFAULT_STREAM = 0, 1
"""Handles of the default stream that all threads share."""


class CupyBackend:
    """Arrays on one GPU. Raises DeviceError if it cannot be used; this is tested by a real kernel, since importing CuPy
    succeeds without a GPU. Programs for training, evaluation and prediction are compiled (gpubp.backends.cuda). All
    others run equation by equation with CuPy's own kernels, as does everything if `compiled` is false or compiling
    fails, which is reported once. `tf32`: compiled programs may round the factors of float32 products to TF32, if the
    GPU has tensor cores for it."""

    name = "gpu"
    modes = frozenset({"train", "measure", "predict"})
    compile_threshold = 0.0  # a single equation takes longer in CuPy than a whole compiled step
    max_call_flops = 1e15  # the host only launches, and handles Ctrl-C between two launches
    near = math.inf

    def __init__(self, number: int = 0, tf32: bool = False, *, compiled: bool = True) -> None:
        cupy = _import_cupy()
        self._device = _working_device(cupy, number)
        properties = cupy.cuda.runtime.getDeviceProperties(number)
        self._cupy, self.place = cupy, f"gpu:{number}"
        self._about = f"GPU {number} ({properties['name'].decode()}, CuPy {cupy.__version__}"
        self.description = f"{self._about})"
        self._cuda = import_module(".cuda", __package__)
        self.compiles = compiled
        self.algorithms: dict[str, int] = {}
        self._last_call: Any = None
        self._calls = CallContext(self._entered)
        self._shuffles = Shuffles(self._device_orders)
        if not compiled:
            return
        try:
            self._compiled: Device = self._connect(number, tf32)
            self._compiler, self._tf32 = self._compiled.identity, tf32 and self._compiled.tensor
        except self._cuda.NativeError as error:
            self._give_up(error)

    def _connect(self, number: int, tf32: bool) -> Device:
        """The device for compiled kernels."""
        device: Device = self._cuda.CupyDevice(self._cupy, number, self.algorithms, tf32)
        return device

    def _give_up(self, error: Exception) -> None:
        self.compiles = False
        self.description = f"{self._about}; {error})"
        self._cuda.say_once(f"CuPy continues without compiled kernels: {error}")

    @property
    def xp(self) -> Any:
        return self._cupy

    def kernels(self) -> str:
        return f"training and evaluation, by {self._compiler}" if self.compiles else ""

    def source(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var] = (),
        *,
        unfused: bool = False,
    ) -> CSource:
        return cuda_source(
            plan, name, hints, describe, collect, unfused=unfused, tf32=self._tf32, room=self._compiled.room
        )

    def library(self, source: CSource) -> CudaLibrary | None:
        assert isinstance(source, CudaSource)
        try:
            kernels: CudaLibrary = self._cuda.CudaLibrary(source, self._compiled)
        except self._cuda.NativeError as error:
            self._give_up(error)
            return None
        return kernels

    def copies(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        collect: Sequence[Var],
    ) -> tuple[CSource, BindCopies] | None:
        room = self._compiled.room
        source = cuda_source(plan, name, hints, describe, collect, tf32=self._tf32, room=room, nets=True)
        kernels = self.library(source) if source.many else None
        return None if kernels is None else (source, partial(kernels.bind_copies, self.arena, plan.arena))

    def asarray(self, values: Any, dtype: str | None = None) -> Any:
        # An array of another library in host memory is copied. One on a GPU is taken by DLPack, so that this stream
        # waits for its own, which the CUDA array interface of PyTorch and JAX does not name.
        other = hasattr(values, "__dlpack__") and not isinstance(values, self._cupy.ndarray)
        if other and (hasattr(values, "__cuda_array_interface__") or not hasattr(values, "__array__")):
            values = self._cupy.from_dlpack(values)
        return self._cupy.asarray(values, dtype=dtype)

    def arena(self, size: int) -> Any:
        return self._cupy.empty(size, dtype="uint8")  # CuPy's memory begins at multiples of 512

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Any:
        return self._cupy.zeros(shape, dtype=dtype)

    def take(self, array: Any, rows: Any, out: Any) -> None:
        self._cupy.take(array, rows, axis=0, out=out)

    def orders(self, n: int, seeds: Sequence[int], epoch: int, epochs: int) -> Any:
        count = len(seeds) * epochs
        if not self.compiles or not self._cuda.pays(self._compiled, n, count):
            return self._cupy.asarray(numpy_orders(n, seeds, epoch, epochs))
        return self._cupy.asarray(self._shuffles.chosen(n, count)(n, seeds, epoch, epochs))

    def _device_orders(self) -> DeviceOrders | None:
        try:
            made: DeviceOrders = self._cuda.DeviceOrders(self._compiled, partial(self._cupy.empty, dtype="int64"))
        except self._cuda.NativeError as error:
            self._cuda.say_once(f"NumPy shuffles the rows: {error}")
            return None
        return made

    def free_memory(self) -> int | None:
        pool = self._cupy.get_default_memory_pool()
        if self._cupy.cuda.get_allocator() != pool.malloc:
            return None  # what the user's own allocator has, such as more than a GPU where memory is managed
        with self._device:  # of what CuPy's pool has, whatever is not in use is free as well
            free: int = self._device.mem_info[0] + pool.free_bytes()
        return free

    def finish(self) -> None:
        with self.running():
            self._cupy.cuda.get_current_stream().synchronize()

    def to_host(self, array: Any) -> NDArray[np.generic]:
        with self.running():  # earlier failures are reported by the first call that synchronises
            host: NDArray[np.generic] = self._cupy.asnumpy(array)
        return host

    def products(self, largest: int) -> AbstractContextManager[object]:
        return nullcontext()

    def _wait_for_last_call(self) -> Any:
        """All calls use the same memory: one on another stream than the last waits for it on the device. Returns its
        stream; None for the default stream, on which nothing is recorded, since a later call can still do that."""
        cuda = self._cupy.cuda
        stream = cuda.get_current_stream()
        own = None if stream.ptr in _DEFAULT_STREAM else stream
        if self._last_call is not None:
            stream.wait_event(self._last_call)
        elif own is not None:
            stream.wait_event(cuda.Stream.null.record())
        return own

    def running(self) -> AbstractContextManager[object]:
        return self._calls

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Turns failures into DeviceError, MemoryError or DeviceFailedError; after the last all further calls fail
        too."""
        name = self.place.replace("gpu:", "GPU ")
        try:
            with self._device:
                own = self._wait_for_last_call()
                try:
                    yield
                finally:
                    self._last_call = None if own is None else own.record()
        except ImportError as error:  # CuPy loads libraries when it first needs them
            raise DeviceError(f"a library of CUDA is missing: {error}; `gpubp doctor` says what to install") from None
        except Exception as error:
            if not (isinstance(error, self._cuda.NativeError) or type(error).__module__.startswith("cupy")):
                raise
            reason = _reason(error).rstrip(".")
            if full := next((name for name in _FULL if reason.startswith(name)), ""):
                reason = f"Out of memory ({full})"
            if full or isinstance(error, MemoryError):
                help = "a smaller batch or smaller layers need less, and `nvidia-smi` shows who else takes some"
                raise MemoryError(f"{reason} on {name}; {help}") from None
            if reason.startswith(_NOT_INITIALIZED):
                reason = ask_driver().reason or reason
            raise DeviceFailedError(f"{name} has failed: {reason}; what this process had there is lost") from None


def _import_cupy() -> Any:
    """CuPy. Raises DeviceError if it cannot be imported."""
    try:
        import cupy

        load_matching(cupy.cuda.runtime.runtimeGetVersion() // 1000)
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise DeviceError(f"CuPy cannot be imported: {_reason(error)}") from None
        raise DeviceError(
            "CuPy is not installed: `pip install 'gpubp[cuda12]'` or `'gpubp[cuda13]'` brings it",
            "CuPy is not installed",
        ) from None
    except Exception as error:  # installed, and broken in one of many ways
        raise DeviceError(f"CuPy cannot be imported: {_reason(error)}") from None
    # CuPy imports cupyx at the first comparison, and with it Optuna, if that is installed, which keeps the frames of
    # its import. In a thread these are not those of an executor, whose memory would never be free again.
    importing = Thread(target=_import_cupyx)
    importing.start()
    importing.join()
    return cupy


def _import_cupyx() -> None:
    with suppress(ImportError):
        import_module("cupyx")


def _working_device(cupy: Any, number: int) -> Any:
    """The GPU of this number, tested by a kernel. Raises DeviceError if it cannot be used."""
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(f"no GPU can be used: {ask_driver().reason or _reason(error)}") from None
    if not 0 <= number < count:
        raise DeviceError(f"there is no GPU {number}: this process sees {count}, counted from 0")
    try:
        device = cupy.cuda.Device(number)
        with device:
            probe = float(cupy.arange(3, dtype="float32").sum())
    except Exception as error:  # a broken installation fails in many ways; each is an unusable device
        raise DeviceError(f"GPU {number} cannot run a kernel: {_reason(error)}") from None
    if probe != 3.0:
        raise DeviceError(f"GPU {number} computes 0 + 1 + 2 = {probe}")
    return device


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, OSError) and error.errno:
        return f"{text}; CuPy keeps kernels in a folder, and CUPY_CACHE_DIR names another one"
    return text
