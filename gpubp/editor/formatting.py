"""A text as `gpubp fmt` writes it, or some of its lines."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import accumulate

from dsl.format import FormatError, format_text
from dsl.source import Source, Span


def formatted(source: Source) -> str:
    """The text as `gpubp fmt` writes it; as it stands if something is wrong with it."""
    try:
        text, findings = format_text(source)
    except FormatError:
        return source.text
    return source.text if findings else text


def changes(source: Source, first: int, last: int) -> list[tuple[Span, str]]:
    """What formatting changes in the lines from offset `first` to `last`; in all, where these cannot change alone."""
    text = formatted(source)
    old, new = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    starts = list(accumulate(map(len, old), initial=0))
    found = [
        (Span(source, starts[a], starts[b]), "".join(new[c:d]))
        for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal" and starts[a] <= last and first < max(starts[b], starts[a] + 1)
    ]
    partly = source.text
    for span, replacement in reversed(found):
        partly = partly[: span.start] + replacement + partly[span.end :]
    return found if formatted(Source(source.name, partly)) == text else [(Span(source, 0, len(source.text)), text)]
