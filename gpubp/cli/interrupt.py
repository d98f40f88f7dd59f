"""Ctrl-C, and SIGTERM, by which batch schedulers end a job: while a net is trained, the first finishes the step and
saves, and the second ends at once. A terminal that is closed, output that nobody reads, a full disk and the other
signals by which schedulers warn a job do what the first does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import ParamSpec

from ..errors import NO_ROOM, reason
from .streams import discard, print_error

P = ParamSpec("P")

WARNINGS = [getattr(signal, name) for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU") if hasattr(signal, name)]
"""Signals that come before an end, any number of times: of a terminal that is closed; of Grid Engine and LSF, and of
Slurm where it is told so; and each second from the limit of CPU time on."""


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
    """Inside of `with`, Ctrl-C, SIGTERM and those of `WARNINGS` are noted once `training` is set; before that they end
    the process.

    `code`: what the process is to end with, once it is asked to: 128 and the number of the signal, as shells have it.
    `doing`: what is said to be done until then.
    """

    def __init__(self, doing: str = "finishing the step and saving") -> None:
        self.training, self.code, self.doing = False, 0, doing
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # no other may set a handler
            # `nohup` has the process ignore SIGHUP.
            heard = [number for number in WARNINGS if signal.getsignal(number) == signal.SIG_DFL]
            numbers = [signal.SIGINT, signal.SIGTERM, *heard]
            self._before = {number: signal.signal(number, self._asked) for number in numbers}
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

    def guarded(self, show: Callable[P, None]) -> Callable[P, None]:
        """`show`, which prints to standard output: if nobody reads that any more (`| head`) or the disk is full, the
        training ends as by Ctrl-C, and nothing is lost."""

        def call(*values: P.args, **named: P.kwargs) -> None:
            try:
                show(*values, **named)
            except OSError as error:
                if not isinstance(error, BrokenPipeError) and error.errno not in NO_ROOM:
                    raise
                discard(sys.stdout)
                if error.errno in NO_ROOM:
                    print_error(f"error: cannot write to standard output: {reason(error)}")
                self.code = self.code or 128 + signal.SIGINT

        return call

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if not self.training:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        if number in WARNINGS:
            if not self.code:
                self.code = 128 + number
                self._say(f"{signal.Signals(number).name}: {self.doing}")
            return
        if self.code:
            # Nothing is tidied up, and nothing is lost: a file being saved is not yet in its place.
            if number == signal.SIGINT and sys.platform != "win32":
                signal.signal(number, signal.SIG_DFL)  # a shell leaves its loop only if the signal ends the process
                os.kill(os.getpid(), number)
            os._exit(128 + number)
        self.code = 128 + number
        name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        self._say(f"{self.doing}; {name} again ends at once")

    def _say(self, what: str) -> None:
        with suppress(OSError):  # Ctrl-C also ends what reads the output: `2>&1 | tee log`
            os.write(sys.stderr.fileno(), f"\n{what}\n".encode())
