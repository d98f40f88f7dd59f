"""The first half hour of someone new: a table, a starter file, mistakes and their help, Ctrl-C, a prediction.

Each command's output and exit code is a golden text; `python -m tests.cli.test_first_half_hour` writes them anew. The
mistakes are mended, and the training goes on, as the messages say. What may differ between two machines or days is
masked where it has the form it should.
"""

from __future__ import annotations

import io
import os
import re
import signal
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO
from unittest.mock import patch

import pytest

from gpubp.cli import main

from .worlds import ROOT

GOLDEN = ROOT / "tests" / "golden" / "first_half_hour"

KINDS = ("apple", "melon", "pear")
SIZES = tuple(
    f"{10 + 4 * i + j * 7 % 10 / 10:.1f},{5 + 3 * i + j * 3 % 8 / 8:.2f},{20 - 3 * i + j * 11 % 12 / 6:.2f}"
    for j in range(20)
    for i in range(3)
)
TABLE = "height,width,weight,kind\n" + "".join(f"{sizes},{KINDS[i % 3]}\n" for i, sizes in enumerate(SIZES))
NEW = "height,width,weight\n10.4,5.3,21\n14.4,8.3,18\n18.4,11.3,15\n"

FIGURE = r"(?:\d(?:\.\d{1,3})?(?:e-\d\d)?|0\.0{0,3}\d{1,4})"
"""A figure below 10 with four digits that count."""
CHANCE = r"(?:[01]|\d\.\d{1,9}e-\d\d|0\.\d{1,13})"
MASKS = {
    # Losses and what follows from them differ in their last digits between two libraries of linear algebra.
    rf"\b(train|valid|test)\.(loss|accuracy) {FIGURE}(?=  |$)": r"\1.\2 #",
    rf"^ *(train|valid|test)  +{FIGURE}  +{FIGURE}$": r"\1  #  #",
    r"^ +loss  accuracy$": "  loss  accuracy",
    rf"^(apple|melon|pear),{CHANCE},{CHANCE},{CHANCE}$": r"\1,#,#,#",
    r"; [CG]PU \(.*\), float32": "; DEVICE, float32",
    r" steps in \d+\.\d\d s$": " steps in # s",
    r"\b\d{8}-\d{6}-fruit-[0-9a-f]{8}\b": "DATE-TIME-fruit-DIGEST",
    r"  \d{4}-\d\d-\d\d \d\d:\d\d  ": "  DATE TIME  ",
}
"""Patterns of what varies; a text of another form stays as it is, and then differs from its golden one."""


class Screen(io.TextIOWrapper):
    """A stream with a file of its own, read by somebody who presses Ctrl-C when `cue` appears."""

    def __init__(self, file: IO[bytes], cue: str | None = None) -> None:
        super().__init__(file, "utf-8", newline="\n", write_through=True)
        self.file, self.cue = file, cue

    def write(self, text: str) -> int:
        if self.cue is not None and text.startswith(self.cue):
            self.cue = None
            signal.raise_signal(signal.SIGINT)
        return super().write(text)

    def text(self) -> str:
        """All that was written, by whatever way."""
        self.file.seek(0)
        return self.file.read().decode()


class Session:
    """Commands typed one after another in the folder this process stands in, and what each of them said."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def type(self, name: str, line: str, cue: str | None = None) -> str:
        """Runs `gpubp ...`, keeps its transcript under `name` and returns what stood on the screen."""
        # Ctrl-C is answered through the file's number, past its buffer.
        with TemporaryFile(buffering=0) as first, TemporaryFile(buffering=0) as second:
            out, err = Screen(first, cue), Screen(second)
            with redirect_stdout(out), redirect_stderr(err):
                try:
                    code = main(line.split()[1:])
                except SystemExit as end:  # argparse's way
                    code = int(end.code or 0)
            assert out.cue is None, f"`{cue}` never appeared"
            screen, errors = out.text(), err.text()
        told = f"--- standard error\n{errors}" if errors else ""
        self.keep(name, f"$ {line}\n{screen}{told}--- exit code {code}\n")
        return screen + errors

    def look(self, name: str, file: Path) -> None:
        """Keeps a file's text."""
        self.keep(name, f"$ cat {file}\n{file.read_text('utf-8')}")

    def keep(self, name: str, text: str) -> None:
        assert "Traceback" not in text, text
        for pattern, mask in MASKS.items():
            text = re.sub(pattern, mask, text.replace(str(Path.cwd()), "FOLDER"), flags=re.MULTILINE)
        self.said[f"{len(self.said) + 1:02}_{name}"] = text


def quoted(pattern: str, screen: str) -> str:
    """What a message names."""
    found = re.search(pattern, screen)
    assert found is not None, screen
    return found[1]


def half_hour() -> dict[str, str]:
    """The transcripts by their names, in order."""
    session, net, table = Session(), Path("fruit.net"), Path("fruit.csv")
    session.type("help", "gpubp --help")
    table.write_text(TABLE, "utf-8")
    session.type("init", "gpubp init fruit.csv")
    session.look("starter", net)
    sound = net.read_text("utf-8")
    session.type("check", "gpubp check fruit.net")
    session.type("run", "gpubp run fruit.net --seed 1 --epochs 8")

    typo = sound.replace("dense(hidden)", "dense(unit = 8)")
    net.write_text(typo, "utf-8")
    screen = session.type("typo", "gpubp check fruit.net")
    net.write_text(typo.replace("unit ", quoted(r"help: did you mean `(\w+)`\?", screen) + " "), "utf-8")
    session.type("typo_mended", "gpubp check fruit.net")

    size = sound.replace("dense(kinds)", "dense(4)")
    net.write_text(size, "utf-8")
    screen = session.type("size", "gpubp run fruit.net")
    net.write_text(size.replace("dense(4)", quoted(r"help: `([^`]+)` in place of `dense\(4\)`", screen)), "utf-8")
    session.type("size_mended", "gpubp check fruit.net")

    net.write_text(sound, "utf-8")
    lines = TABLE.splitlines()
    lines[7] = "nan," + lines[7].partition(",")[2]
    table.write_text("\n".join(lines) + "\n", "utf-8")
    screen = session.type("nan", "gpubp run fruit.net")
    drop = quoted(r"help: .*`(missing = drop)`", screen)
    sound = sound.replace('target = "kind")', f'target = "kind", {drop})').replace("= 500", "= 60")
    net.write_text(sound, "utf-8")
    screen = session.type("interrupted", "gpubp run fruit.net --seed 1 --out trained", cue="epoch 30/60")
    session.type("resumed", quoted("stopped at step .*; `(gpubp run [^`]+)` continues", screen))
    session.type("runs", "gpubp runs")

    Path("new.csv").write_text(NEW, "utf-8")
    session.type("predict", "gpubp predict trained new.csv -o out.csv")
    session.look("predicted", Path("out.csv"))
    return session.said


def transcripts(folder: Path) -> dict[str, str]:
    """The half hour in an empty folder, on a screen of a set width without colours."""
    environment = patch.dict(os.environ, {"COLUMNS": "80", "NO_COLOR": "1"})
    with environment, chdir(folder):
        os.environ.pop("FORCE_COLOR", None)
        return half_hour()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return transcripts(tmp_path_factory.mktemp("fruit"))


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_a_command_says_what_it_should(name: str, said: dict[str, str]) -> None:
    assert said[name] == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_goldens_are_complete(said: dict[str, str]) -> None:
    assert set(said) == {path.stem for path in GOLDEN.glob("*.txt")}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.txt"):
        old.unlink()
    with TemporaryDirectory() as place:
        for name, text in transcripts(Path(place)).items():
            (GOLDEN / f"{name}.txt").write_text(text, "utf-8")
