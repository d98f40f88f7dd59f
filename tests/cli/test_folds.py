"""`run --folds`: its table, what is saved, how it goes on, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gpubp
from gpubp.cli import study
from gpubp.training import Fold, Replicate

from .worlds import NET, Call, write

LABELLED = (
    NET.replace("y: [1]", "y: class(3)").replace("dense(1)", "dense(3) -> softmax").replace("mse(", "cross_entropy(")
)
LABELLED = LABELLED.replace("epochs    = 3", "epochs    = 3\n  metrics   = [accuracy(p, y), confusion(p, y)]")
ROWS = "a,b,y\n" + "".join(f"{i / 40},{(i * 7 % 11) / 11},{('lily', 'oak', 'rose')[i % 3]}\n" for i in range(40))
SPLIT = "split = split(test = 25%, stratify = y)\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, net=LABELLED, rows=ROWS, split=SPLIT)


def test_a_table_of_the_folds(call: Call, file: Path) -> None:
    said = call("run", "a.net", "--folds", "3", "--device", "cpu", "--backend", "numpy", "--out", "cv")
    assert (said.code, said.err) == (0, "")
    first, table, tables, saved = said.out.rstrip().split("\n\n")
    assert first.startswith("a.net: 21 parameters; rows: 20 train, 10 valid, 10 test, in 3 folds; CPU (NumPy")
    head, *rows = [line.split() for line in table.splitlines()]
    figures = ["valid.loss", "valid.accuracy", "test.loss", "test.accuracy"]
    assert head == ["fold", "rows", *figures, "epochs", "seconds"]
    known = json.loads(Path("cv/folds.json").read_text())
    for k, row in enumerate(rows[:3]):
        metrics = gpubp.load_run(f"cv/fold-{k + 1}", "cpu").metrics
        assert row[:-1] == [str(k + 1), "10", *(f"{metrics[name]:.4g}" for name in figures), "3"]
    assert rows[3:] == [[name, *(f"{known[name][figure]:.4g}" for figure in figures)] for name in ("mean", "std")]
    first, names, *counts = tables.splitlines()
    assert first.startswith("valid.confusion: rows are the true classes")
    assert names.split() == [line.split()[0] for line in counts] == ["lily", "oak", "rose"]
    assert sum(int(cell) for line in counts for cell in line.split()[1:]) == 30
    assert saved.splitlines() == [
        "saved to cv, a run for each fold",
        "`gpubp predict cv TABLE` predicts new rows, as an ensemble",
    ]
    assert call("predict", "cv/fold-1", "a.csv", "--device", "cpu").code == 0
    assert [line.split()[0] for line in call("runs").out.splitlines()[1:]] == [f"cv/fold-{k}" for k in (1, 2, 3)]


def test_a_table_of_new_rows(call: Call, file: Path) -> None:
    """The same as the training counted, with the names of the classes."""
    said = call("run", "a.net", "--folds", "3", "--fold", "1", "--device", "cpu", "--out", "run")
    counted = said.out[said.out.index("test.confusion") :].split("\n\n")[0]
    run = gpubp.load_run("run", "cpu")
    test = gpubp.train(run.net, "cpu").dataset.parts["test"]
    lines = ROWS.splitlines()
    Path("test.csv").write_text("\n".join([lines[0], *(lines[1 + int(row)] for row in test)]), "utf-8")
    told = call("evaluate", "run", "test.csv", "--device", "cpu").out
    assert told.split("\n\n")[-1].rstrip() == counted.removeprefix("test.")
    known = json.loads(call("evaluate", "run", "test.csv", "--device", "cpu", "--json").out)["tables"]["confusion"]
    assert known == [[int(cell) for cell in line.split()[1:]] for line in counted.splitlines()[2:]]


BURST = "a,b,y\n" + "".join(f"{1e15 if i == 11 else i / 30},{i % 3},{i % 2}\n" for i in range(30))
"""A row that two of three folds learn from, and come to nothing by it."""


def test_a_fold_that_diverges(call: Call, tmp_path: Path) -> None:
    """The first one here, of which nothing is saved: what is left can go on all the same."""
    write(tmp_path, net=NET.replace("dense(3) -> tanh -> ", ""), rows=BURST)
    said = call("run", "a.net", "--folds", "3", "--device", "cpu", "--out", "cv")
    lines = said.out.splitlines()
    lost = [line.split()[0] for line in lines if "  diverged: epoch 2: " in line]
    assert (said.code, len(lost)) == (1, 2), "the row of the burst is learned from in two of three folds"
    (left,) = {"1", "2", "3"}.difference(lost)
    told = f"2 of 3 folds diverged ({lost[0]}, {lost[1]}): the figures below are over the other 1"
    assert lines[lines.index(told) + 1].split()[0] == "mean"
    assert f"`gpubp predict cv/fold-{left} TABLE` predicts new rows" in lines
    again = call("run", "--resume", "cv", "--device", "cpu", "--json")
    objects = [json.loads(line) for line in again.out.splitlines()]
    assert again.code == 1
    assert [str(one["number"]) for one in objects[:3] if "diverged" in one] == lost
    assert [*objects[3]["diverged"]] == lost


def test_a_trial_of_a_search_is_judged_by_all_folds(call: Call, tmp_path: Path) -> None:
    net = NET.replace("dense(3) -> tanh -> ", "").replace("0.1", "lr")
    write(tmp_path, net="param lr = 0.1 in [0.1, 0.2]\n" + net, rows=BURST)
    said = call("search", "a.net", "--folds", "3", "--device", "cpu", "--out", "s")
    assert said.code == 1
    assert "no trial came to an end; the first failed: diverged: fold " in said.err


def test_one_of_them_alone(call: Call, file: Path) -> None:
    every = call("run", "a.net", "--folds", "3", "--device", "cpu", "--json", "--no-save", "--seed", "4")
    objects = [json.loads(line) for line in every.out.splitlines()]
    assert [one.get("number") for one in objects] == [1, 2, 3, None]
    assert objects[3]["folds"] == objects[:3]
    assert objects[3]["folder"] is None
    one = call("run", "a.net", "--folds", "3", "--fold", "2", "--device", "cpu", "--json", "--out", "f", "--seed", "4")
    assert json.loads(one.out.splitlines()[-1])["metrics"] == objects[1]["metrics"]
    assert 'split = split(test = 0.25, stratify = "y", folds = 3, fold = 2)' in Path("f/resolved.net").read_text()
    more = call("run", "--resume", "f", "--epochs", "5", "--quiet")
    assert more.code == 0, more.err
    # Where the file says so itself, it is the same.
    write(Path(), net=LABELLED, rows=ROWS, split=SPLIT.replace("= y)", "= y, folds = 3, fold = 2)"))
    same = call("run", "a.net", "--device", "cpu", "--json", "--no-save", "--seed", "4")
    assert json.loads(same.out.splitlines()[-1])["metrics"] == objects[1]["metrics"]
    again = call("run", "a.net", "--folds", "3", "--device", "cpu", "--json", "--no-save", "--seed", "4")
    assert json.loads(again.out.splitlines()[-1])["mean"] == objects[3]["mean"]


def test_ctrl_c_and_on(call: Call, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the signal comes with the end of a fold."""
    words, ended, told = ("--device", "cpu", "--backend", "numpy"), study._Show.ended, False

    def end(show: study._Show, fold: Fold | Replicate, run: gpubp.Run) -> None:
        nonlocal told
        ended(show, fold, run)
        told = True

    def asked(interrupt: study.Interrupt) -> bool:
        interrupt.code = 130 if told else 0
        return told

    with monkeypatch.context() as patched:
        patched.setattr("gpubp.training.study._side_by_side", lambda *_: 1)
        patched.setattr(study._Show, "ended", end)
        patched.setattr(study.Interrupt, "__call__", asked)
        said = call("run", "a.net", "--folds", "3", *words, "--out", "cv", "--quiet")
        assert said.code == 130
        assert said.err == "stopped after 1 of 3 folds; `gpubp run --resume cv` continues\n"
        told = False
        lost = call("run", "a.net", "--folds", "3", *words, "--no-save", "--json")
        assert (lost.code, lost.err) == (130, "stopped after 1 of 3 folds; nothing is saved\n")
        assert json.loads(lost.out.splitlines()[-1])["stopped"] == "interrupted"
    said = call("run", "--resume", "cv", "--quiet")
    assert (said.code, said.err) == (0, "")
    whole = call("run", "a.net", "--folds", "3", *words, "--no-save", "--quiet")
    assert [line.split()[:6] for line in said.out.splitlines()] == [line.split()[:6] for line in whole.out.splitlines()]
    wanted = "`cv` is a cross-validation: leave FILE out, or say `--folds` too"
    assert wanted in call("run", "a.net", "--resume", "cv").err
    assert "`--out` cannot be given" in call("run", "--resume", "cv", "--out", "other").err
    assert "`--no-save` cannot be given" in call("run", "--resume", "cv", "--no-save").err
    assert "`--set` needs the .net file" in call("run", "--resume", "cv", "--set", "k=1").err
    assert "is of another experiment: `split` was" in call("run", "a.net", "--folds", "4", "--resume", "cv").err
    assert "it holds those of a cross-validation: name one" in call("export", "cv").err
    assert "3 folds" in call("plot", "cv").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("a.net --folds 1", "must be at least 2, not 1"),
        ("a.net --folds 31", "31 folds of 30 rows: some would be empty"),
        ("a.net --folds 11", "a label of `y` has 9 rows to divide, but there are 11 folds"),
        ("a.net --fold 2", "`--fold 2`: `--folds` says of how many"),
        ("a.net --folds 3 --fold 4", "`--fold 4`: there are 3"),
        ("--folds 3", "`--folds` needs the .net file"),
        ("a.net --folds 3 --profile", "say which with `--fold`"),
        ("b.net --folds 3", "`b.net` has no `data` section to train on"),
        ("b.net --folds 3 --fold 1", "`b.net` has no `data` section to train on"),
        ("a.csv --folds 3", "is a table, not a `.net` file"),
        ("c.net --folds 3", "cannot read `c.net`"),
    ],
)
def test_what_is_refused(call: Call, file: Path, words: str, message: str) -> None:
    text = file.read_text()
    Path("b.net").write_text(text[text.index("model") :])
    said = call("run", *words.split(), "--device", "cpu")
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert "Traceback" not in said.err
    assert not list(Path().rglob("fold-*"))


def test_what_is_odd_is_said_once(call: Call, tmp_path: Path) -> None:
    """Of all folds together: a column that never changes."""
    rows = "a,b,y\n" + "".join(f"{i},1,{i % 3}\n" for i in range(30))
    write(tmp_path, rows=rows)
    said = call("run", "a.net", "--folds", "3", "--device", "cpu", "--backend", "numpy", "--no-save")
    assert said.code == 0
    assert said.err.count("W0401") == 1
