"""The HTML page around a drawing or report: self-contained, in the common style."""

from __future__ import annotations

from html import escape
from pathlib import Path

from ..style import page_style

_FOLDER = Path(__file__).resolve().parent


def part(name: str) -> str:
    """The text of a file in this folder."""
    return (_FOLDER / name).read_text("utf-8")


def page(title: str, about: str, body: str) -> str:
    """A whole HTML page; `title` and `about` are texts, `body` is HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>\n{page_style()}{part('page.css')}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(about)}</p>\n</header>\n"
        f'<main class="sheet">\n{body}\n</main>\n</body>\n</html>\n'
    )
