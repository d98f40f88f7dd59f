"""A token that the grammar refuses, with what stands around it."""

from __future__ import annotations

from .brackets import CLOSERS, OPENERS
from .choices import Verify
from .layout import OPERATORS, Item
from .source import Span
from .tokens import SIGNS, Tokens

_SHOWN = {kind: f"`{sign}`" for sign, kind in SIGNS.items() if kind not in OPERATORS}


class Refusal:
    """Token `index` of a statement, refused where only `accepted` types fit.

    `kind` is its type, "" where the statement ended too early; `before` the type of the one before it, "" at the start;
    `open` the brackets open there.
    """

    def __init__(self, tokens: Tokens, item: Item, index: int, accepted: frozenset[str], verify: Verify) -> None:
        self.tokens, self.item, self.index, self.accepted, self.verify = tokens, item, index, accepted, verify
        own = item.own()
        self.end = own.stop
        self.kind = tokens.kind(index) if index < self.end else ""
        self.before = tokens.kind(index - 1) if index > own.start else ""
        self.open = self._still_open()

    def _still_open(self) -> list[int]:
        stack: list[int] = []
        for i in range(self.item.first, min(self.index, self.end)):
            if self.tokens.kind(i) in OPENERS:
                stack.append(i)
            elif self.tokens.kind(i) in CLOSERS and stack:
                stack.pop()
        return stack

    def _span(self) -> Span:
        return self.tokens.span(self.index)

    def _inner(self) -> int:
        """The innermost open bracket, -1 outside brackets."""
        return self.open[-1] if self.open else -1

    def _in_call(self) -> bool:
        inner = self._inner()
        return inner >= 0 and self.tokens.kind(inner) == "_LPAR" and self.tokens.kind(inner - 1) == "NAME"

    def _part_start(self) -> int:
        """Where the expression begins that the refused token stands in: after `=`, `,`, a bracket, `then` ..."""
        depth = 0
        stops = {"_EQUAL", "_COMMA", "_K_THEN", "_K_ELSE", "_K_RETURN", "_K_IF", "_K_IN"}
        for i in range(self.index - 1, self.item.first - 1, -1):
            kind = self.tokens.kind(i)
            if kind in CLOSERS:
                depth += 1
            elif kind in OPENERS:
                depth -= 1
                if depth < 0:
                    return i + 1
            elif depth == 0 and kind in stops:
                return i + 1
        return self.item.first

    def _depth_is_same(self, index: int) -> bool:
        depth = 0
        for i in range(index, self.index):
            depth += (self.tokens.kind(i) in OPENERS) - (self.tokens.kind(i) in CLOSERS)
        return depth == 0

    def _wanted(self) -> str:
        accepted = self.accepted
        if "NUMBER" in accepted:
            return "a value"
        kinds = sorted(accepted - OPERATORS - {"$END", "_COMMA", "_DOT"}, key=lambda kind: (kind == "STRING", kind))
        words = {"NAME": "a name", "STRING": "a string", **_SHOWN}
        names = [words.get(kind, f"`{kind.removeprefix('_K_').lower()}`") for kind in kinds]
        if not names or len(names) > 3:
            return "something"
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
