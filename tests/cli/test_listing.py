"""`runs`: the runs of a folder in order, told apart by what was set; two of them compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .worlds import MODELS, Call, write


def test_runs_of_two_time_zones_are_in_order(call: Call, tmp_path: Path) -> None:
    for name, when in ("b", "2026-03-29T03:30:00+0200"), ("a", "2026-03-29T01:45:00+0000"), ("c", "?"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "written.net").touch()
        (tmp_path / name / "metrics.jsonl").touch()
        (tmp_path / name / "env.json").write_text(json.dumps({"started": when}), "utf-8")
    assert [line.split()[0] for line in call("runs").out.splitlines()] == ["run", "c", "b", "a"]


def test_runs_are_listed(call: Call, tmp_path: Path) -> None:
    nothing = call("runs")
    assert (nothing.code, nothing.err) == (0, "")
    assert nothing.out == "no runs in this folder or those within it; `gpubp run FILE` makes one\n"
    assert call("runs", "nowhere").err == "error: there is no folder `nowhere`\n"
    call("run", write(tmp_path), "--out", "runs/first")
    call("run", tmp_path / "a.net", "--out", "runs/second", "--epochs", "2", "--seed", "3")
    Path("runs/broken").mkdir()
    Path("runs/broken/env.json").write_text("{", "utf-8")
    Path("runs/broken/written.net").write_text("", "utf-8")
    Path("others").mkdir()
    Path("others/env.json").write_text("{}", "utf-8")  # of another program
    Path("runs/notes.txt").write_text("mine", "utf-8")
    said = call("runs")
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[0] == ["run", "file", "set", "date", "epochs", "figures"]
    assert [(row[0], row[2], row[5], row[6]) for row in rows[1:]] == [
        ("runs/first", "seed=0", "3", "train.loss"),
        ("runs/second", "seed=3", "2", "train.loss"),
    ]
    assert said.err.count("warning: ") == 1
    assert "broken" in said.err
    listed = json.loads(call("runs", "runs", "--json").out)
    call("run", tmp_path / "a.net", "--out", "here", "--epochs", "1")
    call("run", tmp_path / "a.net", "--out", "runs/deep/er", "--epochs", "1")
    for words, there in (
        ((), {"runs/first", "runs/second", "here"}),
        (("runs",), {"runs/first", "runs/second", "runs/deep/er"}),
        (("here",), {"here"}),
    ):
        assert {line.split()[0] for line in call("runs", *words).out.splitlines()[1:]} == there
    assert [(run["run"], run["seed"], run["epochs"], run["done"]) for run in listed] == [
        ("runs/first", 0, 3, True),
        ("runs/second", 3, 2, True),
    ]


def test_runs_show_what_was_set(call: Call) -> None:
    for width in ("2", "3"):
        call("run", MODELS / "spiral.net", "--epochs", "1", "--set", f"width={width}", "--out", f"w{width}")
    rows = [line.split() for line in call("runs").out.splitlines()]
    assert [row[2] for row in rows] == ["set", "width=2", "width=3"]
    call("run", MODELS / "xor.net", "--epochs", "1", "--out", "xor/one")
    call("run", MODELS / "xor.net", "--epochs", "1", "--out", "xor/two")
    assert "set" not in call("runs", "xor").out, "there is nothing to tell them apart by"


def test_runs_are_compared(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path)
    call("run", path, "--out", "a")
    path.write_text(path.read_text("utf-8").replace("lr = 0.1", "lr = 0.2"), "utf-8")
    call("run", path, "--out", "b", "--seed", "3")
    said = call("runs", "diff", "a", "b")
    assert said.code == 0
    assert "-  optimizer = sgd(lr = 0.1)\n+  optimizer = sgd(lr = 0.2)\n" in said.out
    assert re.search(r"^seed +0 +3$", said.out, re.MULTILINE)
    assert re.search(r"^ *train.loss +\S+ +\S+$", said.out, re.MULTILINE)
    assert "numpy" not in said.out, "what is alike is not shown"
    found = json.loads(call("runs", "diff", "a", "b", "--json").out)
    assert found["settings"]["seed"] == [0, 3]
    assert call("runs", "diff", "a").code == 2
    assert call("runs", "a", "b").code == 2
    assert call("runs", "diff", "a", "c").err == "error: `c` is not a run: no such file or directory\n"
    Path("c").mkdir()
    assert call("runs", "diff", "a", "c").err == "error: `c` is not a run: it has no `env.json`\n"
    assert "`a/env.json` is not a run: it is a file" in call("runs", "diff", "a", "a/env.json").err
