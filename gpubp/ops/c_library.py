"""The C functions that C forms call, grouped into a few files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("c")
PORTABLE = FOLDER / "portable"
"""Replacements for files that need compiler extensions; they compute the same numbers in standard C."""
_DEFINED = re.compile(r"^ *(?:INLINE|APART|static) [\w# ]+?[ *]+(\w+)(##T)?\(", re.MULTILINE)
"""A function, or one per float type if a macro generates it with the type's suffix, as `name_##T`."""
_WORD = re.compile(r"\w+")


@cache
def _files() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.h"))}


@cache
def _homes() -> dict[str, str]:
    """The file that defines each function."""
    found = ((stem, *names) for stem, text in _files().items() for names in _DEFINED.findall(text))
    return {name + end: stem for stem, name, each in found for end in (("", "f32", "f64") if each else ("",))}


def c_names() -> frozenset[str]:
    """The names of all these functions."""
    return frozenset(_homes())


def c_functions(text: str) -> str:
    """The functions that some C code calls, with their transitive dependencies, each before its first use."""
    order: list[str] = []

    def need(words: str, own: str) -> None:
        for stem in dict.fromkeys(_homes()[word] for word in _WORD.findall(words) if word in _homes()):
            if stem not in order and stem != own:
                need(_files()[stem], stem)
                order.append(stem)

    need(text, "")
    return "\n".join(_files()[stem] for stem in dict.fromkeys(("base", "floats", *order)))


def _of_each_type(text: str) -> str:
    """The code in standard C for float, and the same for double, with half as many lanes."""
    if "_f32" not in text:
        return text
    return text + re.sub(r"\bfloat\b", "double", re.sub(r"\b16\b", "8", text.replace("_f32", "_f64")))


@cache
def _portable() -> dict[str, str]:
    """The code of each function in standard C, including its comment."""
    files = _files() | {path.stem: _of_each_type(path.read_text("utf-8")) for path in PORTABLE.glob("*.h")}
    found: dict[str, str] = {}
    for text in files.values():
        lines: list[str] = []
        for line in text.splitlines():
            lines.append(line)
            if line == "}" or (line.endswith("}") and _DEFINED.match(line)):
                whole = "\n".join(lines)
                names = _DEFINED.findall(whole)
                found.update({name: whole for name, each in names[:1] if not each})
                lines = []
    return found


def portable_functions(text: str) -> str:
    """The functions that some C code calls, with their transitive dependencies only, in standard C."""
    known, order = _portable(), dict[str, None]()

    def need(words: Iterable[str]) -> None:
        for word in words:
            if word in known and word not in order:
                need(one for one in _WORD.findall(known[word]) if one != word)
                order[word] = None

    need(_WORD.findall(text))
    functions = "\n".join(known[name] for name in order)
    head = [(PORTABLE / "base.h").read_text("utf-8"), *([_files()["floats"]] if "FMA" in text + functions else [])]
    functions = re.sub(r"^ *EACH\n", "", functions, flags=re.MULTILINE)
    return "\n".join((*head, re.sub(r"^(INLINE|static) ", "static inline ", functions, flags=re.MULTILINE)))
