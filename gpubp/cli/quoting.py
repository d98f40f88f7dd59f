"""Commands to copy, as the user's shell reads them."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from os import PathLike

from dsl.excerpt import visible

_PLAIN = re.compile(r"[\w.:/\\+=@-]+")
"""What needs no quotes in the shells of Windows."""


def quoted(word: str | PathLike[str]) -> str:
    """A word of a command, in quotes if it needs any: on Windows in double ones, since cmd knows no others."""
    text = str(word)
    if sys.platform == "win32":
        return text if _PLAIN.fullmatch(text) else visible(f'"{text}"')
    return visible(shlex.quote(text))


def join(words: Iterable[str]) -> str:
    """The command that these words make."""
    return " ".join(map(quoted, words))
