"""The C functions that C forms call, one file for each few that belong together."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("c")
_DEFINED = re.compile(r"^(?:INLINE|static) [\w ]+?[ *]+(\w+)\(", re.MULTILINE)
_WORD = re.compile(r"\w+")


@cache
def _files() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.h"))}


@cache
def _homes() -> dict[str, str]:
    """The file in which each function stands."""
    return {name: stem for stem, text in _files().items() for name in _DEFINED.findall(text)}


def c_names() -> frozenset[str]:
    """The names of all these functions."""
    return frozenset(_homes())


def c_functions(text: str) -> str:
    """The functions that a C text calls, with all that they call themselves, each before its first use."""
    order: list[str] = []

    def need(words: str, own: str) -> None:
        for stem in dict.fromkeys(_homes()[word] for word in _WORD.findall(words) if word in _homes()):
            if stem not in order and stem != own:
                need(_files()[stem], stem)
                order.append(stem)

    need(text, "")
    return "\n".join(_files()[stem] for stem in dict.fromkeys(("base", *order)))
