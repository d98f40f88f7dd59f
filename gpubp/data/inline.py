"""Rows written in the `.net` file itself: `x = [[0, 0], [0, 1]]`. Measuring them needs no numpy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from math import prod

from dsl.diagnostics import DiagnosticError, Label
from dsl.graph import Static, Type, Word
from dsl.source import Span

from ..wording import counted, listed
from .checks import FIRST, Findings, problem
from .dataset import ReadResult, Request, Rows, Want
from .encoders import Encoder


def types(request: Request) -> dict[str, Type]:
    """The type of an inline entry as its rows have it; raises DiagnosticError where they are ragged or no numbers."""
    name, want, _ = _single(request)
    return {name: _checked(request, want)[0]} if want else {}


def read(request: Request) -> ReadResult:
    """The rows of an inline entry as arrays; raises DiagnosticError where they do not fit what is wanted."""
    import numpy as np

    name, want, rows = _single(request)
    if want is None:
        return ReadResult({})
    found, words = _checked(request, want)
    encoder = Encoder(found.shape, found.classes, want.feature, words=words)
    if want.kind == "float":
        return ReadResult({name: Rows(np.array(rows, dtype=np.float64), encoder)})
    index = {word: i for i, word in enumerate(words)}
    labels = np.array([[_label(leaf, index) for leaf in _leaves(row)] for row in rows], dtype=np.int64)
    return ReadResult({name: Rows(labels.reshape(len(rows), *found.shape), encoder)})


def _single(request: Request) -> tuple[str, Want | None, tuple[Static, ...]]:
    names, rows = request.entry.names, request.entry.value
    if len(names) != 1:
        raise problem("E0411", f"rows written out belong to one name, not to {listed(names)}", request.entry.value_span)
    assert isinstance(rows, tuple)
    if not rows:
        raise problem("E0414", f"`{names[0]}` has no rows", request.entry.value_span, help="write at least one row")
    return names[0], request.wants.get(names[0]), rows


def _checked(request: Request, want: Want) -> tuple[Type, tuple[str, ...]]:
    """The type of the rows and the words of their labels in order (none where labels are numbers)."""
    name, rows = request.entry.names[0], request.entry.value
    assert isinstance(rows, tuple)
    shapes = [_shape(row) for row in rows]
    declared = want.type.shape if want.type else None
    usual = declared if declared in shapes else shapes[0]
    odd = [i for i, shape in enumerate(shapes) if shape != usual]
    if odd or isinstance(usual, str):
        raise _rows_differ(request, shapes, usual, odd)
    if want.kind == "float":
        _check_numbers(request, rows)
        classes: int | None = None
        words: tuple[str, ...] = ()
    else:
        classes, words = _check_labels(request, want, rows)
    if declared is not None and usual != declared:
        help = ""
        if declared == (1,) and usual == ():
            help = f"put each row in brackets: `{name} = [[...], [...]]`"
        elif declared and usual == () and len(rows) % prod(declared) == 0:
            help = f"each row stands in brackets of its own: `{name} = [[...]]` is one row"
        elif want.kind == "class" and declared == () and usual == (1,):
            help = f"a label stands without brackets: `{name} = [0, 1, ...]`"
        elif want.kind == "float" and len(declared) == len(usual) == 1:
            help = f"`{name}: {_text(usual)}`, or `{name}: [?]` for as many as the data has"
        raise problem(
            "E0418",
            f"the rows of `{name}` {f'have shape {_text(usual)}' if usual else 'are single values'}, "
            f"its type says {want.type}",
            _row_span(request, 0),
            labels=want.declared,
            help=help,
        )
    return Type(usual, classes), words


def _shape(row: Static) -> tuple[int, ...] | str:
    """The shape of a row of nested tuples, or in words how it is uneven."""
    if not isinstance(row, tuple):
        return ()
    parts = [_shape(part) for part in row]
    uneven = next((part for part in parts if isinstance(part, str)), None)
    if uneven:
        return uneven
    if any(part != parts[0] for part in parts):
        return "uneven lists"
    return (len(row), *parts[0]) if parts else (0,)


def _text(shape: tuple[int, ...] | str) -> str:
    return shape if isinstance(shape, str) else f"[{', '.join(map(str, shape))}]"


def _rows_differ(
    request: Request, shapes: list[tuple[int, ...] | str], usual: tuple[int, ...] | str, odd: list[int]
) -> DiagnosticError:
    name = request.entry.names[0]
    if isinstance(usual, str):
        return problem("E0417", f"row 1 of `{name}` has {usual}", _row_span(request, 0))
    notes = [f"{len(odd):,} of {counted(len(shapes), 'row')} differ"] if len(odd) > FIRST else []
    labels = [Label(span, _described(shapes[i])) for i in odd[1:FIRST] if (span := _row_span(request, i))]
    return problem(
        "E0417",
        f"row {odd[0] + 1} of `{name}` has {_described(shapes[odd[0]])}, other rows have {_described(usual)}",
        _row_span(request, odd[0]),
        labels=labels,
        notes=notes,
        help=f"give every row {_described(usual)}",
    )


def _described(shape: tuple[int, ...] | str) -> str:
    if isinstance(shape, str):
        return shape
    if not shape:
        return "a single value"
    return counted(shape[0], "value") if len(shape) == 1 else f"shape {_text(shape)}"


def _leaves(row: Static) -> Iterator[Static]:
    if isinstance(row, tuple):
        for part in row:
            yield from _leaves(part)
    else:
        yield row


def _wrong(request: Request, code: str, bad: list[tuple[int, str]], what: str, help: str) -> DiagnosticError:
    """`bad`: row index and message of each finding."""
    findings = Findings(_row_span(request, bad[0][0]))
    places = ((f"row {row + 1} of `{request.entry.names[0]}`", message) for row, message in bad)
    findings.add_all(code, what, places, len(bad), help)
    return DiagnosticError(*findings.diagnostics())


def _check_numbers(request: Request, rows: tuple[Static, ...]) -> None:
    bad = []
    for i, row in enumerate(rows):
        for leaf in _leaves(row):
            if isinstance(leaf, bool) or not isinstance(leaf, (int, float)):
                bad.append((i, f"{_shown(leaf)} is not a number"))
            elif not _finite(leaf):
                bad.append((i, "a number is too large for a float"))
    if bad:
        help = "write numbers; words are the labels of a target of type `class(n)`"
        raise _wrong(request, "E0416", bad, "values that are not numbers", help)


def _finite(number: int | float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _shown(leaf: Static) -> str:
    if isinstance(leaf, bool):
        return "`true`" if leaf else "`false`"
    return f"`{_word(leaf)}`" if isinstance(leaf, (str, Word, int, float)) else "this value"


def _word(leaf: Static) -> str:
    return leaf.name if isinstance(leaf, Word) else str(leaf)


def _label(leaf: Static, index: dict[str, int]) -> int:
    return index[_word(leaf)] if isinstance(leaf, (str, Word)) else int(leaf)  # type: ignore[arg-type]  # checked


def _check_labels(request: Request, want: Want, rows: tuple[Static, ...]) -> tuple[int, tuple[str, ...]]:
    """How many classes there are, and their words where they are words. Raises DiagnosticError."""
    name = request.entry.names[0]
    leaves = [(i, leaf) for i, row in enumerate(rows) for leaf in _leaves(row)]
    words = tuple(sorted({_word(leaf) for _, leaf in leaves if isinstance(leaf, (str, Word))}))
    declared = want.type.classes if want.type else None
    bad = []
    highest = -1
    for i, leaf in leaves:
        if isinstance(leaf, (str, Word)):
            continue
        if words:
            bad.append((i, f"{_shown(leaf)} stands among words"))
        elif isinstance(leaf, bool) or not isinstance(leaf, (int, float)):
            bad.append((i, f"{_shown(leaf)} is not a label"))
        elif leaf != leaf or leaf in (math.inf, -math.inf) or leaf != int(leaf):
            bad.append((i, f"label {_shown(leaf)} is not whole"))
        elif leaf < 0:
            bad.append((i, f"label {_shown(leaf)} is negative"))
        elif declared is not None and leaf >= declared:
            bad.append((i, f"label {_shown(leaf)} is not below {declared}, the number of classes"))
        else:
            highest = max(highest, int(leaf))
    if bad:
        help = (
            f"labels of `{name}` are " + (f"0 to {declared - 1}" if declared else "whole numbers from 0") + ", or words"
        )
        raise _wrong(request, "E0419", bad, "wrong labels", help)
    if words and declared not in (None, len(words)):
        message = f"`{name}` has {len(words)} different words ({listed(words)}), its type says {want.type}"
        raise problem("E0419", message, request.entry.value_span, help=f"`class({len(words)})`, or `class(?)`")
    return len(words) or highest + 1, words


_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|#[^\n]*|[\[\](),]|[^\s\[\](),#"]+')


def _row_span(request: Request, row: int) -> Span:
    """The text of one row where the rows are written out one by one, else the whole value."""
    whole, rows = request.entry.value_span, request.entry.value
    spans: list[Span] = []
    depth, start, end = 0, -1, 0
    for token in _TOKEN.finditer(whole.text):
        sign = token.group()
        if sign.startswith("#"):
            continue
        depth -= sign in ("]", ")")
        if (depth == 1 and sign == ",") or depth == 0:
            if start >= 0:
                spans.append(Span(whole.source, whole.start + start, whole.start + end))
            start = -1
        else:
            start, end = token.start() if start < 0 else start, token.end()
        depth += sign in ("[", "(")
    assert isinstance(rows, tuple)
    return spans[row] if len(spans) == len(rows) and whole.text.startswith("[") else whole
