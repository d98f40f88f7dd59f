"""`runs summary`: statistics over seeds, for a terminal, a spreadsheet and a paper."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from gpubp.cli.summary import as_text
from gpubp.training import all_runs, groups

from .worlds import Call


def saved(folder: str, seed: int, loss: float, *, done: bool = True, **about: Any) -> None:
    """What `gpubp run` leaves of a run that `runs` reads."""
    place = Path(folder)
    place.mkdir()
    (place / "written.net").touch()
    told = {"name": "a.net", "seed": seed, "epochs": 1, "started": f"2026-01-01T00:00:{seed:02}+0000", **about}
    (place / "env.json").write_text(json.dumps(told), "utf-8")
    figures = {"valid.loss": loss, "test.loss": 2 * loss, "test.accuracy": 1.0}
    last = {"metrics": figures} if done else {"epoch": 1.0, "step": 1.0, **figures}
    (place / "metrics.jsonl").write_text(json.dumps(last) + "\n", "utf-8")


@pytest.fixture
def compared(tmp_path: Path, call: Call) -> list[float]:
    """Three seeds of one setting, one of another, and what is left out; the test losses of the three."""
    losses = [0.1, 0.16, 0.13]
    for seed, loss in enumerate(losses):
        saved(f"a{seed}", seed, loss, params={"act": "re_lu"}, net={"seed": str(seed)})
    saved("b0", 7, 0.5, params={"act": "tanh"}, net={"seed": "7"})
    saved("c0", 1, 0.7, params={"act": "tanh"}, net={"seed": "1"}, done=False)
    return [2 * loss for loss in losses]


def test_the_terminal_rounds_to_the_second_digit_of_the_deviation(call: Call, compared: list[float]) -> None:
    said = call("runs", "summary")
    assert said.err == "warning: 1 of 5 runs left out: not finished\n"
    assert said.out.splitlines() == [
        "  act  seeds       test.loss  test.accuracy",
        "re_lu      3  0.260 +- 0.060              1",
        " tanh      1               1              1",
    ]


def test_on_a_narrow_terminal_columns_are_lines(call: Call, compared: list[float]) -> None:
    found = groups(run for run in all_runs(Path())[0] if run.done)
    table = as_text(found)
    assert as_text(found, max(map(len, table.splitlines()))) == table
    assert as_text(found, 40).splitlines() == [
        "act            re_lu",
        "seeds          3",
        "test.loss      0.260 +- 0.060",
        "test.accuracy  1",
        "",
        "act            tanh",
        "seeds          1",
        "test.loss      1",
        "test.accuracy  1",
    ]


def test_a_paper(call: Call, compared: list[float]) -> None:
    assert call("runs", "summary", "--latex").out.splitlines() == [
        r"\begin{tabular}{llrr}",
        r"\hline",
        r"act & seeds & test.loss & test.accuracy \\",
        r"\hline",
        r"re\_lu & 3 & 0.260 $\pm$ 0.060 & 1 \\",
        r"tanh & 1 & 1 & 1 \\",
        r"\hline",
        r"\end{tabular}",
    ]


def test_a_spreadsheet_has_all_digits(call: Call, compared: list[float]) -> None:
    rows = list(csv.DictReader(io.StringIO(call("runs", "summary", "--csv").out)))
    assert [row["seeds"] for row in rows] == ["3", "1"]
    assert float(rows[0]["test.loss.mean"]) == mean(compared)
    assert float(rows[0]["test.loss.std"]) == stdev(compared)
    assert rows[1]["test.loss.std"] == ""


def test_json_has_the_values_too(call: Call, compared: list[float]) -> None:
    first, second = json.loads(call("runs", "summary", "--json").out)
    assert (first["settings"], first["seeds"], first["runs"]) == ({"act": "re_lu"}, [0, 1, 2], ["a0", "a1", "a2"])
    assert first["figures"]["test.loss"]["values"] == compared
    assert second["figures"]["valid.loss"] == {"mean": 0.5, "std": None, "values": [0.5]}


def test_of_several_runs_with_one_seed_the_last_counts(call: Call, compared: list[float]) -> None:
    saved("again", 2, 0.4, params={"act": "re_lu"}, net={"seed": "2"}, started="2026-01-02T00:00:00+0000")
    first, _ = json.loads(call("runs", "summary", "--json").out)
    assert first["figures"]["test.loss"]["values"] == [*compared[:2], 0.8]


def test_folds_are_one_group(call: Call, tmp_path: Path) -> None:
    """As `run --folds` has their mean and deviation; seeds and folds are counted beside each other."""
    for fold, loss in enumerate((0.1, 0.2, 0.4), start=1):
        saved(f"fold-{fold}", 0, loss, net={"split": f"split(test = 0.2, folds = 3, fold = {fold})", "seed": "0"})
    (folds,) = json.loads(call("runs", "summary", "--json").out)
    assert (folds["settings"], folds["seeds"], folds["folds"]) == ({}, [0, 0, 0], [1, 2, 3])
    assert folds["figures"]["valid.loss"]["values"] == [0.1, 0.2, 0.4]
    saved("other", 1, 0.3, net={"split": "split(test = 0.2, folds = 3, fold = 2)", "seed": "1"})
    saved("whole", 0, 0.5, net={"split": "split(test = 0.2)", "seed": "0"})
    assert call("runs", "summary").out.splitlines() == [
        "                       split  seeds  folds     test.loss  test.accuracy",
        "split(test = 0.2, folds = 3)      2      3  0.50 +- 0.26              1",
        "           split(test = 0.2)      1      -             1              1",
    ]
    rows = list(csv.DictReader(io.StringIO(call("runs", "summary", "--csv").out)))
    assert [(row["seeds"], row["folds"]) for row in rows] == [("2", "3"), ("1", "")]


def test_what_tells_groups_apart(call: Call, tmp_path: Path) -> None:
    """The file and the params of the command line; the settings of `train` where these are the same; the folder."""
    saved("a", 0, 0.1, net={"optimizer": "sgd(lr = 0.1)", "batch": "32", "model": "1"})
    saved("b", 0, 0.2, net={"optimizer": "sgd(lr = 0.2)", "batch": "32", "model": "1"})
    assert [one["settings"] for one in json.loads(call("runs", "summary", "--json").out)] == [
        {"optimizer": "sgd(lr = 0.1)"},
        {"optimizer": "sgd(lr = 0.2)"},
    ]
    saved("c", 0, 0.3, net={"optimizer": "sgd(lr = 0.2)", "batch": "32", "model": "2"})
    found = json.loads(call("runs", "summary", "--json").out)
    assert [one["settings"] for one in found] == [{"run": "a"}, {"run": "b"}, {"run": "c"}]


def test_runs_without_a_test_keep_their_own_figures(call: Call, tmp_path: Path) -> None:
    saved("a", 0, 0.1, params={"a": "1"})
    saved("b", 0, 0.2, params={"a": "2"})
    (Path("b") / "metrics.jsonl").write_text('{"metrics": {"train.loss": 0.25, "train.penalty": 0.0}}\n', "utf-8")
    assert call("runs", "summary").out.splitlines() == [
        "a  seeds  test.loss  test.accuracy  train.loss",
        "1      1        0.2              1           -",
        "2      1          -              -        0.25",
    ]


def test_names_that_latex_would_take_for_its_own(call: Call, tmp_path: Path) -> None:
    saved("a", 0, 0.1, params={"a": r"~^<|>\&%$#_{}"})
    saved("b", 0, 0.2, params={"a": "2"})
    assert call("runs", "summary", "--latex").out.splitlines()[4] == (
        r"\textasciitilde{}\textasciicircum{}\textless{}\textbar{}\textgreater{}\textbackslash{}"
        r"\&\%\$\#\_\{\} & 1 & 0.2 & 1 \\"
    )


@pytest.mark.parametrize("figure", ['"x"', "null", "[1]"])
def test_a_figure_that_is_no_number_is_damage(call: Call, tmp_path: Path, figure: str) -> None:
    saved("a", 0, 0.1)
    saved("b", 1, 0.2)
    (Path("b") / "metrics.jsonl").write_text(f'{{"metrics": {{"test.loss": {figure}}}}}\n', "utf-8")
    for words in (["summary"], []):
        said = call("runs", *words)
        assert said.code == 0
        assert said.err == "warning: `b/metrics.jsonl` is damaged: its `test.loss` is no number\n"


def test_refusals(call: Call, tmp_path: Path) -> None:
    said = call("runs", "summary", "--csv")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: no runs in this folder")
    assert "forms of `gpubp runs summary`" in call("runs", "--csv").err
    saved("a", 0, 0.1, done=False)
    said = call("runs", "summary")
    assert (said.code, said.err.splitlines()[-1]) == (2, "error: no run is finished: there are no final figures yet")
