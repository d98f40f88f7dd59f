"""Writes docs/words.md from what is registered: each word with its signature, its docstring and its options.

python -m tools.word_docs
"""

from __future__ import annotations

import sys
from pathlib import Path

from gpubp.frontend.words import Word, options, sections

PATH = Path(__file__).resolve().parent.parent / "docs" / "words.md"
_HEAD = """\
# Layers, losses, optimizers: the words of a `.net` file

Everything that a file can name: `gpubp words` lists it, `gpubp words conv` prints the entry of `conv`. How to combine
them, and the keys of `train`: [language.md](language.md); how to add one: [adding-a-layer.md](adding-a-layer.md).
Shapes are those of one example; the batch axis is never written.

This page is generated from the docstrings by `python -m tools.word_docs`.
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    known = sections()
    for title, (_, words) in known.items():
        links = " · ".join(f"[{word.name}](#{_anchor(word)})" for word in words)
        lines.append(f"- **{title.replace('_', ' ')}**: {links}")
    for title, (about, words) in known.items():
        lines.append(f"\n## {title.replace('_', ' ').capitalize()}\n\n{about}")
        for word in words:
            lines.append(f'\n<a id="{_anchor(word)}"></a>\n\n**`{word.written}`**\n')
            lines.append("\n\n".join(word.paragraphs))
            taken = [f"- `{name}`: {text}" for name, text in options(word)]
            lines += ["", *taken] if taken else []
    return "\n".join(lines) + "\n"


def _anchor(word: Word) -> str:
    """Its own within the page: some names are words of several sections."""
    return f"{word.section}-{word.name}"


def write() -> int:
    """Writes the page; returns the exit code."""
    PATH.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(write())
