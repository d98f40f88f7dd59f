"""What stands in a page of the documentation, and what its examples do when they are run.

A fenced block is what its info string says: ```` ```net ```` a whole file, ```` ```net model ```` and
```` ```net train ```` statements of that section, ```` ```net blocks.net ```` a file that other examples find by its
name, ```` ```console ```` commands and what they print, ```` ```pycon ```` a session of Python.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from gpubp.cli import main

_FENCE = re.compile(r"^(```+)([^\n`]*)\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
_DECLARED = re.compile(r"^\s*(\w+)\s*=(?!=)", re.MULTILINE)

MODEL = "model {{\n  input x: [8]\n{}}}\n"
TRAIN = """\
data {{
  x = [[0, 1, 0, 1, 0, 1, 0, 1]]
  y = [[1]]
}}
model {{
  input  x: [8]
  target y: [1]
  hidden   = x -> dense(4) -> tanh
  output p = hidden -> dense(1) -> sigmoid
}}
train {{
{}}}
"""
NEEDED = {"loss": "binary_cross_entropy(p, y)", "optimizer": "adam"}
"""What a train section cannot be without."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is that of its fence, from 1."""

    line: int
    words: tuple[str, ...]
    text: str

    @property
    def kind(self) -> str:
        """The first word of the info string, "" without one."""
        return self.words[0] if self.words else ""

    @property
    def detail(self) -> str:
        """The second: a section or a file's name."""
        return self.words[1] if len(self.words) > 1 else ""

    @property
    def file(self) -> str:
        """The name under which other examples find it, or ""."""
        return self.detail if "." in self.detail else ""

    def __str__(self) -> str:
        return f"line {self.line}"


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return [
        Block(page.count("\n", 0, match.start()) + 1, tuple(match[2].split()), match[3])
        for match in _FENCE.finditer(page)
    ]


def tables(page: str) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """The head and the rows of every table; `\\|` is a bar in a cell."""
    for text in re.findall(r"^\|.*\n\|[-| :]+\|\n(?:\|.*\n)+", _FENCE.sub("", page), re.MULTILINE):
        lines = [line for line in text.splitlines() if not re.fullmatch(r"[-| :]+", line)]
        head, *rows = [
            tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]) for line in lines
        ]
        yield head, rows


def table(page: str, *head: str) -> list[tuple[str, ...]]:
    """The rows of the one table with this head."""
    (rows,) = [rows for found, rows in tables(page) if found == head]
    return rows


def code(cell: str) -> list[str]:
    """The words in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def whole(block: Block) -> str:
    """The file that a `net` block stands for."""
    return completed(block.text, block.detail)


def completed(text: str, section: str) -> str:
    """Statements of a section within a small file; a whole file as it is."""
    if section == "model":
        return MODEL.format(text)
    if section == "train":
        written = set(_DECLARED.findall(text))
        missing = "".join(f"{key} = {value}\n" for key, value in NEEDED.items() if key not in written)
        return TRAIN.format(text + missing)
    return text


@dataclass(frozen=True, slots=True)
class Command:
    """A line after `$ ` and what stands below it, up to the next one."""

    words: tuple[str, ...]
    printed: str


def commands(block: Block) -> list[Command]:
    """The commands of a console block, in order."""
    first, *parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    if first:
        raise ValueError(f"{block}: a console block begins with `$ `")
    return [Command(tuple(shlex.split(line)), printed) for line, printed in zip(parts[::2], parts[1::2])]


def run(command: Command, folder: Path) -> str:
    """What a `gpubp` command prints in a folder, errors included, with one line break at its end."""
    program, *arguments = command.words
    if program != "gpubp":
        raise ValueError(f"a console block runs `gpubp`, not `{program}`")
    out = io.StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(out):
        main(arguments)
    return out.getvalue().rstrip("\n") + "\n"


def write_files(page: str, folder: Path) -> None:
    """Put the blocks that have a file's name into a folder."""
    for block in blocks(page):
        if block.file:
            folder.joinpath(block.file).write_text(block.text, encoding="utf-8")


def with_printed(page: str, folder: Path) -> str:
    """The page, below each of its commands what it prints now. `folder` gets the page's files."""
    write_files(page, folder)

    def printed(match: re.Match[str]) -> str:
        block = Block(0, tuple(match[2].split()), match[3])
        if block.kind != "console":
            return match[0]
        text = "".join(f"$ {shlex.join(one.words)}\n{run(one, folder)}" for one in commands(block))
        return f"{match[1]}{match[2]}\n{text}{match[1]}"

    return _FENCE.sub(printed, page)
