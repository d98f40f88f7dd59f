"""One line at the bottom of a terminal, rewritten in place: how far a training is, how fast, and how long it takes."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from ..training import Progress

_EVERY = 0.1
"""Seconds between two pictures: faster is flicker."""
_BAR = 20
_ERASE = "\x1b[K"


class Live:
    """Shows progress on a terminal; elsewhere it shows nothing."""

    def __init__(self, stream: TextIO, *, wanted: bool) -> None:
        self.stream, self.on = stream, wanted and stream.isatty()
        self._next = self._rate = 0.0
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        """Take notice of a progress, and show it if it is time."""
        # The rate of a single piece jumps about; the time left should not.
        self._rate = progress.rate if self._rate == 0 else 0.8 * self._rate + 0.2 * progress.rate
        now = time.monotonic()
        if not self.on or now < self._next:
            return
        self._next = now + _EVERY
        # One write: the terminal never shows half a line. The last column stays free, or some terminals wrap.
        line = text(progress, self._rate)[: shutil.get_terminal_size().columns - 1]
        self.stream.write(f"\r{line}{_ERASE}")
        self.stream.flush()
        self._shown = True

    def clear(self) -> None:
        """Take the line away, so that others can be printed."""
        if self._shown:
            self.stream.write(f"\r{_ERASE}")
            self.stream.flush()
            self._shown, self._next = False, 0.0


def text(progress: Progress, rate: float) -> str:
    """The line: `epoch  3/20  [====>     ]  1,204 steps/s  loss 0.1234  0:41 left`."""
    done = int(_BAR * progress.step / progress.total)
    bar = "=" * done + ">" * (done < _BAR) + " " * (_BAR - done - 1)
    left = clock((progress.total - progress.step) / rate)
    epoch = f"{progress.epoch:>{len(str(progress.epochs))}}/{progress.epochs}"
    speed = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
    return f"epoch {epoch}  [{bar}]  {speed} steps/s  loss {progress.loss:.4g}  {left} left"


def clock(seconds: float) -> str:
    """`0:41`, `12:05`, `3:07:00`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
