"""The command line: one short file per verb. Exit codes: 0 well, 1 the work failed, 2 the input is wrong, 130 Ctrl-C,
143 SIGTERM."""

from .main import main

__all__ = ["main"]
