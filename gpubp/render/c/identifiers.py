"""Identifiers and comments in C code."""

from __future__ import annotations

import re

C_KEYWORDS = frozenset(
    "auto bool8 break case char const default do double else enum extern float goto inline int long register restrict "
    "return short signed sizeof static struct switch typedef union unsigned void volatile main memcpy fma fmaf".split()
)
C_RESERVED = C_KEYWORDS | frozenset(
    "arena tables first n x p j k i sums packed row l running all sum begin end numbers".split()
)
_OTHERS = re.compile(r"(i|r|number)\d+|int\d+_t|uint\d+_t|\w*_(at_*|row|all|lanes|once\d+)")
"""Names that kernels use for other things than values."""


def readable_name(hint: str) -> str:
    """A readable name, unless kernels use it for something else; macros are upper-case."""
    return "" if _OTHERS.fullmatch(hint) else hint.lower() if hint.isupper() else hint


def comment(text: str) -> str:
    """Text that cannot end a comment, with special characters made visible."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "\\ ")
