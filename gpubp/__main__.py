"""`python -m gpubp`, and the command `gpubp`. Ctrl-C ends them from here on, while modules are still read.

The process then ends by the signal itself, which shells report as 130: only then does a shell leave the loop that it
runs the command in.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType


def stop(number: int, frame: FrameType | None) -> None:
    """End the process at once: there is nothing to tidy up yet, or no more. KeyboardInterrupt would not do: raised
    within an import, it is shown as a traceback, or as an error of the module that was being read."""
    with contextlib.suppress(OSError):  # standard error may be closed
        os.write(2, b"stopped\n")
    if sys.platform != "win32":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(130)


# Where whoever starts the process has it ignore Ctrl-C, as a script does with what it runs beside it, it stays so.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, stop)

from . import cli  # noqa: E402 - reading it takes time


def main() -> int:
    """Run the command line; returns the exit code, unless Ctrl-C has ended it."""
    code = cli.main()
    if code == 128 + signal.SIGINT and sys.platform != "win32":
        sys.excepthook = lambda *_: None  # everything has been said
        raise KeyboardInterrupt  # after which Python tidies up and ends by the signal
    return code


if __name__ == "__main__":
    sys.exit(main())
