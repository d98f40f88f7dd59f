"""The style that all pages share."""

from __future__ import annotations

from pathlib import Path


def page_style() -> str:
    """CSS, for a page that fetches nothing to hold."""
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
