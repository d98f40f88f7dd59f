"""What each word of a text is, for editors that colour by what a language server says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dsl.source import Source
from dsl.tokens import WORDS, Tokens, scan

TYPES = ("keyword", "number", "string", "comment", "function", "parameter", "type")
"""Of the types of the Language Server Protocol those that are used here."""

_COMMENT = re.compile("#[^\n\r]*")
_LITERALS = {"NUMBER": "number", "STRING": "string"}
_KEYWORDS = frozenset(WORDS.values())


def semantic_tokens(source: Source) -> Iterator[tuple[int, int, str]]:
    """Where each word, number, string and comment begins and ends, and its type; names of values have none. A stage
    that begins the chain of a loop counts as a value, for the tokens alone do not tell."""
    tokens, end = scan(source), 0
    for index, token in enumerate(tokens.all):
        start = token.start_pos or 0
        yield from _comments(source, end, start)
        end = token.end_pos or 0
        kind = _LITERALS.get(token.type) or ("keyword" if token.type in _KEYWORDS else _name(tokens, index))
        if kind:
            yield start, end, kind
    yield from _comments(source, end, len(source.text))


def _comments(source: Source, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    for found in _COMMENT.finditer(source.text, start, end):
        yield found.start(), found.end(), "comment"


def _name(tokens: Tokens, index: int) -> str:
    """The type of a name by what stands around it, "" for a value and for what is no name."""
    after = tokens.kind(index + 1)
    if tokens.kind(index) != "NAME" or after == "_DOT":
        return ""
    first = index
    while tokens.kind(first - 1) == "_DOT":
        first -= 2
    before = tokens.kind(first - 1)
    if before == "_COLON" and tokens.all[index] == "class":
        return "type"
    if before == "_ARROW" or after == "_LPAR":
        return "function"
    return "parameter" if after == "_EQUAL" and before in ("_LPAR", "_COMMA") and _in_call(tokens, index) else ""


def _in_call(tokens: Tokens, index: int) -> bool:
    """Whether the name before a `=` names an argument: not in `a, b = ...`, where it ends the names of a statement."""
    while tokens.kind(index - 1) == "_COMMA" and tokens.kind(index - 2) == "NAME":
        index -= 2
    return tokens.kind(index - 1) in ("_LPAR", "_COMMA")
