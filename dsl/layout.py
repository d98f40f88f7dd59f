"""Tokens to statements: where each begins and ends, by line breaks and brackets, so that a broken one can be left out.

A line break goes on with a statement after an operator, `->`, `=` or `,`, and before `->`, an operator, `{` or one of
`as on in then else`; inside brackets it means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from .brackets import OPENERS
from .records import dataclass
from .tokens import Tokens
from .wording import SECTION_NAMES, nearest

OPERATORS = frozenset({"PLUS", "MINUS", "TIMES", "POWER", "COMPARE"})
VALUE_END = frozenset({"NAME", "NUMBER", "STRING", "TRUTH", "PI", "_RPAR", "_RSQB"})
SECTIONS = frozenset({"_K_DATA", "_K_MODEL", "_K_TRAIN", "_K_BLOCK"})
STATEMENT_WORDS = SECTIONS | frozenset(
    {"_K_IMPORT", "_K_PARAM", "_K_LET", "_K_FN", "_K_INPUT", "_K_TARGET", "_K_OUTPUT", "_K_LAYER", "_K_RETURN"}
)
UNKNOWN = "?"
"""The section of statements whose head is no section's."""
_VALUES = frozenset({"NAME", "NUMBER", "STRING", "TRUTH"})
_BEFORE_BREAK = OPERATORS | {"_ARROW", "_EQUAL", "_COMMA"}
_AFTER_BREAK = OPERATORS | {"_ARROW", "_LBRACE", "_K_AS", "_K_ON", "_K_IN", "_K_THEN", "_K_ELSE"}


@dataclass
class Item:
    """One statement: the tokens `first` to `last` (not included).

    `section` is the type of the word that heads the section it stands in, "" at the file's level. A section has in
    `heads` the type of its own word (of the word it resembles, `UNKNOWN` without one), in `brace` the index of its `{`
    (-1 otherwise), in `close` that of its `}` (`last` if missing), and its statements in `inner`. `strays` are tokens
    that begin a line and go on with nothing.
    """

    first: int
    section: str
    last: int = -1
    brace: int = -1
    heads: str = ""
    close: int = -1
    inner: list[Item] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)
    broken: bool = False

    def own(self) -> range:
        """The tokens of the statement, of a section its head alone."""
        return range(self.first, self.last if self.brace < 0 else self.brace + 1)

    def headless(self, tokens: Tokens) -> bool:
        """Is it `train` or `block b() on x` with the `{` missing? Then all its statements are part of it."""
        kind, following = tokens.kind(self.first), tokens.kind(self.first + 1)
        if self.section or self.brace >= 0:
            return False
        if kind == "_K_BLOCK":
            return tokens.kind(self.head(tokens).stop - 1) == "NAME" and any(
                tokens.kind(i) == "_K_ON" for i in self.head(tokens)
            )
        return kind in SECTIONS and following not in ("_EQUAL", "_COMMA", "_COLON")

    def head(self, tokens: Tokens) -> range:
        """The tokens of its first line."""
        end = next((i for i in range(self.first + 1, len(tokens.all)) if tokens.breaks[i]), len(tokens.all))
        return range(self.first, end)

    def leaves(self) -> Iterator[Item]:
        yield self
        yield from self.inner


class Splitter:
    """Makes the items of a file; the time is linear in the number of tokens."""

    def __init__(self, tokens: Tokens, partner: list[int]) -> None:
        self.tokens, self.partner = tokens, partner

    def file(self) -> list[Item]:
        items: list[Item] = []
        index = 0
        while index < len(self.tokens.all):
            items.append(self._item(index, len(self.tokens.all), ""))
            index = items[-1].last
        return items

    def _item(self, first: int, end: int, section: str) -> Item:
        item = Item(first, section)
        index = first
        while index < end:
            kind = self.tokens.kind(index)
            if not section and kind == "_LBRACE" and self._heads_section(first, index):
                self._section(item, index, end)
                return item
            index = self.partner[index] + 1 if kind in OPENERS and self.partner[index] > index else index + 1
            if index < end and self._ends_before(index, item):
                if item.headless(self.tokens):
                    index = self._next_statement_of_file(index, end)
                break
        item.last = min(index, end)
        return item

    def _heads_section(self, first: int, brace: int) -> bool:
        return self.tokens.kind(first) in SECTIONS or brace == first + 1

    def _section(self, item: Item, brace: int, end: int) -> None:
        closed = self.partner[brace] > brace
        item.brace, item.heads = brace, self._section_kind(item.first)
        item.close = self.partner[brace] if closed else self._next_statement_of_file(brace + 1, end)
        item.last = item.close + 1 if closed else item.close
        index = brace + 1
        while index < item.close:
            item.inner.append(self._item(index, item.close, item.heads))
            index = item.inner[-1].last

    def _section_kind(self, first: int) -> str:
        kind = self.tokens.kind(first)
        guess = nearest(str(self.tokens.all[first]), SECTION_NAMES) if kind == "NAME" else ""
        return kind if kind in SECTIONS else f"_K_{guess.upper()}" if guess else UNKNOWN

    def _next_statement_of_file(self, start: int, end: int) -> int:
        section_words = SECTIONS | {"_K_IMPORT", "_K_PARAM", "_K_LET", "_K_FN"}
        for index in range(start, end):
            if self.tokens.breaks[index] and self.tokens.kind(index) in section_words:
                return index
        return end

    def _ends_before(self, index: int, item: Item) -> bool:
        """Does a new statement begin at a token that stands outside brackets? Notes a line that is neither."""
        before, kind, after = (self.tokens.kind(i) for i in (index - 1, index, index + 1))
        if not self.tokens.breaks[index]:
            begins = (kind in STATEMENT_WORDS and after != "_EQUAL") or (
                kind == "NAME"
                and after == "_EQUAL"
                and index > item.first + 1
                and self.tokens.kind(item.first) != "_K_FN"  # `fn f x = ...` lacks parentheses, not a line break
            )
            return begins and (before in VALUE_END or before == "_RBRACE")
        if kind == "NAME" and after == "_EQUAL" and before != "_COMMA":
            return True
        if kind in STATEMENT_WORDS and after in ("NAME", "_LBRACE", "STRING"):
            return True
        if before in _BEFORE_BREAK or kind in _AFTER_BREAK:
            return False
        if self.tokens.kind(item.first) in ("_K_INPUT", "_K_TARGET", "_K_IMPORT"):
            return True
        if kind in STATEMENT_WORDS or kind in ("_K_FOR", "_K_REPEAT", "_RBRACE") or self._resembles_statement(index):
            return True
        if kind == "_K_IF" and before in VALUE_END | {"_RBRACE"}:
            return True
        if kind == "NAME" and after in ("_ARROW", "_LPAR") and self._is_bare(item, after):
            return True
        item.strays.append(index)
        return False

    def _is_bare(self, item: Item, after: str) -> bool:
        """Is the statement `dense(8)` or `x -> relu` alone, and the next line no stage of it?"""
        following = self.tokens.kind(item.first + 1)
        alone = bool(item.section) and self.tokens.kind(item.first) == "NAME"
        return alone and (following == "_LPAR" or following == after == "_ARROW")

    def _resembles_statement(self, index: int) -> bool:
        """`a, b = ...`, `a: ...`, `inptu x: ...`, `modle {`, `epochs 20`."""
        after = self.tokens.kind(index + 1)
        if self.tokens.kind(index) != "NAME":
            return False
        if after in OPERATORS and self.tokens.kind(index + 2) == "_EQUAL":
            return True
        if after in ("_COMMA", "_COLON", "_LBRACE") or not after:
            return bool(after)
        value = after in _VALUES or (after == "_LSQB" and not self.tokens.adjacent(index + 1))
        return value and not self.tokens.breaks[index + 1]
