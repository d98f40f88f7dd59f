"""The machine's C compiler."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from dsl.records import dataclass

NATIVE = "-march=native"
"""All instructions of this machine's processor. Not supported on ARM by clang before 16, nor by a GCC older than the
processor."""
WIDE = "-mprefer-vector-width=512"
"""Kernels compute with vectors of 64 bytes, whatever the processor has. GCC prefers 32 bytes on Intel's with AVX-512
and 16 on AMD's first Zen, and where it divides vectors for that, their parts go through memory: compiled for these by
GCC 12, steps of dense nets took 2.6 times as long on a Zen 4, and 8 to 20 times. GCC before 8 does not know it."""
MACHINE = (NATIVE, WIDE) if platform.machine() in ("x86_64", "AMD64") else (NATIVE,)
"""What a compiler may not know."""
FLAGS = (
    "-std=c11",
    *MACHINE,
    # No contraction: as in NumPy, a product and a sum are rounded separately, unless the source calls fma.
    "-ffp-contract=off",
    # errno and floating-point exception flags, which nobody reads, would prevent vectorisation. These flags change
    # neither NaN and inf nor the order of sums.
    "-fno-math-errno",
    "-fno-trapping-math",
    # One arena holds values of all types; integers wrap as in NumPy.
    "-fno-strict-aliasing",
    "-fwrapv",
    "-w",
    "-fPIC",
    "-shared",
    "-pthread",
)
LEVEL = ("-O3",)
"""The optimisation level."""
GCC_LEVEL = ("-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-funswitch-loops", "-fpeel-loops")
"""The level for GCC: the parts of its -O3 that these loops gain from. It compiles in three quarters of the time of -O3,
and steps are no slower (measured with GCC 12: 0.83 to 0.99 of the time). No level changes a bit of a result."""
SECONDS = 120
"""Timeout of a compiler."""


SUPPORTED = sys.platform != "win32"
"""Whether kernels are compiled on this system: GCC for Windows does not align the stack for vectors of 32 bytes
(GCC bug 54412), and that ends the process."""

_VERSIONS: dict[tuple[str, tuple[str, ...], int], str] = {}


class NativeError(Exception):
    """Kernels cannot be compiled or loaded; the message gives the reason in a few words."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler: the path of its command, and `options` that come with it, of which an optimisation level (`-O1`), a
    processor (`-march=haswell`) and a preferred width of vectors replace the usual ones."""

    command: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people: `gcc`."""
        return Path(self.command).name

    @cached_property
    def version(self) -> str:
        """The first line of its `--version`. Raises NativeError."""
        return (self._version_text.splitlines() or [""])[0]

    @cached_property
    def _version_text(self) -> str:
        """Its `--version`, cached in this process until another compiler is installed."""
        try:
            changed = os.stat(self.command).st_mtime_ns
        except OSError:
            changed = 0
        key = (self.command, self.options, changed)
        if key not in _VERSIONS:
            _VERSIONS[key] = self._run("--version")
        return _VERSIONS[key]

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags for a shared library, in addition to `options`. Raises NativeError."""
        given = {option.partition("=")[0] for option in self.options}
        flags = tuple(flag for flag in FLAGS if flag not in MACHINE or flag.partition("=")[0] not in given)
        if any(option.startswith("-O") for option in self.options):
            return flags
        return (*flags, *(GCC_LEVEL if "Free Software Foundation" in self._version_text else LEVEL))

    @cached_property
    def identity(self) -> str:
        """Everything its code depends on: its version, its flags, and the instructions of this processor."""
        return "\n".join((self.version, *self.options, *self.flags, platform.machine(), processor()))

    def compile(self, source: Path, library: Path) -> None:
        """Compile a shared library. Raises NativeError."""
        flags = self.flags
        while True:
            try:
                self._run(*flags, str(source), "-o", str(library), "-lm")
                return
            except NativeError as error:
                known = tuple(f for f in flags if f not in MACHINE or f.partition("=")[0] not in str(error))
                if known == flags:
                    raise
                flags = known

    def _run(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                (self.command, *self.options, *arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
                process_group=0,  # Ctrl-C in a terminal must not kill the compiler: training finishes its step first
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NativeError(f"the C compiler `{self.command}` cannot be run: {_first_line(error)}") from None
        if done.returncode:
            raise NativeError(f"the C compiler `{self.command}` failed: {_first_line(done.stderr)}")
        return done.stdout


def find_compiler(command: str = "") -> Compiler | None:
    """The compiler `command` (with options, split as by a shell), or if that is empty the first of cc, gcc and clang
    found; None if there is none, or if the system is not SUPPORTED."""
    if not SUPPORTED:
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for name in words[:1] or ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path is not None:
            return Compiler(path, tuple(words[1:]))
    return None


def processor() -> str:
    """The model and instruction sets of this machine's processor, as far as the system reports them."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    keys = ("model name", "flags", "CPU part", "Features")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(keys)))


def _first_line(error: object) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "it gives no reason")
