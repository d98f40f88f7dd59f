"""Where a report's worst rows are found: in the file that they stand in, as it numbers them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.data import load as load_data
from gpubp.picture.predictions import Rows
from gpubp.picture.report import report

NET = """
data {{
  x, y = csv("a.csv", target = "y", missing = drop{more})
  {split}
}}
model {{
  input  x: [1]
  target y: [1]
  output p = x -> dense(1)
}}
train {{
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.001)
  epochs    = 1
}}
"""
GAPS = (0, 3, 4)


def table(path: Path, start: int) -> None:
    """Rows whose input says which one it is; some miss a cell."""
    lines = [f"{'' if i in GAPS else start + i},{i % 3}" for i in range(20)]
    path.write_text("x,y\n" + "\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize(
    ("more", "split", "said", "files"),
    [
        ("", "split = split(test = 40%)", "rows are numbered as in a.csv, from 1, a header not counted", {"a.csv"}),
        (', test = "b.csv"', "", "rows are numbered as in b.csv, from 1, a header not counted", {"a.csv", "b.csv"}),
    ],
)
def test_the_worst_rows_are_numbered_as_in_their_file(
    more: str, split: str, said: str, files: set[str], tmp_path: Path
) -> None:
    table(tmp_path / "a.csv", 1)
    table(tmp_path / "b.csv", 1)
    (tmp_path / "a.net").write_text(NET.format(more=more, split=split), "utf-8")
    assert main(["run", str(tmp_path / "a.net"), "--device", "cpu", "--out", str(tmp_path / "run"), "--quiet"]) == 0
    text = report(tmp_path / "run")
    assert f"; {said}.</p>" in text
    worst = text[text.index("worst predictions: y</h2>") :]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>.*<td>(.*?)</td></tr>', worst[: worst.index("</table>")])
    assert len(rows) > 3
    assert all(number == x for number, x in rows), "the input is the number of its row in the file"
    net = gpubp.load(tmp_path / "a.net")
    data = load_data(net.graph, net.base, 0)
    places = [data.place(i) for i in range(sum(map(len, data.parts.values())))]
    assert {file for file, _ in places} == files
    assert [number for _, number in places[:3]] == [1, 2, 5]
    assert [number + 1 for _, number in places] == data.arrays["x"][:, 0].tolist()


def test_rows_of_arrays_and_of_the_file_itself_have_a_number_too(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((5, 1)))
    np.save(tmp_path / "t.npy", np.ones((2, 1)))
    whole = NET.format(more="", split="")
    arrays = '  x = npy("x.npy", test = "t.npy")\n  y = npy("x.npy", test = "t.npy")\n'
    text = re.sub(r"  x, y = .*\n", arrays, whole)
    net = gpubp.loads(text, base=tmp_path)
    data = load_data(net.graph, net.base, 0)
    assert [data.place(i) for i in (0, 4, 5, 6)] == [("x.npy", 0), ("x.npy", 4), ("t.npy", 0), ("t.npy", 1)]
    net = gpubp.loads(re.sub(r"  x, y = .*\n", "  x = [[1], [2]]\n  y = [[1], [2]]\n", whole))
    assert load_data(net.graph, net.base, 0).place(1) == ("", 1)


@pytest.mark.parametrize(
    ("places", "name", "numbering"),
    [
        ([("", 999)], "1,000", "rows are numbered through all of the data, from 1"),
        ([("a", 4), ("b", 0)], "a 5", "each row is numbered in its file, from 1, a header not counted"),
        ([("p/1.png", None), ("p/2.png", None)], "p/1.png", "each row is a file"),
    ],
)
def test_where_a_row_is_found_in_words(places: list[tuple[str, int | None]], name: str, numbering: str) -> None:
    rows = Rows("train", 2, {}, {}, {}, places)
    assert (rows.name(0), rows.numbering) == (name, numbering)


def test_the_end_of_a_long_name_stands_above_a_picture() -> None:
    rows = Rows("train", 2, {}, {}, {}, [("photos/cats/1.png", None), (f"p/{'a' * 30}12.png", None)])
    assert [rows.title(0), rows.title(1)] == ["1.png", f"\u2026{'a' * 8}12.png"]
    assert Rows("train", 1, {}, {}, {}, [("a.csv", 4)]).title(0) == "row 5"


def test_inputs_that_are_labels_are_told_by_their_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("town,y\n" + "<Rome>,1\nParis,0\n" * 12, "utf-8")
    text = NET.format(more="", split="").replace("x: [1]", "x: class(?)").replace("x -> ", "one_hot(x) -> ")
    (tmp_path / "a.net").write_text(text, "utf-8")
    assert main(["run", str(tmp_path / "a.net"), "--device", "cpu", "--out", str(tmp_path / "run"), "--quiet"]) == 0
    shown = report(tmp_path / "run")
    worst = shown[shown.index("worst predictions: y</h2>") :]
    words = re.findall(r"<td>([^<]*)</td></tr>", worst[: worst.index("</table>")])
    assert set(words) <= {"&lt;Rome&gt;", "Paris"} != set()
