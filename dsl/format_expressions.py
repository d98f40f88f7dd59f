"""Expressions, pipes and types as documents: how they are spaced, and where their lines may end.

The syntax tree says what belongs together; the words themselves, the parentheses and the comments are taken from the
tokens, one after the other, so that none can be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import syntax
from .comments import NO_GAP, gaps
from .document import Doc, Line, Remark, Tail, cat, group, indent
from .records import dataclass
from .tokens import Tokens

_LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2}
"""Precedence levels of operators that form chains, `a + b - c`; all others are binary."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part before which a line may break. `hard`: the author broke it there; `remarks`: the comments before it."""

    hard: bool
    remarks: tuple[Doc, ...]
    doc: Doc


class Expressions:
    """Builds the documents of nodes, which must be requested in the order of the text."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.gaps = list(gaps(tokens))
        self.at = 0

    # Tokens ----------------------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """The type of the next token."""
        return self.tokens.kind(self.at)

    @property
    def broken(self) -> bool:
        """Whether a line ends before the next token."""
        return self.tokens.breaks[self.at]

    def remarks(self) -> tuple[Doc, ...]:
        """The comments before the next token that have not been taken yet."""
        gap = self.gaps[self.at]
        if gap is NO_GAP:
            return ()
        self.gaps[self.at] = NO_GAP
        return tuple(Remark(comment.text, comment.own) for comment in gap.comments)

    def bare(self) -> str:
        """The next token as written; the comments before it have been taken."""
        self.at += 1
        return str(self.tokens.all[self.at - 1])

    def word(self) -> Doc:
        """The next token, and the comments before it."""
        remarks = self.remarks()
        return cat(*remarks, self.bare()) if remarks else self.bare()

    def words(self, count: int) -> Doc:
        """So many tokens without spaces."""
        return self.word() if count == 1 else cat(*[self.word() for _ in range(count)])

    def names(self, names: Sequence[syntax.Name]) -> Doc:
        parts = [self.word()]
        for _ in names[1:]:
            parts += [self.word(), " ", self.word()]
        return cat(*parts)

    # Rows ------------------------------------------------------------------------------------------------------------

    def _joined(self, right: Callable[[Any], Doc], node: Any) -> _Part:
        """The next operator, `->` or keyword, and its right operand. Comments on either side are moved before it."""
        hard, remarks = self.broken, self.remarks()
        operator = self.bare()
        hard = hard or self.broken
        remarks += self.remarks()
        return _Part(hard, remarks, cat(operator, " ", right(node)))

    def link(self, right: Callable[[Any], Doc], node: Any) -> Doc:
        """An operator or `->` and what it joins, on a line of its own where the author began one, or where the line
        is full; `->` also behind a bracket in several lines."""
        arrow = self.kind == "_ARROW"
        part = self._joined(right, node)
        if part.hard:
            return cat(*part.remarks, Line(always=True), part.doc)
        return group(Line(" "), part.doc, link=arrow)

    def steps(self, steps: Sequence[syntax.Step]) -> Doc:
        """`stage -> stage`, without what is fed on."""
        first = self.step(steps[0])
        return cat(first, indent(*[self.link(self.step, step) for step in steps[1:]])) if steps[1:] else first

    def series(self, items: Sequence[Any], item: Callable[[Any], Doc], *, fill: bool = False) -> Doc:
        """Brackets with items and commas. In several lines each item has a line of its own; with `fill` as many share
        one as have room. Where the author began a line with an item, one begins there."""
        if len(items) == 1 and self._hugs(items[0]):
            return cat(self.word(), item(items[0]), *self._comma(), self.word())
        opening, after = self.word(), self.remarks()
        printed: list[_Part] = []
        for each_item in items:
            hard = self.broken or (bool(printed) and self.tokens.breaks[self.at - 1])
            remarks = after + self.remarks()
            printed.append(_Part(hard, remarks, item(each_item)))
            after = self._comma()
        after += self.remarks()
        closing = self.bare()
        if not printed:
            return cat(opening, indent(*after), closing)
        fill = fill or any(part.hard for part in printed)
        parts: list[Doc] = []
        for number, part in enumerate(printed):
            body = part.doc if number == len(printed) - 1 else cat(part.doc, ",")
            parts += part.remarks
            if part.hard or not number:
                parts += [Line(always=part.hard), body]
            else:
                parts += [group(Line(" "), body)] if fill else [Line(" "), body]
        return group(opening, indent(*parts, Tail(","), *after), Line(), closing)

    def _comma(self) -> tuple[Doc, ...]:
        """Skip an optional comma; returns the comments before it."""
        if self.kind != "_COMMA":
            return ()
        remarks = self.remarks()
        self.bare()
        return remarks

    def _hugs(self, item: Any) -> bool:
        """Whether the only item of a pair of brackets has brackets itself, so that one level of indentation is
        enough."""
        value = item.value if isinstance(item, syntax.Argument) else item
        return isinstance(value, syntax.List | syntax.Each | syntax.Call) and not self.gaps[self.at + 1].comments

    def braces(self, make: Callable[[Any], Doc], node: Any) -> Doc:
        """` { inner }`, to which a comment after the `{` or before the `}` belongs."""
        opening, after = self.word(), self.remarks()
        inner, before = make(node), self.remarks()
        return cat(" ", opening, indent(*after, Line(" "), inner, *before), Line(" "), self.bare())

    # Expressions -----------------------------------------------------------------------------------------------------

    def expr(self, node: syntax.Expr | syntax.Unknown) -> Doc:
        """An expression with its parentheses."""
        if self.kind == "_LPAR" and (self.tokens.all[self.at].start_pos or 0) < node.span.start:
            opening, after = self.word(), self.remarks()
            inner, before = self.expr(node), self.remarks()
            return group(opening, indent(*after, Line(), inner, *before), Line(), self.bare())
        if isinstance(node, syntax.Number | syntax.String | syntax.Truth):
            return self.word()
        return _FORMS[type(node)](self, node)

    def path(self, node: syntax.Path) -> Doc:
        return self.words(2 * len(node.parts) - 1)

    def call(self, node: syntax.Call) -> Doc:
        return cat(self.path(node.function), self.series(node.arguments, self.argument))

    def argument(self, node: syntax.Argument) -> Doc:
        if node.name is None:
            return self.expr(node.value)
        return cat(self.word(), " ", self.word(), " ", self.expr(node.value))

    def list(self, node: syntax.List) -> Doc:
        return self.series(node.items, self.expr, fill=True)

    def unary(self, node: syntax.Unary) -> Doc:
        return cat(self.word(), self.expr(node.operand))

    def binary(self, node: syntax.Binary) -> Doc:
        if node.operator == "^" or _is_fraction(node):
            return cat(self.expr(node.left), self.word(), self.expr(node.right))
        row = [node]
        while (left := _same_row(row[-1])) is not None:
            row.append(left)
        first = self.expr(row[-1].left)
        return cat(first, indent(*[self.link(self.expr, each.right) for each in reversed(row)]))

    def range(self, node: syntax.Range) -> Doc:
        return cat(self.expr(node.first), self.word(), self.expr(node.last))

    def if_(self, node: syntax.If) -> Doc:
        head = cat(self.word(), " ", self.expr(node.condition))
        branches = [self._joined(self.expr, branch) for branch in (node.then, node.otherwise)]
        line = Line(" ", always=any(branch.hard for branch in branches))
        return group(head, indent(*[doc for each in branches for doc in (*each.remarks, line, each.doc)]))

    def each(self, node: syntax.Each) -> Doc:
        opening = cat(self.word(), self.word(), " ", self.names(node.names), " ", self.word(), " ")
        return group(opening, self.expr(node.domain), self.braces(self.expr, node.body), self.word())

    def pipe(self, node: syntax.Pipe) -> Doc:
        source = self.expr(node.source)
        return cat(source, indent(*[self.link(self.step, step) for step in node.steps]))

    # Steps of a pipe -------------------------------------------------------------------------------------------------

    def step(self, node: syntax.Step) -> Doc:
        if isinstance(node, syntax.Stage):
            return self._stage(node)
        head = cat(self.word(), " ")
        if isinstance(node, syntax.Repeat):
            return group(head, self.expr(node.count), self.braces(self.steps, node.body))
        head = cat(head, self.names(node.names), " ", self.word(), " ")
        return group(head, self.expr(node.domain), self.braces(self.steps, node.body))

    def _stage(self, node: syntax.Stage) -> Doc:
        made = self.path(node.function)
        if node.arguments is not None:
            made = cat(made, self.series(node.arguments, self.argument))
        return made if node.alias is None else cat(made, " ", self.word(), " ", self.word())

    # Types -----------------------------------------------------------------------------------------------------------

    def unknown(self, node: syntax.Unknown) -> Doc:
        return self.words(1 if node.name is None else 2)

    def type(self, node: syntax.TypeExpr) -> Doc:
        if isinstance(node, syntax.ShapeType):
            return self.series(node.sizes, self.expr, fill=True)
        labels = cat(self.words(2), self.expr(node.classes), self.word())
        return labels if node.shape is None else cat(labels, self.type(node.shape))


def _same_row(node: syntax.Binary) -> syntax.Binary | None:
    """The left operand, if it belongs to the same chain and has no parentheses."""
    left = node.left
    if not isinstance(left, syntax.Binary) or _is_fraction(left) or left.span.start != node.span.start:
        return None
    return left if _LEVELS.get(left.operator, 0) == _LEVELS.get(node.operator) else None


def _is_fraction(node: syntax.Binary) -> bool:
    """Whether a quotient is a fraction of two numbers such as `1/16`, which is set without spaces."""
    left, right = node.left, node.right
    numbers = all(isinstance(side, syntax.Number) and side.span.text[0].isdigit() for side in (left, right))
    return node.operator == "/" and numbers and (left.span.start, right.span.end) == (node.span.start, node.span.end)


_FORMS: dict[type, Callable[[Expressions, Any], Doc]] = {
    syntax.Path: Expressions.path,
    syntax.Call: Expressions.call,
    syntax.List: Expressions.list,
    syntax.Unary: Expressions.unary,
    syntax.Binary: Expressions.binary,
    syntax.Range: Expressions.range,
    syntax.If: Expressions.if_,
    syntax.Each: Expressions.each,
    syntax.Pipe: Expressions.pipe,
    syntax.Unknown: Expressions.unknown,
}
