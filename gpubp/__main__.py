"""`python -m gpubp`, and the command `gpubp`. Ctrl-C ends them with 130 from here on, while modules are still read."""

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
    os._exit(130)


# Where whoever starts the process has it ignore Ctrl-C, as a script does with what it runs beside it, it stays so.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, stop)

from .cli import main  # noqa: E402 - reading it takes time

if __name__ == "__main__":
    sys.exit(main())
