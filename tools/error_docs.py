"""Writes docs/errors.md from the explanations of all codes.

python -m tools.error_docs
"""

from __future__ import annotations

import sys
from pathlib import Path

from gpubp.cli.codes import table

PATH = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
_HEAD = """\
# Errors and warnings

Every message bears a code, which never changes its meaning. `gpubp check --explain E0301` prints what stands here;
`gpubp check --json FILE` prints the findings of a file as data. Codes of errors begin with E, those of warnings, which
refuse nothing, with W.

This page is written by `python -m tools.error_docs`.
"""
_FAMILIES = {
    "E01": "Syntax",
    "E02": "Names and arguments",
    "E03": "Types and shapes",
    "E04": "Data",
    "E05": "Training",
    "W02": "Warnings about names",
    "W03": "Warnings about shapes",
    "W04": "Warnings about data",
    "W05": "Warnings about training",
}


def page() -> str:
    """The whole page."""
    known = table()
    lines = [_HEAD]
    for family, title in _FAMILIES.items():
        members = [one for code, one in known.items() if code.startswith(family)]
        lines += [f"**{title}**\n"] * bool(members)
        lines += [f"- [{one.code}](#{one.code.lower()}) {one.title}" for one in members] + [""] * bool(members)
    for one in known.values():
        lines.append(f'<a id="{one.code.lower()}"></a>\n\n## {one.code}: {one.title}\n\n{one.markdown}\n')
    return "\n".join(lines)


def write() -> int:
    """Writes the page; returns the exit code."""
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(write())
