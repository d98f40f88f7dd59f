"""Ctrl-C, and SIGTERM, by which batch schedulers end a job: while a net is trained, the first finishes the step and
saves, and the second ends at once. Output that nobody reads, or that finds no room."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import ParamSpec

from ..errors import NO_ROOM

P = ParamSpec("P")
_CONSOLES, _ESCAPES = (-11, -12), 4
"""STD_OUTPUT_HANDLE and STD_ERROR_HANDLE; ENABLE_VIRTUAL_TERMINAL_PROCESSING."""


def open_streams() -> None:
    """Give standard output and error, where the caller closed them (`>&-`), a place that swallows all: no file that is
    opened later takes their numbers. Characters that a stream's encoding lacks are escaped, as standard error does. A
    console of Windows is asked to take escape sequences, as terminals elsewhere do."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
        elif stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    _take_escapes()


def _take_escapes() -> None:
    if sys.platform == "win32":
        import ctypes

        kernel, mode = ctypes.windll.kernel32, ctypes.c_uint32()
        for console in map(kernel.GetStdHandle, _CONSOLES):
            if kernel.GetConsoleMode(console, ctypes.byref(mode)):
                kernel.SetConsoleMode(console, mode.value | _ESCAPES)


def reason_of(error: OSError) -> str:
    """The system's own words, as they stand behind a colon."""
    return (error.strerror or str(error)).lower()


def drop_output() -> None:
    """Let all that is printed to standard output from now on go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside of `with`, Ctrl-C is KeyboardInterrupt, so that what is half written is tidied up; a process that is to
    ignore it goes on ignoring it."""
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Interrupt:
    """Inside of `with`, Ctrl-C and SIGTERM are noted once `training` is set; before that they end the process.

    `code`: what the process is to end with, once it is asked to: 128 and the number of the signal, as shells have it.
    `doing`: what is said to be done until then.
    """

    def __init__(self, doing: str = "finishing the step and saving") -> None:
        self.training, self.code, self.doing = False, 0, doing
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # no other may set a handler
            self._before = {number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def __call__(self) -> bool:
        """Whether the training is to end: what `train` takes as `stopping`."""
        self.training = True
        return self.code != 0

    def heard(self, show: Callable[P, None]) -> Callable[P, None]:
        """`show`, printing to standard output; where that has no reader any more (`| head`) or no room, the training is
        to end as by Ctrl-C, so that nothing is lost."""

        def call(*values: P.args, **named: P.kwargs) -> None:
            try:
                show(*values, **named)
            except OSError as error:
                if not isinstance(error, BrokenPipeError) and error.errno not in NO_ROOM:
                    raise
                drop_output()
                if error.errno in NO_ROOM:
                    print(f"error: cannot write to standard output: {reason_of(error)}", file=sys.stderr)
                self.code = 128 + signal.SIGINT

        return call

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if not self.training:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        if self.code:
            # Nothing is tidied up, and nothing is lost: a file being saved is not yet in its place.
            os._exit(128 + number)
        self.code = 128 + number
        name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        os.write(sys.stderr.fileno(), f"\n{self.doing}; {name} again ends at once\n".encode())
