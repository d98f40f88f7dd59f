"""Text whose line breaks are still open, and the choice of them for a page of a given width.

A document is made of strings, places where a line may end, and groups. A group is set on one line where it fits and
holds nothing that ends a line; else every place of its own ends a line, and the groups in it are asked in their turn
(D. C. Oppen, "Prettyprinting", 1980; P. Wadler, "A prettier printer", 2003). The time is linear in the document.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from .records import dataclass

WIDTH = 120
"""Columns of a line, without comments at its end."""
INDENT = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A possible line break; `flat` is printed if the line does not break. `always`: it always does."""

    flat: str = ""
    always: bool = False

    @property
    def width(self) -> float:
        return math.inf if self.always else len(self.flat)


@dataclass(frozen=True, slots=True)
class Tail:
    """Text printed only if its group breaks: the trailing comma."""

    text: str
    width: float = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment; the text after it begins a new line. `own`: it has a line of its own."""

    text: str
    own: bool
    width: float = math.inf


@dataclass(frozen=True, slots=True)
class Cat:
    """A concatenation; `width` is that of all parts on one line, infinite if they cannot be."""

    parts: tuple[Doc, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Group:
    """Printed flat if it fits. `link`: never flat on a line that begins with a closing bracket."""

    inner: Doc
    width: float
    link: bool = False


@dataclass(frozen=True, slots=True)
class Indent:
    """Lines that begin inside are indented by one level."""

    inner: Doc
    width: float


Doc = str | Line | Tail | Remark | Cat | Group | Indent


def width_of(doc: Doc) -> float:
    """Columns of a document printed flat; infinite if it contains a mandatory break."""
    return len(doc) if isinstance(doc, str) else doc.width


def cat(*parts: Doc) -> Doc:
    return Cat(parts, sum(map(width_of, parts)))


def group(*parts: Doc, link: bool = False) -> Doc:
    inner = cat(*parts)
    return Group(inner, width_of(inner), link)


def indent(*parts: Doc) -> Doc:
    inner = cat(*parts)
    return Indent(inner, width_of(inner))


@dataclass(slots=True)
class Printed:
    """A line of output: its indentation, its text, and the comment at its end, or alone on it."""

    indent: int
    text: str = ""
    comment: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.comment)


def lay_out(doc: Doc, level: int) -> list[Printed]:
    """The lines of a document that begins at an indentation of `level` columns; none is empty."""
    page = _Page(level)
    todo: list[_Task] = [(level, False, doc)]
    while todo:
        task = level, flat, doc = todo.pop()
        if isinstance(doc, str):
            page.write(level, doc)
        elif isinstance(doc, Line):
            if flat:
                page.write(level, doc.flat)
            else:
                page.end_line(level)
        elif isinstance(doc, Tail):
            if not flat:
                page.write(level, doc.text)
        elif isinstance(doc, Remark):
            page.remark(level, doc)
        elif isinstance(doc, Group):
            may = math.isfinite(doc.width) and not (doc.link and page.closes)
            todo.append((level, flat or (may and _fits(doc, todo, WIDTH - page.column)), doc.inner))
        else:
            todo.extend(_opened(task))
    return [line for line in page.lines if line]


_Task = tuple[int, bool, "Doc"]
"""An entry of the layout stack: its indentation, whether it is flat, and the document."""


def _opened(task: _Task) -> Iterable[_Task]:
    """The parts of a document in reverse order."""
    level, flat, doc = task
    if isinstance(doc, Cat):
        return [(level, flat, part) for part in reversed(doc.parts)]
    if isinstance(doc, Indent):
        return [(level + INDENT, flat, doc.inner)]
    assert isinstance(doc, Group)
    return [(level, flat, doc.inner)]


def _fits(doc: Group, rest: list[_Task], room: float) -> bool:
    """Whether a group fits on this line, with the text after it up to the next possible break."""
    room -= doc.width
    place = len(rest)
    todo: list[_Task] = []
    while room >= 0:
        if not todo:
            if not place:
                return True
            place -= 1
            todo.append(rest[place])
        task = _, flat, part = todo.pop()
        if flat:
            room -= width_of(part)
        elif isinstance(part, str):
            room -= len(part)
        elif isinstance(part, Line | Remark):
            return True
        elif isinstance(part, Tail):
            room -= len(part.text)
        else:
            todo.extend(_opened(task))
    return False


class _Page:
    """The lines printed so far; the last is still open."""

    def __init__(self, level: int) -> None:
        self.lines = [Printed(level)]
        self.column = level

    @property
    def closes(self) -> bool:
        """Whether the line begins with the closing bracket of a broken group."""
        return self.lines[-1].text[:1] in (")", "]", "}")

    def write(self, level: int, text: str) -> None:
        if self.lines[-1].comment:  # a comment reaches to the end of its line, whatever the document says
            self.end_line(level)
        line = self.lines[-1]
        if not line.text:
            text = text.lstrip(" ")
        line.text += text
        self.column += len(text)

    def end_line(self, level: int) -> None:
        line = self.lines[-1]
        if line:
            line.text = line.text.rstrip(" ")
            self.lines.append(Printed(level))
        else:
            line.indent = level
        self.column = level

    def remark(self, level: int, remark: Remark) -> None:
        if (remark.own and self.lines[-1]) or self.lines[-1].comment:
            self.end_line(level)
        if not self.lines[-1]:
            self.lines[-1].indent = level
        self.lines[-1].comment = remark.text
        self.lines[-1].text = self.lines[-1].text.rstrip(" ")
