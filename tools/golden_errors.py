"""Writes what `gpubp` prints to standard error for every file of tests/golden/errors beside it, as `<name>.txt`.

    python tools/golden_errors.py

A file is given to `check`; a line `# gpubp VERB ARGUMENTS` in it asks for another verb or for more arguments, among
them another file's name, which then stands in the file's place. Read the difference before you commit it.
"""

from __future__ import annotations

import io
import shlex
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from gpubp.cli import main

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "errors"
_ASKED = "# gpubp "


def files() -> list[Path]:
    """The malformed files, in the order of their codes."""
    return sorted(FOLDER.glob("[EW]*.net"))


def words(path: Path) -> list[str]:
    """The command line that shows a file's mistake."""
    lines = path.read_bytes().decode(errors="replace").splitlines()
    asked = next((line.removeprefix(_ASKED) for line in lines if line.startswith(_ASKED)), "check")
    verb, *arguments = shlex.split(asked)
    return [verb, *([] if any(word.endswith(".net") for word in arguments) else [path.name]), *arguments]


def printed(path: Path) -> str:
    """Standard error of the file's command, run in its folder, so that every path in it is relative."""
    errors = io.StringIO()
    with chdir(path.parent), redirect_stderr(errors), redirect_stdout(io.StringIO()):
        main(words(path))
    return errors.getvalue()


def write() -> int:
    """Writes the texts that changed and says which; returns the exit code."""
    for path in files():
        text, golden = printed(path), path.with_suffix(".txt")
        if not golden.exists() or golden.read_text(encoding="utf-8") != text:
            golden.write_text(text, encoding="utf-8")
            print(f"written: {golden.name}")
    return 0


if __name__ == "__main__":
    sys.exit(write())
