"""What `check` passes `run` begins to train, and what `check` refuses `run` refuses with the same words."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from gpubp.errors import GpubpError
from gpubp.frontend import check_data

NET = """\
data {
  x, y  = csv("a.csv", columns = [["a", "b"], "y"])
  split = split(train = 70%, valid = 30%)
}

model {
  input  x: [2]
  target y: [1]
  hidden   = x -> dense(3) -> tanh
  output p = hidden -> dense(1)
}

train {
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs    = 2
  batch     = 3
}
"""
ROWS = "a,b,y\n" + "".join(f"{i},{i * i / 10},{i % 3}\n" for i in range(10))
CELLS = "1e39 -1e39 3.4028235677973366e38 1e308 1e400 nan inf 1e38 1e-320 16777217 x 1,5".split()
KEYS = (
    *("accumulate = 7", "accumulate = 6", "steps = 3", "restarts = 2", "average = ema(0.9)", "precision = float64"),
    *(
        "early_stop = early_stop(valid.loss, patience = 1epochs)",
        "early_stop = early_stop(test.loss, patience = 1epochs)",
    ),
    *("schedule = plateau(valid.loss, patience = 1epochs)", "freeze = [hidden]", "freeze = [x]"),
    *('start = load("nowhere")', 'start = load("a.csv")', "clip = clip_norm(0)", "metrics = [accuracy(p, y)]"),
)
WRONG = {'start = load("a.csv")'}
"""What the files beside it hold is not read by `check`."""
CHANGES = (
    *(("dense(3) -> tanh", stage) for stage in ("dense(3) -> batchnorm", "dense(0)", "dropout(100%)", "standardize")),
    *(("batch     = 3", batch) for batch in ("batch = 1", "batch = 2", "batch = 99", "")),
    *(("split(train = 70%, valid = 30%)", f"split({parts})") for parts in ("valid = 1%", "test = 99%")),
    ("csv(", "csv(standardize = true, "),
    ("split = split(train = 70%, valid = 30%)", ""),
    ("epochs    = 2", ""),
    ('x, y  = csv("a.csv", columns = [["a", "b"], "y"])', ""),
)  # fmt: skip


def refusal(work: object, text: str, folder: Path) -> str:
    """What `check`, or `run`, says against a file; "" if nothing. A training is stopped at its first step."""
    try:
        net = gpubp.loads(text, base=folder)
        if work == "check":
            check_data(net)
            net.require_training()
        else:
            gpubp.train(net, "cpu", stopping=lambda: True)
    except GpubpError as error:
        return str(error)
    return ""


def agree(text: str, folder: Path) -> str:
    checked = refusal("check", text, folder)
    assert refusal("run", text, folder) == checked
    return checked


@pytest.mark.parametrize("cell", CELLS)
def test_cells(cell: str, tmp_path: Path) -> None:
    for row in (3, 8):
        (tmp_path / "a.csv").write_text(ROWS.replace(f"\n{row},", f"\n{cell},"))
        agree(NET, tmp_path)
        agree(NET.replace("csv(", "csv(standardize = true, "), tmp_path)
    if "," not in cell:
        inline = f"data {{\n  x = [[0, {cell}], [1, 2]]\n  y = [[0], [1]]\n}}" + NET.partition("}")[2]
        agree(inline, tmp_path)


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_train(key: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    checked, ran = (refusal(work, NET.replace("  batch", f"  {key}\n  batch"), tmp_path) for work in ("check", "run"))
    assert checked == ("" if key in WRONG else ran)


@pytest.mark.parametrize("change", CHANGES)
def test_changes(change: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    assert change[0] in NET
    agree(NET.replace(*change), tmp_path)


def test_the_cases_are_of_both_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    found = [
        agree(NET.replace("  batch", f"  {key}\n  batch"), tmp_path) for key in ("average = ema(0.9)", "accumulate = 7")
    ]
    assert found[0] == ""
    assert "E0523" in found[1]
