"""Superfluous commas after statements, as other languages have them."""

from __future__ import annotations

import re

_NAMES = re.compile(r"[ \t]*+[^\W\d]\w*+(?:[ \t]*+,[ \t]*+[^\W\d]\w*+)*+[ \t]*+")
"""What may be the names of `a, b = ...`, after whose comma a line may end: all since the line or the section began."""
_NEXT = re.compile(
    r"""
    (?:[ \t\r]|\#[^\n]*+)*+
    (?: \} | \Z
      | \n (?:[ \t\r\n]|\#[^\n]*+)*+
        (?: \} | \Z
          | (?:input|target|output|layer|return|param|let|fn|block|data|model|train)\b[ \t]*+[\w{]
          | (?:[^\W\d]\w*+[ \t]*+,[ \t]*+)*+[^\W\d]\w*+[ \t]*+(?:=(?!=)|:)
        )
    )
    """,
    re.VERBOSE,
)


def ends_statement(text: str, comma: int) -> bool:
    """Whether the comma at an offset, outside brackets or directly inside a section's braces, can only be a statement
    terminator: it is followed by `}`, the end of the file, or a line that begins a statement."""
    if _NEXT.match(text, comma + 1) is None:
        return False
    begin = max(text.rfind("\n", 0, comma), text.rfind("{", 0, comma)) + 1
    return _NAMES.fullmatch(text, begin, comma) is None
