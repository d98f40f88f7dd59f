"""Bytes to text: what every `.net` file passes first."""

from __future__ import annotations

import codecs
from pathlib import Path

from .diagnostics import Diagnostic, DiagnosticError
from .limits import LARGEST_TEXT
from .source import Source

MOST_BYTES = LARGEST_TEXT + 1
"""One more byte than is taken: what is too long is refused, and not read to its end."""


def read(name: str) -> Source:
    """A file's text. Raises DiagnosticError for one that cannot be opened or holds no text."""
    try:
        text = read_text(Path(name))
    except OSError as error:
        reason = "is a directory" if isinstance(error, IsADirectoryError) else error.strerror or str(error)
        raise DiagnosticError(Diagnostic("E0401", f"cannot read `{name}`: {reason[:1].lower()}{reason[1:]}")) from None
    except UnicodeDecodeError as error:
        raise DiagnosticError(Diagnostic("E0101", f"`{name}` is not text: byte {error.start:,} is not UTF-8")) from None
    except ValueError as error:  # a zero byte in the name
        raise DiagnosticError(Diagnostic("E0401", f"cannot read `{name!r}`: {error}")) from None
    return Source(name, text)


def read_text(path: Path) -> str:
    """A file's text. Raises OSError, also for a device or pipe, which might never end, and UnicodeDecodeError."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(None, "not a regular file")
    with path.open("rb") as file:
        return decode(file.read(MOST_BYTES))


def decode(raw: bytes) -> str:
    """At most `MOST_BYTES` bytes as text. Raises OSError and UnicodeDecodeError."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise OSError(None, "it is UTF-16 text, not UTF-8")
    return raw.decode("utf-8", "replace" if len(raw) > LARGEST_TEXT else "strict")
