"""`fmt`: which files it changes, what it prints, and that nothing is ever lost."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dsl.format_expressions import Expressions

from .worlds import MODELS, ROOT, Call, files, process

UGLY = "let  x=1 # one\n"
NICE = "let x = 1  # one\n"
WRONG = "let x = = 1\n"


def write(path: Path, text: str = UGLY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_a_file_is_written_in_place(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net")
    said = call("fmt", path)
    assert (said.code, said.out, said.err) == (0, f"changed: {path}\n", "")
    assert path.read_text() == NICE
    assert files(tmp_path) == ["a.net"]
    assert call("fmt", path) == type(said)(0, "", "")


def test_a_file_that_is_formatted_is_not_touched(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", NICE)
    before = path.stat()
    assert call("fmt", path).code == 0
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_check_changes_nothing(call: Call, tmp_path: Path) -> None:
    ugly, nice = write(tmp_path / "a.net"), write(tmp_path / "b.net", NICE)
    said = call("fmt", "--check", ugly, nice)
    assert (said.code, said.out, said.err) == (1, f"would change: {ugly}\n1 of 2 files would change\n", "")
    assert ugly.read_text() == UGLY
    assert call("fmt", "--check", nice).code == 0


def test_diff_changes_nothing(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net")
    said = call("fmt", "--diff", path)
    assert said.code == 0
    assert said.out == f"--- {path}\n+++ {path} (formatted)\n@@ -1 +1 @@\n-{UGLY}+{NICE}"
    assert path.read_text() == UGLY
    assert call("fmt", "--diff", "--check", path).code == 1
    assert call("fmt", "--diff", write(path, NICE)).out == ""


@pytest.mark.skipif(not shutil.which("patch"), reason="there is no `patch`")
@pytest.mark.parametrize("text", [UGLY, UGLY.strip(), f"# \u2028 \x0c\n{UGLY * 9}", UGLY.replace("\n", "\r\n") * 3])
def test_patch_understands_the_diff(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.net", text)
    made = subprocess.run(
        [sys.executable, "-m", "gpubp", "fmt", "--diff", path], cwd=ROOT, capture_output=True, check=True
    ).stdout
    subprocess.run(["patch", "--binary", "-s", path], input=made, check=True, cwd=tmp_path)
    assert process("fmt", "--check", path).code == 0


def test_a_diff_in_color(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal only, and never with what a terminal obeys."""
    path = write(tmp_path / "a.net", "let  x=1 # \x1b[2J\n")
    assert "\x1b[2J" in call("fmt", "--diff", path).out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in call("fmt", "--diff", path).out
    monkeypatch.delenv("NO_COLOR")
    said = call("fmt", "--diff", path)
    assert "\x1b[31m-let  x=1 # \ufffd[2J\x1b[0m\n" in said.out
    assert "\x1b[32m+let x = 1  # \ufffd[2J\x1b[0m\n" in said.out
    assert "\x1b[2J" not in said.out


def test_the_mode_stays(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net")
    path.chmod(0o751)
    assert call("fmt", path).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o751


def test_a_link_is_followed(call: Call, tmp_path: Path) -> None:
    path, link = write(tmp_path / "far" / "a.net"), tmp_path / "b.net"
    link.symlink_to(path)
    said = call("fmt", link, path)
    assert (said.code, said.out) == (0, f"changed: {link}\n"), "one file by two names is done once"
    assert link.is_symlink()
    assert path.read_text() == NICE


def test_folders(call: Call, tmp_path: Path) -> None:
    run = ("runs/r/written.net", "runs/r/env.json", "runs/r/imports/h.net")
    for name in ("b.net", "a/c.net", "a/d.txt", ".hidden/e.net", "a/.f/g.net", *run):
        write(tmp_path / name)
    said = call("fmt", tmp_path)
    assert (tmp_path / run[0]).read_text() == (tmp_path / run[2]).read_text() == UGLY, "a run keeps what it was made of"
    assert said.out == f"changed: {tmp_path}/a/c.net\nchanged: {tmp_path}/b.net\n2 of 2 files changed\n"
    assert (tmp_path / "a/d.txt").read_text() == (tmp_path / ".hidden/e.net").read_text() == UGLY
    (tmp_path / "empty").mkdir()
    said = call("fmt", tmp_path / "empty")
    assert said.code == 2
    assert "there is no `.net` file in" in said.err


def test_a_wrong_file_stops_no_other(call: Call, tmp_path: Path) -> None:
    wrong, ugly = write(tmp_path / "a.net", WRONG), write(tmp_path / "b.net")
    said = call("fmt", wrong, tmp_path / "nowhere.net", write(tmp_path / "c.net", "\xff").parent / "c.net", ugly)
    assert said.code == 2
    assert said.out.startswith(f"changed: {ugly}\n")
    assert "error[E01" in said.err
    assert f"{wrong}:1:7" in said.err
    assert "error[E0401]: cannot read" in said.err
    assert wrong.read_text() == WRONG
    assert ugly.read_text() == NICE
    assert call("fmt", "--check", wrong).code == call("fmt", "--diff", wrong).code == 2


def test_a_file_that_is_too_long_is_left_whole(call: Call, tmp_path: Path) -> None:
    text = "# \u00e9\n" * 30_000
    said = call("fmt", write(tmp_path / "a.net", text))
    assert said.code == 2
    assert "error[E0102]" in said.err
    assert (tmp_path / "a.net").read_text("utf-8") == text


@pytest.mark.parametrize("words", [[], ["-"]])
def test_standard_input(words: list[str]) -> None:
    said = process("fmt", *words, stdin=UGLY)
    assert (said.code, said.out, said.err) == (0, NICE, "")
    wrong = process("fmt", *words, stdin=WRONG)
    assert (wrong.code, wrong.out) == (2, "")
    assert "<stdin>:1:7" in wrong.err
    assert process("fmt", *words, "--check", stdin=UGLY).out == "would change: <stdin>\n"
    assert process("fmt", *words, "--check", stdin=NICE).code == 0
    assert process("fmt", *words, "--diff", stdin=UGLY).out.startswith("--- <stdin>\n")


@pytest.mark.parametrize("raw", [b"# \xc3\xa9\r\nlet x = 1\r\n", b"", b"# a\n"])
def test_standard_output_has_the_very_bytes(raw: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpubp", "fmt"],
        input=raw,
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout == raw


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\xff\xfel\x00", b"cannot read standard input: it is UTF-16 text, not UTF-8\n"),
        (b"\nlet x = \xff", b"standard input is not text in UTF-8: line 2 contains the byte 0xff\nhelp: save it again"),
    ],
)
def test_standard_input_that_is_no_text(raw: bytes, message: bytes) -> None:
    done = subprocess.run([sys.executable, "-m", "gpubp", "fmt"], input=raw, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error[E0101]: " + message)


def test_standard_input_stands_alone(call: Call, tmp_path: Path) -> None:
    said = call("fmt", "-", write(tmp_path / "a.net"))
    assert said.code == 2
    assert "`-`, standard input, cannot be named beside files" in said.err


def test_a_failing_disk_leaves_the_old_file(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.net")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = call("fmt", path)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: cannot write `{path}`: no space left on device\n"
    assert path.read_text() == UGLY
    assert files(tmp_path) == ["a.net"]


def test_a_file_that_may_not_be_written(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.net")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the superuser may write anything
    said = call("fmt", path)
    assert said.code == 2
    assert "permission denied" in said.err
    assert path.read_text() == UGLY


def test_ctrl_c_leaves_the_old_file(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.net")

    def stop(made: str, path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    assert call("fmt", path).code == 130
    assert files(tmp_path) == ["a.net"]
    assert path.read_text() == UGLY


def test_a_mistake_of_the_formatter_leaves_the_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.net")
    bare = Expressions.bare
    monkeypatch.setattr(Expressions, "bare", lambda self: bare(self).replace("1", "2"))
    said = call("fmt", path)
    assert (said.code, said.out) == (1, "")
    assert re.match(r"error: formatting `.*a\.net` would change its meaning, so it was left as it is; ", said.err)
    assert path.read_text() == UGLY


def test_the_models_are_formatted(call: Call) -> None:
    assert call("fmt", "--check", MODELS).code == 0
