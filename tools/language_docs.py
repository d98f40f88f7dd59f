"""Writes into docs/language.md what its commands print, the keys of `train`, and the grammar, made from dsl/net.lark.

python -m tools.language_docs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gpubp.frontend.catalog import TRAIN
from gpubp.frontend.words import default_text

from .markdown import with_printed

ROOT = Path(__file__).resolve().parent.parent
GRAMMAR = ROOT / "dsl" / "net.lark"
PATH = ROOT / "docs" / "language.md"
_BLOCK = re.compile(r"(?<=```ebnf\n).*?(?=```)", re.DOTALL)
_KEYS = re.compile(r"(?<=\| key \| meaning \| default \|\n\|---\|---\|---\|\n).*?(?=\n\n)", re.DOTALL)
_RULE = re.compile(r"^[?_]?([a-z]+): (.*(?:\n +\|.*)*)$", re.MULTILINE)
_TERMINAL = re.compile(r"^([A-Z_]+)(?:\.\d)?: (.*)$", re.MULTILINE)
_KEPT = ("NAME", "NUMBER", "STRING", "COMMENT")
"""Tokens that many texts match: they keep their names."""


def terminals() -> dict[str, str]:
    """What net.lark says of each token: `"->"`, or a pattern between slashes."""
    return dict(_TERMINAL.findall(GRAMMAR.read_text(encoding="utf-8")))


def grammar() -> str:
    """Every rule of net.lark: no names for the tree, each token as its text."""
    text = GRAMMAR.read_text(encoding="utf-8")
    tokens = terminals()
    signs = {name: _written(definition) for name, definition in tokens.items() if name not in _KEPT}
    rules = {}
    for name, definition in _RULE.findall(text):
        plain = re.sub(r" -> \w+$", "", definition, flags=re.MULTILINE)  # how the tree calls this form
        plain = re.sub(r"\b_?[A-Z][A-Z_]*", lambda match: signs.get(match[0], match[0]), plain)
        plain = re.sub(r"\b_(?=[a-z])", "", plain)
        rules[name] = re.sub(r"\n +", f"\n{' ' * len(name)} ", plain)
    rules |= {name: tokens[name] for name in _KEPT}
    return "".join(f"{name}: {definition}\n" for name, definition in rules.items())


def _written(definition: str) -> str:
    """`"->"` of `"->"`, `"let"` of `/let\\b/`, `("*" | "/")` of several."""
    if not definition.startswith("/"):
        return f"({definition})" if " | " in definition else definition
    words = definition.strip("/").removesuffix("\\b").strip("()").split("|")
    quoted = " | ".join(f'"{word}"' for word in words)
    return f"({quoted})" if len(words) > 1 else quoted


def keys() -> str:
    """The keys of `train`: the rows of a table."""
    optional = {option.name: default_text(option) for option in TRAIN}
    defaults = {name: f"`{text}`" if text else "none" for name, text in optional.items()}
    defaults |= dict.fromkeys(("loss", "optimizer", "epochs", "steps"), "")
    return "\n".join(
        f"| `{option.name}` | {option.doc} | {defaults[option.name]} |".replace("|  |", "| |") for option in TRAIN
    )


def page() -> str:
    """The page as it should be today."""
    made = grammar()
    with TemporaryDirectory() as folder:
        text = with_printed(PATH.read_text(encoding="utf-8"), Path(folder))
    text = _KEYS.sub(lambda match: keys(), text)
    return _BLOCK.sub(lambda match: made, text)


def write() -> int:
    """Writes the page; returns the exit code."""
    PATH.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(write())
