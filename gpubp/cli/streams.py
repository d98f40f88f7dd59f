"""Standard output and standard error, which may be closed, full, without a reader, or of a poor encoding."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

_CONSOLES, _ESCAPES = (-11, -12), 4
"""STD_OUTPUT_HANDLE and STD_ERROR_HANDLE; ENABLE_VIRTUAL_TERMINAL_PROCESSING."""


def open_streams() -> None:
    """Connect closed streams (`>&-`) to the null device, so that no file that is opened later takes their numbers.
    Characters that a stream's encoding lacks are escaped (`surrogateescape`, which Python takes for the locale C, lets
    only bytes of file names through). A console of Windows is asked to take escape sequences, as
    terminals elsewhere do."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")
        elif stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    if sys.platform == "win32":
        import ctypes

        kernel, mode = ctypes.windll.kernel32, ctypes.c_uint32()
        for console in map(kernel.GetStdHandle, _CONSOLES):
            if kernel.GetConsoleMode(console, ctypes.byref(mode)):
                kernel.SetConsoleMode(console, mode.value | _ESCAPES)


def discard(stream: TextIO) -> None:
    """Discard what is still in a stream's buffer, and all that is written to it from now on."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def print_error(text: str) -> None:
    """Print to standard error. If nobody reads it (`2>&1 | head`) or the disk is full, the text is lost, and nothing
    else."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)
