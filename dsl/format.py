"""The formatter: any sound `.net` text in the one form that all files share. It needs syntax only, no names.

- Two columns a level; one space around `=`, `->` and operators and after `,` and `:`; none inside `()` and `[]` and
  around `^` and `..`, one inside `{}`. A quotient of two numbers is written as one: `1/16`.
- Statements without an empty line between them are a run. In a run stand one below the other: the names of inputs and
  targets, of params and lets; the `in` of params; the `=`, in a model or block where it moves by three columns at most.
  A name of more than 32 columns stands for itself. Comments behind neighbouring lines begin in one column, too.
- One empty line at most, and one around every section in several lines. A section of one statement may stand on one
  line, where it was written so.
- A line may end before `->`, an operator, `then` and `else`, and between the items of brackets, which then end with a
  comma. It ends where the author ended one at such a place; and where it would go beyond 120 columns: before as few
  `->` and operators as will do, at every argument of a call, after as many items of a list as have room. Comments do
  not count; what has no such place stays longer.
- Numbers, strings, parentheses and comments are as written. Comments stay where they stood; only one behind `->` or an
  operator goes before it, and one before a comma behind it.
- Line ends are those of the first line, `\\n` or `\\r\\n`, everywhere; a byte order mark is dropped.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from . import syntax
from .comments import gaps
from .diagnostics import Diagnostic
from .document import WIDTH, Printed
from .format_statements import Statements
from .limits import MAX_TEXT_BYTES
from .parse import parse
from .source import Source, Span
from .tokens import scan


class FormatError(Exception):
    """The formatted text has another meaning: a bug in the formatter."""


def format_text(source: Source) -> tuple[str, list[Diagnostic]]:
    """The text in its one form; with findings, where it is no sound text, as it is.

    A text of comments alone, or an empty one, counts as sound. Raises FormatError where the result would not have the
    same syntax tree and the same comments.
    """
    file, findings = _parsed(source)
    if findings:
        return source.text, findings
    text = _text(Statements(scan(source)).file(file))
    formatted = Source(source.name, text)
    again, findings = _parsed(formatted)
    if any(found.code == "E0102" for found in findings):
        message = f"formatted, the file would be longer than {MAX_TEXT_BYTES // 1024} KiB"
        help = ("large tables belong in a file of their own, read by `csv`",)
        return source.text, [Diagnostic("E0102", message, Span(source, 0, 0), help=help)]
    if findings or not _same_trees(file, again):
        raise FormatError(f"formatting `{source.name}` would change its meaning")
    if "#" in source.text and _comments(source) != _comments(formatted):
        raise FormatError(f"formatting `{source.name}` would lose a comment")
    end = source.text.find("\n")
    return text.replace("\n", "\r\n") if source.text[max(end - 1, 0) : end] == "\r" else text, []


def _parsed(source: Source) -> tuple[syntax.File, list[Diagnostic]]:
    """As `parse`, but a file without statements is valid."""
    file, findings = parse(source)
    return file, [found for found in findings if found.code != "E0101"]


def _text(lines: list[Printed]) -> str:
    """The text of a file; comments at the ends of neighbouring lines are aligned where they fit."""
    result: list[str] = []
    for level, run in groupby(lines, key=lambda line: line.indent if line.text and line.comment else None):
        printed = list(run)
        texts = [" " * line.indent + line.text for line in printed]
        if level is not None:
            column, longest = max(map(len, texts)), max(len(line.comment) for line in printed)
            fits = column + len("  ") + longest <= WIDTH
            texts = [f"{text.ljust(column) if fits else text}  " for text in texts]
        result += [text + line.comment if line else "" for text, line in zip(texts, printed, strict=True)]
    return "".join(f"{line}\n" for line in result)


def _comments(source: Source) -> list[str]:
    return [comment.text for gap in gaps(scan(source)) for comment in gap.comments]


def _same_trees(first: object, second: object) -> bool:
    """Whether two trees are equal up to their spans."""
    pending: list[tuple[Any, Any]] = [(first, second)]
    while pending:
        left, right = pending.pop()
        kind: Any = type(left)
        if type(right) is not kind:
            return False
        if isinstance(left, tuple):
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif hasattr(kind, "__slots__"):
            pending.extend((getattr(left, name), getattr(right, name)) for name in kind.__slots__ if name != "span")
        elif left != right:
            return False
    return True
