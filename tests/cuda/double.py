"""A GPU made of a processor: CuPy's arrays are the stand-in's, kernels run behind the shim, a graph is a recording.

It is as strict as a real one about capture: while a graph is recorded nothing runs, and memory that is made, read or
written then is an error.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gpubp.backends.cuda import CaptureError, NativeError
from gpubp.backends.cupy import CupyBackend
from gpubp.render import Gemm, Launch
from gpubp.render.cuda.tasks import STATIC_SHARED

from .host import HostModule, host_gemm


class HostMemory:
    def __init__(self, device: HostDevice, size: int) -> None:
        self.device, self.array = device, np.full(size, 0xFF, np.uint8)
        self.address = self.array.ctypes.data

    def write(self, data: bytes, at: int = 0) -> None:
        self.device.note("write")
        self.array[at : at + len(data)] = np.frombuffer(data, np.uint8)

    def read(self, size: int) -> bytes:
        self.device.note("read")
        return self.array[:size].tobytes()


class HostDevice:
    """`log`: all that it was asked for, in order; `asked`: the memory that blocks of a kernel ask for."""

    identity = "the shim"
    room = STATIC_SHARED
    tensor = True

    def __init__(
        self, *, captures: bool = True, order: int = 0, broken: str = "", change: Callable[[str], str] = str
    ) -> None:
        """`change`: what becomes of a text before it is compiled, for faults that are put in."""
        self.captures, self.order, self.broken, self.change = captures, order, broken, change
        self.log: list[str] = []
        self.asked: dict[str, int] = {}
        self.recording: list[Callable[[], None]] | None = None

    def note(self, what: str) -> None:
        """A thing that no graph can hold."""
        assert self.recording is None, f"{what} while a graph is captured"
        self.log.append(what)

    def put(self, what: str, work: Callable[[], None]) -> None:
        if self.recording is not None:
            self.recording.append(work)
            return
        self.log.append(what)
        work()

    def module(self, text: str, numbers: bytes) -> Callable[[str, int], Any]:
        self.note("module")
        if self.broken:
            raise NativeError(self.broken)
        loaded = HostModule(self.change(text), numbers, self.order)

        def kernel(name: str, asked: int) -> Any:
            if asked:
                assert asked <= self.room, f"{name} asks for more than there is"
                self.asked[name] = asked
            return loaded, name

        return kernel

    def launch(self, kernel: Any, grid: tuple[int, int], block: int, arguments: Any) -> None:
        module, name = kernel
        work, rows = Launch(name, grid[0], block), grid[1]
        # What the addresses show is read when the kernel runs, as a launch does.
        if len(arguments) == 1:
            nets = _pointer(arguments[0])
            self.put(name, lambda: module.run_nets(work, rows, nets))
            return
        assert rows == 1
        arena, tables, last = arguments
        values = _pointer(arena), _pointer(last)
        self.put(name, lambda: module.run(work, values[0], tables, values[1]))

    def product(self, work: Gemm, a: int, b: int, c: int, bias: int | None) -> Callable[[], None]:
        self.note("product")
        return lambda: self.put("gemm", lambda: host_gemm(work, a, b, c, bias))

    def memory(self, size: int) -> HostMemory:
        self.note("memory")
        return HostMemory(self, size)

    def address(self, array: Any) -> int:
        return int(array.host.ctypes.data)

    def graph(self, work: Callable[[], None]) -> Callable[[], None]:
        if not self.captures:
            raise CaptureError("not on this device")
        with self._capture() as recorded:
            work()
        self.log.append(f"graph of {len(recorded)}")

        def launch() -> None:
            self.log.append("replay")
            for one in recorded:
                one()

        return launch

    @contextmanager
    def _capture(self) -> Iterator[list[Callable[[], None]]]:
        recorded: list[Callable[[], None]] = []
        self.recording = recorded
        try:
            yield recorded
        finally:
            self.recording = None


def _pointer(at: int) -> int:
    return ctypes.c_void_p.from_address(at).value or 0


class HostBackend(CupyBackend):
    """The GPU's backend on such a device."""

    device: HostDevice

    def _connect(self, number: int, tf32: bool) -> HostDevice:
        return type(self).device
