"""`search`: which trials, what is written, how it goes on, what is refused."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.frontend import Domain, domains
from gpubp.training.trials import GRID, RANDOM, method_of, settings

from .worlds import NET, Call, process, write

PARAMS = "param width = 4 in [2, 4]\nparam rate = 0.1 in log(1e-3, 1e-1)\n"
SEARCHED = PARAMS + NET.replace("dense(3)", "dense(width)").replace("lr = 0.1", "lr = rate")
ROWS = "a,b,y\n" + "".join(f"{i / 40},{(i * 7 % 11) / 11},{i % 3}\n" for i in range(40))
SPLIT = "split = split(valid = 30%)\n"


def net(base: Path, text: str = SEARCHED, split: str = SPLIT) -> Path:
    return write(base, net=text, rows=ROWS, split=split)


def trials(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "trials.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def test_drawn_trials_and_the_command_that_makes_the_best_again(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    said = call("search", "a.net", "--trials", "4", "--device", "cpu", "--out", "s")
    assert (said.code, said.err) == (0, "")
    found = trials(tmp_path / "s")
    assert [trial["number"] for trial in found] == [1, 2, 3, 4]
    assert all(trial["params"]["width"] in ("2", "4") for trial in found)
    assert all(1e-3 <= float(trial["params"]["rate"]) <= 1e-1 for trial in found)
    best = min(found, key=lambda trial: trial["value"])
    head, *rows = [line.split() for line in said.out.split("\n\n")[1].splitlines()]
    assert head == ["trial", "width", "rate", "valid.loss", "epochs", "seconds"]
    assert [int(row[0]) for row in rows] == [t["number"] for t in sorted(found, key=lambda trial: trial["value"])]
    command = shlex.split(said.out.strip().splitlines()[-1].partition(": ")[2])
    again = call(*command[1:], "--device", "cpu", "--json", "--no-save")
    assert json.loads(again.out.splitlines()[-1])["metrics"]["valid.loss"] == best["value"]


def test_all_combinations_where_they_are_few(call: Call, tmp_path: Path) -> None:
    text = SEARCHED.replace("log(1e-3, 1e-1)", "[0.01, 0.1]").replace("param rate", "param k = 1 in 1..2\nparam rate")
    net(tmp_path, text.replace("dense(1)", "dense(k // k)"))
    said = call("search", "a.net", "--trials", "8", "--device", "cpu", "--out", "s", "--quiet")
    assert said.code == 0, said.err
    made = [tuple(trial["params"].values()) for trial in trials(tmp_path / "s")]
    assert made == [(w, k, r) for w in ("2", "4") for k in ("1", "2") for r in ("0.01", "0.1")]
    fixed = call("search", "a.net", "--set", "k=2", "--set", "width=2", "--device", "cpu", "--json", "--epochs", "1")
    assert [json.loads(line).get("params") for line in fixed.out.splitlines()][:2] == [
        {"rate": "0.01"},
        {"rate": "0.1"},
    ]
    assert json.loads(fixed.out.splitlines()[-1])["folder"].startswith("runs/search-")


def test_trials_depend_on_the_seed_and_their_number_alone() -> None:
    space = {"a": Domain(("1", "2", "3")), "b": Domain(first=0.0, last=1.0), "c": Domain(("u", "v"))}
    first = list(islice(settings(space, RANDOM, 7), 30))
    assert list(islice(settings(space, RANDOM, 7), 10)) == first[:10]
    assert list(islice(settings(space, RANDOM, 8), 30)) != first
    few = {"a": space["a"], "c": space["c"]}
    assert method_of(few, 6, RANDOM) == GRID
    assert method_of(few, 5, RANDOM) == RANDOM
    drawn = [tuple(each.values()) for each in settings(few, RANDOM, 1)]
    assert len(drawn) == len(set(drawn)) == 6, "no two alike, and all there are"


def test_domains_are_drawn_from_evenly() -> None:
    text = "param a = 3 in 1..5\nparam b = 0.5 in 0..1.0\nparam c = 1 in log(1e-4, 1)\nparam d = 20% in [10%, 20%]\n"
    text += "param e = tanh in [tanh, relu]\nparam f = 5 in 1..5000\nparam g = 1\nparam h = true in [true, false]\n"
    space = domains(gpubp.loads(text + "model {\n  input x: [2]\n  output p = x -> dense(1)\n}\n"))
    assert list(space) == ["a", "b", "c", "d", "e", "f", "h"]
    assert [domain.at(0.0) for domain in space.values()] == ["1", "0.0", "0.0001", "0.1", "tanh", "1", "true"]
    assert [domain.at(0.5) for domain in space.values()] == ["3", "0.5", "0.01", "0.2", "relu", "2501", "false"]
    assert space["a"].at(1 - 1e-12) == "5"
    assert space["f"].at(1 - 1e-12) == "5000"


@pytest.mark.parametrize("cut", [0, 1, 40, None])
def test_it_goes_on_with_the_same_trials(call: Call, tmp_path: Path, cut: int | None) -> None:
    """After two trials and a part of the third one's line, however long."""
    net(tmp_path)
    call("search", "a.net", "--trials", "4", "--device", "cpu", "--out", "whole", "--quiet")
    call("search", "a.net", "--trials", "4", "--device", "cpu", "--out", "s", "--quiet")
    lines = (tmp_path / "s/trials.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "s/trials.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][: -1 if cut is None else cut])
    said = call("search", "--resume", "s", "--device", "cpu")
    assert said.code == 0, said.err
    assert "\nalready done: 2\n" in said.out
    assert trials(tmp_path / "s") == trials(tmp_path / "whole")
    more = call("search", "--resume", "s", "--trials", "5", "--device", "cpu", "--quiet")
    assert more.code == 0
    assert trials(tmp_path / "s")[:4] == trials(tmp_path / "whole")
    assert len(trials(tmp_path / "s")) == 5
    fewer = call("search", "--resume", "s", "--trials", "2", "--device", "cpu")
    assert (fewer.code, "5 trials" in fewer.out, fewer.err) == (0, True, "")


def test_a_trial_that_fails_is_a_line(call: Call, tmp_path: Path) -> None:
    text = SEARCHED.replace("0.1 in log(1e-3, 1e-1)", "0.01 in [0.01, 1e30]").replace(
        "dense(width)", "dense(width - 2)"
    )
    net(tmp_path, text)
    said = call("search", "a.net", "--set", "width=4", "--device", "cpu", "--out", "s")
    assert said.code == 0, said.err
    assert [trial["value"] is None for trial in trials(tmp_path / "s")] == [False, True]
    assert "diverged: " in said.out
    said = call("search", "a.net", "--set", "rate=0.01", "--device", "cpu", "--out", "t")
    assert [trial["value"] is None for trial in trials(tmp_path / "t")] == [True, False]
    assert "E0" in trials(tmp_path / "t")[0]["failed"]
    said = call("search", "a.net", "--set", "rate=1e30", "--device", "cpu", "--out", "u", "--quiet")
    assert (said.code, said.err.partition(";")[0]) == (1, "error: no trial came to an end")


def test_a_search_of_a_version_with_fewer_options_goes_on(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    assert call("search", "a.net", "--trials", "1", "--epochs", "1", "--out", "s", "--quiet").code == 0
    file = tmp_path / "s" / "search.json"
    text = file.read_text("utf-8")
    assert ", standardize = false" in text
    file.write_text(text.replace(", standardize = false", ""), "utf-8")
    assert call("search", "--resume", "s", "--trials", "2", "--quiet").code == 0
    assert len(trials(tmp_path / "s")) == 2
    file.write_text(text.replace("scale = 1.0", "scale = 2.0"), "utf-8")
    said = call("search", "--resume", "s", "--trials", "3")
    assert (said.code, said.err) == (2, "error: `a.net` has changed since `s` began: `data` is not what it was\n")


def test_a_search_goes_on_where_its_project_has_moved(call: Call, tmp_path: Path) -> None:
    project = tmp_path / "a"
    project.mkdir()
    assert call("search", net(project), "--trials", "1", "--epochs", "1", "--out", project / "s", "--quiet").code == 0
    there = project.rename(tmp_path / "b") / "s"
    assert call("search", "--resume", there, "--trials", "2", "--quiet").code == 0
    assert len(trials(there)) == 2


def test_what_is_refused(call: Call, tmp_path: Path) -> None:
    net(tmp_path, split="")
    said = call("search", "a.net")
    assert said.code == 2
    assert "`split = split(valid = 20%)` in `data` does" in said.err
    write(tmp_path, rows=ROWS, split=SPLIT)
    assert "declares no param to search over" in call("search", "a.net").err
    assert call("search").code == 2
    assert call("search", "--resume", "nowhere").code == 2
    assert not (tmp_path / "runs").exists()
    net(tmp_path)
    assert call("search", "a.net", "--trials", "1", "--epochs", "1", "--out", "s", "--quiet").code == 0
    assert "already contains a search" in call("search", "a.net", "--out", "s").err
    help = "`--resume s` continues it"
    assert call("search", "s").err == f"error: `s` is the folder of a search, not a `.net` file: {help}\n"
    for words in (("a.net",), ("--epochs", "2"), ("--seed", "1"), ("--set", "width=2"), ("--method", "tpe")):
        assert call("search", *words, "--resume", "s").code == 2
    net(tmp_path, SEARCHED.replace("[2, 4]", "[2, 4, 8]"))
    said = call("search", "--resume", "s")
    assert (said.code, said.err) == (2, "error: `a.net` has changed since `s` began: `width` is not what it was\n")
    net(tmp_path)
    (tmp_path / "a.csv").write_text(ROWS + "1,1,1\n")
    assert "`a.csv` is not what it was" in call("search", "--resume", "s").err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("given", 1), ("net", None), ("data", "x"), ("space", []), ("method", 1), ("seed", -1), ("trials", 0)],
        *[("epochs", "2"), ("folds", 2.5), ("folds", 1), ("seeds", True), ("file", None), ("base", [])],
    ],
)
def test_a_damaged_search(call: Call, tmp_path: Path, key: str, value: object) -> None:
    net(tmp_path)
    assert call("search", "a.net", "--trials", "1", "--epochs", "1", "--out", "s", "--quiet").code == 0
    file = tmp_path / "s/search.json"
    for text in (json.dumps({**json.loads(file.read_text()), key: value}), "[1]", "{"):
        file.write_text(text)
        said = call("search", "--resume", "s")
        assert (said.code, said.err) == (
            2,
            f"error: `{Path('s/search.json')}` is damaged: it is not what a search wrote\n",
        )


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"number": 0},
        {"params": {}},
        {"params": {"width": 2}},
        {"value": "x"},
        {"seconds": None},
        {"a": 1},
    ],
)
def test_a_damaged_trial_is_run_again(call: Call, tmp_path: Path, change: dict[str, object]) -> None:
    net(tmp_path)
    assert call("search", "a.net", "--trials", "1", "--epochs", "1", "--out", "s", "--quiet").code == 0
    file, (before,) = tmp_path / "s/trials.jsonl", trials(tmp_path / "s")
    file.write_text(json.dumps({**before, **change}) + "\n")
    assert call("search", "--resume", "s", "--quiet").code == 0
    assert [one["value"] for one in trials(tmp_path / "s")] == [before["value"]]


def test_trials_that_are_cross_validated(call: Call, tmp_path: Path) -> None:
    """Judged by the mean, which the command at the end prints again; no rows need be held back."""
    net(tmp_path, split="")
    said = call("search", "a.net", "--folds", "3", "--trials", "2", "--device", "cpu", "--out", "s")
    assert (said.code, said.err) == (0, "")
    assert "judged by the mean of valid.loss over 3 folds" in said.out.splitlines()[0]
    command = shlex.split(said.out.strip().splitlines()[-1].partition(": ")[2])
    again = call(*command[1:], "--device", "cpu", "--json", "--no-save")
    best = min(trials(tmp_path / "s"), key=lambda trial: trial["value"])
    assert json.loads(again.out.splitlines()[-1])["mean"]["valid.loss"] == best["value"]
    assert [trial["epochs"] for trial in trials(tmp_path / "s")] == [3, 3]
    (tmp_path / "s/trials.jsonl").write_text("")
    assert call("search", "--resume", "s", "--jobs", "2", "--quiet").code == 0
    assert min(trial["value"] for trial in trials(tmp_path / "s")) == best["value"]
    assert "`--folds` cannot be given with `--resume`" in call("search", "--resume", "s", "--folds", "4").err
    assert "41 folds of 40 rows" in call("search", "a.net", "--folds", "41").err


def test_trials_with_several_seeds(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    said = call("search", "a.net", "--seeds", "3", "--trials", "2", "--device", "cpu", "--out", "s")
    assert (said.code, said.err) == (0, "")
    assert "judged by the mean of valid.loss over 3 seeds" in said.out.splitlines()[0]
    command = shlex.split(said.out.strip().splitlines()[-1].partition(": ")[2])
    again = json.loads(call(*command[1:], "--device", "cpu", "--json", "--no-save").out.splitlines()[-1])
    best = min(trials(tmp_path / "s"), key=lambda trial: trial["value"])
    assert (again["mean"]["valid.loss"], again["std"]["valid.loss"]) == (best["value"], best["std"])
    heads, first = (line.split() for line in said.out.split("\n\n")[1].splitlines()[:2])
    assert heads[-4:] == ["valid.loss", "std", "epochs", "seconds"]
    assert first[-4:-2] == [f"{best['value']:.4g}", f"{best['std']:.4g}"]
    assert f"  valid.loss {best['value']:.4g} +- {best['std']:.2g}  " in said.out
    (tmp_path / "s/trials.jsonl").write_text("")
    assert call("search", "--resume", "s", "--quiet").code == 0
    assert min(trial["value"] for trial in trials(tmp_path / "s")) == best["value"]
    assert "`--seeds` cannot be given with `--resume`" in call("search", "--resume", "s", "--seeds", "4").err
    assert "two studies" in call("search", "a.net", "--folds", "4", "--seeds", "4").err


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    path = net(tmp_path, SEARCHED.replace("epochs    = 3", "epochs    = 200"))
    begun = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gpubp",
            "search",
            path.name,
            "--trials",
            "1000",
            "--device",
            "cpu",
            "--out",
            "s",
            "--json",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert begun.stdout is not None
    begun.stdout.readline()
    busy = process("search", "--resume", str(tmp_path / "s"), "--quiet")
    assert (busy.code, "another process is training" in busy.err) == (2, True)
    os.kill(begun.pid, signal.SIGINT)
    _, err = begun.communicate(timeout=60)
    assert begun.returncode == -signal.SIGINT, err
    assert err.strip().endswith("`gpubp search --resume s` continues")
    done = trials(tmp_path / "s")
    assert 1 <= len(done) < 1000
    assert len({trial["number"] for trial in done}) == len(done)


def test_one_trial_is_one(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    said = call("search", "a.net", "--trials", "1", "--device", "cpu", "--out", "s")
    assert said.out.startswith("a.net: 1 trial, drawn with the seed 0")


def test_more_trials_than_can_be_drawn(call: Call, tmp_path: Path) -> None:
    said = call("search", "a.net", "--trials", "1" + "0" * 30)
    assert (said.code, said.out) == (2, "")
    assert "must be at most 1,000,000, not 1,000,000,000,000" in said.err
