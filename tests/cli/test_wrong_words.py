"""What stands in the place of a verb, a file or an option, and what was perhaps meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from .worlds import Call


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("rnu", "did you mean `run`?"),
        ("xor.net", "`gpubp run xor.net` trains a file"),
        ("zzz", "`gpubp --help` lists all commands"),
        ("\x1b[31m", "`gpubp --help` lists all commands"),
    ],
)
def test_no_verb(call: Call, word: str, meant: str) -> None:
    said = call(word)
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(f"; {meant}\n")
    assert "\x1b" not in said.err


@pytest.mark.parametrize("verb", ["run", "check", "search", "explain"])
@pytest.mark.parametrize("name", ["a.csv", "A.TSV", "a.csv.gz"])
def test_a_table_in_place_of_a_file(call: Call, tmp_path: Path, verb: str, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    said = call(verb, name)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: `{name}` is a table, not a `.net` file: `gpubp init {name}` writes one for it\n"


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("run", "--lr", "0.1"), "the file says how to train, and `--set NAME=VALUE` sets its params"),
        (("run", "--resme", "a"), "did you mean `--resume`?"),
        (("run", "--cuda"), "`--device gpu` chooses it"),
        (("words", "dense", "--lr"), ""),
        (("run", "-v"), ""),
        (("run", "a.net", "b.net"), ""),
    ],
)
def test_an_option_that_a_command_does_not_have(words: tuple[str, ...], instead: str, call: Call) -> None:
    said = call(*words)
    message, _, help = said.err.rstrip("\n").rpartition("\n")[2].partition("; ")
    assert said.code == 2
    assert message.startswith(f"gpubp {words[0]}: error: unrecognized arguments: ")
    assert help == instead
