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
    assert said.err == (
        "warning: 2 of 5 rows of `new.csv` cannot be used: their answers are left empty\n"
        "  2 rows miss a cell: line 2, column `a`; line 4, column `b`\n"
    )
    (tmp_path / "whole.csv").write_text("a,b\n1,2\n3,4\n5,6\n", "utf-8")
    whole = call("predict", run, "whole.csv")
    assert whole.out.splitlines()[1:] == [cells[1] for cells in lines[1:] if cells[1]]
    assert whole.err == ""


def test_evaluate_leaves_them_out_as_the_training_did(call: Call, run: Path, tmp_path: Path) -> None:
    said = call("evaluate", run, "new.csv", "--json")
    figures = json.loads(said.out)
    assert (said.code, figures["rows"], figures["left_out"]) == (0, 2, 3)
    said = call("evaluate", run, "new.csv")
    assert said.out.startswith("2 rows of new.csv (3 left out)\n")
    assert said.err.splitlines() == [
        "note: `new.csv` has columns that the net was trained without, which are not used: `id`",
        "warning: 3 of 5 rows of `new.csv` cannot be used: the metrics are without them",
        "  3 rows miss a cell: line 2, column `a`; line 4, column `b`; line 6, column `y`",
    ]
    (tmp_path / "whole.csv").write_text("a,b,y\n1,2,1\n3,4,1\n", "utf-8")
    assert json.loads(call("evaluate", run, "whole.csv", "--json").out) == {"rows": 2, "metrics": figures["metrics"]}
    assert json.loads(call("evaluate", run, "a.csv", "--json").out)["rows"] == 10


def test_a_table_with_no_whole_row(call: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,b\n,2\n1,\n", "utf-8")
    said = call("predict", run, "new.csv")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error[E0414]: `new.csv`: no row can be used\n")
    assert "note: 2 rows miss a cell: line 2, column `a`; line 3, column `b`\n" in said.err


def test_in_python_no_row_vanishes_unseen(run: Path) -> None:
    loaded = gpubp.load_run(run, "cpu")
    with pytest.warns(UserWarning, match="2 of 5 rows of `new.csv` cannot be used: their outputs are NaN") as caught:
        found = loaded.predict("new.csv")["p"]
    assert caught[0].filename == __file__, "it points at the line that asked"
    assert np.isnan(found[:, 0]).tolist() == [True, False, True, False, False]
    rows = loaded.rows("new.csv", targets=False)
    assert rows.gaps == (0, 2)
    np.testing.assert_array_equal(rows.arrays["x"], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(found[[1, 3, 4]], loaded.predict(rows.arrays)["p"])
    with pytest.warns(UserWarning, match="3 of 5 rows of `new.csv` cannot be used: the metrics are without them"):
        loaded.evaluate("new.csv")


def test_what_the_training_had_no_gaps_in(call: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "b.net").write_text(NET.replace("DATA", "").replace("SPLIT", ""), "utf-8")
    call("run", "b.net", "--out", "strict", "--quiet")
    strict, dropping = call("predict", "strict", "new.csv"), call("predict", run, "new.csv")
    assert (strict.code, strict.err) == (0, dropping.err)
    assert [not line for line in strict.out.splitlines()] == [not line for line in dropping.out.splitlines()]


WORDS = """
data {
  x, town, kind = csv("w.csv", columns = ["a", "town", "kind"])
}

model {
  input  x:    [1]
  input  town: class(?)
  target kind: class(?k)
  output p = concat(x, one_hot(town)) -> dense(k) -> softmax
}

train {
  loss      = cross_entropy(p, kind)
  optimizer = sgd(lr = 0.1)
  epochs    = 3
}
"""


def test_a_word_that_nobody_learned_leaves_its_answer_empty(call: Call, tmp_path: Path) -> None:
    (tmp_path / "w.net").write_text(WORDS, "utf-8")
    (tmp_path / "w.csv").write_text("a,town,kind\n1,Rome,u\n2,Bern,v\n3,Rome,v\n", "utf-8")
    call("run", "w.net", "--out", "run", "--quiet")
    (tmp_path / "new.csv").write_text("town,a\nRome,1\nParis,2\nbern,3\nParis,4\n,5\nBern,2\n", "utf-8")
    said = call("predict", "run", "new.csv", "--keep", "town")
    assert said.code == 0
    assert said.err == (
        "warning: 4 of 6 rows of `new.csv` cannot be used: their answers are left empty\n"
        "  1 row misses a cell: line 6, column `town`\n"
        "  3 rows hold a category that training never saw: `Paris` in line 3, column `town` and 1 other row; "
        "`bern` in line 4, column `town` (did you mean `Bern`?)\n"
    )
    lines = [line.split(",") for line in said.out.splitlines()]
    assert lines[0] == ["town", "kind", "p.u", "p.v"]
    assert [cells[1:] == ["", "", ""] for cells in lines[1:]] == [False, True, True, True, True, False]
    loaded = gpubp.load_run("run", "cpu")
    with pytest.warns(UserWarning, match="4 of 6 rows"):
        outputs = loaded.predict("new.csv")
    assert [word or "" for word in loaded.labels(outputs)["kind"]] == [cells[1] for cells in lines[1:]]
    (tmp_path / "wrong.csv").write_text("town,a,kind\nRome,1,u\nParis,2,u\nRome,3,w\n", "utf-8")
    said = call("evaluate", "run", "wrong.csv")
    assert (said.code, "class `w` does not occur" in said.err) == (2, True), "figures without it would be too good"
    (tmp_path / "right.csv").write_text("town,a,kind\nRome,1,u\nParis,2,u\n", "utf-8")
    said = call("evaluate", "run", "right.csv", "--json")
    assert (json.loads(said.out)["rows"], json.loads(said.out)["left_out"]) == (1, 1)


def test_of_a_series_it_is_windows_that_miss_a_cell(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(12)), "utf-8")
    text = NET.replace("[2]", "[3]")
    data = 'data {\n  x, y = series("a.csv", window = 3, missing = drop)\n}\n'
    (tmp_path / "s.net").write_text(data + text[text.index("model {") :], "utf-8")
    assert call("run", "s.net", "--out", "run", "--quiet").err == ""
    (tmp_path / "new.csv").write_text("a\n1\n2\n3\n4\nNA\n6\n", "utf-8")
    said = call("predict", "run", "new.csv")
    assert said.err == (
        "warning: 2 of 4 windows of `new.csv` cannot be used: their answers are left empty\n"
        "  1 row misses a cell: line 6, column `a`\n"
    )
