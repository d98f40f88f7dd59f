"""A cache of compiled kernels on disk, in a private folder of the user."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ...errors import reason
from ...locking import FolderLock
from .compiler import NativeError

SUFFIX = ".so"
MOST = 32 << 20
"""Maximum size in bytes of each of the sixteen sets of the cache: in all of them several thousand programs."""
KEPT = 3 / 4
"""The fraction of it that is kept when it is exceeded."""
CACHE_HELP = "XDG_CACHE_HOME names another folder for it"
STALE = 3600.0
"""Seconds after which a temporary folder cannot belong to a running compiler any more."""
_PLACE = ".compiling-"


class Compiles(Protocol):
    """A compiler from source to machine code."""

    @property
    def identity(self) -> str:
        """Everything but the source that its code depends on. Raises NativeError."""

    def compile(self, source: Path, output: Path) -> None:
        """Compile `source` to the file `output`. Raises NativeError."""


class CacheError(NativeError):
    """Compiled kernels cannot be cached."""


class KernelCache:
    """A folder of machine code. A file's name is its key (source, compiler, flags, processor) and the digest of its
    content, so that damaged files are detected and compiled again. Keys that begin with one digit are a set in a folder
    of its own, for to list thousands of files takes longer than to load one; the least recently used of a set are
    evicted beyond MOST bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def library(self, text: str, compiler: Compiles, suffix: str = SUFFIX) -> Path:
        """The library for a source, compiled if it is not cached. Raises NativeError, or CacheError if it cannot be
        stored."""
        key = _digest("\0".join((text, compiler.identity)).encode())
        self._require_private()
        files = self.folder / key[0]
        for path in self._cached(files, key, suffix):
            return path
        try:
            files.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=_PLACE, dir=files) as place:
                source, output = Path(place) / "kernels.c", Path(place) / f"kernels{suffix}"
                source.write_text(text, "utf-8")
                compiler.compile(source, output)
                target = files / f"{key}-{_digest(output.read_bytes())}{suffix}"
                output.chmod(0o700)
                # Atomic: another process may do the same at this moment.
                output.replace(target)
            _evict(files)
        except OSError as error:
            raise CacheError(f"cannot write to `{self.folder}`: {reason(error)}") from None
        return target

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold an exclusive lock on the folder, if its file system supports that. Raises CacheError."""
        self._require_private()
        try:
            lock = FolderLock(self.folder, wait=True)
        except OSError as error:
            raise CacheError(f"cannot read `{self.folder}`: {reason(error)}") from None
        with lock:
            yield

    def _cached(self, files: Path, key: str, suffix: str) -> Iterator[Path]:
        try:
            names = [name for name in os.listdir(files) if name.startswith(f"{key}-") and name.endswith(suffix)]
            for path in map(files.joinpath, sorted(names)):
                about = path.lstat()
                private = stat.S_ISREG(about.st_mode) and _is_own(about, 0o022)
                if private and path.name == f"{key}-{_digest(path.read_bytes())}{suffix}":
                    with suppress(OSError):  # on a read-only disk nothing is evicted either
                        os.utime(path, ns=(time.time_ns(), about.st_mtime_ns))
                    yield path
                elif private:
                    path.unlink(missing_ok=True)
        except FileNotFoundError:  # the first of its set, or evicted by another process at this moment
            return
        except OSError as error:
            raise CacheError(f"cannot read `{self.folder}`: {reason(error)}") from None

    def _require_private(self) -> None:
        """Create the folder if necessary. Raises CacheError if other users could have put files into it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = self.folder.lstat()
        except OSError as error:
            raise CacheError(f"cannot make `{self.folder}`: {reason(error)}") from None
        if not stat.S_ISDIR(about.st_mode) or not _is_own(about, 0o077):
            raise CacheError(f"`{self.folder}` is not a folder that belongs to this user alone (mode 0700)")


def _evict(files: Path) -> None:
    """Evict those files of a set that were not used for longest; other processes may do the same at this moment."""
    used, found = 0, []
    for entry in [*os.scandir(files)]:
        with suppress(FileNotFoundError):
            about = entry.stat(follow_symlinks=False)
            if not entry.name.startswith(_PLACE):
                used += about.st_size
                found.append((about.st_atime, about.st_size, entry.path))
            elif about.st_mtime < time.time() - STALE:
                shutil.rmtree(entry.path, ignore_errors=True)
    if used <= MOST:
        return
    for _, size, path in sorted(found)[:-1]:  # whatever its size, the last is needed now
        if used <= MOST * KEPT:
            break
        Path(path).unlink(missing_ok=True)
        used -= size


def _is_own(about: os.stat_result, others: int) -> bool:
    """Whether a file belongs to this user and gives nobody else the permissions `others`. On Windows, whose modes do
    not say so, the folders of a user's profile are private."""
    return sys.platform == "win32" or (about.st_uid == os.getuid() and not about.st_mode & others)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
