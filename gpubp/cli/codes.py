"""`check --explain CODE`: what a code means, from the tables of the language and of gpubp."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from dsl import explain
from dsl.explain import Example, Explanation

from .color import use_color

FOLDERS = (explain.FOLDER, Path(__file__).resolve().parent.parent / "codes")
_WIDTH = 100
_BOLD, _FAINT, _RESET = "\x1b[1m", "\x1b[36m", "\x1b[0m"


class Explain(argparse.Action):
    """The option `--explain CODE`: prints and ends the program, as `--help` does, so that no file is asked for."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        known, code = table(), str(values).strip().upper()
        if code not in known:
            parser.exit(2, f"error: there is no code `{values}`{_near(code, known)}\n")
        print(to_text(known[code], color=use_color(sys.stdout)))
        parser.exit()


def table() -> dict[str, Explanation]:
    """Every code there is, in order."""
    explanations = {code: one for folder in FOLDERS for code, one in explain.read(folder).items()}
    return dict(sorted(explanations.items()))


def _near(code: str, known: Mapping[str, Explanation]) -> str:
    """The codes nearest to one that does not exist, each with its title."""
    family = [each for each in known if each[:3] == code[:3]]
    near = sorted(get_close_matches(code, family or known, 3))
    return "; near it are" * bool(near) + "".join(f"\n  {each}  {known[each].title}" for each in near)


def to_text(one: Explanation, *, color: bool = False) -> str:
    """An explanation for people: title, text, examples; `color` adds ANSI escapes."""

    def paint(style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if color else text

    parts = [paint(_BOLD, f"{one.code}: {one.title}")]
    parts += [textwrap.fill(" ".join(part.split()), _WIDTH) for part in one.text.split("\n\n")]
    for word, example in (("wrong", one.wrong), ("right", one.right)):
        if example is not None:
            parts.append(paint(_BOLD, f"{word}{_command(example)}:"))
            parts.append(paint(_FAINT, textwrap.indent(example.text.rstrip("\n"), "    ")))
    for name, text in one.files.items():
        parts.append(paint(_BOLD, f"with {name}:"))
        parts.append(paint(_FAINT, textwrap.indent(text.rstrip("\n"), "    ")))
    return "\n\n".join(parts)


def _command(example: Example) -> str:
    """The command of an example, where it is not the usual one."""
    return "" if example.command == explain.COMMAND else f" (`{example.command}`)"
