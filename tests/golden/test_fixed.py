"""Every malformed file has its remedy: in `mended.py`, as texts that the help gives, or in `fixed`, as a file that
a reader made of the message alone.

A file of `fixed` is sound, without a warning, and differs from the malformed one only where the message leads: in the
lines that it shows or names, in those that hold a name which it quotes, and by lines that its help writes out or sends
to a section. `fixed` may hold a data file, or a folder of them, instead or beside it.
"""

from __future__ import annotations

import re
import shutil
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from gpubp.cli import main
from tools import golden_errors

from .mended import MENDED

FOLDER = golden_errors.FOLDER.parent / "fixed"
NAMES = [path.stem for path in golden_errors.files()]
BY_FILE = [name for name in NAMES if name not in MENDED]
OTHERS = {"E0199_many": "the errors after the twentieth are counted, not shown, and mended alike"}
"""Files that are mended in lines to which the message does not lead, and why that is right."""
REWRITTEN = {
    "E0121_json",  # JSON
    "E0121_python",  # Python, and nothing in it to keep
    "E0121_torch",  # a module of PyTorch
    "E0122_keras_sequential",  # a model of Keras: the help gives the pipe, the lines below the first go
    "E0122_yaml",  # YAML: every line has another form
}
"""Texts in another language, which are written anew from their first line to their last."""
SHOWN = re.compile(r"^ *(\d+) \|", re.MULTILINE)
EXCERPT = re.compile(r"^ +(?:-->|:::) ([^:\n]+):\d+:\d+\n((?: *\d* \|.*\n|\.\.\.\n)+)", re.MULTILINE)
NAMED = re.compile(r"(?:`([^`]+)`,?(?: is [^:`\n]*:)? |; next in |, in |next in )lines? (\d+)")
QUOTED = re.compile(r"`([^`]+)`")
HELP = re.compile(r"^help: (.*)$", re.MULTILINE)
COMMAND = re.compile(r"# gpubp ")


def golden(name: str) -> str:
    return (golden_errors.FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def lines_named(text: str, file: str, net: str) -> set[int]:
    """The lines, from 1, of a file that a message shows or names; without a file's name they are the `.net` file's."""
    shown = {int(n) for where, body in EXCERPT.findall(text) if where == file for n in SHOWN.findall(body)}
    return shown | {int(line) for where, line in NAMED.findall(text) if (where or net) == file}


def strays(old: list[str], new: list[str], text: str, named: set[int]) -> list[str]:
    """The lines that were changed, and that the message does not lead to."""
    helps = "\n".join(HELP.findall(text))
    words = {word for quote in QUOTED.findall(text) if (word := quote.lstrip("?")).isidentifier()}
    begins = {re.split(r"[ (]", quote)[0] for quote in QUOTED.findall(helps)}
    sections = {quote.partition(" ")[0] for quote in QUOTED.findall(helps)} & {"data", "model", "train"}
    found: list[str] = []
    section = ""
    inside: list[str] = []
    for line in old:
        section = next((word for word in ("data", "model", "train") if line.startswith(word)), section)
        inside.append(section)
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for at in range(i, j):
            held = words & set(re.findall(r"\w+", old[at]))
            apart = re.search(r"\w", old[at]) and not COMMAND.match(old[at])  # brackets move with what they hold
            if apart and at + 1 not in named and not held:
                found.append(f"line {at + 1}: {old[at]}")
        beside = bool({i, i + 1, j, j + 1} & named) or i < j
        sent = bool(sections & set(inside[max(0, i - 1) : i + 1]))
        for line in new[k:m] if i == j else ():
            if not re.search(r"\w", line) or beside or sent or re.split(r"[ (]", line.strip())[0] in begins:
                continue
            found.append(f"after line {i}: {line}")
    return found


@pytest.mark.parametrize("name", BY_FILE)
def test_a_reader_of_the_message_mends_the_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in golden_errors.FOLDER.iterdir():
        if path.suffix not in (".net", ".txt") or path.name in ("blocks.net", f"{name}.net"):
            shutil.copy(path, tmp_path)
    fixed = [path for path in FOLDER.iterdir() if path.stem.partition(".")[0].startswith(name)]
    assert fixed, "no remedy is kept"
    for path in fixed:
        if path.is_dir():
            shutil.copytree(path, tmp_path, dirs_exist_ok=True)
        else:
            shutil.copy(path, tmp_path)
    verb, *arguments = golden_errors.words(tmp_path / f"{name}.net")
    monkeypatch.chdir(tmp_path)
    status = main([verb, *arguments])
    printed = capsys.readouterr().err
    assert status == 0, printed
    assert "error[" not in printed
    assert "warning[" not in printed, printed


@pytest.mark.parametrize(
    "path", sorted(path for path in FOLDER.iterdir() if path.is_file()), ids=lambda path: path.name
)
def test_it_is_mended_where_the_message_leads(path: Path) -> None:
    name = max((name for name in BY_FILE if path.name.startswith(name)), key=len, default="")
    assert name, "the remedy of no file"
    malformed = golden_errors.FOLDER / path.name
    if name in REWRITTEN or name in OTHERS or path.suffix not in (".net", ".csv"):
        return
    old, new = (each.read_text(encoding="utf-8", errors="replace").splitlines() for each in (malformed, path))
    named = lines_named(golden(name), path.name, f"{name}.net")
    assert old != new
    if path.suffix == ".net" or named:
        assert not strays(old, new, golden(name), named)


@pytest.mark.parametrize("name", BY_FILE)
def test_a_help_that_can_be_followed_is(name: str) -> None:
    """What a help writes out whole, a name or a line without `...`, stands in the mended file."""
    kept = [path for path in FOLDER.glob(f"{name}*") if path.is_file()]
    fixed = "".join(path.read_text("utf-8", "replace") for path in kept)
    for help in HELP.findall(golden(name)):
        whole = re.fullmatch(r"(?:did you mean |write )?`(?!if a then)([^`]+)`\??", help)
        assert whole is None or "..." in whole[1] or whole[1] in fixed, help


def test_every_malformed_file_has_a_remedy() -> None:
    kept = {path.name for path in FOLDER.iterdir()}
    assert all(any(file.startswith(name) for file in kept) for name in BY_FILE)
    assert set(BY_FILE) >= REWRITTEN | set(OTHERS)
    assert len(BY_FILE) + len(MENDED) == len(NAMES)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("a\nb\nc", "a\nB\nc", []),
        ("a\nb\nc", "A\nb\nc", ["line 1: a"]),
        ("a\nb\nc", "a\nb\nx\nc", []),
        ("x\na\nb\nc\nd\ne", "x\na\nb\nc\nd\ny\ne", ["after line 5: y"]),
        ("x\na\nb\nc\nd\ne", "x\na\nb\nc\nd\ninput x: [2]\ne", []),
        ("a\nb\nuses p", "a\nb\nuses q", []),
    ],
)
def test_what_a_message_leads_to(old: str, new: str, found: list[str]) -> None:
    """The check itself: a line apart from those shown is told, unless the message quotes it."""
    text = "error[E0000]: the name `p`\n --> n.net:2:1\n  |\n2 | b\n  | ^\nhelp: add `input x: [2]`\n"
    named = lines_named(text, "n.net", "n.net")
    assert named == {2}
    assert strays(old.splitlines(), new.splitlines(), text, named) == found
