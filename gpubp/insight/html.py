"""A trace as a self-contained interactive page that steps forward and backward."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..style import page_style
from .text import as_text, meanings, notation

PAGED = 4096
"""Maximum elements of an array that a page shows in full: a matrix of 64 by 64."""
_FOLDER = Path(__file__).resolve().parent / "page"


def as_html(document: Mapping[str, Any], about: str) -> str:
    """The page of a document (gpubp.insight.document), which it holds as JSON; `about`: which step that is.
    Arrays of more than `PAGED` numbers are for other readers."""
    sentences = [
        f"{' '.join(notation(document))}.",
        *([f"In the update {meanings(document['update']['formulas'])}."] if document["loss"] else ()),
    ]
    places = {
        "title": escape(f"a step of {document['file']}"),
        "about": escape(about),
        "notation": escape(" ".join(sentences)),
        "text": escape(as_text(document)),
        # A string in the file may contain `</script>`.
        "data": json.dumps(document, ensure_ascii=False).replace("<", "\\u003c"),
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
