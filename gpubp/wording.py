"""How messages are worded."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(items: Sequence[object], most: int = 8) -> str:
    """`a`, `b`, ... and 12 more"""
    text = ", ".join(f"`{clipped(str(item))}`" for item in items[:most])
    return text if len(items) <= most else f"{text} and {len(items) - most} more"


def clipped(text: str) -> str:
    """Printable and short, fit for a message."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:41])
    return text if len(text) <= 40 else f"{text[:37]}..."
