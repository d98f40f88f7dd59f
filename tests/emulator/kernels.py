"""Kernels of a PTX text, called on arrays."""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

from gpubp.backends.cuda.nvrtc import FLAGS as OUR_FLAGS
from gpubp.render import Launch
from tests.cuda.host import Array, HostModule

from .ptx import CC, FLAGS, compile_c, translate

needs_gcc = pytest.mark.skipif(not CC, reason="there is no gcc")
OURS = tuple(flag for flag in OUR_FLAGS if "ptxas" not in flag)
"""NVRTC's options for kernels of ours; those of ptxas are for a cubin."""
_HEADERS = [p.read_text("utf-8") for p in sorted(Path(__file__).parent.glob("ptx_*.h"))]
_OWNER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong)
_THREE = ctypes.c_uint * 3
_RUN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), _THREE, _THREE, ctypes.c_uint, _OWNER, ctypes.c_char_p
)


class Fault(Exception):
    """A launch that failed: the driver's number, and what the report says."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class _Kernel(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("parameters", ctypes.c_uint),
        ("sizes", ctypes.POINTER(ctypes.c_uint)),
        ("shared_bytes", ctypes.c_uint),
        ("max_threads", ctypes.c_uint),
        ("run", _RUN),
    ]


@cache
def library(text: str) -> ctypes.CDLL:
    """The shared object of a text, from the user's cache where it has been made before."""
    source = translate(text)
    words = "\n".join((source, *_HEADERS, *FLAGS, Path("/proc/cpuinfo").read_text().partition("flags")[2][:4000]))
    folder = user_cache_path("gpubp") / "emulator"
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{hashlib.sha256(words.encode()).hexdigest()[:24]}.so"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            written = Path(place) / "kernels.c"
            written.write_text(source, "utf-8")
            compile_c(written, written.with_suffix(".so"))
            os.replace(written.with_suffix(".so"), made)
    return ctypes.CDLL(str(made))


class Kernels:
    """Those of a text, or of a shared object."""

    def __init__(self, text: str = "", made: Path | None = None) -> None:
        self.library = library(text) if made is None else ctypes.CDLL(str(made))
        count = ctypes.c_uint.in_dll(self.library, "emulated_kernel_count").value
        table = (_Kernel * count).in_dll(self.library, "emulated_kernels")
        self.table = {k.name.decode(): k for k in table}

    def __call__(
        self,
        name: str,
        grid: int | Sequence[int],
        block: int | Sequence[int],
        arguments: Sequence[Any],
        dynamic: int = 0,
        order: int = 0,
        memory: Sequence[Array] = (),
    ) -> None:
        """Launch. Arrays are passed by address, other arguments are ctypes values, or bytes. What a kernel may touch
        are those arrays and `memory`. Raises Fault."""
        kernel = self.table[name]
        owned = [(a.ctypes.data, a.nbytes) for a in (*memory, *arguments) if isinstance(a, np.ndarray)]

        def owns(address: int | None, size: int) -> int:
            return int(any(low <= (address or 0) and (address or 0) + size <= low + n for low, n in owned))

        values = [_value(a) for a in arguments]
        assert [ctypes.sizeof(v) for v in values] == [kernel.sizes[k] for k in range(kernel.parameters)]
        pointers = (ctypes.c_void_p * max(len(values), 1))(*(ctypes.addressof(v) for v in values))
        report = ctypes.create_string_buffer(512)
        os.environ["EMULATOR_ORDER"] = str(order)
        code = kernel.run(pointers, _THREE(*_three(grid)), _THREE(*_three(block)), dynamic, _OWNER(owns), report)
        if code:
            raise Fault(code, report.value.decode())


def nvrtc() -> Any:
    """NVRTC through CuPy. Skips the test where the wheels are not installed."""
    pytest.importorskip("cupy", reason="CuPy is not installed; the wheels of [cuda12] bring it", exc_type=ImportError)
    from cupy.cuda import nvrtc as binding

    try:
        binding.getVersion()
    except Exception as error:
        pytest.skip(f"NVRTC cannot be used: {error}")
    return binding


@cache
def compiled(text: str, *options: str, architecture: str = "compute_90") -> str:
    """The PTX of a CUDA text."""
    binding = nvrtc()
    program = binding.createProgram(text, "kernels.cu", (), ())
    try:
        binding.compileProgram(program, (f"--gpu-architecture={architecture}", *options))
        return str(binding.getPTX(program).decode())
    except binding.NVRTCError:
        raise AssertionError(binding.getProgramLog(program)) from None
    finally:
        binding.destroyProgram(program)


class PtxModule(HostModule):
    """Kernels of a module of ours, as NVRTC compiled them."""

    def __init__(self, text: str, numbers: bytes, order: int = 0) -> None:
        self.kernels, self.order = Kernels(compiled(text, *OURS)), order
        if numbers:
            held = (ctypes.c_char * len(numbers)).in_dll(self.kernels.library, "numbers")
            held.raw = numbers

    def launch(self, work: Launch, arena: Array, tables: Sequence[Array], last: Array) -> None:
        at = np.array([table.ctypes.data for table in tables] or [0], np.uint64)
        # The counters lie before the scratch memory, in the same array.
        before = [] if last.base is None else [last.base[: last.ctypes.data - last.base.ctypes.data]]
        self.kernels(
            work.kernel,
            work.grid,
            work.block,
            [arena, at.tobytes(), last],
            dynamic=work.dynamic_shared,
            order=self.order,
            memory=[array for array in (*tables, *before) if array.nbytes],
        )


def _three(size: int | Sequence[int]) -> list[int]:
    sizes = [size] if isinstance(size, int) else list(size)
    return sizes + [1] * (3 - len(sizes))


def _value(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return ctypes.c_uint64(argument.ctypes.data)
    if isinstance(argument, bytes):
        return (ctypes.c_char * len(argument)).from_buffer_copy(argument)
    return argument
