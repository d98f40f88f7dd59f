"""Compiled kernels on disk, in a folder that belongs to this user alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from .compiler import NativeError

SUFFIX = ".so"
MOST = 512 << 20
"""Bytes that all kernels may take: those of some thousand programs."""
KEPT = 3 / 4
"""How much of that is left where they take more."""
STALE = 3600.0
"""Seconds after which what a compiler has left behind belongs to none that still runs."""
_PLACE = ".compiling-"


class Compiles(Protocol):
    """What makes machine code of a text."""

    @property
    def identity(self) -> str:
        """All that its code depends on beside the text. Raises NativeError."""

    def compile(self, source: Path, made: Path) -> None:
        """Make the file `made`. Raises NativeError."""


class CacheError(NativeError):
    """Compiled kernels cannot be kept."""


class KernelCache:
    """A folder of machine code. A file's name is the key (source, compiler, flags, processor) and the digest of its
    content: a damaged one is compiled anew. Where all take more than MOST bytes, those go that were not used for
    longest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def library(self, text: str, compiler: Compiles, suffix: str = SUFFIX) -> Path:
        """The library of a text, compiled if it is not there. Raises NativeError, CacheError where it
        cannot be kept."""
        key = _digest("\0".join((text, compiler.identity)).encode())
        self._require_private()
        for path in self._found(key, suffix):
            return path
        try:
            with tempfile.TemporaryDirectory(prefix=_PLACE, dir=self.folder) as place:
                source, made = Path(place) / "kernels.c", Path(place) / f"kernels{suffix}"
                source.write_text(text, "utf-8")
                compiler.compile(source, made)
                target = self.folder / f"{key}-{_digest(made.read_bytes())}{suffix}"
                made.chmod(0o700)
                # Whole or not at all: another process may do the same at this moment.
                made.replace(target)
            self._make_room()
        except OSError as error:
            raise CacheError(f"cannot write to `{self.folder}`: {_reason(error)}") from None
        return target

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until no other process or thread is in here, on file systems that have locks. Raises CacheError."""
        self._require_private()
        import fcntl  # only where `_require_private` finds users

        try:
            folder = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise CacheError(f"cannot read `{self.folder}`: {_reason(error)}") from None
        try:
            with suppress(OSError):
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _found(self, key: str, suffix: str) -> Iterator[Path]:
        try:
            names = [name for name in os.listdir(self.folder) if name.startswith(f"{key}-") and name.endswith(suffix)]
            for path in map(self.folder.joinpath, sorted(names)):
                about = path.lstat()
                private = stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022
                if private and path.name == f"{key}-{_digest(path.read_bytes())}{suffix}":
                    with suppress(OSError):  # on a disk that cannot be written to, nothing is removed either
                        os.utime(path, ns=(time.time_ns(), about.st_mtime_ns))
                    yield path
                elif private:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise CacheError(f"cannot read `{self.folder}`: {_reason(error)}") from None

    def _make_room(self) -> None:
        """Other processes may do the same at this moment."""
        used, found = 0, []
        for entry in [*os.scandir(self.folder)]:
            with suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                if not entry.name.startswith(_PLACE):
                    used += about.st_size
                    found.append((about.st_atime, about.st_size, entry.path))
                elif about.st_mtime < time.time() - STALE:
                    shutil.rmtree(entry.path, ignore_errors=True)
        if used <= MOST:
            return
        for _, size, path in sorted(found):
            if used <= MOST * KEPT:
                break
            Path(path).unlink(missing_ok=True)
            used -= size

    def _require_private(self) -> None:
        """Make the folder if it is not there. Raises CacheError where others could have put something into it."""
        if not hasattr(os, "getuid"):
            raise CacheError("compiled kernels need a system with users and permissions, such as Linux or macOS")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = self.folder.lstat()
        except OSError as error:
            raise CacheError(f"cannot make `{self.folder}`: {_reason(error)}") from None
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
            raise CacheError(f"`{self.folder}` is no folder that belongs to this user alone (mode 0700)")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
