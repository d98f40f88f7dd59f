"""`gpubp export`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.onnx.running import needs_onnx

from .worlds import NET, ROWS, Call

KINDS = "is neither a .c nor an .onnx file: a net is exported as `net.c` or `net.onnx`"


@pytest.fixture
def run(call: Call) -> str:
    """A run of a file whose name is none in C."""
    Path("a.csv").write_text(ROWS, "utf-8")
    Path("2-a.net").write_text(NET.replace("DATA", "").replace("SPLIT", ""), "utf-8")
    assert call("run", "2-a.net", "--device", "cpu", "--out", "run", "--quiet").code == 0
    return "run"


def test_the_function_is_named_after_the_file(call: Call, run: str) -> None:
    said = call("export", run)
    assert (said.code, said.err) == (0, "")
    assert "int net_2_a_predict(const float *x, float *p);\n" in said.out
    said = call("export", run, "-o", "wing flow.c")
    assert (said.code, said.out) == (0, "wrote wing flow.c: 5 kB; the top of the file says how to call it\n")
    assert "int wing_flow_predict(" in Path("wing flow.c").read_text("utf-8")


@needs_onnx
def test_onnx(call: Call, run: str) -> None:
    said = call("export", run, "-o", "wing flow.onnx")
    assert (said.code, said.err) == (0, "")
    assert said.out == "wrote wing flow.onnx: 1 kB; for any number of rows\n"
    assert b"wing flow.onnx: the net of 2-a.net" in Path("wing flow.onnx").read_bytes()


def test_without_the_package(call: Call, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    said = call("export", run, "-o", "a.onnx")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: exporting to ONNX needs onnx, which is not installed: `pip install ")
    assert not Path("a.onnx").exists()


def test_what_cannot_be(call: Call, run: str) -> None:
    Path("folder.c").mkdir()
    (Path(run) / "last.safetensors").write_bytes(b"rubbish")
    wrong = {
        ("nowhere",): (2, "error: `nowhere` is not a run: no such file or directory\n"),
        ("2-a.net",): (2, "error: `2-a.net` is not a run: it is a file in no run's folder\n"),
        (run, "-o", "a.h"): (2, f"error: `a.h` {KINDS}\n"),
    }
    for words, (code, text) in wrong.items():
        said = call("export", *words)
        assert (said.code, said.out, said.err) == (code, "", text)
    said = call("export", run, "-o", "a.c")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert not Path("a.c").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_where_nothing_may_be_written(call: Call, run: str) -> None:
    Path("shut").mkdir(mode=0o500)
    said = call("export", run, "-o", "shut/a.c")
    assert (said.code, said.err.startswith("error: cannot save `shut/a.c`")) == (1, True)


def test_a_folder_is_no_file(call: Call, run: str) -> None:
    Path("folder.c").mkdir()
    said = call("export", run, "-o", "folder.c")
    assert (said.code, said.err) == (1, "error: cannot save `folder.c`: is a directory\n")
