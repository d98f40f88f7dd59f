"""Bytes of a data file that the `.net` file names, unpacked and known to be UTF-8 text."""

from __future__ import annotations

import codecs
import gzip
import os
import stat
import zlib
from pathlib import Path

from dsl.source import Span

from .checks import clipped, problem, suggestion


def read_text(base: Path, name: str, span: Span) -> bytes:
    """The bytes of the text file `name`, a path that starts in `base`, without a byte order mark.

    Content that gzip packed is unpacked, whatever the name. Raises DiagnosticError at `span` where the file cannot be
    opened, or is no UTF-8 text.
    """
    raw = _unpacked(_bytes(base, name, span), name, span)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise problem("E0413", f"`{name}` is UTF-16 text, not UTF-8", span, help="save it again as UTF-8")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    zero = raw.find(b"\0")
    if zero >= 0:
        raise problem("E0413", f"`{name}` is no text: line {_line(raw, zero)} holds a zero byte", span)
    try:
        if not raw.isascii():
            raw.decode()
    except UnicodeDecodeError as error:
        place = f"line {_line(raw, error.start)} holds the byte 0x{raw[error.start]:02x}"
        raise problem("E0413", f"`{name}` is not UTF-8 text: {place}", span, help="save it again as UTF-8") from None
    return raw


def _line(raw: bytes, offset: int) -> int:
    return raw.count(b"\n", 0, offset) + 1


def _bytes(base: Path, name: str, span: Span) -> bytes:
    if not name.strip() or "\0" in name:
        raise problem("E0412", f"`{clipped(name)}` is no path of a file", span)
    path = base / name
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise problem("E0412", f"`{name}` is a directory, not a file", span)
        if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
            raise problem("E0412", f"`{name}` is not a regular file", span)
        return path.read_bytes()
    except FileNotFoundError:
        raise problem("E0412", f"`{name}` does not exist", span, help=_nearby(base, name)) from None
    except PermissionError:
        raise problem("E0412", f"`{name}` may not be read: permission denied", span) from None
    except OSError as error:
        raise problem("E0412", f"`{name}` cannot be read: {(error.strerror or str(error)).lower()}", span) from None


def _nearby(base: Path, name: str) -> str:
    """A file that is there and spelt alike, or where the path starts."""
    if "\\" in name and (base / name.replace("\\", "/")).is_file():
        return f'paths are written with `/`: "{name.replace(chr(92), "/")}"'
    folder, _, last = name.rpartition("/")
    try:
        files = sorted(entry.name for entry in os.scandir(base / folder) if entry.is_file())
    except OSError:
        files = []
    prefix = f"{folder}/" if folder else ""
    otherwise = "paths start in the folder of the `.net` file"
    found = suggestion(last, files)
    return found.replace("`", f"`{prefix}", 1) if found else otherwise


def _unpacked(raw: bytes, name: str, span: Span) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except EOFError:
        raise problem("E0413", f"`{name}` is cut short: its gzip data ends too early", span) from None
    except (gzip.BadGzipFile, zlib.error):
        raise problem("E0413", f"`{name}` is damaged: its gzip data cannot be unpacked", span) from None
