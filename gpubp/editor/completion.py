"""What can be written at a place: keywords, keys, options, words of the catalogue, names of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dsl import syntax
from dsl.catalog import Catalog, Option, Part
from dsl.records import dataclass

from ..frontend import current_catalog
from ..frontend.words import default_text, taken
from .cursor import Cursor, cursor, keys
from .describe import about, signature
from .document import Document
from .names import Definition

ItemKind = Literal["keyword", "key", "option", "function", "word", "value"]


@dataclass(frozen=True, slots=True)
class Item:
    """A proposal: what is shown, what is written, a line about it, and Markdown that says more."""

    label: str
    kind: ItemKind
    text: str
    detail: str = ""
    documentation: str = ""


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
_STAGES = ("block", "layer", "fn")
_STATICS = ("param", "let")


def completions(document: Document, offset: int) -> list[Item]:
    """All proposals for a place, the likeliest kind first; the editor chooses by what has been typed."""
    catalog = current_catalog()
    at = cursor(document.source, offset, catalog)
    return list({item.label: item for item in reversed([*_proposed(document, offset, at, catalog)])}.values())[::-1]


def _proposed(document: Document, offset: int, at: Cursor, catalog: Catalog) -> Iterator[Item]:
    if at.position == "none":
        return
    if at.position == "statement":
        yield from _statements(document, at, catalog)
        return
    known = [d for d in document.definitions if d.scope.start <= offset <= d.scope.end + 1]
    if at.position == "stage":
        yield from _named(known, _STAGES)
        yield from _entries(catalog, "function")
        return
    if at.position == "argument" and at.call is not None and at.call.signature is not None:
        given = at.call.index - len(at.call.signature.inputs)  # by place
        for option in at.call.signature.options[max(given, 0) :]:
            if option.name not in at.call.named:
                yield Item(option.name, "option", f"{option.name} = ", taken(option))
    if at.position == "argument" and at.call is not None and at.call.signature is None:
        yield from _formals(document, at)
    if at.option is not None:
        yield from _values(at.option, known, catalog)
    elif at.section != "data" and (at.section != "train" or at.call is not None):
        yield from _named(known, ("input", "target", "output", "value", "argument"))
        yield from _named(known, (*_STATICS, "fn", "block", "import"))
        yield from _entries(catalog, "function")


def _statements(document: Document, at: Cursor, catalog: Catalog) -> Iterator[Item]:
    if at.section == "":
        present = {type(statement) for statement in document.file.statements}
        kinds = {"data": syntax.Data, "model": syntax.Model, "train": syntax.Train}
        yield from _keywords({k: v for k, v in _SECTION_KEYWORDS.items() if kinds[k] not in present}, " {\n  \n}")
        yield from _keywords(_DECLARATION_KEYWORDS)
    elif at.section == "model":
        yield from _keywords(_MODEL_KEYWORDS)
    elif at.section == "block":
        yield from _keywords(_BLOCK_KEYWORDS)
    elif at.section == "train":
        written = keys(document.source, "train")
        for option in catalog.train.values():
            if option.name not in written:
                detail = default_text(option)
                yield Item(option.name, "key", f"{option.name} = ", detail and f"default: {detail}", option.doc)
    else:
        written = keys(document.source, "data")
        for found in document.definitions:
            if found.sort in ("input", "target") and found.name not in written:
                yield Item(found.name, "value", f"{found.name} = ", _line(found))
        if "split" not in written:
            yield Item("split", "key", "split = split(", "parts for training, validation and test")


def _keywords(words: dict[str, str], more: str = " ") -> Iterator[Item]:
    for word, detail in words.items():
        yield Item(word, "keyword", word + more, detail)


def _named(known: list[Definition], sorts: tuple[str, ...]) -> Iterator[Item]:
    for found in known:
        if found.sort in sorts:
            kind: ItemKind = "function" if found.sort in ("fn", "block", "layer") else "value"
            yield Item(found.name, kind, found.name, _line(found))


def _formals(document: Document, at: Cursor) -> Iterator[Item]:
    """The arguments of a block or formula of the file."""
    for statement in document.file.statements:
        if isinstance(statement, syntax.Block | syntax.Fn) and at.call and statement.name.text == at.call.name:
            for formal in statement.formals:
                if formal.name.text not in at.call.named:
                    yield Item(formal.name.text, "option", f"{formal.name.text} = ", formal.span.text)


def _entries(catalog: Catalog, part: Part) -> Iterator[Item]:
    for name, entry in catalog.entries.get(part, {}).items():
        yield Item(name, "function", name, signature(entry), about(entry))


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
