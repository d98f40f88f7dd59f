"""A trace as one page that a person steps through, forward and backward; it needs nothing beside itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..style import page_style
from .text import as_text, meanings, notation

PAGED = 4096
"""Numbers that an array may have to be on a page whole: a matrix of 64 by 64."""
_FOLDER = Path(__file__).resolve().parent / "page"


def as_html(told: Mapping[str, Any], about: str) -> str:
    """The page of a document (gpubp.insight.document), which it holds as JSON; `about`: which step that is.
    Arrays of more than `PAGED` numbers are for other readers."""
    signs = [*notation(told), *([f"In the update {meanings(told['update']['formulas'])}."] if told["loss"] else ())]
    places = {
        "title": escape(f"a step of {told['file']}"),
        "about": escape(about),
        "notation": escape(" ".join(signs)),
        "text": escape(as_text(told)),
        # A text of the file may hold `</script>`.
        "data": json.dumps(told, ensure_ascii=False).replace("<", "\\u003c"),
        "style": page_style(),
        "script": _part("script.js"),
    }
    template = _part("page.html")
    pieces = template.split("{")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}")
        out.append(places[name] + rest)
    return "".join(out)


def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
