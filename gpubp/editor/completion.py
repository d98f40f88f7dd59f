"""What can be written at a place: keywords, keys, options, words of the catalogue, names of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from dsl import syntax
from dsl.catalog import REQUIRED, Catalog, Option, Part, Signature
from dsl.records import dataclass
from dsl.resolve.signatures import option_text

from ..frontend import current_catalog
from ..frontend.words import default_text, taken, written
from .cursor import Cursor, cursor, keys
from .describe import about
from .document import Document
from .names import Definition

ItemKind = Literal["keyword", "key", "option", "function", "word", "value"]


@dataclass(frozen=True, slots=True)
class Item:
    """A proposal: what is shown, what is written, a line about it, Markdown that says more, and what is written by an
    editor that knows snippets, if that is more."""

    label: str
    kind: ItemKind
    text: str
    detail: str = ""
    documentation: str = ""
    snippet: str = ""


_SECTION_KEYWORDS = {
    "data": "the rows to train on",
    "model": "values computed from the inputs",
    "train": "what to minimise, and how",
}
_DECLARATION_KEYWORDS = {
    "param": "a number that `--set` and `search` change",
    "let": "a named constant",
    "fn": "a formula with arguments",
    "block": "layers with a name and arguments",
    "import": "the blocks and formulas of another file",
}
_MODEL_KEYWORDS = {
    "input": "a value that `predict` is given",
    "target": "a value that only the loss and the metrics see",
    "output": "a value that `predict` returns",
    "layer": "a layer whose weights all its uses share",
}
_BLOCK_KEYWORDS = {"layer": _MODEL_KEYWORDS["layer"], "return": "what the block computes"}
_SCORES: dict[str, tuple[Part, ...]] = {
    "loss": ("loss", "penalty", "metric"),
    "metrics": ("metric", "loss"),
}
_STAGES = ("block", "layer", "fn", "import")
_STATICS = ("param", "let")
_NEXT = re.compile(r"\w*[ \t]*(==|.)?")
"""The rest of a word, and the sign behind it."""


def completions(document: Document, offset: int, earlier: Document | None = None) -> list[Item]:
    """All proposals for a place, the likeliest kind first; the editor chooses by what has been typed. The names of the
    file are taken from an earlier state of it, if one is given: a long text takes long to parse."""
    catalog = current_catalog()
    known, there = document, offset
    if earlier is not None:
        known, there = earlier, _moved(document.source.text, offset, earlier.source.text)
    at = cursor(document.source, offset, catalog, known.signatures)
    found = {item.label: item for item in reversed([*_proposed(known, there, at, catalog, document)])}
    match = _NEXT.match(document.source.text, offset)
    behind = match[1] if match else None
    return [_fitting(item, behind) for item in reversed(found.values())]


def _moved(text: str, offset: int, earlier: str) -> int:
    """The place in an earlier state of a text, given one edit between the two."""
    low, high = 0, min(offset, len(earlier))
    while low < high:  # the longest common beginning
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text.startswith(earlier[:middle]) else (low, middle - 1)
    return low if low == offset else max(low, len(earlier) - (len(text) - offset))


def _fitting(item: Item, behind: str | None) -> Item:
    """An item without the sign that already stands behind the word."""
    if behind == "=" and item.text.endswith(" = "):
        return replace(item, text=item.label)
    if (behind == "(" and item.kind == "function") or (behind == "{" and item.text.endswith("{")):
        return replace(item, text=item.label, snippet="")
    return item


def _proposed(document: Document, offset: int, at: Cursor, catalog: Catalog, now: Document) -> Iterator[Item]:
    if at.position == "none":
        return
    if at.position == "statement":
        yield from _statements(document, at, catalog, now)
        return
    if at.position == "member":
        owner = document.lookup(at.owner, offset)
        other = document.imported(owner) if owner is not None else None
        yield from _named(other.definitions if other is not None else [], ("fn", "block", *_STATICS))
        return
    known = [d for d in document.definitions if d.scope.start <= offset <= d.scope.end + 1]
    if at.position == "stage":
        yield from _named(known, _STAGES)
        yield from _entries(catalog, "function", piped=True)
        return
    if at.position == "argument" and at.call is not None and at.call.signature is not None:
        given = at.call.index - len(at.call.signature.inputs)  # by place
        for option in at.call.signature.options[max(given, 0) :]:
            if option.name not in at.call.named:
                detail = taken(option) if option.kinds else option_text(option)
                yield Item(option.name, "option", f"{option.name} = ", detail)
    if at.option is not None and at.option.kinds:
        yield from _values(at.option, known, catalog)
    elif at.section != "data" and (at.section != "train" or at.call is not None):
        yield from _named(known, ("input", "target", "output", "value", "argument"))
        yield from _named(known, (*_STATICS, "fn", "block", "import"))
        yield from _entries(catalog, "function")


def _statements(document: Document, at: Cursor, catalog: Catalog, now: Document) -> Iterator[Item]:
    if at.section == "":
        present = {type(statement) for statement in document.file.statements}
        kinds = {"data": syntax.Data, "model": syntax.Model, "train": syntax.Train}
        for word, detail in _SECTION_KEYWORDS.items():
            if kinds[word] not in present:
                yield Item(word, "keyword", f"{word} {{", detail, snippet=f"{word} {{\n  $0\n}}")
        yield from _keywords(_DECLARATION_KEYWORDS)
    elif at.section == "model":
        yield from _keywords(_MODEL_KEYWORDS)
    elif at.section == "block":
        yield from _keywords(_BLOCK_KEYWORDS)
    elif at.section == "train":
        written = keys(now.source, "train")
        for option in catalog.train.values():
            if option.name not in written:
                default = default_text(option)
                detail = f"default: {default}" if default else option.doc.split("\n", 1)[0]
                yield Item(option.name, "key", f"{option.name} = ", detail, option.doc)
    else:
        written = keys(now.source, "data")
        for found in document.definitions:
            if found.sort in ("input", "target") and found.name not in written:
                yield Item(found.name, "value", f"{found.name} = ", _line(found))
        if "split" not in written:
            yield Item("split", "key", "split = ", "parts for training, validation and test")


def _keywords(words: dict[str, str]) -> Iterator[Item]:
    for word, detail in words.items():
        yield Item(word, "keyword", f"{word} ", detail)


def _named(known: list[Definition], sorts: tuple[str, ...]) -> Iterator[Item]:
    for found in known:
        if found.sort in sorts:
            kind: ItemKind = "function" if found.sort in ("fn", "block", "layer") else "value"
            yield Item(found.name, kind, found.name, _line(found))


def _entries(catalog: Catalog, part: Part, *, piped: bool = False) -> Iterator[Item]:
    for name, entry in catalog.entries.get(part, {}).items():
        yield Item(name, "function", name, written(entry), about(entry), _call(entry, piped=piped))


def _call(entry: Signature, *, piped: bool) -> str:
    """A call with a field for each argument that must be given, "" if none must; a pipe brings the first input."""
    needed = [*entry.inputs[piped:], *(_field(option) for option in entry.options if option.default is REQUIRED)]
    if entry.variadic:
        return f"{entry.name}($1)"
    fields = (f'"${{{n}:{text[1:-1]}}}"' if text[0] == '"' else f"${{{n}:{text}}}" for n, text in enumerate(needed, 1))
    return f"{entry.name}({', '.join(fields)})" if needed else ""


def _field(option: Option) -> str:
    return f'"{option.name}"' if option.kinds == ("string",) else option.name


def _values(option: Option, known: list[Definition], catalog: Catalog) -> Iterator[Item]:
    """What an option takes."""
    for kind in option.kinds:
        if kind == "flag":
            yield from (Item(word, "word", word) for word in ("true", "false"))
        elif kind == "word":
            yield from (Item(word, "word", word) for word in option.words)
        elif kind in ("choice", "choices") and option.part is not None:
            yield from _entries(catalog, option.part)
        elif kind in ("loss", "metrics"):
            for part in _SCORES[kind]:
                yield from _entries(catalog, part)
            yield from _named(known, ("value", "output", "input", "target"))
            yield from _entries(catalog, "function")
        elif kind == "paths" or kind == "value":
            yield from _named(known, ("value", "output", "input", "layer"))
        elif kind == "path":
            yield from (Item(word, "word", word) for word in ("valid.loss", "train.loss"))
        elif kind in ("whole", "real", "fraction"):
            yield from _named(known, _STATICS)


def _line(found: Definition) -> str:
    """The first line of the statement that defines a name."""
    return " ".join(found.statement.text.split("\n", 1)[0].split())
