"""Folders of several seeds or folds as ensembles: which runs belong to one, and what is said of the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.training import open_ensemble

from .worlds import write_net, write_net_with_burst


def test_runs_that_are_left_out(tmp_path: Path) -> None:
    """A row with a burst, which only some seeds learn from; and two seeds that have not begun."""
    path = write_net_with_burst(tmp_path)
    out, ended = tmp_path / "s", list[int]()
    net = gpubp.load(path)
    told = gpubp.replicate(net, 6, "cpu", out)
    lost = ", ".join(map(str, told.diverged))
    with pytest.warns(UserWarning, match=f"^seeds {lost} diverged$") as warned:
        found = gpubp.load_ensemble(out, "cpu")
    assert warned[0].filename == __file__
    assert len(found.members) == 6 - len(told.diverged)
    callbacks = [lambda run: None]  # one after the other
    out = tmp_path / "t"
    gpubp.replicate(
        net, 5, "cpu", out, None, callbacks, seed=2, ended=lambda one, _: ended.append(one.seed), stopping=lambda: ended
    )
    assert ended == [2]
    with pytest.raises(gpubp.CheckpointError, match=r"its one finished run is `.*seed-2`; seeds 3 to 6 are not finis"):
        gpubp.load_ensemble(out, "cpu")


def test_folders_that_hold_no_ensemble(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 1"))
    gpubp.train(net, "cpu", tmp_path / "runs/a")
    for place, why in (
        ("runs/a", "it is one run, which `gpubp.load_run` loads"),
        ("runs", "it holds runs, which `gpubp runs .*` lists"),
        ("none", "no such file or directory"),
    ):
        with pytest.raises(gpubp.CheckpointError, match=f"{place}` is no ensemble: {why}"):
            gpubp.load_ensemble(tmp_path / place)


def test_seeds_of_several_processes(tmp_path: Path) -> None:
    """As jobs of an array leave them: without a file that says how many there are to be."""
    net, out = gpubp.load(write_net(tmp_path, length="epochs = 1")), tmp_path / "s"
    whole = gpubp.replicate(net, 3, "cpu", seed=9)
    for seed in (9, 11):
        gpubp.train(net, "cpu", out / f"seed-{seed}", seed=seed)
    for name in ("seed-010", "seed-x", "seed-"):
        shutil.copytree(out / "seed-9", out / name)  # not as a study calls them
    found, left_out = open_ensemble(out, "cpu")
    assert [one.executor.seed for one in found.members] == [9, 11]
    assert left_out == f"seed 10 is not finished (`gpubp run --resume {out}` goes on)"
    rest = gpubp.replicate(net, None, "cpu", resume=out)
    assert [one.metrics for one in rest.replicates] == [one.metrics for one in whole.replicates]
    assert open_ensemble(out, "cpu")[1] == ""


def test_some_folds_alone(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 1"))
    gpubp.cross_validate(net, 4, "cpu", tmp_path / "f")
    lines = tmp_path / "f/fold-2/metrics.jsonl"
    lines.write_text(
        "".join(one for one in lines.read_text("utf-8").splitlines(keepends=True) if "epoch" in json.loads(one)),
        "utf-8",
    )
    found, left_out = open_ensemble(tmp_path / "f", "cpu")
    assert len(found.members) == 3
    assert left_out == f"fold 2 is not finished (`gpubp run --resume {tmp_path / 'f'}` goes on)"


def test_a_run_that_was_trained_in_another_way(tmp_path: Path) -> None:
    """It has programs of its own: their precision, and its averaged weights, are not those of the others."""
    path = write_net(tmp_path, length="epochs = 1")
    gpubp.replicate(gpubp.load(path), 2, "cpu", tmp_path / "s")
    shutil.rmtree(tmp_path / "s/seed-1")
    write_net(tmp_path, length="epochs = 1", optimizer="sgd(lr = 0.1)", keys="  average = ema(0.9)\n")
    gpubp.train(gpubp.load(path), "cpu", tmp_path / "s/seed-1", precision="float64")
    found = gpubp.load_ensemble(tmp_path / "s", "cpu")
    each = [gpubp.load_run(tmp_path / f"s/seed-{k}", "cpu").predict(tmp_path / "a.csv")["p"] for k in (0, 1)]
    assert [one.dtype for one in each] == ["float32", "float64"]
    np.testing.assert_allclose(found.predict(tmp_path / "a.csv")["p"], sum(each) / 2, rtol=1e-6)


def test_runs_that_are_only_called_folds(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 1"))
    gpubp.train(net, "cpu", tmp_path / "f/fold-1")
    with pytest.raises(gpubp.CheckpointError, match=r"fold-1` is not a fold of a cross-validation$"):
        gpubp.load_ensemble(tmp_path / "f")


@pytest.mark.parametrize("keys", ["", "  average = ema(0.9)\n"])
def test_members_hold_no_state_that_only_training_needs(tmp_path: Path, keys: str) -> None:
    """Three of four arrays of a parameter are those of adam and the gradient; predictions are by the averages."""
    net, out = gpubp.load(write_net(tmp_path, length="epochs = 1", keys=keys)), tmp_path / "s"
    gpubp.replicate(net, 2, "cpu", out)
    found = gpubp.load_ensemble(out, "cpu")
    runs = [gpubp.load_run(out / f"seed-{seed}", "cpu") for seed in (0, 1)]
    x = np.random.default_rng(0).normal(size=(5, *net.shapes[net.graph.inputs[0]]))
    for member, run in zip(found.members, runs, strict=True):
        np.testing.assert_array_equal(member.predict(x), run.predict(x))
        kinds = {
            name.partition(".")[0] for name in member.executor.arrays() if name.startswith(("m.", "v.", "average."))
        }
        assert kinds == ({"average"} if keys else set())
        assert {"m.", "v."} <= {name[:2] for name in run.executor.arrays()}
