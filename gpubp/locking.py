"""Locks on folders, against other processes."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

LOCK_FILE = ".lock"
"""On Windows, which cannot open a folder: the file in it that is locked instead."""
POLL = 0.1
"""Seconds between two attempts on Windows, where nothing waits for a lock."""


class FolderLock:
    """An exclusive lock on an existing folder, which ends with its process. Other code of this process is locked out
    too. On a file system without locks nobody is."""

    def __init__(self, folder: Path, *, wait: bool = False) -> None:
        """Raises BlockingIOError if it is locked already and we do not `wait`, OSError if it cannot be opened."""
        self._folder = folder
        self._file: int | None = os.open(*_lockable(folder))
        try:
            _acquire(self._file, wait)
        except BlockingIOError:
            self._close()
            raise
        except OSError:
            pass

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Unlock the folder; a second time does nothing."""
        if self._file is not None:
            self._close()
            if sys.platform == "win32":
                with suppress(OSError):  # somebody else has opened it
                    (self._folder / LOCK_FILE).unlink()

    def _close(self) -> None:
        assert self._file is not None
        os.close(self._file)
        self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lockable(folder: Path) -> tuple[Path, int]:
        return folder / LOCK_FILE, os.O_RDWR | os.O_CREAT

    def _acquire(file: int, wait: bool) -> None:
        while True:
            try:
                return msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    raise BlockingIOError from None
            time.sleep(POLL)

else:
    import fcntl

    def _lockable(folder: Path) -> tuple[Path, int]:
        return folder, os.O_RDONLY

    def _acquire(file: int, wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
