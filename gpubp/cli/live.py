"""One line at the bottom of a terminal, rewritten in place: how far a training is, how fast, and how long it takes."""

from __future__ import annotations

import logging
import shutil
import time
from types import TracebackType
from typing import TextIO

from ..training import Progress

_EVERY = 0.1
"""Seconds between two pictures: faster is flicker."""
_BAR = 20
_ERASE = "\x1b[K"


class Live:
    """Shows progress on a terminal; elsewhere it shows nothing. `head`: what is trained, if there are several. Within
    `with` it also shows what takes long before the first step, as the logger `gpubp` tells it, and takes the line away
    at the end."""

    def __init__(self, stream: TextIO, *, wanted: bool) -> None:
        self.stream, self.on = stream, wanted and stream.isatty()
        self.head = ""
        self._next = self._rate = 0.0
        self._shown = False
        self._heard = _Heard(self)

    def __enter__(self) -> None:
        if self.on:
            self._heard.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heard.end()
        self.clear()

    def __call__(self, progress: Progress) -> None:
        """Take notice of a progress, and show it if it is time."""
        # The rate of a single piece jumps about; the time left should not.
        self._rate = progress.rate if self._rate == 0 else 0.8 * self._rate + 0.2 * progress.rate
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        self.show(text(progress, self._rate, self.head))

    def show(self, line: str) -> None:
        """Write the line."""
        if not self.on:
            return
        # One write: the terminal never shows half a line. The last column stays free, or some terminals wrap.
        self.stream.write(f"\r{line[: shutil.get_terminal_size().columns - 1]}{_ERASE}")
        self.stream.flush()
        self._shown = True

    def begin(self, head: str) -> None:
        """From now on it is about another training."""
        self.head, self._rate = head, 0.0

    def clear(self) -> None:
        """Take the line away, so that others can be printed."""
        if self._shown:
            self.stream.write(f"\r{_ERASE}")
            self.stream.flush()
            self._shown, self._next = False, 0.0


class _Heard(logging.Handler):
    """Shows what the logger `gpubp` tells on a line; warnings are printed as they are without it."""

    def __init__(self, live: Live) -> None:
        super().__init__(logging.INFO)
        self._live, self._logger = live, logging.getLogger("gpubp")

    def begin(self) -> None:
        self._before = self._logger.level
        self._logger.addHandler(self)
        self._logger.setLevel(logging.INFO)

    def end(self) -> None:
        if self in self._logger.handlers:
            self._logger.removeHandler(self)
            self._logger.setLevel(self._before)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            self._live.show(record.getMessage())
        elif logging.lastResort is not None:
            self._live.clear()
            logging.lastResort.handle(record)


def text(progress: Progress, rate: float, head: str = "") -> str:
    """The line: `epoch  3/20  [====>     ]  1,204 steps/s  loss 0.1234  0:41 left`; a head takes its room from the
    bar."""
    head = f"{head}  " if head else ""
    width = max(1, _BAR - len(head))
    done = int(width * progress.step / progress.total)
    bar = "=" * done + ">" * (done < width) + " " * (width - done - 1)
    left = clock((progress.total - progress.step) / rate)
    epoch = f"{progress.epoch:>{len(str(progress.epochs))}}/{progress.epochs}"
    speed = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
    return f"{head}epoch {epoch}  [{bar}]  {speed} steps/s  loss {progress.loss:.4g}  {left} left"


def clock(seconds: float) -> str:
    """`0:41`, `12:05`, `3:07:00`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
