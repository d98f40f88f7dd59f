"""The machine's C compiler."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

from dsl.records import dataclass

NATIVE = "-march=native"
"""All instructions of this machine's processor, by a name that clang before 16 does not know on ARM, nor GCC on an ARM
processor newer than itself."""
FLAGS = (
    "-std=c11",
    NATIVE,
    # A product and a sum are rounded apart, as NumPy rounds them, unless the text asks for one rounding.
    "-ffp-contract=off",
    # errno and the flags of the floating-point unit, which nobody reads, are what keeps loops from being vectorised;
    # NaN, inf and the order of sums stay as they are written.
    "-fno-math-errno",
    "-fno-trapping-math",
    # One arena holds values of all types; whole numbers wrap as NumPy's do.
    "-fno-strict-aliasing",
    "-fwrapv",
    "-w",
    "-fPIC",
    "-shared",
    "-pthread",
)
LEVEL = ("-O3",)
"""The level of optimisation."""
GCC_LEVEL = ("-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-funswitch-loops", "-fpeel-loops")
"""That of GCC: what of its -O3 these loops gain by. It compiles them in three quarters of the time of -O3, and steps
are no slower (measured with GCC 12: 0.83 to 0.99 of the time); no level changes a bit."""
SECONDS = 120
"""Longest time that a compiler may take."""


_VERSIONS: dict[tuple[str, tuple[str, ...], int], str] = {}


class NativeError(Exception):
    """Kernels cannot be compiled or loaded; the text says why, in a few words."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler by the path of its command; `options` come with it: a level of optimisation among them (`-O1`)
    holds in place of the usual one."""

    command: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people: `gcc`."""
        return Path(self.command).name

    @cached_property
    def version(self) -> str:
        """The first line of what it says of itself. Raises NativeError."""
        return (self._told.splitlines() or [""])[0]

    @cached_property
    def _told(self) -> str:
        """What it says of itself: the same for all executors of a process, unless another one was installed."""
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
        """What a shared library is compiled with, beside the options that come with the command. Raises NativeError."""
        if any(option.startswith("-O") for option in self.options):
            return FLAGS
        return (*FLAGS, *(GCC_LEVEL if "Free Software Foundation" in self._told else LEVEL))

    @cached_property
    def identity(self) -> str:
        """What its code depends on: its version, its flags, and the instructions that this processor has."""
        return "\n".join((self.version, *self.options, *self.flags, platform.machine(), processor()))

    def compile(self, source: Path, library: Path) -> None:
        """Make a shared library. Raises NativeError."""
        rest = str(source), "-o", str(library), "-lm"
        try:
            self._run(*self.flags, *rest)
        except NativeError as error:
            if "-march" not in str(error) or "native" not in str(error):
                raise
            self._run(*(flag for flag in self.flags if flag != NATIVE), *rest)

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
                process_group=0,  # Ctrl-C in a terminal ends the training when its step is done, not the compiler
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NativeError(f"the C compiler `{self.command}` cannot be run: {_first_line(error)}") from None
        if done.returncode:
            raise NativeError(f"the C compiler `{self.command}` failed: {_first_line(done.stderr)}")
        return done.stdout


def find_compiler(command: str = "") -> Compiler | None:
    """The compiler `command` (words as a shell divides them), or where that is empty the first of cc, gcc and clang;
    None where it is not there."""
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
    """The instructions of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    told = ("model name", "flags", "CPU part", "Features")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(told)))


def _first_line(error: object) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "it gives no reason")
