"""NVRTC, the compiler of CUDA text, which needs neither a GPU nor a driver."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dsl.records import dataclass

from ..native import NativeError, say_busy

FLAGS = (
    "--std=c++17",
    # A product and a sum are rounded apart, as NumPy rounds them, unless the text asks for one rounding.
    "--fmad=false",
    # Registers, and what did not fit into them, go to the log.
    "--ptxas-options=-v",
)
_ENTRY = re.compile(r"Compiling entry function '(\w+)'")
_USED = re.compile(r"Used (\d+) registers")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores")


class Used(NamedTuple):
    """Registers of a thread, the bytes that did not fit into them, and all bytes of slow memory that it has to itself:
    those, and arrays that are not in registers."""

    registers: int
    spilled: int
    stack: int


@dataclass(frozen=True)
class Nvrtc:
    """The compiler for an architecture such as `sm_90`, through CuPy's `binding` (cupy.cuda.nvrtc)."""

    architecture: str
    binding: Any

    @cached_property
    def identity(self) -> str:
        """What its code depends on. Raises NativeError where NVRTC is not there, or does not know the architecture."""
        try:
            version, known = self.binding.getVersion(), self.binding.getSupportedArchs()
        except Exception as error:  # the library is looked for at the first call, and fails in its own ways
            raise NativeError(f"NVRTC cannot be used: {_first_line(error)}") from None
        name = f"NVRTC {version[0]}.{version[1]}"
        if int(self.architecture.removeprefix("sm_")) not in known:
            text = f"{name} compiles for sm_{min(known)} to sm_{max(known)}, and this GPU is {self.architecture}"
            raise NativeError(f"{text}; that of another CUDA version may know it")
        return "\n".join((name, self.architecture, *FLAGS))

    def compile(self, source: Path, target: Path) -> None:
        """Make a cubin. Raises NativeError."""
        say_busy("compiling kernels for this GPU (once for this net) ...")
        target.write_bytes(self.cubin(source.read_text("utf-8"))[0])

    def cubin(self, text: str) -> tuple[bytes, dict[str, Used]]:
        """The machine code of a text, and what each kernel takes. Raises NativeError."""
        nvrtc = self.binding
        program = nvrtc.createProgram(text, "kernels.cu", (), ())
        try:
            nvrtc.compileProgram(program, (f"--gpu-architecture={self.architecture}", *FLAGS))
            log = nvrtc.getProgramLog(program)
            # CuPy takes the last byte, a 0 that is part of the file, for the end of a text.
            code: bytes = nvrtc.getCUBIN(program) + b"\0"
        except nvrtc.NVRTCError as error:
            log = nvrtc.getProgramLog(program) or str(error)
            raise NativeError(f"NVRTC failed: {_first_line(log)}") from None
        finally:
            nvrtc.destroyProgram(program)
        return code, _used(log)


def _used(log: str) -> dict[str, Used]:
    """What each kernel takes, with what it calls."""
    names, *rest = _ENTRY.split(log)[1::2], *_ENTRY.split(log)[2::2]
    usage = {}
    for name, text in zip(names, rest, strict=True):
        stacks = [(int(stack), int(spilled)) for stack, spilled in _STACK.findall(text)]
        registers = max(map(int, _USED.findall(text)), default=0)
        usage[name] = Used(registers, sum(s for _, s in stacks), sum(s for s, _ in stacks))
    return usage


def _first_line(error: object) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "it gives no reason")
