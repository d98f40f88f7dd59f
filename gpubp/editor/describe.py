"""Words of the catalogue, and blocks and formulas of a file, as Markdown."""

from __future__ import annotations

from dsl import syntax
from dsl.catalog import REQUIRED, Option, Signature

from ..frontend.words import SECTION_OF, arguments, default_text, paragraphs, taken, written


def about(entry: Signature) -> str:
    """What a word does, and what its options take."""
    options = "\n".join(f"- `{option.name}`: {taken(option)}" for option in entry.options if option.kinds)
    return "\n\n".join([*paragraphs(entry.doc), *([options] if options else [])])


def key(option: Option) -> str:
    """A key of `train`: its default, what it is, and where its values are listed."""
    default = default_text(option)
    head = f"```gpubp\n{option.name}{f' = {default}' if default else ''}\n```"
    part = SECTION_OF.get(option.part or "", option.part or "")
    more = f" (`gpubp words {part}` lists what there is)" if part else ""
    return f"{head}\n{option.doc[:1].upper()}{option.doc[1:]}{more}"


def places_of_arguments(entry: Signature) -> tuple[list[str], list[tuple[int, int]]]:
    """The names of the inputs and options that `written` shows, and where in its text they stand."""
    texts = arguments(entry)
    at = written(entry).find(f"{entry.name}(") + len(entry.name) + 1
    spans: list[tuple[int, int]] = []
    for text in texts:
        spans.append((at, at + len(text)))
        at += len(text) + len(", ")
    return [text.partition(" = ")[0] for text in texts], spans


def own(name: str, statement: syntax.Block | syntax.Fn) -> Signature:
    """A block or a formula of a file as if it were a word of the catalogue, under the name that a call gives it; what
    its options take is not known."""
    formals = statement.formals
    if isinstance(statement, syntax.Block):
        inputs = tuple(each.text for each in statement.inputs)
    else:  # the arguments of a formula that have no default
        inputs = tuple(formal.name.text for formal in formals if formal.default is None)
        formals = tuple(formal for formal in formals if formal.default is not None)
    options = tuple(
        Option(formal.name.text, (), REQUIRED if formal.default is None else formal.default.span.text)
        for formal in formals
    )
    weights = isinstance(statement, syntax.Block)
    return Signature(name, "function", inputs, options=options, makes_weights=weights)
