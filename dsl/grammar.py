"""The parser that Lark makes of `net.lark`, made once and only when it is needed.

Making it takes longer than all the rest of reading a small file, so `net.json` holds Lark's tables ready-made: plain
JSON, nothing is ever unpickled. They count only for the very grammar and the version of Lark that they were made with;
else the parser is made anew. `python -m dsl.grammar` writes them after a change of the grammar (a test reminds of it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import lark
from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken
from lark.grammar import Rule
from lark.lexer import Lexer, TerminalDef

Start = Literal["start", "expr"]
_GRAMMAR = Path(__file__).with_name("net.lark")
TABLES = Path(__file__).with_name("net.json")


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


def parse_tokens(tokens: Iterable[Token], start: Start = "start") -> Tree[Token] | Token | Refused:
    """Lark's tree of a file or an expression, or where the tokens cease to make sense."""
    parser: Any = _parser().parse_interactive(start=start)  # its methods have no annotations
    fed = 0
    try:
        for token in tokens:
            parser.feed_token(token)
            fed += 1
        return cast("Tree[Token] | Token", parser.feed_eof())
    except UnexpectedToken:
        return Refused(fed, frozenset(parser.accepts()))


@cache
def _parser() -> Lark:
    return _from_tables() or _from_grammar()


def _from_grammar() -> Lark:
    grammar = _GRAMMAR.read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Ready, start=["start", "expr"], propagate_positions=True)


def _from_tables() -> Lark | None:
    """The parser of the tables, None where they are missing or of another grammar or Lark."""
    try:
        made = json.loads(TABLES.read_bytes())
    except (OSError, ValueError):
        return None
    if made["made_for"] != _made_for():
        return None
    data: dict[str, Any] = made["data"]
    data["options"]["lexer"] = data["parser"]["lexer_conf"]["lexer_type"] = _Ready
    table = data["parser"]["parser"]
    table["tokens"] = _numbered(table["tokens"])
    table["states"] = {state: _numbered(actions) for state, actions in _numbered(table["states"]).items()}
    return Lark.load({"data": data, "memo": _numbered(made["memo"])})  # a dict is taken as it is, without pickle


def tables() -> str:
    """What `net.json` must hold."""
    data, memo = _from_grammar().memo_serialize([Rule, TerminalDef])
    data["options"]["lexer"] = data["parser"]["lexer_conf"]["lexer_type"] = None  # classes, put back by `_from_tables`
    made = {"made_for": _made_for(), "data": data, "memo": memo}
    return json.dumps(made, default=sorted, separators=(",", ":")) + "\n"


def _made_for() -> list[str]:
    return [lark.__version__, hashlib.sha256(_GRAMMAR.read_bytes()).hexdigest()]


def _numbered(table: dict[str, Any]) -> dict[int, Any]:
    """A table whose keys are numbers, which JSON turns into strings."""
    return {int(key): value for key, value in table.items()}


if __name__ == "__main__":
    TABLES.write_text(tables(), encoding="utf-8")
