"""Checks for `if`, `and`, `or` and `not` where other languages allow them."""

from __future__ import annotations

from collections.abc import Callable

from .diagnostics import Diagnostic
from .layout import Item
from .tokens import Tokens

LOGIC = {
    "AND": ("and", "if a then b else false"),
    "OR": ("or", "if a then true else b"),
    "NOT": ("not", "if a then false else true"),
}
Verify = Callable[[str], bool]
"""Whether a text is a valid expression."""


class Choices:
    """A pass over a statement's tokens; `open`: the brackets open at the current token."""

    def __init__(self, tokens: Tokens, item: Item, verify: Verify) -> None:
        self.tokens, self.item, self.verify = tokens, item, verify
        self.open: list[int] = []

    def _logic(self, index: int, kind: str) -> str:
        """`a and b` between `if` and `then`, translated into the language; "" if it is more complex."""
        tokens, first, last = self.tokens, index, index
        while first > self.item.first and tokens.kind(first - 1) not in ("_K_IF", "_EQUAL", *LOGIC):
            first -= 1
        while last + 1 < self.item.last and tokens.kind(last + 1) not in ("_K_THEN", *LOGIC):
            last += 1
        between = tokens.kind(first - 1) == "_K_IF" and tokens.kind(last + 1) == "_K_THEN" and not self.open
        if not between or kind == "NOT" or not first < index < last:
            return ""
        left, right = tokens.span(first, index - 1).text, tokens.span(index + 1, last).text
        written = f"(if {left} then {right} else false)" if kind == "AND" else f"(if {left} then true else {right})"
        return written if "\n" not in written and self.verify(written) else ""

    def _if_stage(self, index: int) -> Diagnostic:
        tokens, kinds = self.tokens, [self.tokens.kind(i) for i in self.item.own()]
        remedy = "choose values: `if norm then x -> batchnorm else x -> relu`, or make the stage a param"
        if kinds.count("_K_IF") == kinds.count("_K_THEN") == kinds.count("_K_ELSE") == 1 and not self.open:
            start = self._expression_start(index)
            then, otherwise = (self.item.first + kinds.index(kind) for kind in ("_K_THEN", "_K_ELSE"))
            if start < index - 1 and index + 1 < then and then + 1 < otherwise and otherwise + 1 < self.item.last:
                value = tokens.span(start, index - 2).text
                question = tokens.span(index + 1, then - 1).text
                yes, no = tokens.span(then + 1, otherwise - 1).text, tokens.span(otherwise + 1, self.item.last - 1).text
                written = f"if {question} then {value} -> {yes} else {value} -> {no}"
                if "\n" not in written and self.verify(written):
                    remedy = f"choose values: `{written}`, or make the stage a param"
        return Diagnostic("E0118", "`if` is not a stage", tokens.span(index), help=(remedy,))

    def _if_behind(self, index: int) -> Diagnostic:
        """`a if question else b`, as Python has it."""
        tokens, start = self.tokens, self._expression_start(index)
        otherwise = next((i for i in range(index, self.item.last) if tokens.kind(i) == "_K_ELSE"), index)
        remedy = "write `if a then b else c`"
        if index + 1 < otherwise < self.item.last - 1:
            value, question = tokens.span(start, index - 1).text, tokens.span(index + 1, otherwise - 1).text
            written = f"if {question} then {value} else {tokens.span(otherwise + 1, self.item.last - 1).text}"
            remedy = f"write `{written}`" if "\n" not in written and self.verify(written) else remedy
        return Diagnostic("E0118", "`if` comes before its two values", tokens.span(index), help=(remedy,))

    def _expression_start(self, index: int) -> int:
        """The start of the expression that contains token `index` (outside brackets)."""
        begins, start = ("_EQUAL", "_K_RETURN", "_K_THEN", "_K_ELSE"), index
        while start > self.item.first and self.tokens.kind(start - 1) not in begins:
            start -= 1
        return start
