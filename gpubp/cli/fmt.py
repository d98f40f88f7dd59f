"""`fmt FILE...`: write files in the form that all `.net` files share."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.excerpt import visible
from dsl.format import FormatError, format_text
from dsl.reading import MAX_BYTES, decode, not_text, read
from dsl.source import Source

from ..errors import GpubpError, NetError, reason
from ..paths import net_files
from .color import findings, use_color
from .streams import print_error

STDIN = "<stdin>"
_COLORS = {"---": "\x1b[1m", "+++": "\x1b[1m", "@@": "\x1b[36m", "-": "\x1b[31m", "+": "\x1b[32m"}
_LINE = re.compile("[^\n]*\n|[^\n]+")
_NO_END = "\\ No newline at end of file"
_RESET = "\x1b[0m"


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        default=["-"],
        help="a .net file, or a folder for all .net files in it, except those of runs; `-` or none: standard input",
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="change nothing; print what would change")


def work(arguments: argparse.Namespace) -> int:
    """Format every file; one that is wrong is left as it is, and the others are done all the same."""
    if "-" in arguments.files and len(arguments.files) > 1:
        raise GpubpError("`-`, standard input, cannot be named beside files")
    code, changed, done = 0, 0, 0
    for name in _files(arguments.files):
        try:
            differs = _format(name, arguments)
        except DiagnosticError as error:
            _complain(findings(error.diagnostics, sys.stderr))
            code = 2
        except GpubpError as error:
            _complain(f"error: {visible(str(error))}")
            code = 2
        except FormatError as error:
            _complain(f"error: {visible(str(error))}, so it was left as it is; please report this mistake of gpubp")
            code = max(code, 1)
        else:
            changed, done = changed + differs, done + 1
            code = max(code, int(differs and arguments.check))
    if done > 1 and not arguments.diff:
        print(f"{changed} of {done} files {'would change' if arguments.check else 'changed'}")
    return code


def _format(name: str, arguments: argparse.Namespace) -> bool:
    """Write one file, or say how it would change; returns whether it differs.

    Raises DiagnosticError for what cannot be read or is wrong, GpubpError for what cannot be written, and FormatError.
    """
    source = _standard_input() if name == "-" else read(name)
    text, findings = format_text(source)
    if findings:
        raise DiagnosticError(*findings)
    differs, shown = text != source.text, visible(source.name)
    if arguments.diff:
        _print_text(_diff(source, text))
    elif arguments.check:
        print(f"would change: {shown}\n" * differs, end="")
    elif name == "-":
        _print_text(text)
    elif differs:
        try:
            _replace(Path(os.path.realpath(name)), text)
        except OSError as error:
            raise GpubpError(f"cannot write `{name}`: {reason(error)}") from None
        print(f"changed: {shown}")
    return differs


def _files(names: list[str]) -> Iterator[str]:
    """Every file that is named, once, folders walked through in the order of the alphabet; hidden ones, and those of
    runs, are left out."""
    seen: set[str] = set()
    for name in names:
        found = sorted(net_files(name, _refuse)) if os.path.isdir(name) else [name]
        if not found:
            raise NetError([Diagnostic("E0401", f"there is no `.net` file in `{name}`")])
        for path in found:
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield path


def _refuse(error: OSError) -> None:
    raise NetError([Diagnostic("E0401", f"cannot read `{error.filename}`: {reason(error)}")])


def _standard_input() -> Source:
    if sys.stdin.isatty():
        end = "Ctrl-Z and Enter" if sys.platform == "win32" else "Ctrl-D"
        print_error(f"reading a file from the terminal; its end is {end}")
    raw = sys.stdin.buffer.read(MAX_BYTES)
    try:
        return Source(STDIN, decode(raw))
    except OSError as error:
        raise DiagnosticError(Diagnostic("E0101", f"cannot read standard input: {error.strerror}")) from None
    except UnicodeDecodeError as error:
        raise DiagnosticError(not_text("standard input", "-", error)) from None


def _replace(path: Path, text: str) -> None:
    """Write a file so that at every moment the old or the new text is there, whole; its mode stays. Raises OSError."""
    status = path.stat()
    if not os.access(path, os.W_OK):
        raise PermissionError(None, "permission denied")
    handle, made = tempfile.mkstemp(prefix=".gpubp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(handle)
        with suppress(OSError):  # only the superuser may give a file away, and only for him it would change hands
            if sys.platform != "win32":
                os.chown(made, status.st_uid, status.st_gid)
        os.chmod(made, status.st_mode & 0o7777)
        os.replace(made, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(made)
        raise


def _diff(source: Source, text: str) -> str:
    """A unified diff, which `patch` understands; on a terminal in color and with nothing that a terminal obeys."""
    before, after = (_LINE.findall(each) for each in (source.text, text))
    lines = difflib.unified_diff(before, after, source.name, f"{source.name} (formatted)")
    whole = (line if line.endswith("\n") else f"{line}\n{_NO_END}\n" for line in lines)
    return "".join(_shown(line) if sys.stdout.isatty() else line for line in whole)


def _shown(line: str) -> str:
    """A line of a diff for people."""
    style = next((style for start, style in _COLORS.items() if line.startswith(start)), "")
    text = "\n".join(visible(part) for part in line.rstrip("\r\n").split("\n"))
    return f"{style}{text}{_RESET}\n" if style and use_color(sys.stdout) else f"{text}\n"


def _print_text(text: str) -> None:
    """Print a file's text byte for byte, whatever the terminal's encoding and line ends are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _complain(text: str) -> None:
    sys.stdout.flush()
    print_error(text)
