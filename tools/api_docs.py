"""Writes docs/api.md from the docstrings of what `gpubp` exports.

python -m tools.api_docs
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import is_dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import gpubp

PATH = Path(__file__).resolve().parent.parent / "docs" / "api.md"
SECTIONS = {
    "Nets": ["load", "loads", "Net"],
    "Training": ["train", "Run", "load_run", "LoadedRun", "range_test", "RangeTest"],
    "Several trainings": ["replicate", "Replication", "cross_validate", "CrossValidation", "load_ensemble", "Ensemble"],
    "Step by step": ["Executor"],
    "Insight": ["explain", "Explanation", "graph", "Graph"],
    "Export": ["export"],
    "Your own layers, losses, optimizers": ["layer", "loss", "optimizer"],
    "Errors": "GpubpError NetError DataError ShapeError InputError DeviceError DeviceFailedError CheckpointError "
    "SaveError DivergedError".split(),
}
MEMBERS = {
    "Net": "params size precision option batch_size summary",
    "Run": "net predict evaluate labels words rows",
    "RangeTest": "suggested least steepest",
    "Ensemble": "net predict mean_std labels words evaluate evaluate_members",
    "Executor": "xp precision seed step parameters set_parameters gradients train_step train_steps predict evaluate "
    "loss tables fit fitted counters set_counters state_dict load_state_dict start_from source",
    "Explanation": "show html",
    "Graph": "svg html",
}
"""What the page says of a class, besides its docstring."""
_HEAD = """\
# Python API

Everything that `import gpubp` offers, as `help(gpubp.train)` and so on print it. The README has [a
tour](../README.md#in-python); how to write your own layers: [adding-a-layer.md](adding-a-layer.md).

`(n, *shape)` is the shape of an array of n rows, for an input or target of the type `[shape]` in the file. The examples
run in a folder with the [models](../models/README.md), after `import gpubp` and `import numpy as np`; `folder` is the
`Path` of an empty folder.

This page is generated from the docstrings by `python -m tools.api_docs`.
"""
_WIDTH, _PAGE = 100, 120
_SHORTER = {"Callable[[Callable[..., Any]], Callable[..., Any]]": "Callable", "[Callback]": "[Callable[[Run], None]]"}
"""What types are called in signatures."""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, names in SECTIONS.items():
        parts.append(f"- **{title}**: {' · '.join(f'[{name}](#gpubp.{name})' for name in names)}")
    for title, names in SECTIONS.items():
        parts += [f"\n## {title}", *map(_entry, names)]
    return "\n".join(parts) + "\n"


def _entry(name: str) -> str:
    """A name that `gpubp` exports, with its members."""
    thing, anchor = getattr(gpubp, name), f'\n<a id="gpubp.{name}"></a>\n\n'
    if inspect.isclass(thing) and issubclass(thing, Exception):
        bases = " and ".join(base.__name__ for base in thing.__bases__)
        return f"{anchor}**`{name}`**, a kind of {_linked(bases, name)}\n\n{_text(thing, name)}"
    made = is_dataclass(thing)  # by gpubp alone
    call = "" if made else f"```python\n{signature(f'gpubp.{name}', thing)}\n```\n\n"
    members = [_member(thing, member) for member in MEMBERS.get(name, "").split()]
    return "\n".join([f"{anchor}### {name}\n\n{call}{_text(thing, name)}", *members])


def _member(owner: type, name: str) -> str:
    member = inspect.getattr_static(owner, name)
    call = signature(name, member) if inspect.isfunction(member) else name
    return f"\n#### `{call}`\n\n{_text(member, owner.__name__)}"


def signature(name: str, function: Any) -> str:
    """How a function is called, with types and defaults, on as many lines as it needs."""
    found, shown, stars = inspect.signature(function), [], 0
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        rest = parameter.kind is parameter.VAR_POSITIONAL
        shown += ["*"] * (parameter.kind is parameter.KEYWORD_ONLY and not stars)
        stars += rest or parameter.kind is parameter.KEYWORD_ONLY
        value = f'"{parameter.default}"' if isinstance(parameter.default, str) else repr(parameter.default)
        default = "" if parameter.default is parameter.empty else f" = {value}"
        shown.append(f"{'*' * rest}{parameter.name}: {parameter.annotation}{default}")
    result = "" if inspect.isclass(function) else f" -> {found.return_annotation}"
    line = f"{name}({', '.join(shown)}){result}"
    for long, short in _SHORTER.items():
        line, shown = line.replace(long, short), [one.replace(long, short) for one in shown]
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in shown), f"){result}"])


def _text(thing: Any, at: str) -> str:
    """A docstring: its examples fenced, and the names of other entries than `at` linked."""
    blocks = (inspect.getdoc(thing) or "").split("\n\n")
    return "\n\n".join(f"```pycon\n{one}\n```" if one.startswith(">>>") else _filled(one, at) for one in blocks)


def _filled(block: str, at: str) -> str:
    """A paragraph or a list, linked and broken into lines again."""
    hang = "  " * block.startswith("- ")
    items = [" ".join(_linked(item, at).split()) for item in re.split(r"\n(?=- )", block)]
    lines = [
        wrap(item, _PAGE, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False) for item in items
    ]
    return "\n".join(line for item in lines for line in item)


def _linked(text: str, but: str) -> str:
    names = [name for entries in SECTIONS.values() for name in entries if name[0].isupper() and name != but]
    found = re.compile(rf"(?<![\w.])({'|'.join(names)})(?![\w`]|\.\w)")
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(one if one[:1] == "`" else found.sub(r"[\1](#gpubp.\1)", one) for one in parts)


def write() -> int:
    """Writes the page; returns the exit code."""
    PATH.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(write())
