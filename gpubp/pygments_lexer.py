"""Colours for `.net` text in whatever uses Pygments (Sphinx, Jupyter, a terminal); nothing in gpubp imports this.

Pygments finds it by an entry point, as `gpubp` and `net` and for files `*.net`. The tokens are the language's own: this
module only says what each of them is to Pygments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import ClassVar

from pygments.lexer import Lexer
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Text, _TokenType

from dsl.source import Source
from dsl.tokens import SIGNS, WORDS, Tokens, number_value, scan

_OPERATORS = {"_ARROW", "_RANGE", "_EQUAL", "_QUERY"} | {kind for kind in SIGNS.values() if not kind.startswith("_")}
_KINDS: dict[str, _TokenType] = {
    **{kind: Operator if kind in _OPERATORS else Punctuation for kind in SIGNS.values()},
    **dict.fromkeys(WORDS.values(), Keyword),
    **dict.fromkeys(("TRUTH", "PI"), Keyword.Constant),
    **dict.fromkeys(("AND", "OR", "NOT"), Operator.Word),
    "STRING": String.Double,
    "ERROR": Error,
}
_STRING_PART = re.compile(r"\\.|[^\\]+")
_GAP_PART = re.compile(r"(?P<blank>[\s\ufeff]+)|(?P<comment>#[^\n]*)|(?P<other>[^\s\ufeff#]+)")


class NetLexer(Lexer):
    """The lexer for `.net` files. Text that is no token of the language becomes an Error."""

    name = "gpubp"
    aliases: ClassVar = ["gpubp", "net"]
    filenames: ClassVar = ["*.net"]
    mimetypes: ClassVar = ["text/x-gpubp"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Place, type and text of each token, blanks and comments too: together they are the whole text."""
        tokens = scan(Source("", text))
        kinds = _kinds(tokens)
        end = 0
        for token, kind in zip(tokens.all, kinds):
            start = token.start_pos or 0
            yield from _gap(text[end:start], end)
            end = token.end_pos or 0
            written = text[start:end]
            if written != token:  # a slip, which the parser reads as what it was meant to be
                yield start, Error, written
            elif token.type == "STRING":
                yield from _string(written, start)
            else:
                yield start, kind, written
        yield from _gap(text[end:], end)


def _kinds(tokens: Tokens) -> Iterator[_TokenType]:
    """The type of each token; names by what stands around them."""
    open_: list[str] = []
    for i, token in enumerate(tokens.all):
        kind = token.type
        if kind in ("_LPAR", "_LSQB", "_LBRACE"):
            open_.append(kind)
        elif kind in ("_RPAR", "_RSQB", "_RBRACE") and open_:
            open_.pop()
        if kind == "NAME":
            yield _name(tokens, i, open_[-1] if open_ else "")
        elif kind == "NUMBER":
            value, _ = number_value(token) or (math.inf, "")
            yield Number.Integer if isinstance(value, int) else Number.Float
        else:
            yield _KINDS[kind]


def _name(tokens: Tokens, i: int, bracket: str) -> _TokenType:
    """A type, a function (after `->` or before `(`), an argument's name, a part of a path, or any other name."""
    before, after = tokens.kind(i - 1), tokens.kind(i + 1)
    if before == "_COLON" and tokens.all[i] == "class":
        return Keyword.Type
    if after == "_DOT":
        return Name.Namespace
    if after == "_LPAR":
        return Name.Function
    if after == "_EQUAL" and bracket == "_LPAR":
        return Name.Attribute
    while tokens.kind(i - 1) == "_DOT":
        i -= 2
    return Name.Function if tokens.kind(i - 1) == "_ARROW" else Name


def _string(text: str, start: int) -> Iterator[tuple[int, _TokenType, str]]:
    for part in _STRING_PART.finditer(text):
        yield start + part.start(), String.Escape if part[0][0] == "\\" else String.Double, part[0]


def _gap(text: str, start: int) -> Iterator[tuple[int, _TokenType, str]]:
    """What stands between two tokens: blanks and comments, and what the language reads as neither."""
    for part in _GAP_PART.finditer(text):
        kind = {"blank": Text.Whitespace, "comment": Comment.Single}.get(part.lastgroup or "", Error)
        yield start + part.start(), kind, part[0]
