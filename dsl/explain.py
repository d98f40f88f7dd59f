"""What each code means, at length: Markdown files beside the code that uses them, read only when somebody asks.

A file holds one section a code:

    ## E0105: a string is not closed

    What is wrong, why the language asks for it, how it is mended.

    Wrong:

    ```net
    ...
    ```

`Right:` follows likewise. After `Wrong` or `Right` the command may stand, in parentheses, where it is not
`gpubp check net.net`; the examples are the text of `net.net`. ``With `people.csv`:`` gives a file that both need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .records import dataclass

FOLDER = Path(__file__).parent / "codes"
"""The folder with the explanations of this package's codes."""

COMMAND = "gpubp check net.net"
"""The command to run on an example, unless it names another."""
_SECTION = re.compile(r"^## ([EW]\d{4}): (.+)$", re.MULTILINE)
_EXAMPLE = re.compile(
    r"^(?P<what>Wrong|Right|With)(?: \(?`(?P<code>[^`\n]+)`\)?)?:\n\n```\w*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Example:
    """The text of `net.net`, and the command that is run on it."""

    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code. `wrong` and `right` are None where no short text shows the mistake; `files`: what both need, by name;
    `markdown`: all of it but the title."""

    code: str
    title: str
    text: str
    wrong: Example | None
    right: Example | None
    files: Mapping[str, str]
    markdown: str


def read(folder: Path) -> dict[str, Explanation]:
    """The explanations in all files of a folder, by code. Raises ValueError for a duplicate code."""
    found: dict[str, Explanation] = {}
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        heads = list(_SECTION.finditer(text))
        ends = [head.start() for head in heads[1:]] + [len(text)]
        for head, end in zip(heads, ends):
            if head[1] in found:
                raise ValueError(f"{path}: {head[1]} is explained twice")
            found[head[1]] = _explanation(head[1], head[2], text[head.end() : end].strip())
    return found


def _explanation(code: str, title: str, body: str) -> Explanation:
    examples: dict[str, Example] = {}
    files: dict[str, str] = {}
    start = len(body)
    for match in _EXAMPLE.finditer(body):
        start = min(start, match.start())
        if match["what"] == "With":
            files[match["code"]] = match["text"]
        else:
            examples[match["what"]] = Example(match["text"], match["code"] or COMMAND)
    return Explanation(code, title, body[:start].strip(), examples.get("Wrong"), examples.get("Right"), files, body)
