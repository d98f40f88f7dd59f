"""The C functions that C forms call, one file for each few that belong together."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("c")
_DEFINED = re.compile(r"^ *(?:INLINE|APART|static) [\w# ]+?[ *]+(\w+)(##T)?\(", re.MULTILINE)
"""A function, or one for each float type, where a macro makes it by the type's suffix, as `name_##T`."""
_WORD = re.compile(r"\w+")


@cache
def _files() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.h"))}


@cache
def _homes() -> dict[str, str]:
    """The file in which each function stands."""
    found = ((stem, *names) for stem, text in _files().items() for names in _DEFINED.findall(text))
    return {name + end: stem for stem, name, each in found for end in (("", "f32", "f64") if each else ("",))}


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
