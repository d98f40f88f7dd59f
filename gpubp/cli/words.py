"""`words [NAME]`: what a `.net` file can name, and what one of these words takes and does."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from dsl.catalog import Option
from dsl.excerpt import visible
from dsl.resolve.suggest import did_you_mean, listed

from ..errors import GpubpError
from ..frontend.catalog import TRAIN, catalog
from ..frontend.plugins import load_plugins
from ..frontend.words import SECTION_OF, Word, default_text, options, sections
from .color import columns_of, use_color
from .streams import print_error

_BOLD, _RESET = "\x1b[1m", "\x1b[0m"
_WIDEST = 100
"""Columns of a paragraph at most: longer lines are hard to read."""
_TIED = "\0=\0"


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a word or a section; none: list all words")


def work(arguments: argparse.Namespace) -> int:
    """Print the list, a section or a word; raises GpubpError."""
    load_plugins()
    known, keys = sections(), {option.name: _key(option) for option in TRAIN}
    words = [word for _, section in known.values() for word in section]
    name: str | None = arguments.name
    if name is None:
        print("\n".join(_overview(known)))
        return 0
    texts = [_described(word) for word in words if name in (word.name, word.section)]
    texts += [text for key, text in keys.items() if name in (key, "train")]
    if not texts:
        raise GpubpError(_unknown(name, [*known, "train", *keys], words))
    print("\n\n\n".join(texts))
    if sys.flags.optimize > 1:
        print_error("warning: with `-OO` Python has no docstrings, which say what the words do")
    return 0


def _unknown(name: str, titles: Sequence[str], words: Sequence[Word]) -> str:
    """The error for a name that is no word: the words that have it as an option, or the name that may be meant."""
    owners: dict[str, dict[str, None]] = {}
    for word in words:
        for option, _ in options(word):
            owners.setdefault(option, {})[word.name] = None
    if name in owners:
        having = list(owners[name])
        return f"`{name}` is an option of {listed(having, 'and')}; `gpubp words {having[0]}` says what it does"
    near = did_you_mean(name, [*titles, *(word.name for word in words), *owners], elsewhere=catalog().elsewhere)
    return f"there is no word `{visible(name)}`; {(*near, '`gpubp words` lists all')[0]}"


def _overview(known: Mapping[str, tuple[str, Sequence[Word]]]) -> Iterator[str]:
    """A row for each section, and one for the keys of `train`."""
    width = max(map(len, known)) + 2
    names = {title: [word.name for word in words] for title, (_, words) in known.items()}
    for title, section in (names | {"train": [option.name for option in TRAIN]}).items():
        yield _fill(f"{title.ljust(width)}{', '.join(section)}", " " * width)
    yield ""
    yield _fill("`gpubp words NAME` says more of a word, or of all words of a section")


def _described(word: Word) -> str:
    """A word for people: how it is written, what it does, its options."""
    described = options(word)
    width = max((len(name) for name, _ in described), default=0)
    rows = [_fill(f"  {name.ljust(width)}  {text}", " " * (width + 4)) for name, text in described]
    head = _bold(_fill(f"{word.section}: {word.written}", "    "))
    return "\n\n".join([head, *map(_fill, word.paragraphs), *(["\n".join(rows)] if rows else [])])


def _key(option: Option) -> str:
    shown = default_text(option)
    head = _bold(f"train: {option.name}{shown and f' = {shown}'}")
    more = f"; `gpubp words {SECTION_OF.get(option.part, option.part)}` says what there is" if option.part else ""
    return "\n\n".join([head, _fill(f"{option.doc[:1].upper()}{option.doc[1:]}{more}")])


def _bold(text: str) -> str:
    return f"{_BOLD}{text}{_RESET}" if use_color(sys.stdout) else text


def _fill(text: str, hang: str = "") -> str:
    """Text in lines, none of which ends at a `=`."""
    width = min(max(columns_of(sys.stdout), 40), _WIDEST)
    kept = text.replace(" = ", _TIED)
    filled = textwrap.fill(kept, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
    return filled.replace(_TIED, " = ")
