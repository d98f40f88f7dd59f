"""Bytes to text: what every `.net` file passes first."""

from __future__ import annotations

import codecs
from contextlib import suppress
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path

from .diagnostics import Diagnostic, DiagnosticError
from .limits import MAX_TEXT_BYTES
from .source import Source

MAX_LOOKED_AT = 1000
"""Files among which one of a like name is looked for."""

MAX_BYTES = MAX_TEXT_BYTES + 1
"""One more byte than is taken: what is too long is refused, and not read to its end."""


def read(name: str) -> Source:
    """A file's text. Raises DiagnosticError for one that cannot be opened or holds no text."""
    try:
        text = read_text(Path(name))
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"cannot read `{name}`: {reason[:1].lower()}{reason[1:]}"
        raise DiagnosticError(Diagnostic("E0401", message, help=tuple(getattr(error, "__notes__", ())))) from None
    except UnicodeDecodeError as error:
        raise DiagnosticError(not_text(f"`{name}`", name, error)) from None
    except ValueError as error:  # a zero byte in the name
        raise DiagnosticError(Diagnostic("E0401", f"cannot read `{name!r}`: {error}")) from None
    return Source(name, text)


def not_text(what: str, name: str, error: UnicodeDecodeError) -> Diagnostic:
    """What to say of bytes that are no text; `what` they are, and the `name` that a command takes for them."""
    raw = bytes(error.object)
    line = raw.count(b"\n", 0, error.start) + 1
    message = f"{what} is not text in UTF-8: line {line:,} contains the byte 0x{raw[error.start]:02x}"
    if b"\0" in raw:
        return Diagnostic("E0101", message, help=("this is not a `.net` file, which is plain text",))
    remedy = f"save it again as UTF-8; from Latin-1: `iconv -f LATIN1 -t UTF-8 {name} > utf8.net`"
    return Diagnostic("E0101", message, help=(remedy,))


def _similar_file(path: Path) -> Path | None:
    """A `.net` file that is there in place of one that is not: of its name in a folder beside, or of a like one."""
    folder = path.parent if path.parent.is_dir() else path.parent.parent
    candidates: list[Path] = []
    with suppress(OSError):  # what may not be looked into is not suggested
        candidates = sorted(islice(chain(folder.glob("*.net"), folder.glob("*/*.net")), MAX_LOOKED_AT))
    candidates.sort(key=lambda candidate: candidate.parent != path.parent)
    stem = path.name.removesuffix(".net")
    stems = [stem, *get_close_matches(stem, {candidate.stem for candidate in candidates}, 1)]
    return next(
        (
            candidate
            for similar_stem in stems
            for candidate in candidates
            if candidate.stem == similar_stem and candidate.is_file()
        ),
        None,
    )


def read_text(path: Path) -> str:
    """A file's text. Raises OSError, also for a device or pipe, which might never end, and UnicodeDecodeError.

    The error for a file that is not there bears the remedy as its note, where one of a like name is.
    """
    if path.is_dir():  # Windows would deny permission
        raise OSError(None, "is a directory")
    if path.exists() and not path.is_file():
        raise OSError(None, "not a regular file")
    try:
        with path.open("rb") as file:
            return decode(file.read(MAX_BYTES))
    except FileNotFoundError as error:
        if found := _similar_file(path):
            error.add_note(f"did you mean `{found.as_posix()}`?")
        raise


def decode(raw: bytes) -> str:
    """At most `MAX_BYTES` bytes as text. Raises OSError and UnicodeDecodeError."""
    if found := wide(raw):
        error = OSError(None, f"it is {found} text, not UTF-8")
        error.add_note("save it again as UTF-8")
        raise error
    return raw.decode("utf-8", "replace" if len(raw) > MAX_TEXT_BYTES else "strict")


def wide(raw: bytes) -> str:
    """The encoding of two or four bytes a character that a text is in, by its mark or by its zero bytes, or ""."""
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    head = raw[:64]
    letters, zeros = (head[::2], head[1::2]) if head[1:2] == b"\0" else (head[1::2], head[::2])
    return "UTF-16" if len(zeros) > 1 and not any(zeros) and b"\0" not in letters else ""
