"""Standard output that is full or closed, and Ctrl-C before the work begins: one line, a code, never a traceback."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gpubp.cli import main
from gpubp.training import LAST

from ..training.worlds import write_net
from .worlds import MODELS, Call

FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    text = re.sub(r"\bgpubp (?=[a-z-])", lambda _: f"{shlex.quote(sys.executable)} -m gpubp ", line)
    return subprocess.run(text, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@full
@pytest.mark.parametrize(
    "verb", [f"check {MODELS / 'xor.net'}", "init", "runs", "check --explain E0301", "--help", "--version", "run -h"]
)
def test_output_without_room(verb: str, tmp_path: Path) -> None:
    said = shell(f"gpubp {verb} > {FULL}", tmp_path)
    assert said.returncode == 1
    assert said.stderr == "error: cannot write to standard output: no space left on device\n"


@full
def test_a_training_whose_output_finds_no_room_is_saved(tmp_path: Path) -> None:
    net = write_net(tmp_path, length="epochs = 100000")
    said = shell(f"gpubp run {net} --json --out run > {FULL}", tmp_path)
    assert said.returncode == 130
    assert "continues from there" in said.stderr
    assert "Traceback" not in said.stderr
    assert (tmp_path / "run" / LAST).is_file()


@pytest.mark.parametrize("verb", [f"check {MODELS / 'xor.net'}", f"run {MODELS / 'xor.net'} --epochs 1 --out run"])
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_output(verb: str, closed: str, tmp_path: Path) -> None:
    said = shell(f"gpubp {verb} {closed}", tmp_path)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize("into", [pytest.param(f"2> {FULL}", marks=full), "2>&-", "2>&1 | true"])
def test_a_message_that_nobody_can_read_leaves_the_exit_code(into: str, tmp_path: Path) -> None:
    said = shell(f"(gpubp check none.net; echo $? > code) {into}", tmp_path)
    assert (tmp_path / "code").read_text("utf-8") == "2\n"
    assert (said.stdout, said.stderr) == ("", "")


@full
def test_a_starter_file_is_written_before_anything_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("m,sort\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(9)), "utf-8")
    assert shell(f"gpubp init a.csv > {FULL}", tmp_path).returncode == 1
    assert "csv(" in (tmp_path / "a.net").read_text("utf-8")


def test_ctrl_c_while_a_verb_is_loaded(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(name: str, package: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[main.__module__], "import_module", pressed)
    said = call("check", MODELS / "xor.net")
    assert (said.code, said.out, said.err) == (130, "", "stopped\n")


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_an_encoding_that_lacks_a_character(errors: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("m²,sort\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(9)), "utf-8")
    said = shell(f"PYTHONIOENCODING=ascii:{errors} gpubp init a.csv --target 'm²'", tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("target: `m\\xb2`")


def test_curves_are_not_drawn_by_escapes(tmp_path: Path) -> None:
    assert shell(f"gpubp run {MODELS / 'xor.net'} --epochs 2 --out run --quiet", tmp_path).returncode == 0
    said = shell("PYTHONIOENCODING=ascii gpubp plot run", tmp_path)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("error: the encoding of the output, ascii, has no signs to draw curves with: `-o ")
