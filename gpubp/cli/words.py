"""`words [NAME]`: what a `.net` file can name, and what one of these words takes and does."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from dsl.catalog import REQUIRED, Option, Signature
from dsl.excerpt import visible
from dsl.records import dataclass
from dsl.resolve.signatures import signature_text, takes_text

from ..errors import GpubpError
from ..frontend.catalog import TRAIN, catalog
from ..frontend.plugins import load_plugins
from ..registry import ENTRIES
from .color import columns_of, use_color

_BOLD, _RESET = "\x1b[1m", "\x1b[0m"
_WIDEST = 100
"""Columns of a paragraph at most: longer lines are hard to read."""
_TIED = "\0=\0"
_MODULES = {"activations": "activations", "gates": "activations"} | dict.fromkeys(
    ("formulas", "matrices", "derivative", "sampling"), "functions"
)
"""Where functions that are no layers are defined, and what they are called here."""
_SECTIONS = {
    "layers": "Stages of `model`, chained by `->`.",
    "activations": "Stages of `model`, like layers.",
    "functions": "For `model`, formulas and losses, in addition to `+ - * / ^` and comparisons. A value belongs to one "
    "example: `axis` 0 is the first axis of its type.",
    "losses": "For `loss`. They take probabilities, the results of `sigmoid` and `softmax`, not logits; any value with "
    "one number per example is a loss as well.",
    "penalties": "Added to a loss.",
    "metrics": "For `metrics`, as is any value with one number per example.",
    "optimizers": "For `optimizer`.",
    "schedules": "For `schedule`: factors of the optimizer's learning rate. Durations are `200steps` or `3epochs`.",
    "clip": "For the key `clip`.",
    "average": "For the key `average`: averages of the weights, for evaluation.",
    "rates": "For the key `rates`, which takes a list of them.",
    "early_stop": "For the key `early_stop`.",
    "start": "For the key `start`.",
    "initializers": "For `init` and similar options, which also take literal numbers.",
    "readers": "For `data`, which also takes rows as lists. Text files may be gzipped; arrays are never unpickled.",
    "split": "For `split` of `data`.",
}
"""The sections, and where their words are used."""
_PARTS = {
    "loss": "losses",
    "penalty": "penalties",
    "metric": "metrics",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "rate": "rates",
    "stop": "early_stop",
    "initializer": "initializers",
    "reader": "readers",
}
_BREAK = re.compile(r"\n\n|(?<=\.)\n\s*(?=`)")
"""Between paragraphs, and before an option that a docstring begins a line with."""
_NOTICE = re.compile(r"\s*Raises\s+DiagnosticError\b[^.]*\.")
"""What a docstring says to those who call the function in Python alone."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: the section that it stands in, how it is written, and what it does, paragraph by paragraph."""

    name: str
    section: str
    signature: Signature
    paragraphs: tuple[str, ...]

    @property
    def written(self) -> str:
        """`x -> conv(channels, size, ...)`, or `mse(p, y)`."""
        stage = self.section in ("layers", "activations") and len(self.signature.inputs) == 1
        text = signature_text(self.signature)
        return f"{self.signature.inputs[0]} -> {text.removesuffix('()')}" if stage else text


def sections() -> dict[str, tuple[str, list[Word]]]:
    """Every word there is, by section: what the section is for, and its words in alphabetical order."""
    found: dict[str, tuple[str, list[Word]]] = {name: (about, []) for name, about in _SECTIONS.items()}
    for part, signatures in catalog().entries.items():
        for name, signature in sorted(signatures.items()):
            section = _PARTS.get(part, part)
            if part == "function":
                module = ENTRIES[part, name].function.__module__.rpartition(".")[2]
                section = _MODULES.get(module, "layers")
            found[section][1].append(Word(name, section, signature, _paragraphs(signature.doc)))
    return found


def _paragraphs(doc: str) -> tuple[str, ...]:
    plain = _NOTICE.sub("", doc).replace("Raises ShapeError if", "It is an error if")
    return tuple(" ".join(part.split()) for part in _BREAK.split(plain) if part.strip())


def options(word: Word) -> list[tuple[str, str]]:
    """Each option with what it takes, in words."""
    return [(option.name, taken(option)) for option in word.signature.options]


def taken(option: Option) -> str:
    """What an option takes, in words."""
    least = "" if option.minimum is None else f", at least {option.minimum:g}"
    return takes_text(option) + least + (" (has to be given)" if option.default is REQUIRED else "")


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a word, or a section; none: list all words")


def work(arguments: argparse.Namespace) -> int:
    """Print the list, a section or a word; raises GpubpError."""
    load_plugins()
    known, keys = sections(), {option.name: _key(option) for option in TRAIN}
    words = [word for _, section in known.values() for word in section]
    name: str | None = arguments.name
    if name is None:
        print("\n".join(_overview(known)))
        return 0
    told = [_told(word) for word in words if name in (word.name, word.section)]
    told += [text for key, text in keys.items() if name in (key, "train")]
    if not told:
        near = get_close_matches(name, [*known, "train", *keys, *(word.name for word in words)], 1)
        more = f"did you mean `{near[0]}`?" if near else "`gpubp words` lists all"
        raise GpubpError(f"there is no word `{visible(name)}`; {more}")
    print("\n\n\n".join(told))
    return 0


def _overview(known: Mapping[str, tuple[str, Sequence[Word]]]) -> Iterator[str]:
    """A row for each section, and one for the keys of `train`."""
    width = max(map(len, known)) + 2
    names = {title: [word.name for word in words] for title, (_, words) in known.items()}
    for title, section in (names | {"train": [option.name for option in TRAIN]}).items():
        yield _fill(f"{title.ljust(width)}{', '.join(section)}", " " * width)
    yield ""
    yield _fill("`gpubp words NAME` says more of a word, or of all words of a section")


def _told(word: Word) -> str:
    """A word for people: how it is written, what it does, its options."""
    told = options(word)
    width = max((len(name) for name, _ in told), default=0)
    rows = [_fill(f"  {name.ljust(width)}  {text}", " " * (width + 4)) for name, text in told]
    head = _bold(_fill(f"{word.section}: {word.written}", "    "))
    return "\n\n".join([head, *map(_fill, word.paragraphs), *(["\n".join(rows)] if rows else [])])


def _key(option: Option) -> str:
    shown = default_text(option)
    head = _bold(f"train: {option.name}{shown and f' = {shown}'}")
    more = f"; `gpubp words {_PARTS.get(option.part, option.part)}` says what there is" if option.part else ""
    return "\n\n".join([head, _fill(f"{option.doc[:1].upper()}{option.doc[1:]}{more}")])


def default_text(option: Option) -> str:
    """The default of a key of `train`, "" where there is none."""
    if option.default is REQUIRED or option.default is None:
        return ""
    return "[]" if option.default == () else str(option.default).lower()


def _bold(text: str) -> str:
    return f"{_BOLD}{text}{_RESET}" if use_color(sys.stdout) else text


def _fill(text: str, hang: str = "") -> str:
    """Text in lines, none of which ends at a `=`."""
    width = min(max(columns_of(sys.stdout), 40), _WIDEST)
    kept = text.replace(" = ", _TIED)
    filled = textwrap.fill(kept, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
    return filled.replace(_TIED, " = ")
