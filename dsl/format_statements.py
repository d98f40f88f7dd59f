"""Statements and sections as lines: vertical alignment and empty lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import syntax
from .comments import Gap
from .document import INDENT, WIDTH, Doc, Line, Printed, cat, group, indent, lay_out, width_of
from .format_expressions import Expressions
from .records import dataclass

MAX_ALIGNED = 32
"""Maximum width of a name or value that is aligned with others."""
REACH = 3
"""Maximum columns by which an `=` is moved in a model or block; in the tables of `data` and `train` there is no
limit."""


_Inner = syntax.Input | syntax.Target | syntax.Output | syntax.Layer | syntax.Bind


@dataclass(frozen=True, slots=True)
class Row:
    """A statement in the parts that stand one below the other in a run of statements of one kind ("" if none do).

    Without an `operator` the `value` is all of it.
    """

    kind: str
    keyword: str
    name: Doc
    operator: str
    value: Doc
    domain: Doc | None = None

    def text(self, keyword: float = 0, name: float = 0, value: float = 0) -> Doc:
        """The whole statement, its parts padded to these widths."""
        if not self.operator:
            return self.value
        head = self.keyword + _blanks(keyword - len(self.keyword)) + " " * bool(self.keyword)
        statement = cat(head, self.name, _blanks(name - width_of(self.name)), self.operator, " ", self.value)
        return statement if self.domain is None else cat(statement, _blanks(value - width_of(self.value)), self.domain)


@dataclass(frozen=True, slots=True)
class _Formatted:
    """A formatted statement and the comments before it; `lines`: those of a section that spans several."""

    gap: Gap
    row: Row
    lines: tuple[Printed, ...] = ()


class Statements(Expressions):
    """Formats the statements of a file."""

    def file(self, file: syntax.File) -> list[Printed]:
        statements = [self._statement(statement) for statement in file.statements]
        return self._lines([], statements, 0, WIDTH)

    def _lines(self, lines: list[Printed], statements: Sequence[_Formatted], level: int, reach: int) -> list[Printed]:
        """Adds statements to the lines, and the comments before the next token, which closes them."""
        opening, section = len(lines), False
        for statement, doc in zip(statements, _aligned(statements, reach), strict=True):
            parted = (section or bool(statement.lines)) and statement is not statements[0]
            _add_gap(lines, statement.gap, level, opening, parted)
            lines += statement.lines or lay_out(doc, level)
            section = bool(statement.lines)
        comments = self.gaps[self.at].comments
        _add_gap(lines, Gap(comments), level, opening, section and any(comment.own for comment in comments))
        return lines

    def _statement(self, node: syntax.Statement | _Inner) -> _Formatted:
        gap = self.gaps[self.at]
        self.remarks()
        if isinstance(node, syntax.Data | syntax.Model | syntax.Train | syntax.Block):
            return self._section(gap, node)
        return _Formatted(gap, _ROWS[type(node)](self, node))

    def _section(self, gap: Gap, node: syntax.Data | syntax.Model | syntax.Train | syntax.Block) -> _Formatted:
        head = self.block(node) if isinstance(node, syntax.Block) else cat(self.word(), " ", self.word())
        start = self.at
        statements = [self._statement(statement) for statement in node.body]
        if isinstance(node, syntax.Block):
            returning = self.gaps[self.at]
            self.remarks()
            statements.append(_Formatted(returning, self.returns(node.returns)))
        if not statements and not self.gaps[self.at].comments:
            return _Formatted(gap, _alone(cat(head, " ", self.bare())))
        if len(statements) == 1 and not any(self.tokens.breaks[start : self.at + 1]):
            line = cat(head, " ", statements[0].row.text(), " }")
            if width_of(line) <= WIDTH:
                self.bare()
                return _Formatted(gap, _alone(line))
        reach = REACH if isinstance(node, syntax.Model | syntax.Block) else WIDTH
        lines = self._lines(lay_out(head, 0), statements, INDENT, reach)
        self.remarks()
        lines.append(Printed(0, self.bare()))
        return _Formatted(gap, _alone(""), tuple(lines))

    # Statements, each as a row ---------------------------------------------------------------------------------------

    def import_(self, node: syntax.Import) -> Row:
        return _alone(cat(self.word(), " ", self.word(), " ", self.word(), " ", self.word()))

    def declaration(self, node: syntax.Param | syntax.Let) -> Row:
        keyword, name, operator, value = self.bare(), self.word(), self._operator(), self._value(self.expr, node.value)
        if isinstance(node, syntax.Let) or node.domain is None:
            return _row("declaration", keyword, name, operator, value)
        domain = (*self.remarks(), indent(group(Line(" "), self.bare(), " ", self.expr(node.domain))))
        return _row("declaration", keyword, name, operator, value, cat(*domain))

    def _operator(self) -> str:
        return f" {self.bare()}"

    def _value(self, make: Callable[[Any], Doc], node: Any) -> Doc:
        """The right side of an `=`, on the next line after a comment."""
        remarks = self.remarks()
        return indent(*remarks, make(node)) if remarks else make(node)

    def fn(self, node: syntax.Fn) -> Row:
        head = cat(self.word(), " ", self.word(), self.series(node.formals, self.formal))
        return _alone(cat(head, self._operator(), " ", self._value(self.expr, node.value)))

    def formal(self, node: syntax.Formal) -> Doc:
        name = self.word()
        return name if node.default is None else cat(name, " ", self.word(), " ", self.expr(node.default))

    def block(self, node: syntax.Block) -> Doc:
        """The head of a block, its `{` included."""
        head = cat(self.word(), " ", self.word(), self.series(node.formals, self.formal))
        return cat(head, " ", self.word(), " ", self.names(node.inputs), " ", self.word())

    def returns(self, values: Sequence[syntax.Expr]) -> Row:
        parts: list[Doc] = [self.word(), " ", self.expr(values[0])]
        for value in values[1:]:
            parts += [self.word(), indent(group(*self.remarks(), Line(" "), self.expr(value)))]
        return _alone(cat(*parts))

    def typed(self, node: syntax.Input | syntax.Target) -> Row:
        return _row("type", self.bare(), self.word(), self.bare(), self.type(node.type))

    def output(self, node: syntax.Output) -> Row:
        return _row(
            "value", "", cat(self.word(), " ", self.word()), self._operator(), self._value(self.expr, node.value)
        )

    def layer(self, node: syntax.Layer) -> Row:
        return _row(
            "value", "", cat(self.word(), " ", self.word()), self._operator(), self._value(self.steps, node.steps)
        )

    def bind(self, node: syntax.Bind) -> Row:
        return _row("value", "", self.names(node.names), self._operator(), self._value(self.expr, node.value))


_ROWS: dict[type, Callable[[Statements, Any], Row]] = {
    syntax.Import: Statements.import_,
    syntax.Param: Statements.declaration,
    syntax.Let: Statements.declaration,
    syntax.Fn: Statements.fn,
    syntax.Input: Statements.typed,
    syntax.Target: Statements.typed,
    syntax.Output: Statements.output,
    syntax.Layer: Statements.layer,
    syntax.Bind: Statements.bind,
}


def _blanks(count: float) -> str:
    return " " * int(count) if 0 < count <= MAX_ALIGNED else ""


def _row(kind: str, keyword: str, name: Doc, operator: str, value: Doc, domain: Doc | None = None) -> Row:
    return Row(kind if width_of(name) <= MAX_ALIGNED else "", keyword, name, operator, value, domain)


def _alone(doc: Doc) -> Row:
    """A statement that is not aligned with others."""
    return Row("", "", "", "", doc)


def _aligned(statements: Sequence[_Formatted], reach: int) -> Iterator[Doc]:
    """The statements as documents, with each run aligned: the `=`, the names of inputs and targets, the `in`."""
    for run in _runs(statements, reach):
        if not run[0].kind:
            yield from (row.text() for row in run)
            continue
        keyword = max(len(row.keyword) for row in run)
        name = max(width_of(row.name) for row in run) if run[0].kind != "type" else 0
        values = [width_of(row.value) for row in run if row.domain is not None]
        value = max((width for width in values if width <= MAX_ALIGNED), default=0)
        yield from (row.text(keyword, name, value) for row in run)


def _runs(statements: Sequence[_Formatted], reach: int) -> Iterator[list[Row]]:
    """Runs of statements of one kind without empty lines between them, in which no `=` moves by more than `reach`."""
    run: list[Row] = []
    narrowest = widest = 0.0
    for statement in statements:
        row, width = statement.row, width_of(statement.row.name)
        narrowest, widest = min(narrowest, width), max(widest, width)
        parted = statement.gap.apart or any(comment.apart for comment in statement.gap.comments)
        if run and (parted or row.kind != run[0].kind or (row.kind != "type" and widest - narrowest > reach)):
            yield run
            run = []
        if not run:
            narrowest = widest = width
        run.append(row)
    if run:
        yield run


def _add_gap(lines: list[Printed], gap: Gap, level: int, opening: int, parted: bool) -> None:
    """The comments before a statement or the end of a section, and empty lines: where the author left some, or where
    the statement must be `parted` from the one before. None at the start, after `opening` lines."""
    for comment in gap.comments:
        if not comment.own:
            lines[-1].comment = comment.text
            continue
        if (comment.apart or parted) and len(lines) > opening:
            lines.append(Printed(0))
        parted = False
        lines.append(Printed(level, comment=comment.text))
    if (gap.apart or parted) and len(lines) > opening:
        lines.append(Printed(0))
