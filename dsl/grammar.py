"""The parser that Lark makes of `net.lark`, built once and only when it is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

Start = Literal["start", "expr"]


class _Ready(Lexer):
    """In the place of a lexer: the tokens come ready-made, see `tokens.scan`."""

    def __init__(self, lexer_conf: Any) -> None:
        """Lark hands in the terminals, which nothing here needs."""

    def lex(self, lexer_state: Any, parser_state: Any) -> Any:
        return iter(())


@dataclass(frozen=True, slots=True)
class Refused:
    """Token `index` (the number of tokens, if more were needed) does not fit; only `accepted` types do."""

    index: int
    accepted: frozenset[str]


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("net.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Ready, start=["start", "expr"], propagate_positions=True)


def parse_tokens(tokens: Iterable[Token], start: Start = "start") -> Tree[Token] | Token | Refused:
    """Lark's tree of a file or an expression, or where the tokens cease to make sense."""
    parser: Any = _lark().parse_interactive(start=start)  # its methods have no annotations
    fed = 0
    try:
        for token in tokens:
            parser.feed_token(token)
            fed += 1
        return cast("Tree[Token] | Token", parser.feed_eof())
    except UnexpectedToken:
        return Refused(fed, frozenset(parser.accepts()))
