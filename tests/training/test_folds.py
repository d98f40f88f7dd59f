"""Cross-validation: each fold is a training of its own, bit for bit, and goes on where it was."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.data import load as load_data
from gpubp.frontend import with_fold
from gpubp.training import Fold
from tests.peers.nets import Array

from .worlds import SPLIT, state, write_net

STRATIFIED = """
data {
  x, y = csv("a.csv", target = "y")
  split = split(test = 20%, stratify = y)
}
model {
  input  x: [2]
  target y: class(3)
  output p = x -> standardize -> dense(4) -> tanh -> dropout(10%) -> dense(3) -> softmax
}
train {
  loss      = cross_entropy(p, y)
  optimizer = adam(lr = 0.05)
  epochs    = 4
  metrics   = [accuracy(p, y), confusion(p, y)]
}
"""


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [f"{i % 7 / 7},{i * i % 11 / 11},{'rose' if i % 3 else 'lily' if i % 2 else 'iris'}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,y", *rows, ""]), "utf-8")
    (tmp_path / "a.net").write_text(STRATIFIED, "utf-8")
    return tmp_path / "a.net"


def bare(text: str) -> str:
    """The same without its data."""
    return text[: text.index("data {")] + text[text.index("model {") :]


def test_the_argument_stratifies_as_if_the_file_did(labelled: Path) -> None:
    text = labelled.read_text("utf-8")
    said = gpubp.load(labelled)
    labelled.write_text(text.replace(", stratify = y", ""), "utf-8")
    asked, plain = (with_fold(gpubp.load(labelled), 2, 3, by) for by in ("y", None))
    one, two, other = (load_data(n.graph, n.base, 0).parts for n in (with_fold(said, 2, 3), asked, plain))
    for part in one:
        np.testing.assert_array_equal(one[part], two[part])
    assert one["valid"].tolist() != other["valid"].tolist()


def collected(net: gpubp.Net, folds: int = 3, **options: Any) -> tuple[gpubp.CrossValidation, list[gpubp.Run]]:
    runs: list[gpubp.Run] = []
    told = gpubp.cross_validate(net, folds, "cpu", ended=lambda _, run: runs.append(run), backend="numpy", **options)
    return told, runs


def parts(run: gpubp.Run) -> dict[str, dict[str, Array]]:
    """The rows of a run, as a caller hands them over."""
    return {part: {n: c[rows] for n, c in run.dataset.arrays.items()} for part, rows in run.dataset.parts.items()}


def test_a_fold_is_the_training_of_its_rows(labelled: Path) -> None:
    """Statistics, an early stop, dropout, the order of the batches: all is what it is without folds."""
    text = STRATIFIED.replace("epochs    = 4", "epochs = 9\n  early_stop = early_stop(valid.loss, patience = 2epochs)")
    labelled.write_text(text, "utf-8")
    told, runs = collected(gpubp.load(labelled))
    assert [fold.rows for fold in told.folds] == [16, 16, 16]
    alone = gpubp.loads(bare(text))
    for fold, run in zip(told.folds, runs, strict=True):
        other = gpubp.train(alone, "cpu", backend="numpy", data=parts(run))
        assert state(run) == state(other)
        assert fold.metrics == run.metrics == other.metrics
        assert run.history == other.history
        assert fold.epochs == len(run.history)
    first = gpubp.load(labelled)
    test = load_data(first.graph, first.base, 0).parts["test"]
    assert all((run.dataset.parts["test"] == test).all() for run in runs)
    held_out = np.concatenate([run.dataset.parts["valid"] for run in runs])
    assert sorted([*held_out, *test]) == list(range(60))


def test_what_the_folds_come_to(labelled: Path) -> None:
    told, runs = collected(gpubp.load(labelled))
    for name in runs[0].metrics:
        values = [run.metrics[name] for run in runs]
        assert told.mean[name] == pytest.approx(sum(values) / 3, rel=1e-12)
        assert told.std[name] == pytest.approx(statistics.stdev(values), rel=1e-12)
    table = np.sum([run.tables["valid.confusion"] for run in runs], axis=0)
    assert told.tables == {"valid.confusion": table.tolist()}
    assert table.sum() == 48
    assert told.stopped == ""
    loss, std = told.mean["valid.loss"], told.std["valid.loss"]
    assert repr(told).startswith(f"<CrossValidation, 3 of 3 folds: valid.loss {loss:.4g} +- {std:.2g}, valid.accuracy ")


@pytest.mark.parametrize("split", [True, False])
def test_rows_in_memory(labelled: Path, split: bool) -> None:
    """Divided by the file's `split`; without a file's data by the same seed, and by name where it is asked for."""
    rows = load_data(gpubp.load(labelled).graph, labelled.parent, 0).arrays
    net = gpubp.load(labelled) if split else gpubp.loads(bare(STRATIFIED))
    told, runs = collected(net, data=rows, stratify=None if split else "y")
    labels = [np.bincount(run.dataset.arrays["y"][run.dataset.parts["valid"]], minlength=3) for run in runs]
    assert (np.ptp(labels, axis=0) <= 1).all()
    if split:
        assert told.mean == collected(net)[0].mean
        return
    out = labelled.parent / "cv"
    assert collected(net, data=rows, stratify="y", out=out)[0].mean == told.mean
    assert len(gpubp.load_run(out / "fold-2", "cpu").predict(rows["x"])) == 60
    assert collected(net, data=rows, stratify="y", resume=out)[0].mean == told.mean
    with pytest.raises(gpubp.CheckpointError, match=r"on arrays that Python handed over.*gpubp\.cross_validate\("):
        collected(net, stratify="y", resume=out)
    with pytest.raises(gpubp.CheckpointError, match="`split` was"):
        collected(net, data=rows, resume=out)


def test_all_folds_start_with_weights_in_memory(labelled: Path) -> None:
    net, out = gpubp.load(labelled), labelled.parent / "cv"
    start = gpubp.train(net, "cpu", seed=5).executor.state_dict()
    _, runs = collected(net, start=start, out=out)
    alone = [gpubp.train(with_fold(net, k, 3), "cpu", start=start, backend="numpy") for k in (1, 2, 3)]
    assert [state(run) for run in runs] == [state(run) for run in alone]
    shutil.rmtree(out / "fold-3")
    with pytest.raises(gpubp.CheckpointError, match=r"gpubp\.cross_validate\(net, folds, start="):
        collected(net, resume=out)
    _, resumed = collected(net, start=start, resume=out)
    assert [state(run) for run in resumed] == [state(run) for run in runs]


def test_every_fold_is_saved_as_a_run(labelled: Path, tmp_path: Path) -> None:
    told, runs = collected(gpubp.load(labelled), out=tmp_path / "cv", seed=3, epochs=2)
    assert sorted(path.name for path in (tmp_path / "cv").iterdir()) == ["fold-1", "fold-2", "fold-3", "folds.json"]
    saved = json.loads((tmp_path / "cv" / "folds.json").read_text())
    assert (saved["mean"], saved["std"], saved["tables"]) == (told.mean, told.std, told.tables)
    for fold, run in zip(told.folds, runs, strict=True):
        assert fold.folder is not None
        loaded = gpubp.load_run(fold.folder, "cpu")
        assert loaded.metrics == fold.metrics
        assert len(loaded.predict(labelled.parent / "a.csv")["p"]) == 60
        # Trained again from what the folder says alone.
        again = gpubp.train(loaded.net, "cpu", backend="numpy")
        assert state(again) == state(run)
        assert {k: v.tolist() for k, v in again.dataset.parts.items()} == {
            k: v.tolist() for k, v in run.dataset.parts.items()
        }


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """Interrupted in the middle of a fold, the result is that of one that nobody disturbed."""
    net = gpubp.load(write_net(tmp_path, split=SPLIT, length="epochs = 6"))
    whole, wanted = collected(net)
    ended: list[int] = []

    def note(fold: Fold, run: gpubp.Run) -> None:
        ended.append(fold.number)

    out = tmp_path / "cv"
    callbacks = [lambda run: None]  # one after the other
    stopping: Any = lambda: ended == [1]  # noqa: E731
    told = gpubp.cross_validate(net, 3, "cpu", out, None, callbacks, ended=note, backend="numpy", stopping=stopping)
    assert (told.stopped, [fold.number for fold in told.folds]) == ("interrupted", [1])
    assert not (out / "folds.json").exists()
    gpubp.train(net_of_fold(net, 2), "cpu", out / "fold-2", backend="numpy", stopping=lambda: True)
    told, runs = collected(net, resume=out)
    assert told.mean == whole.mean
    assert [fold.epochs for fold in told.folds] == [6, 6, 6]
    assert [state(run) for run in runs] == [state(run) for run in wanted]
    assert collected(net, resume=out)[0].std == whole.std
    assert collected(net, resume=out, epochs=8)[0].folds[2].epochs == 8
    with pytest.raises(gpubp.CheckpointError, match="`split` was"):
        gpubp.cross_validate(net, 4, "cpu", resume=out)
    with pytest.raises(gpubp.CheckpointError, match="already contains runs of a cross-validation"):
        gpubp.cross_validate(net, 3, "cpu", out)
    with pytest.raises(gpubp.CheckpointError, match="already contains a run"):
        gpubp.cross_validate(net, 3, "cpu", out / "fold-1")
    for nothing in (tmp_path / "nowhere", out / "fold-1"):
        with pytest.raises(gpubp.CheckpointError, match="contains no cross-validation to continue"):
            gpubp.cross_validate(net, 3, "cpu", resume=nothing)
    with pytest.raises(gpubp.InputError, match="in its own folder"):
        gpubp.cross_validate(net, 3, "cpu", tmp_path / "other", out)
    with pytest.raises(gpubp.CheckpointError, match="holds those of a cross-validation"):
        gpubp.load_run(out)


def net_of_fold(net: gpubp.Net, fold: int) -> gpubp.Net:
    """The net of a file that says which of three folds it holds out."""
    text = net.graph.source.text.replace("test = 20%)", f"test = 20%, folds = 3, fold = {fold})")
    return gpubp.loads(text, base=net.base)


@pytest.mark.parametrize("folds", [0, 1, -3, 2.5, "5", None, True])
def test_a_number_of_folds_that_is_none(labelled: Path, folds: Any) -> None:
    with pytest.raises(gpubp.InputError, match="folds must be a whole number of at least 2"):
        gpubp.cross_validate(gpubp.load(labelled), folds)


def test_what_cannot_be_divided(labelled: Path, tmp_path: Path) -> None:
    net = gpubp.load(labelled)
    with pytest.raises(gpubp.DataError, match="a label of `y`"):
        gpubp.cross_validate(net, 20)
    with pytest.raises(gpubp.NetError, match="no `data` section"):
        gpubp.cross_validate(gpubp.loads(bare(STRATIFIED)), 3)
    rows = {"x": np.zeros((4, 2)), "y": [0, 1, 2, 0]}
    with pytest.raises(gpubp.DataError, match="5 folds of 4 rows"):
        gpubp.cross_validate(gpubp.loads(bare(STRATIFIED)), 5, "cpu", data=rows)
    with pytest.raises(gpubp.InputError, match="is not given by parts"):
        gpubp.cross_validate(net, 3, "cpu", data={"train": rows})
    with pytest.raises(gpubp.GpubpError, match="a net is wanted, not a path"):
        gpubp.cross_validate("a.net")  # type: ignore[arg-type]
    (tmp_path / "t.txt").write_text("to be or not to be " * 20, "utf-8")
    text = STRATIFIED.replace('x, y = csv("a.csv", target = "y")', 'x, y = text("t.txt", window = 4)')
    text = text.replace("x: [2]", "x: class(?)[4]").replace("class(3)", "class(?k)[4]").replace(", stratify = y", "")
    text = text.replace("x -> standardize -> dense(4)", "x -> embedding(3)").replace("dense(3)", "dense(k)")
    text = text.replace(", confusion(p, y)", "")
    with pytest.raises(gpubp.DataError, match="is one text"):
        gpubp.cross_validate(gpubp.loads(text, base=tmp_path), 3, "cpu")


def test_a_fold_that_diverges_is_named(tmp_path: Path) -> None:
    path = write_net(tmp_path, optimizer="sgd(lr = 1e30)")
    with pytest.raises(gpubp.DivergedError, match="all 3 folds diverged; fold 1: epoch 1: "):
        gpubp.cross_validate(gpubp.load(path), 3, "cpu")


BURST = """
data {
  past, next = series("s.csv", window = 2)
}
model {
  input  past: [2]
  target next: [1]
  output p = past -> dense(1)
}
train {
  loss      = mse(p, next)
  optimizer = sgd(lr = 0.05)
  epochs    = 3
}
"""


def test_the_others_are_trained_all_the_same(tmp_path: Path) -> None:
    """A burst in the second stretch, which the folds after the first learn from."""
    rows = [str(i % 5 * (1e15 if 20 <= i < 23 else 0.1)) for i in range(60)]
    (tmp_path / "s.csv").write_text("\n".join(["a", *rows, ""]), "utf-8")
    (tmp_path / "s.net").write_text(BURST, "utf-8")
    lost: dict[int, str] = {}
    net, out = gpubp.load(tmp_path / "s.net"), tmp_path / "cv"
    told = gpubp.cross_validate(net, 3, "cpu", out=out, diverged=lost.__setitem__)
    assert [fold.number for fold in told.folds] == [1]
    assert told.diverged == lost
    assert list(lost) == [2, 3]
    assert lost[2].startswith("epoch 2: ")
    assert told.mean == told.folds[0].metrics
    assert told.std == {}
    saved = json.loads((out / "folds.json").read_text("utf-8"))
    assert saved["diverged"] == {str(number): why for number, why in lost.items()}
    again = gpubp.cross_validate(net, 3, "cpu", resume=out)
    assert (again.mean, [*again.diverged]) == (told.mean, [2, 3])


def test_restarts_and_streams(tmp_path: Path) -> None:
    """The best of several starts in each fold; rows that stay in their file."""
    net = gpubp.load(write_net(tmp_path, keys="  restarts = 3\n", length="epochs = 2"))
    told, runs = collected(net)
    assert all(len(run.restarts) == 3 for run in runs)
    assert len(told.folds) == 3
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(30, 3)))
    np.save(tmp_path / "y.npy", rng.normal(size=(30, 1)))
    text = net.graph.source.text.replace("restarts = 3", "shuffle = false")
    found = []
    for streamed in ("true", "false"):
        entries = f'x = npy("x.npy", stream = {streamed})\n  y = npy("y.npy")'
        here = gpubp.loads(text.replace('x, y = csv("a.csv", target = "y")', entries), base=tmp_path)
        found.append(collected(here)[0].mean)
    assert found[0] == pytest.approx(found[1], rel=1e-6)
