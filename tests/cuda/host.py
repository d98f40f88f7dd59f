"""CUDA text run on the processor: compiled by a C++ compiler behind the shim cuda_host.h, run by cuda_host.cpp."""

from __future__ import annotations

import ctypes
import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

from gpubp.backends.native import Compiler, KernelCache
from gpubp.render import Gemm, Launch, Matrix

Array = np.ndarray[Any, Any]
SHIM = Path(__file__).with_name("cuda_host.h")
SCHEDULER, RACES = SHIM.with_suffix(".cpp"), SHIM.with_name("races.h")
FLAGS = ("-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-U_FORTIFY_SOURCE", "-nostdinc++", "-w")
FLAGS += ("-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables")  # a tenth of the compiler's time
STRICT = "-fsanitize=alignment"
"""The shim is told of accesses at no multiple of their size, at which a GPU stops."""
LIBRARIES = ("-nostdlib", "-lm", "-lc")
"""Those of C alone: what the compiler's library of checks would do, the shim does itself."""
_HEAD = re.compile(
    r'extern "C" __global__ void __launch_bounds__\(\d+, 1\) (\w+)\(\n\s*'
    r"(?:char \*\w+, const Tables|const (Net))<(\d+)>"
)
_WAITS = re.compile(r"__sync|__shfl|__any_sync|meet<|comes_last|mma_tf32")
_FUNCTION = re.compile(r"^INLINE void (\w+)\(.*?^\}$", re.DOTALL | re.MULTILINE)
CXX = shutil.which("g++") or shutil.which("clang++") or ""
needs_host = pytest.mark.skipif(not CXX, reason="there is no C++ compiler")


WRONG = {
    1: "threads wait at different barriers",
    2: "some threads never come to a barrier",
    3: "a shuffle with a thread outside of its mask",
    4: "a barrier of some threads that they do not agree on",
    5: "an access to memory at no multiple of its size",
    6: "a product of a warp without all of its threads",
    7: "a race",
}


class SchedulerCompiler(Compiler):
    """A C++ compiler for what runs kernels: machine code that each library of them takes a copy of."""

    @property
    def identity(self) -> str:
        return "\n".join((self.version, *FLAGS, SHIM.read_text("utf-8")))

    def compile(self, source: Path, made: Path) -> None:
        self._run(*FLAGS, "-O1", "-fPIC", "-c", "-x", "c++", "-I", str(SHIM.parent), str(source), "-o", str(made))


class HostCompiler(Compiler):
    """A C++ compiler for kernels behind the shim. It is asked for its version once."""

    @cached_property
    def identity(self) -> str:
        return "\n".join((self.version, *FLAGS, STRICT, *LIBRARIES, SCHEDULER.read_text("utf-8")))

    @cached_property
    def _scheduler(self) -> str:
        text, compiler = SCHEDULER.read_text("utf-8"), SchedulerCompiler(self.command)
        return str(KernelCache(kernels_folder()).library(text, compiler, ".o"))

    def compile(self, source: Path, library: Path) -> None:
        options = (*FLAGS, "-O0", STRICT, "-fPIC", "-shared")
        self._run(*options, self._scheduler, "-x", "c++", str(source), "-o", str(library), *LIBRARIES)


class RaceCompiler(HostCompiler):
    """The same with what finds races between the threads of a block (races.h)."""

    @cached_property
    def identity(self) -> str:
        return super().identity + RACES.read_text("utf-8")

    def compile(self, source: Path, library: Path) -> None:
        found = library.with_suffix(".scheduler.o")
        flags = (*FLAGS, "-fPIC", "-I", str(SHIM.parent), "-x", "c++")
        self._run(*flags, "-O1", "-c", "-DGPUBP_RACES", str(SCHEDULER), "-o", str(found))
        options = ("-O0", "-g", "-fsanitize=thread", "-shared", str(source))
        self._run(*flags, *options, "-x", "none", str(found), "-o", str(library), *LIBRARIES)
        found.unlink()


HOST, RACE = HostCompiler(CXX), RaceCompiler(CXX)


def kernels_folder() -> Path:
    return user_cache_path("gpubp") / "kernels"


def host_text(text: str) -> str:
    """The text of a module as C++, with a function `host_<kernel>` for each of its kernels."""
    heads = list(_HEAD.finditer(text))
    ends = [*(m.start() for m in heads[1:]), len(text)][: len(heads)]
    lines = [SHIM.read_text("utf-8"), text]
    waiting = [m[1] for m in _FUNCTION.finditer(text) if _WAITS.search(m[0])]
    for head, end in zip(heads, ends, strict=True):
        name, tables = head[1], int(head[3])
        body = text[head.start() : end]
        alone = "false" if _WAITS.search(body) or any(f"{name}(" in body for name in waiting) else "true"
        if head[2]:
            lines += [
                f"static void call_{name}() {{ {name}((const Net<{tables}> *)host::tables); }}",
                f'extern "C" int host_{name}(unsigned grid, unsigned nets, unsigned block, int order, void *at) {{',
                "    host::tables = at;",
                f"    return host::run(grid, block, order, {alone}, call_{name}, nets);",
                "}",
            ]
            continue
        kind = "int64_t" if name.endswith("_block") else "char"
        lines += [
            f"static void call_{name}() {{",
            f"    {name}(host::arena, *(const Tables<{tables}> *)host::tables, ({kind} *)host::last);",
            "}",
            f'extern "C" int host_{name}(unsigned grid, unsigned block, int order, char *arena, void *at, void *p) {{',
            "    host::arena = arena, host::tables = at, host::last = p;",
            f"    return host::run(grid, block, order, {alone}, call_{name});",
            "}",
        ]
    return "\n".join(lines)


@cache
def host_library(text: str, races: bool = False) -> ctypes.CDLL:
    """`races`: whether the kernels of the library tell of races between the threads of a block."""
    return ctypes.CDLL(str(KernelCache(kernels_folder()).library(host_text(text), RACE if races else HOST)))


class HostModule:
    """Kernels of a module with its numbers. `order`: the order of the warps, 0 or 1."""

    races = False

    def __init__(self, text: str, numbers: bytes, order: int = 0) -> None:
        self.text, self.numbers, self.order = text, numbers, order
        self.library = host_library(text, self.races)

    def launch(self, work: Launch, arena: Array, tables: Sequence[Array], last: Array) -> None:
        """Run a kernel on arrays; AssertionError where its threads do not meet."""
        at = (ctypes.c_void_p * max(1, len(tables)))(*(table.ctypes.data for table in tables))
        self.run(work, arena.ctypes.data, ctypes.addressof(at), last.ctypes.data)

    def run(self, work: Launch, arena: int, tables: int, last: int) -> None:
        """The same, with the address of those of the tables."""
        function, pointer = self._function(work), ctypes.c_void_p
        wrong = function(work.grid, work.block, self.order, pointer(arena), pointer(tables), pointer(last))
        self._check(work, wrong)

    def run_nets(self, work: Launch, nets: int, at: int) -> None:
        """The same for so many nets, with the address of what they work on."""
        function = self._function(work)
        self._check(work, function(work.grid, nets, work.block, self.order, ctypes.c_void_p(at)))

    def _function(self, work: Launch) -> Any:
        """A kernel, with the constant memory that modules of one text share here as this one has it."""
        if self.numbers:
            held = (ctypes.c_char * len(self.numbers)).in_dll(self.library, "numbers")
            held.raw = self.numbers
        return self.library[f"host_{work.kernel}"]

    def _check(self, work: Launch, wrong: int) -> None:
        assert wrong == 0, f"{work.kernel}: {WRONG[wrong]}{self._race() if wrong == 7 else ''}"

    def _race(self) -> str:
        """What threads did, and in which lines of the text."""
        tell = self.library.host_race
        tell.restype = ctypes.c_char_p
        text = tell().decode()
        lines = host_text(self.text).splitlines()
        for at in re.findall("0x[0-9a-f]+", text):
            command = ("addr2line", "-e", self.library._name, at)
            found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            number = re.search(r":(\d+)", found)
            text = text.replace(at, f"`{lines[int(number[1]) - 1].strip()}`" if number else at)
        return f": {text}"


class RacingModule(HostModule):
    """The same, which also tells of races."""

    races = True


def host_gemm(work: Gemm, a: int, b: int, c: int, bias: int | None) -> None:
    """A product of matrices at three addresses as the library computes it, by NumPy, with a bias at an address. The
    rectifier makes 0 of NaN, which is the worst that the library may do."""

    item = np.dtype(work.dtype).itemsize

    def numbers(start: int, count: int) -> Array:
        return np.frombuffer((ctypes.c_char * (count * item)).from_address(start), work.dtype)

    def view(at: Matrix, start: int, rows: int, columns: int) -> Any:
        strides = (1, at.stride) if at.transposed else (at.stride, 1)
        extent = (work.batch - 1) * at.step + (rows - 1) * strides[0] + (columns - 1) * strides[1] + 1
        flat = numbers(start, extent)
        steps = tuple(s * item for s in (at.step, *strides))
        return np.lib.stride_tricks.as_strided(flat, (work.batch, rows, columns), steps)

    m, n, k = work.m, work.n, work.k
    with np.errstate(all="ignore"):
        found = view(work.a, a, m, k) @ view(work.b, b, k, n)
        if bias is not None:
            found += numbers(bias, n)
        view(work.c, c, m, n)[...] = np.fmax(found, 0) if work.relu else found


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
