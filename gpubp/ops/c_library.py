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
"""A function, or one per float type if a macro generates it with the type's suffix, as `callee##T`."""
_WORD = re.compile(r"\w+")


@cache
def _files() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.h"))}


@cache
def _defining_file() -> dict[str, str]:
    """The file that defines each function."""
    definitions = ((stem, *names) for stem, text in _files().items() for names in _DEFINED.findall(text))
    return {
        name + suffix: stem
        for stem, name, generated in definitions
        for suffix in (("", "f32", "f64") if generated else ("",))
    }


def c_names() -> frozenset[str]:
    """The names of all these functions."""
    return frozenset(_defining_file())


def c_functions(text: str) -> str:
    """The functions that some C code calls, with their transitive dependencies, each before its first use."""
    order: list[str] = []

    def add(stems: Iterable[str]) -> None:
        for stem in stems:
            if stem not in order:
                add(_needed_by(stem))
                order.append(stem)

    add(_defining(text))
    return "\n".join(_files()[stem] for stem in dict.fromkeys(("base", "floats", *order)))


def _defining(code: str) -> Iterable[str]:
    """The files whose functions some code calls, in the order of the calls."""
    stems = _defining_file()
    return dict.fromkeys(stems[name] for name in _WORD.findall(code) if name in stems)


@cache
def _needed_by(stem: str) -> tuple[str, ...]:
    """The other files whose functions a file calls."""
    return tuple(other for other in _defining(_files()[stem]) if other != stem)


def _of_each_type(text: str) -> str:
    """The code in standard C for float, and the same for double, with half as many lanes."""
    if "_f32" not in text:
        return text
    return text + re.sub(r"\bfloat\b", "double", re.sub(r"\b16\b", "8", text.replace("_f32", "_f64")))


@cache
def _portable() -> dict[str, str]:
    """The code of each function in standard C, including its comment."""
    files = _files() | {path.stem: _of_each_type(path.read_text("utf-8")) for path in PORTABLE.glob("*.h")}
    functions: dict[str, str] = {}
    for text in files.values():
        lines: list[str] = []
        for line in text.splitlines():
            lines.append(line)
            if line == "}" or (line.endswith("}") and _DEFINED.match(line)):
                function = "\n".join(lines)
                names = _DEFINED.findall(function)
                functions.update({name: function for name, generated in names[:1] if not generated})
                lines = []
    return functions


def portable_functions(text: str) -> str:
    """The functions that some C code calls, with their transitive dependencies only, in standard C."""
    available, order = _portable(), dict[str, None]()

    def add(words: Iterable[str]) -> None:
        for word in words:
            if word in available and word not in order:
                add(callee for callee in _WORD.findall(available[word]) if callee != word)
                order[word] = None

    add(_WORD.findall(text))
    functions = "\n".join(available[name] for name in order)
    head = [(PORTABLE / "base.h").read_text("utf-8"), *([_files()["floats"]] if "FMA" in text + functions else [])]
    functions = re.sub(r"^ *EACH\n", "", functions, flags=re.MULTILINE)
    return "\n".join((*head, re.sub(r"^(INLINE|static) ", "static inline ", functions, flags=re.MULTILINE)))
