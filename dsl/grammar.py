"""The parser that Lark makes of `net.lark`, made once and only when it is needed.

Making it takes longer than all the rest of reading a small file, so `net.json` holds Lark's tables ready-made: plain
JSON, nothing is ever unpickled. They count only for the very grammar and the version of Lark that they were made with;
else the parser is made anew. `python -m dsl.grammar` writes them after a change of the grammar (a test reminds of it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import lark
from lark import Lark, Token, Tree
from lark.grammar import Rule
from lark.lexer import Lexer, TerminalDef

from .records import dataclass

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
    """The tree of a file or an expression, or where the tokens cease to make sense.

    Walks Lark's tables itself: Lark's own walk looks each rule up by its text and gathers lines and columns for every
    tree, where offsets are all that is asked for, and takes three times as long.
    """
    machine = _machine()
    actions, follow, last = machine.actions, machine.follow, machine.last[start]
    states = [machine.first[start]]
    values: list[Any] = []
    places: list[tuple[int, int]] = []  # for each value the text it stands for, brackets included
    for fed, token in enumerate((*tokens, Token(_END, ""))):
        while not isinstance(action := actions[states[-1]].get(token.type), int):
            if action is None:
                return Refused(fed, machine.accepted(states, last))
            size, make, origin = action
            if make is None:
                states[-1] = follow[states[-2]][origin]
                if states[-1] == last and token.type == _END:
                    return cast("Tree[Token] | Token", values[-1])
                continue
            if size:
                value = make(values[-size:])
                place = _around(places[-size:])
                del states[-size:], values[-size:], places[-size:]
            else:
                value, place = make([]), _NOWHERE
            if isinstance(value, Tree) and place is not _NOWHERE:
                meta = value.meta
                if meta.empty:  # else the rule only hands on another one's tree
                    meta.start_pos, meta.end_pos = place
                    meta.empty = False
            states.append(follow[states[-1]][origin])
            values.append(value)
            places.append(place)
            if states[-1] == last and token.type == _END:
                return cast("Tree[Token] | Token", value)
        states.append(action)
        values.append(token)
        places.append((token.start_pos or 0, token.end_pos or 0))
    raise AssertionError("the end of the text is no token that can be taken")


def _around(places: list[tuple[int, int]]) -> tuple[int, int]:
    """From the first to the last of the places; those of rules that took no text do not count."""
    if places[0] is _NOWHERE or places[-1] is _NOWHERE:
        places = [place for place in places if place is not _NOWHERE] or [_NOWHERE]
    return places[0] if len(places) == 1 else (places[0][0], places[-1][1])


_END = "$END"
_NOWHERE = (-1, -1)

_Reduce = tuple[int, Callable[[list[Any]], Any] | None, str]
"""How many values a rule takes, what it makes of them (None: it hands on the only one), its name."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """Lark's tables: in each state, by the type of a token, the next state or what to reduce; by the name of a rule
    that was reduced, the next state."""

    actions: Mapping[int, Mapping[str, int | _Reduce]]
    follow: Mapping[int, Mapping[str, int]]
    first: Mapping[str, int]
    last: Mapping[str, int]

    def accepted(self, states: list[int], last: int) -> frozenset[str]:
        """The types of token that can follow."""
        return frozenset([kind for kind in self.actions[states[-1]] if self._takes(list(states), kind, last)])

    def _takes(self, states: list[int], kind: str, last: int) -> bool:
        while not isinstance(action := self.actions[states[-1]].get(kind), int):
            if action is None:
                return False
            size, _, origin = action
            del states[len(states) - size :]
            states.append(self.follow[states[-1]][origin])
            if states[-1] == last and kind == _END:
                return True
        return True


@cache
def _machine() -> _Machine:
    return _compiled(_from_tables() or _from_grammar())


def _compiled(parser: Lark) -> _Machine:
    lalr: Any = parser.parser.parser  # has no annotations
    made, table = lalr.parser.callbacks, lalr.parser.parse_table
    rules = {
        rule: (len(rule.expansion), None if _hands_on(rule) else made[rule], str(rule.origin.name))
        for rule in made
        if isinstance(rule, Rule)
    }
    actions: dict[int, dict[str, int | _Reduce]] = {}
    follow: dict[int, dict[str, int]] = {}
    for state, steps in table.states.items():
        to = {kind: rules[to] if isinstance(to, Rule) else to for kind, (_, to) in steps.items()}
        actions[state] = {kind: step for kind, step in to.items() if kind.isupper()}
        follow[state] = {kind: step for kind, step in to.items() if isinstance(step, int) and not kind.isupper()}
    return _Machine(actions, follow, table.start_states, table.end_states)


def _hands_on(rule: Rule) -> bool:
    """Whether a rule stands for its only part, as most levels of an expression do."""
    parts = rule.expansion
    return bool(rule.options.expand1 and not rule.alias and len(parts) == 1 and not parts[0].name.startswith("_"))


def _from_grammar() -> Lark:
    grammar = _GRAMMAR.read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Ready, start=["start", "expr"])


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
