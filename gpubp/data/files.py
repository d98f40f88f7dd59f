"""Bytes of a data file that the `.net` file names: unpacked within limits, as UTF-8 where it is text."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dsl.diagnostics import DiagnosticError
from dsl.source import Span

from ..errors import reason
from ..memory import free_memory
from ..wording import clipped
from .checks import AGAIN, problem, remedy, suggestion
from .encodings import as_text, guessed, whole_lines

MAX_UNPACKED = 1 << 28
"""Bytes that a packed file of any size may become, 256 MiB."""

MAX_RATIO = 200
"""What is larger than MAX_UNPACKED may be so many times as large as its packed form. Tables stay below 50."""

_GZIP = b"\x1f\x8b"  # what a file that gzip packed begins with
_CHUNK = 1 << 20
_LONGEST = 200
"""Signs of a path that a message shows."""


def read_text(base: Path, name: str, span: Span | None, encoding: str | None = None) -> bytes:
    """The text file `name`, a path that starts in `base`, as UTF-8 without a byte order mark. `encoding`: that of the
    file, None for a reader that takes UTF-8 alone.

    Content that gzip packed is unpacked, whatever the name. Raises DiagnosticError at `span` where the file cannot be
    opened, or is no text in this encoding.
    """
    return as_text(read_bytes(base, name, span), name, span, encoding)


def read_head(base: Path, name: str, span: Span | None, most: int) -> tuple[bytes, str, bool]:
    """What `read_text` gives; or, of a file that has more than `most` bytes, the whole lines among the first ones. The
    encoding, which is guessed, and whether that is all there is. Raises DiagnosticError as `read_text` does."""
    path = find_file(base, name, span)
    with _reading(name, span):
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as file:
            raw = file.read(most + 1)
    complete = len(raw) <= most
    encoding = guessed(raw, complete=complete)
    if not complete:
        with suppress(UnicodeError):  # what is no text is told as such below
            raw = whole_lines(raw, encoding)
    return as_text(raw, name, span, encoding), encoding, complete


def read_bytes(base: Path, name: str, span: Span | None, source: tuple[str, ...] = ()) -> bytes:
    """The content of the file `name`, unpacked where gzip packed it, whatever the name. `source`: how it is
    got, which an error says where it is missing. Raises DiagnosticError."""
    path = find_file(base, name, span, source)
    with _reading(name, span):
        size, free = path.stat().st_size, free_memory()
        if free is not None and size > free:  # a system that promises more than it has ends the process
            help = remedy(span, "`npy(..., stream = true)` reads an array where it is used", "give it in parts")
            message = f"`{name}` has {size:,} bytes, but only {free:,} bytes of memory are free"
            raise problem("E0425", message, span, help=help)
        raw = path.read_bytes()
        if not raw.startswith(_GZIP):
            return raw
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as unpacked:
            return read_within(unpacked, len(raw), name, span)


def start_of(base: Path, name: str, span: Span | None) -> bytes:
    """The first 8 bytes of a file, unpacked where gzip packed it; what is damaged is told when it is read. Raises
    DiagnosticError where it cannot be opened."""
    with _reading(name, span), find_file(base, name, span).open("rb") as file:
        start = file.read(8)
        if start.startswith(_GZIP):
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as packed, suppress(EOFError, zlib.error, gzip.BadGzipFile):
                return packed.read(8)
        return start


def find_file(base: Path, name: str, span: Span | None, source: tuple[str, ...] = ()) -> Path:
    """The path of a regular file that is there; it starts in `base`. Raises DiagnosticError (E0412), whose help is
    the `source` of a file that is missing."""
    if not name.strip() or "\0" in name:
        raise problem("E0412", f"`{clipped(name)}` is no path of a file", span)
    path = base / name
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        there = remedy(span, "of the `.net` file", "that you are in")
        help = source or _nearby(base, name, there)
        raise problem("E0412", f"`{name}` does not exist", span, help=help) from None
    except OSError as error:
        raise unreadable(name, span, error) from None
    if stat.S_ISDIR(mode):
        raise problem("E0412", f"`{name}` is a directory, not a file", span)
    if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
        raise problem("E0412", f"`{name}` is not a regular file", span)
    return path


@contextmanager
def _reading(name: str, span: Span | None) -> Iterator[None]:
    """What goes wrong inside, where a file is read or unpacked, as DiagnosticError."""
    try:
        yield
    except EOFError:
        raise problem("E0413", f"`{name}` is cut short: its gzip data ends too early", span, help=AGAIN) from None
    except (gzip.BadGzipFile, zlib.error):
        raise problem("E0413", f"`{name}` is damaged: its gzip data cannot be unpacked", span) from None
    except OSError as error:
        raise unreadable(name, span, error) from None


def unreadable(name: str, span: Span | None, error: OSError) -> DiagnosticError:
    """What to say where the system refuses to read a file."""
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST // 2]}...{name[-_LONGEST // 2 :]}"
    if isinstance(error, PermissionError):
        return problem("E0412", f"`{name}` may not be read: permission denied", span)
    return problem("E0412", f"`{name}` cannot be read: {reason(error)}", span)


def _nearby(base: Path, name: str, start: str) -> str:
    """A file that is there and spelt alike, or that paths start in the folder `start`."""
    if "\\" in name and (base / name.replace("\\", "/")).is_file():
        return f'paths are written with `/`: "{name.replace(chr(92), "/")}"'
    if "://" in name:
        return "data is read from files: download it first"
    folder, _, last = name.rpartition("/")
    try:
        files = sorted(name for name in os.listdir(base / folder) if os.path.isfile(base / folder / name))
    except OSError:
        files = []
    prefix = f"{folder}/" if folder else ""
    otherwise = f"paths start in the folder {start}"
    # A model is never meant where data is.
    stems = {file.partition(".")[0]: file for file in reversed(files) if not file.endswith(".net")}
    found = suggestion(last, files) and suggestion(last.partition(".")[0], stems)
    near = stems.get(found.partition("`")[2].partition("`")[0], "")
    if not near and folder and (base / last).is_file():
        prefix, near = "", last
    return f"did you mean `{prefix}{near}`?" if near else otherwise


def read_within(file: IO[bytes] | gzip.GzipFile, size: int, name: str, span: Span | None) -> bytes:
    """All of a file that unpacks `size` bytes, as long as it stays within the limits. Raises DiagnosticError."""
    chunks: list[bytes] = []
    total = 0
    while chunk := file.read(_CHUNK):
        total += len(chunk)
        check_growth(total, size, name, span)
        chunks.append(chunk)
    return b"".join(chunks)


def check_growth(unpacked: int, size: int, name: str, span: Span | None) -> None:
    """Raises DiagnosticError where so many bytes are more than a file of `size` may become."""
    most = max(MAX_UNPACKED, MAX_RATIO * size)
    if unpacked > most:
        message = f"`{name}` has {size:,} bytes and unpacks to more than {most:,}"
        raise problem("E0413", message, span, help="unpack it yourself, if that is what it should hold")
