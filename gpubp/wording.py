"""How messages are worded."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def named(names: Sequence[str], most: int = 8) -> str:
    """`a`, `b`, ... and 12 more: names of a net, whole, since they are copied."""
    return _and_more(names[:most], len(names))


def listed(items: Sequence[object], most: int = 8) -> str:
    """The same of what stands in data, each clipped, since it may be of any length."""
    return _and_more([clipped(str(item)) for item in items[:most]], len(items))


def _and_more(shown: Sequence[str], count: int) -> str:
    text = ", ".join(f"`{item}`" for item in shown)
    return text if count == len(shown) else f"{text} and {count - len(shown):,} more"


def clipped(text: str) -> str:
    """Printable and short, fit for a message."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:41])
    return text if len(text) <= 40 else f"{text[:37]}..."
