"""Deep ensembles: the oracle is NumPy, over what each member makes of the table by itself."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.executor import scores
from gpubp.training import ensembles

from .worlds import write_net

TABLE = """
data {
  x, y = csv("a.csv", target = "y", onehot = ["kind"], missing = median, standardize = true)
  split = split(train = 60%, test = 40%)
}
model { input x: [?]
  target y: class(?)
  output p = x -> dense(4) -> tanh -> dense(3) -> softmax
}
train { loss = cross_entropy(p, y) + l2(1e-3)
  optimizer = adam(lr = 0.05)
  epochs = 3
  metrics = [accuracy(p, y), confusion(p, y)]
}
"""


def write_table(base: Path, rows: int = 50, rare: bool = False) -> Path:
    """Numbers of which some are missing, words, and three classes; or the third of them in a single row."""
    rng = np.random.default_rng(3)
    lines = ["a,b,kind,y"]
    for i in range(rows):
        b = "" if i % 7 == 0 else f"{rng.normal(5, 4):.3f}"
        label = ("low", "mid", "top")[i % 2 if rare and i else i % 3 or 2 * rare]
        lines.append(f"{rng.normal(100, 30):.3f},{b},{'uvw'[i % 3]},{label}")
    (base / "a.csv").write_text("\n".join([*lines, ""]), "utf-8")
    (base / "a.net").write_text(TABLE, "utf-8")
    return base / "a.net"


def stacked(runs: Any, rows: Any) -> np.ndarray[Any, Any]:
    """The outputs `p` of each for its own reading of the rows, in float64."""
    return np.stack([run.predict(rows)["p"] for run in runs]).astype("float64")


def test_it_is_the_mean_over_the_members_with_their_own_statistics(tmp_path: Path) -> None:
    net, table = gpubp.load(write_table(tmp_path)), tmp_path / "a.csv"
    seeds = gpubp.replicate(net, 3, "cpu", tmp_path / "s")
    folds = gpubp.cross_validate(net, 3, "cpu", tmp_path / "f")
    runs: list[gpubp.Run] = []
    gpubp.replicate(net, 3, "cpu", ended=lambda _, run: runs.append(run))
    for folder in (seeds.folder, folds.folder):
        assert folder is not None
        found = gpubp.load_ensemble(folder, "cpu")
        assert repr(found).startswith("<Ensemble of 3 runs: <Net ")
        assert len({one.columns["x"].mean for one in found.members}) == 3, "each has statistics of its own"
        each = stacked(found.members, table)
        mean, std = found.mean_std(table)
        assert mean["p"].dtype == std["p"].dtype == np.float32
        np.testing.assert_allclose(mean["p"], each.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(std["p"], each.std(axis=0, ddof=1), rtol=1e-4, atol=1e-7)
        assert (found.predict(table)["p"] == mean["p"]).all()
        np.testing.assert_allclose(found.predict(table, batch=7)["p"], mean["p"], rtol=1e-5)
        words = np.array(["low", "mid", "top"])[each.mean(axis=0).argmax(axis=-1)]
        assert found.labels(mean)["y"].tolist() == words.tolist()
    memory = gpubp.Ensemble(runs)
    assert (memory.predict(table)["p"] == gpubp.load_ensemble(tmp_path / "s", "cpu").predict(table)["p"]).all()
    gpubp.Ensemble([runs[0], gpubp.load_run(tmp_path / "s/seed-1", "cpu")])  # in memory and from disk are alike


def test_the_figures_are_those_of_the_mean(tmp_path: Path) -> None:
    runs: list[gpubp.Run] = []
    net, table = gpubp.load(write_table(tmp_path)), tmp_path / "a.csv"
    gpubp.replicate(net, 3, "cpu", ended=lambda _, run: runs.append(run))
    found = gpubp.Ensemble(runs)
    mean = stacked(runs, table).mean(axis=0)
    truth = np.array([line.split(",")[3] for line in table.read_text().splitlines()[1:]])
    y = np.searchsorted(["low", "mid", "top"], truth)
    figures = found.evaluate(table)
    assert [*figures] == ["loss", "accuracy"], "no penalty: it is of weights"
    assert figures["loss"] == pytest.approx(-np.log(mean[np.arange(len(y)), y]).mean(), rel=1e-6)
    assert figures["accuracy"] == (mean.argmax(axis=-1) == y).mean()
    every = found.scores(found.rows(table, targets=True), 7)
    assert every["loss"] == pytest.approx(figures["loss"], rel=1e-6)
    wanted = np.zeros((3, 3), int)
    np.add.at(wanted, (y, mean.argmax(axis=-1)), 1)
    assert every["confusion"] == wanted.tolist()
    each = found.evaluate_members(table)
    assert each == [run.evaluate(table) for run in runs]
    assert figures["loss"] <= np.mean([one["loss"] for one in each]), "Jensen's inequality"


def test_a_figure_in_the_units_of_each_member_is_left_out(tmp_path: Path) -> None:
    path = write_table(tmp_path)
    text = TABLE.replace("metrics = [", "metrics = [rmse(r, x), ").replace(
        "  output p", "  output r = x -> dense(5)\n  output p"
    )
    path.write_text(text, "utf-8")
    gpubp.replicate(gpubp.load(path), 2, "cpu", tmp_path / "s")
    found = gpubp.load_ensemble(tmp_path / "s", "cpu")
    assert [*found.evaluate(tmp_path / "a.csv")] == ["loss", "accuracy"]
    assert "rmse" in found.evaluate_members(tmp_path / "a.csv")[0]


@pytest.mark.parametrize("stratified", [True, False])
def test_balanced_weights_are_those_of_all_members(tmp_path: Path, stratified: bool) -> None:
    path = write_table(tmp_path)
    text = TABLE.replace("cross_entropy(p, y)", "cross_entropy(p, y, weights = balanced)")
    path.write_text(text.replace("test = 40%", "test = 40%" + ", stratify = y" * stratified), "utf-8")
    runs: list[gpubp.Run] = []
    gpubp.replicate(gpubp.load(path), 2, "cpu", ended=lambda _, run: runs.append(run))
    counts = [np.bincount(run.dataset.part("train")["y"]) for run in runs]  # type: ignore[index]
    assert (counts[0] == counts[1]).all() == stratified
    figures = gpubp.Ensemble(runs).evaluate(tmp_path / "a.csv")
    if not stratified:
        assert [*figures] == ["accuracy"]
        return
    p = stacked(runs, tmp_path / "a.csv").mean(axis=0)
    y = runs[0].dataset.columns["y"]
    weights = counts[0].sum() / (3 * counts[0])
    wanted = (weights[y] * -np.log(p[np.arange(len(y)), y])).mean()
    assert figures["loss"] == pytest.approx(wanted, rel=1e-5)


def test_the_table_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, reads = gpubp.load(write_table(tmp_path)), list[object]()
    gpubp.replicate(net, 3, "cpu", tmp_path / "s")
    found, read = gpubp.load_ensemble(tmp_path / "s", "cpu"), ensembles.read_table
    monkeypatch.setattr(ensembles, "read_table", lambda path, *more: reads.append(path) or read(path, *more))
    found.mean_std(tmp_path / "a.csv")
    assert reads == [tmp_path / "a.csv"]
    first, *others = found.members
    assert all(one.executor.programs is first.executor.programs for one in others), "compiled once"


@pytest.mark.filterwarnings("ignore:.*cannot be used")
def test_rows_that_cannot_be_answered_are_nan(tmp_path: Path) -> None:
    net, table = gpubp.load(write_table(tmp_path)), tmp_path / "new.csv"
    gpubp.replicate(net, 2, "cpu", tmp_path / "s")
    table.write_text("a,b,kind,y\n100,,u,low\n90,1,other,low\n80,2,v,mid\n", "utf-8")
    found = gpubp.load_ensemble(tmp_path / "s", "cpu")
    mean, std = found.mean_std(table)
    assert np.isnan(mean["p"]).all(axis=-1).tolist() == np.isnan(std["p"]).all(axis=-1).tolist() == [False, True, False]
    np.testing.assert_allclose(mean["p"], stacked(found.members, table).mean(axis=0), rtol=1e-6)
    assert found.labels(mean)["y"][1] is None
    assert found.evaluate_members(table) == [one.evaluate(table) for one in found.members]
    with pytest.warns(UserWarning, match="1 of 3 rows of .* cannot be used: their outputs are NaN") as told:
        found.predict(table)
    assert told[0].filename == __file__


def test_a_class_that_some_members_never_saw(tmp_path: Path) -> None:
    """The classes are those of the whole table, so the columns of all members mean the same."""
    net = gpubp.load(write_table(tmp_path, rare=True))
    runs: list[gpubp.Run] = []
    gpubp.replicate(net, 4, "cpu", ended=lambda _, run: runs.append(run))
    saw = {2 in run.dataset.part("train")["y"] for run in runs}  # type: ignore[index]
    assert saw == {True, False}
    table = tmp_path / "a.csv"
    np.testing.assert_allclose(gpubp.Ensemble(runs).predict(table)["p"], stacked(runs, table).mean(axis=0), rtol=1e-6)


def test_arrays_and_several_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
data { split = split(test = 20%) }
model { input x: [2]
  target y: class(3)[2]
  target z: [4]
  h = x -> standardize -> dense(5) -> tanh
  output p = h -> dense(6) -> reshape([2, 3]) -> softmax
  output q = h -> dense(4)
}
train { loss = cross_entropy(p, y) + mse(q, z)
  optimizer = adam()
  epochs = 2
  metrics = [accuracy(p, y), rmse(q, z), r2(q, z), f1(p, y), top_k(p, y, k = 2), perplexity(p, y)] }
"""
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(30, 2)), "y": rng.integers(0, 3, (30, 2)), "z": rng.normal(size=(30, 4))}
    runs: list[gpubp.Run] = []
    gpubp.replicate(gpubp.loads(text), 3, "cpu", data=rows, ended=lambda _, run: runs.append(run))
    found = gpubp.Ensemble(runs)
    mean, std = found.mean_std(rows["x"])
    each = [run.predict({"x": rows["x"]}) for run in runs]
    for name in ("p", "q"):
        values = np.stack([one[name] for one in each]).astype("float64")
        np.testing.assert_allclose(mean[name], values.mean(axis=0), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(std[name], values.std(axis=0, ddof=1), rtol=1e-4, atol=1e-7)
    assert found.labels(mean)["y"].shape == (30, 2)
    figures = found.evaluate(rows)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[scores.__module__], "build_scores", None)
        assert found.evaluate(rows) == figures, "its program is built once"
    assert figures["rmse"] == pytest.approx(np.sqrt(((mean["q"] - rows["z"]) ** 2).mean()), rel=1e-6)
    assert figures["accuracy"] == (mean["p"].argmax(axis=-1) == rows["y"]).mean()
    assert [*figures] == ["loss", "accuracy", "rmse", "r2", "f1", "top_k", "perplexity"]
    own = scores(runs[0].executor, each[0], rows)
    alone = runs[0].evaluate(rows)
    assert own == pytest.approx({name: alone[name] for name in own}, rel=1e-6), "of one run's outputs: the run's"
    with pytest.raises(gpubp.InputError, match=r"`x\[20, 1\]`: nan is not a finite number"):
        found.predict(np.where(np.arange(60).reshape(30, 2) == 41, np.nan, rows["x"]), batch=4)


def test_a_bare_array_gives_a_bare_array(tmp_path: Path) -> None:
    gpubp.replicate(gpubp.load(write_net(tmp_path, length="epochs = 1")), 2, "cpu", tmp_path / "s")
    found = gpubp.load_ensemble(tmp_path / "s", "cpu")
    x = np.arange(12.0).reshape(4, 3)
    mean, std = found.mean_std(x)
    each = np.stack([one.predict(x) for one in found.members]).astype("float64")
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(std, each.std(axis=0, ddof=1), rtol=1e-4)


@pytest.mark.parametrize(
    ("model", "loss", "metrics", "left"),
    [
        ("output p = x -> dense(1)", "mse(p, y) + l2(0.1)", "rmse(p, y)", ["loss", "rmse"]),
        ("h = x -> dense(1)\n  output p = h -> tanh", "mse(h, y)", "rmse(p, y)", ["rmse"]),
        ("output p = x -> dense(1)\n  q = 2 * p", "mse(q, y)", "q -> mse(y) as double", ["loss", "double"]),
        ("output p = x -> dense(1)", "mse(p, y) + mean(derivative(p, x) ^ 2)", "rmse(p, y)", ["rmse"]),
        ("output p = x -> dense(1)\n  u = derivative(p, x)", "mse(p, y) + mean(u ^ 2)", "mae(p, y)", ["mae"]),
        ("output p = x -> dense(1)", "mse(p, y + normal([1]))", "mae(p, y)", ["mae"]),
        ("output p = x -> dense(2)", "mse(p, x) + mean(y)", "mae(p, x)", ["loss", "mae"]),
    ],
)
def test_what_the_outputs_do_not_tell_is_left_out(model: str, loss: str, metrics: str, left: list[str]) -> None:
    text = f"""
model {{ input x: [2]
  target y: [1]
  {model}
}}
train {{ loss = {loss}
  optimizer = adam()
  epochs = 1
  metrics = [{metrics}] }}
"""
    rows = {"x": np.arange(12.0).reshape(6, 2) / 12, "y": np.arange(6.0)[:, None]}
    runs: list[gpubp.Run] = []
    gpubp.replicate(gpubp.loads(text), 2, "cpu", data=rows, ended=lambda _, run: runs.append(run))
    figures = gpubp.Ensemble(runs).evaluate(rows)
    assert [*figures] == left
    own = scores(runs[0].executor, runs[0].predict({"x": rows["x"]}), rows)
    alone = runs[0].evaluate(rows)
    assert own == pytest.approx({name: alone[name] for name in left}, rel=1e-6)


def test_members_that_do_not_belong_together(tmp_path: Path) -> None:
    runs: list[gpubp.Run] = []
    path = write_table(tmp_path)
    gpubp.replicate(gpubp.load(path), 2, "cpu", tmp_path / "s", ended=lambda _, run: runs.append(run))
    with pytest.raises(gpubp.InputError, match="two members or more, not 1"):
        gpubp.Ensemble(runs[:1])
    with pytest.raises(gpubp.InputError, match=r"are runs: `gpubp.load_ensemble\('s'\)`"):
        gpubp.Ensemble("s")
    with pytest.raises(gpubp.InputError, match=r"are runs, as `gpubp.load_run` returns one, and this is of type Exec"):
        gpubp.Ensemble([runs[0], runs[1].executor])  # type: ignore[list-item]
    with pytest.raises(gpubp.InputError, match="a mapping from names to arrays, or the path of a table"):
        gpubp.Ensemble(runs).evaluate([[1.0]])
    rows = {"x": np.zeros((1, 5))}
    with pytest.raises(gpubp.InputError, match="each member standardizes `x` by its own training rows"):
        gpubp.Ensemble(runs).predict(rows)
    path.write_text(TABLE.replace("dense(4)", "dense(5)"), "utf-8")
    other = gpubp.train(gpubp.load(path), "cpu")
    with pytest.raises(gpubp.InputError, match=r"one run is of another net or loss than `.*seed-0`$"):
        gpubp.Ensemble([runs[0], other])
    shutil.rmtree(tmp_path / "s/seed-1")
    gpubp.train(gpubp.load(path), "cpu", tmp_path / "s/seed-1")
    with pytest.raises(gpubp.InputError, match=r"seed-1` is of another net or loss than `.*seed-0`$"):
        gpubp.load_ensemble(tmp_path / "s", "cpu")
    path.write_text(TABLE, "utf-8")
    text = (tmp_path / "a.csv").read_text("utf-8")
    (tmp_path / "a.csv").write_text(text.replace("low", "none"), "utf-8")
    other = gpubp.train(gpubp.load(path), "cpu")
    wanted = "`y` has the classes `mid`, `none`, `top` in one run, and `low`, `mid`, `top` in `.*seed-0`"
    with pytest.raises(gpubp.InputError, match=wanted):
        gpubp.Ensemble([runs[0], other])
    (tmp_path / "a.csv").write_text(text.replace("a,b", "c,b"), "utf-8")
    other = gpubp.train(gpubp.load(path), "cpu")
    with pytest.raises(gpubp.InputError, match=r"reads `x` from a table in another way than `.*seed-0`"):
        gpubp.Ensemble([runs[0], other])
