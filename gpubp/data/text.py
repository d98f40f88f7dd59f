"""The reader `text`: windows of characters or words, and what follows each of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dsl.source import Span

from ..registry import Count, OptionType, Text, register
from ..wording import clipped, counted, listed
from .checks import problem, remedy
from .dataset import ReadResult, Request, Rows
from .encoders import Encoder
from .files import read_text
from .options import OptionalText, word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Level = Annotated[Any, OptionType(("word",), words=("char", "word"))]
OptionalCount = Annotated[int | None, OptionType(("whole",), minimum=1)]
UNKNOWN = "<unknown>"
"""The token that stands for all words outside a limited vocabulary; it comes last."""

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")


@register("reader", "text")
def text(
    request: Request,
    *,
    path: Text,
    window: Count,
    level: Level = "char",
    step: OptionalCount = None,
    vocabulary: OptionalCount = None,
    test: OptionalText = None,
) -> ReadResult:
    """Windows of `window` tokens of a UTF-8 text, plain or gzipped: `class(n)[window]`.

    The second of two names gets the same windows one token later: the next token at each position.
    `level`: a token is a `char`acter or a `word` (punctuation marks are words, white space is not).
    `step`: the distance from the start of one window to the next; by default `window`, so that windows do not overlap.
    With a smaller step, the parts of a `split` share text; `test` names a separate text for testing.
    `vocabulary`: keep only the most frequent tokens, at most this many; the last stands for all others.
    Tokens are numbered in sorted order. Raises DiagnosticError (E0411, E0412 to E0414, E0418, E0419, E0424).
    """
    import numpy as np

    names = request.entry.names
    if len(names) > 2:
        message = f"`text` gives windows and what follows them, two names at most, not {len(names)}"
        raise problem("E0411", message, request.entry.value_span)
    numbers = [(name, want) for name, want in request.wants.items() if want.kind == "float"]
    if numbers:
        name, want = numbers[0]
        message = f"`text` gives tokens, which are classes, but `{name}` takes numbers"
        raise problem("E0418", message, want.span or request.entry.value_span, help=f"`{name}: class(?)[{window}]`")
    kind = word(level)
    main = tokens(read_text(request.base, path, request.span("path")), kind)
    book, unknown = _vocabulary(main, vocabulary)
    _check_classes(request, path, book, kind)
    ahead = len(names) - 1
    labels = encoded(main, book, unknown, path, None)
    columns = windows(path, request.span("path"), labels, window, step or window, ahead)
    test_rows = 0
    if test is not None:
        span = request.span("test")
        found = tokens(read_text(request.base, test, span), kind)
        own = encoded(found, book, unknown, test, span)
        more = windows(test, span, own, window, step or window, ahead)
        columns = [np.concatenate(pair) for pair in zip(columns, more, strict=True)]
        test_rows = len(more[0])
    known = Encoder((window,), len(book), words=book, unknown=unknown, level=kind)
    return ReadResult(
        {
            name: Rows(values, replace(known, feature=request.wants[name].feature))
            for name, values in zip(names, columns, strict=True)
            if name in request.wants
        },
        test_rows,
    )


def tokens(raw: bytes, level: str) -> list[str]:
    """A text's characters or words, in order."""
    content = raw.decode()
    return list(content) if level == "char" else _WORD.findall(content)


def _vocabulary(found: Sequence[str], most: int | None) -> tuple[tuple[str, ...], bool]:
    counts = Counter(found)
    if most is None or len(counts) <= most:
        return tuple(sorted(counts)), False
    kept = sorted(counts, key=lambda token: (-counts[token], token))[: most - 1]
    return (*sorted(kept), UNKNOWN), True


def encoded(
    found: Sequence[str], book: Sequence[str], unknown: bool, path: str, span: Span | None
) -> NDArray[np.int64]:
    """The tokens as places in a vocabulary. Raises DiagnosticError (E0419) for one that it lacks."""
    import numpy as np

    index = {token: i for i, token in enumerate(book)}
    other = len(book) - 1 if unknown else -1
    labels = np.array([index.get(token, other) for token in found], dtype=np.int64)
    if len(labels) and int(labels.min()) < 0:
        at = int(np.argmax(labels < 0))
        token = found[at] if found[at].isprintable() else repr(found[at])[1:-1]
        message = f"`{path}`, token {at + 1:,}: `{clipped(token)}` does not occur in the text that was learned from"
        help = "`vocabulary = N` keeps a token for all that are not known"
        raise problem(
            "E0419", message, span, help=remedy(span, help, "a run has one for it if its `vocabulary` is a number")
        )
    return labels


def _check_classes(request: Request, path: str, book: Sequence[str], level: str) -> None:
    for name, want in request.wants.items():
        if want.type is not None and want.type.classes != len(book):
            what = "characters" if level == "char" else "words"
            there = f"{len(book):,} different {what} ({listed(book)})"
            message = f"`{path}` has {there}, the type of `{name}` is {want.type}"
            shape = f"[{want.type.shape[0]}]" if want.type.shape else ""
            help = f"`class({len(book)}){shape}`, or `class(?){shape}`"
            raise problem("E0419", message, request.entry.value_span, help=help)


def windows(
    path: str, span: Span | None, labels: NDArray[np.int64], window: int, step: int, ahead: int
) -> list[NDArray[np.int64]]:
    """Windows (n, window), and those that begin `ahead` tokens later."""
    import numpy as np

    if len(labels) < window + ahead:
        message = f"`{path}` has {counted(len(labels), 'token')}, and a window of {window} needs {window + ahead:,}"
        raise problem(
            "E0424", message, span, help=remedy(span, "a smaller `window`, or a longer text", "a longer text")
        )
    views = np.lib.stride_tricks.sliding_window_view(labels, window)
    count = (len(labels) - ahead - window) // step + 1
    return [np.array(views[shift : shift + (count - 1) * step + 1 : step]) for shift in range(ahead + 1)]


def new_windows(path: str, span: Span, encoders: Mapping[str, Encoder]) -> dict[str, NDArray[Any]]:
    """Windows that do not overlap; the targets are one token ahead of the inputs."""
    texts = {name: encoder for name, encoder in encoders.items() if encoder.level}
    if len(texts) < len(encoders):
        other = next(name for name in encoders if name not in texts)
        message = f"`{path}` is read as text, but `{other}` is not text"
        raise problem("E0411", message, span)
    first = next(iter(texts.values()))
    found = tokens(read_text(Path(), path, span), first.level)
    labels = encoded(found, first.words, first.unknown, path, span)
    ahead = int(len({encoder.feature for encoder in texts.values()}) > 1)
    cut = windows(path, span, labels, first.shape[0], first.shape[0], ahead)
    return {name: cut[0 if encoder.feature else ahead] for name, encoder in texts.items()}
