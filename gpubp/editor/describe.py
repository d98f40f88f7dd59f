"""Words of the catalogue as Markdown."""

from __future__ import annotations

from dsl.catalog import Option, Signature
from dsl.resolve.signatures import argument_texts, signature_text

from ..frontend.words import SECTION_OF, default_text, paragraphs, taken


def signature(entry: Signature) -> str:
    """`x -> dense(units, bias = true, ...)`."""
    text = signature_text(entry)
    piped = entry.part == "function" and len(entry.inputs) == 1 and not entry.variadic
    return f"{entry.inputs[0]} -> {text.removesuffix('()')}" if piped else text


def about(entry: Signature) -> str:
    """What a word does, and what its options take."""
    options = "\n".join(f"- `{option.name}`: {taken(option)}" for option in entry.options)
    return "\n\n".join([*paragraphs(entry.doc), *([options] if options else [])])


def key(option: Option) -> str:
    """A key of `train`: its default, what it is, and where its values are listed."""
    default = default_text(option)
    head = f"```gpubp\n{option.name}{f' = {default}' if default else ''}\n```"
    part = SECTION_OF.get(option.part or "", option.part or "")
    more = f" (`gpubp words {part}` lists what there is)" if part else ""
    return f"{head}\n{option.doc[:1].upper()}{option.doc[1:]}{more}"


def arguments(entry: Signature) -> tuple[list[str], list[tuple[int, int]]]:
    """The names of the inputs and options that `signature` writes, and where in its text they stand."""
    at = signature(entry).find(f"{entry.name}(") + len(entry.name) + 1
    spans: list[tuple[int, int]] = []
    for text in argument_texts(entry):
        spans.append((at, at + len(text)))
        at += len(text) + len(", ")
    return [text.partition(" = ")[0] for text in argument_texts(entry)], spans
