"""New rows that miss a cell, of a run that was trained without such rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gpubp

from .worlds import NET, Call, write

HOLES = "id,a,b,y\n1,,2,0\n2,1,2,1\n3,2,NA,2\n4,3,4,1\n5,5,6,\n"


@pytest.fixture
def run(call: Call, tmp_path: Path) -> Path:
    call("run", write(tmp_path, data=", missing = drop"), "--out", "run", "--quiet")
    (tmp_path / "new.csv").write_text(HOLES, "utf-8")
    return tmp_path / "run"


def test_predict_keeps_every_row_and_makes_nothing_up(call: Call, run: Path, tmp_path: Path) -> None:
    said = call("predict", run, "new.csv", "--keep", "id")
    assert said.code == 0
    lines = [line.split(",") for line in said.out.splitlines()]
    assert [cells[0] for cells in lines] == ["id", "1", "2", "3", "4", "5"]
    assert [bool(cells[1]) for cells in lines[1:]] == [False, True, False, True, True], "`y` is not needed"
    assert said.err == "note: 2 rows, the first of them 1, miss a cell of `new.csv`; their answers are left empty\n"
    (tmp_path / "whole.csv").write_text("a,b\n1,2\n3,4\n5,6\n", "utf-8")
    whole = call("predict", run, "whole.csv")
    assert whole.out.splitlines()[1:] == [cells[1] for cells in lines[1:] if cells[1]]
    assert whole.err == ""


def test_evaluate_leaves_them_out_as_the_training_did(call: Call, run: Path, tmp_path: Path) -> None:
    said = call("evaluate", run, "new.csv", "--json")
    figures = json.loads(said.out)
    assert (said.code, figures["rows"], figures["left_out"]) == (0, 2, 3)
    assert call("evaluate", run, "new.csv").out.startswith("2 rows of new.csv (3 left out for missing cells)\n")
    (tmp_path / "whole.csv").write_text("a,b,y\n1,2,1\n3,4,1\n", "utf-8")
    assert json.loads(call("evaluate", run, "whole.csv", "--json").out) == {"rows": 2, "metrics": figures["metrics"]}
    assert json.loads(call("evaluate", run, "a.csv", "--json").out)["rows"] == 10


def test_a_table_with_no_whole_row(call: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,b\n,2\n1,\n", "utf-8")
    said = call("predict", run, "new.csv")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error[E0414]: `new.csv`: no row is left, for each misses a cell\n")


def test_in_python_no_row_vanishes_unseen(run: Path) -> None:
    loaded = gpubp.load_run(run, "cpu")
    with pytest.raises(gpubp.InputError, match=r"row 1 of `new.csv` misses a cell \(2 rows do\)"):
        loaded.predict("new.csv")
    rows = loaded.rows("new.csv", targets=False)
    assert rows.gaps == (0, 2)
    np.testing.assert_array_equal(rows.arrays["x"], [[1, 2], [3, 4], [5, 6]])


def test_without_drop_a_gap_is_an_error(call: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "b.net").write_text(NET.replace("DATA", "").replace("SPLIT", ""), "utf-8")
    call("run", "b.net", "--out", "strict", "--quiet")
    said = call("predict", "strict", "new.csv")
    assert (said.code, said.out) == (2, "")
    assert "the cell is empty" in said.err


def test_of_a_series_it_is_windows_that_miss_a_cell(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(12)), "utf-8")
    text = NET.replace("[2]", "[3]")
    data = 'data {\n  x, y = series("a.csv", window = 3, missing = drop)\n}\n'
    (tmp_path / "s.net").write_text(data + text[text.index("model {") :], "utf-8")
    assert call("run", "s.net", "--out", "run", "--quiet").err == ""
    (tmp_path / "new.csv").write_text("a\n1\n2\n3\n4\nNA\n6\n", "utf-8")
    said = call("predict", "run", "new.csv")
    assert said.err == "note: 2 windows, the first of them 3, miss a cell of `new.csv`; their answers are left empty\n"
