"""Character encodings of text files: every text is decoded, checked, and handled as UTF-8 from there on."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

from dsl.diagnostics import DiagnosticError
from dsl.reading import wide
from dsl.source import Span

from .checks import of_command, problem

UTF8 = "utf-8"
WINDOWS, LATIN = "cp1252", "latin-1"
"""The encodings of Western European languages; Windows defines characters for more of the bytes."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""Characters that no text holds."""

_ARROW = "an Arrow or Feather file", "`arrow(...)` in the `data` section of a file reads it"
_HDF = "an HDF5 or NetCDF file", "`numpy.savez` writes its arrays to a file that `npz(...)` reads"
_MATLAB = "a MAT-file", "`writetable` or `writematrix` of MATLAB saves a table as CSV"
_WORKBOOK = "`excel(...)` in the `data` section of a file reads a sheet of a workbook"
_UNPACK = ("unpack it, or pack it by gzip, which is read",)
_BINARY = (
    (b"PK\x03\x04", "an Excel workbook or another ZIP archive", _WORKBOOK),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook or another file of Office", _WORKBOOK),
    (b"PAR1", "a Parquet file", "`parquet(...)` in the `data` section of a file reads it"),
    (b"ARROW1", *_ARROW),
    (b"FEA1", *_ARROW),
    (b"\x89HDF", *_HDF),
    (b"CDF", *_HDF),
    (b"MATLAB 5.0 MAT-file", *_MATLAB),
    (b"MATLAB 7.3 MAT-file", *_MATLAB),
    (b"BZh91AY&SY", "packed by bzip2", *_UNPACK),
    (b"\xfd7zXZ\0", "packed by xz", *_UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard", *_UNPACK),
    (b"\x1f\x8b\x08", "packed by gzip twice", "unpack it once"),
    (b"\x93NUMPY", "a NumPy array", "`npy(...)` in the `data` section of a file reads it"),
    (b"SQLite format 3", "an SQLite database", "save the table as CSV or Parquet"),
    (b"%PDF-", "a PDF document", "save the table as CSV"),
    (b"\x89PNG", "an image", "`images(...)` in the `data` section of a file reads a folder of them"),
)
"""Files that are often taken for text: how they begin, what they are, and what to do about it. Text may begin with
letters and digits, too, but holds no zero byte."""


def is_encoding(name: str) -> bool:
    """Whether Python knows a text encoding of this name."""
    if not name.isascii():  # Python 3.15 warns of such a name
        return False
    try:
        b"a".decode(name)
    except UnicodeError:  # one letter is less than one character of UTF-16
        return True
    except (LookupError, ValueError):
        return False
    return True


def as_text(raw: bytes, name: str, span: Span | None, encoding: str | None = None) -> bytes:
    """The bytes of a text file as UTF-8, without a byte order mark. `encoding`: that of the file, None for a reader
    that takes UTF-8 alone; a table that is given to a trained net may be in UTF-8, too. Raises DiagnosticError (E0413).
    """
    for magic, kind, what_to_do in _BINARY:
        if raw.startswith(magic) and (0 in raw or not magic.isalnum()):
            raise problem("E0413", f"`{name}` is {kind}, not text", span, help=what_to_do)
    if encoding is None or _is_utf8(encoding) or (of_command(span) and not wide(raw) and _fits(raw, UTF8)):
        return _checked(raw, name, span, option=encoding is not None and not of_command(span))
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")) and raw and 0 not in raw:
        # Pairs of letters would be read as rare characters, and never as a separator or the end of a line.
        message = f"`{name}` is not text in `{encoding}`: it contains no zero bytes"
        help = "" if of_command(span) else f'`encoding = "{guessed(raw)}"`, or '
        raise problem("E0413", message, span, help=f"{help}save it again as UTF-8")
    try:
        text = raw.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        message = f"`{name}` is not text in `{encoding}`: line {_line(raw, start)} contains the byte 0x{raw[start]:02x}"
        help = "" if of_command(span) else f'`encoding = "{guessed(raw)}"`, or '
        raise problem("E0413", message, span, help=f"{help}save it again as UTF-8") from None
    return _without_zeros(text, name, span)


def guessed(raw: bytes, *, complete: bool = True) -> str:
    """The likeliest encoding of a text that nothing is known of, which may be cut off anywhere if it is not `complete`:
    by its byte order mark or zero bytes UTF-16 or UTF-32, UTF-8 where all of it is valid UTF-8 or nothing else is
    likely, otherwise that of Windows, or Latin-1."""
    found = wide(raw)
    if found:
        marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
        return found.lower() if marked else f"{found.lower()}-{'le' if raw[1:2] == bytes(1) else 'be'}"
    for encoding in (UTF8, WINDOWS, LATIN):
        if _fits(raw, encoding, complete=complete):
            return encoding if encoding == UTF8 or not _CONTROL.search(raw.decode(encoding)) else UTF8
    return UTF8


def whole_lines(raw: bytes, encoding: str) -> bytes:
    """The bytes of a text that is cut off anywhere, up to its last line end."""
    decoder = codecs.getincrementaldecoder(encoding)()
    text = decoder.decode(raw)
    end = text.rfind("\n") + 1
    return (text[:end] or text).encode(encoding)


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in (UTF8, "utf-8-sig")


def _fits(raw: bytes, encoding: str, *, complete: bool = True) -> bool:
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder(encoding)().decode(raw, complete)
        return True
    return False


def _checked(raw: bytes, name: str, span: Span | None, *, option: bool) -> bytes:
    """UTF-8 text without a byte order mark. `option`: whether the reader can be told another encoding."""
    if found := wide(raw):
        help = f'`encoding = "{guessed(raw)}"` reads it; or ' * option + "save it again as UTF-8"
        raise problem("E0413", f"`{name}` is {found} text, not UTF-8", span, help=help)
    raw = _without_zeros(raw.removeprefix(codecs.BOM_UTF8), name, span)
    try:
        if not raw.isascii():
            raw.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(raw, name, span, error.start, option=option) from None
    return raw


def _not_utf8(raw: bytes, name: str, span: Span | None, start: int, *, option: bool) -> DiagnosticError:
    byte, line = raw[start : start + 1], raw.rfind(b"\n", 0, start) + 1
    place = f"line {_line(raw, start)}, character {len(raw[line:start].decode()) + 1}"
    message = f"`{name}` is not UTF-8 text: {place} is the byte 0x{byte.hex()}"
    help = "save it again as UTF-8, which spreadsheet programs call `CSV UTF-8`; "
    help += f"from Latin-1: `iconv -f LATIN1 -t UTF-8 {name} > utf8.csv`"
    if option:
        encoding = guessed(raw)
        if encoding != UTF8:
            message += f", which is `{byte.decode(encoding)}` in `{encoding}`"
            help = f'`encoding = "{encoding}"` reads it so; or save it again as UTF-8'
    return problem("E0413", message, span, help=help)


def _without_zeros(raw: bytes, name: str, span: Span | None) -> bytes:
    zero = raw.find(b"\0")
    if zero >= 0:
        help = "save the table again as text in UTF-8"
        raise problem("E0413", f"`{name}` is not text: line {_line(raw, zero)} contains a zero byte", span, help=help)
    return raw


def _line(raw: bytes, offset: int) -> int:
    return raw.count(b"\n", 0, offset) + 1
