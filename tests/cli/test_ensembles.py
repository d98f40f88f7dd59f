"""`predict` and `evaluate` with the folder of several seeds or folds: an ensemble."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import gpubp

from .worlds import NET, Call, write

SPLIT = "split = split(valid = 20%, test = 20%)\n"
CLASSES = """
data {
  x, y = csv("a.csv", target = "y", missing = drop)
}
model { input x: [2]
  target y: class(3)
  output p = x -> dense(3) -> softmax }
train { loss = cross_entropy(p, y)
  optimizer = adam(lr = 0.1)
  epochs = 3
  metrics = [accuracy(p, y), confusion(p, y)] }
"""
WORDS = ("--device", "cpu")


def columns(text: str) -> dict[str, list[str]]:
    head, *rows = csv.reader(text.splitlines())
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))


def numbers(cells: list[str]) -> np.ndarray:
    return np.array([float(cell) for cell in cells])


def test_numbers_have_their_deviation_beside_them(call: Call, tmp_path: Path) -> None:
    said = call("run", write(tmp_path, split=SPLIT), "--folds", "3", *WORDS, "--out", "f")
    assert said.out.splitlines()[-1] == "`gpubp predict f TABLE` predicts new rows, as an ensemble"
    said = call("predict", "f", "a.csv", "--keep", "y", *WORDS)
    assert (said.code, said.err) == (0, "")
    found = columns(said.out)
    assert [*found] == ["y", "p", "p.std"]
    alone = [columns(call("predict", f"f/fold-{k}", "a.csv", *WORDS).out) for k in (1, 2, 3)]
    assert [[*one] for one in alone] == [["p"]] * 3
    each = np.stack([numbers(one["p"]) for one in alone])
    np.testing.assert_allclose(numbers(found["p"]), each.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(numbers(found["p.std"]), each.std(axis=0, ddof=1), rtol=1e-4)
    said = call("predict", "f", "a.csv", "-o", "out.tsv", *WORDS)
    assert (said.out, said.err) == ("", "wrote out.tsv: 10 rows of `p`, `p.std`\n")
    assert columns(Path("out.tsv").read_text().replace("\t", ",")) == {k: found[k] for k in ("p", "p.std")}


@pytest.fixture
def classes(call: Call, tmp_path: Path) -> Path:
    rows = "a,b,y\n" + "".join(f"{i / 10},{(i * 7 % 11) / 11},{'red blue green'.split()[i % 3]}\n" for i in range(30))
    (tmp_path / "a.csv").write_text(rows, "utf-8")
    (tmp_path / "a.net").write_text(CLASSES, "utf-8")
    assert call("run", "a.net", "--seeds", "3", *WORDS, "--out", "s", "--quiet").code == 0
    return tmp_path / "s"


def test_classes_have_that_of_the_most_probable_one(call: Call, classes: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,b\n1,2\n,1\n0.5,0.1\n", "utf-8")
    said = call("predict", "s", "new.csv", *WORDS)
    assert said.err.startswith("warning: 1 of 3 rows of `new.csv` cannot be used: their answers are left empty")
    found = columns(said.out)
    assert [*found] == ["y", "p.blue", "p.green", "p.red", "p.std"]
    assert [column[1] for column in found.values()] == [""] * 5
    alone = [columns(call("predict", f"s/seed-{k}", "new.csv", *WORDS).out) for k in range(3)]
    for row in (0, 2):
        each = np.array([[float(one[f"p.{word}"][row]) for word in ("blue", "green", "red")] for one in alone])
        best = each.mean(axis=0).argmax()
        assert found["y"][row] == ("blue", "green", "red")[best]
        assert float(found["p.std"][row]) == pytest.approx(each.std(axis=0, ddof=1)[best], rel=1e-4)


def test_evaluate_shows_the_ensemble_above_its_runs(call: Call, classes: Path) -> None:
    said = call("evaluate", "s", "a.csv", "--json", *WORDS)
    assert (said.code, said.err) == (0, "")
    known = json.loads(said.out)
    assert [*known] == ["rows", "metrics", "members", "mean", "std", "tables"]
    alone = [json.loads(call("evaluate", f"s/seed-{k}", "a.csv", "--json", *WORDS).out)["metrics"] for k in range(3)]
    for name in ("loss", "accuracy"):
        assert known["mean"][name] == pytest.approx(np.mean([one[name] for one in alone]))
        assert known["std"][name] == pytest.approx(np.std([one[name] for one in alone], ddof=1))
    head, table, confusion = call("evaluate", "s", "a.csv", *WORDS).out.split("\n\n")
    assert head == "30 rows of a.csv, by an ensemble of 3 runs"
    lines = [[known[key][name] for name in ("loss", "accuracy")] for key in ("metrics", "mean", "std")]
    wanted = [[f"{value:.4g}" for value in line] for line in lines]
    assert [line.split()[-2:] for line in table.splitlines()] == [["loss", "accuracy"], *wanted]
    assert [line[:12].strip() for line in table.splitlines()] == ["", "ensemble", "mean of runs", "std of runs"]
    assert confusion.startswith("confusion: rows are the true classes")
    assert sum(map(sum, known["tables"]["confusion"])) == 30


def test_a_loss_that_the_outputs_do_not_tell(call: Call, tmp_path: Path) -> None:
    write(tmp_path)
    text = (
        NET.replace("DATA", "")
        .replace("SPLIT", "")
        .replace("output p = x -> dense(3)", "h = x -> dense(1)\n  output p = h")
    )
    text = text.replace("mse(p, y)", "mse(h, y)").replace("epochs    = 3", "epochs = 1\n  metrics = [mae(p, y)]")
    (tmp_path / "a.net").write_text(text, "utf-8")
    call("run", "a.net", "--seeds", "2", *WORDS, "--out", "s", "--quiet")
    said = call("evaluate", "s", "a.csv", *WORDS)
    assert said.err == "note: `loss` cannot be computed from the mean outputs, so the ensemble has none of its own\n"
    assert said.out.splitlines()[3].split()[:2] == ["ensemble", "-"]
    known = json.loads(call("evaluate", "s", "a.csv", "--json", *WORDS).out)
    assert ([*known["metrics"]], [*known["mean"]]) == (["mae"], ["loss", "mae"])


def test_what_is_left_out_or_missing_is_told(call: Call, classes: Path) -> None:
    (classes / "seed-1/metrics.jsonl").write_text("", "utf-8")
    said = call("predict", "s", "a.csv", *WORDS)
    wanted = "note: an ensemble of 2 runs: seed 1 is not finished (`gpubp run --resume s` goes on)\n"
    assert (said.code, said.err) == (0, wanted)
    assert "y" in columns(said.out)
    (classes / "seed-0/metrics.jsonl").write_text("", "utf-8")
    for verb in ("predict", "evaluate"):
        said = call(verb, "s", "a.csv", *WORDS)
        wanted = (
            "error: `s` is no ensemble yet: its one finished run is `s/seed-2`; seeds 0, 1 are not finished "
            "(`gpubp run --resume s` goes on)\n"
        )
        assert (said.code, said.out, said.err) == (2, "", wanted)
    said = call("predict", ".", "a.csv")
    assert said.err == "error: `.` is not a run: it holds runs, which `gpubp runs .` lists: name one\n"
    assert call("export", "s").err == (
        "error: `s` is not a run: it holds those of several seeds: name one, such as `s/seed-0`\n"
    )


def test_a_class_called_std(call: Call, classes: Path, tmp_path: Path) -> None:
    text = (tmp_path / "a.csv").read_text("utf-8").replace("red", "std")
    (tmp_path / "a.csv").write_text(text, "utf-8")
    call("run", "a.net", "--seeds", "2", *WORDS, "--out", "t", "--quiet")
    said = call("predict", "t", "a.csv", *WORDS)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: a class is called `std`, as is the column of deviations")
    assert gpubp.load_ensemble("t", "cpu").mean_std("a.csv")[1]["p"].shape == (30, 3)


def test_labels_in_a_sequence(call: Call, tmp_path: Path) -> None:
    """A deviation for each position."""
    text = """
data { x = [[1, 2], [2, 1], [3, 3]]
  y = [[0, 1], [1, 2], [2, 0]] }
model { input x: [2]
  target y: class(3)[2]
  output p = x -> dense(6) -> reshape([2, 3]) -> softmax }
train { loss = cross_entropy(p, y)
  optimizer = adam()
  epochs = 1 }
"""
    (tmp_path / "a.net").write_text(text, "utf-8")
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0], [0.0, 4.0]]))
    call("run", "a.net", "--seeds", "2", *WORDS, "--out", "s", "--quiet")
    found = columns(call("predict", "s", "x.npy", *WORDS).out)
    assert [*found] == ["y.1", "y.2", *(f"p.{k}" for k in range(1, 7)), "p.std.1", "p.std.2"]
    std = gpubp.load_ensemble("s", "cpu").mean_std(np.load(tmp_path / "x.npy"))[1]
    for row in (0, 1):
        for place in (0, 1):
            taken = std[row, place, int(found[f"y.{place + 1}"][row])]
            assert float(found[f"p.std.{place + 1}"][row]) == pytest.approx(taken)
