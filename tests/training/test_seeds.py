"""Replication: each seed is a training of its own, bit for bit, and goes on where it was."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.data import load as load_data
from gpubp.training import Replicate, read

from .worlds import state, train, write_net, write_net_with_burst

FILES = ("last.safetensors", "best.safetensors", "metrics.jsonl", "health.jsonl", "written.net", "resolved.net")
STOP = "  early_stop = early_stop(valid.loss, patience = 2epochs)\n"


def collected(net: gpubp.Net, seeds: int = 3, **options: Any) -> tuple[gpubp.Replication, list[gpubp.Run]]:
    runs: list[gpubp.Run] = []
    told = gpubp.replicate(net, seeds, "cpu", ended=lambda _, run: runs.append(run), **options)
    return told, runs


def saved(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}


def test_each_seed_is_saved_as_the_training_alone(tmp_path: Path) -> None:
    """Every byte of a run's folder but its times."""
    path = write_net(tmp_path, regular=" -> dropout(10%)", keys=STOP + "  seed = 4\n", length="epochs = 30")
    told, runs = collected(gpubp.load(path), out=tmp_path / "s")
    assert [one.seed for one in told.replicates] == [4, 5, 6]
    assert sorted(one.name for one in (tmp_path / "s").iterdir()) == ["seed-4", "seed-5", "seed-6", "seeds.json"]
    for one, run in zip(told.replicates, runs, strict=True):
        alone = train(path, seed=one.seed, out=tmp_path / f"alone-{one.seed}")
        assert state(run) == state(alone)
        assert (one.metrics, one.epochs) == (alone.metrics, len(alone.history))
        assert run.history == alone.history
        assert saved(tmp_path / "s" / f"seed-{one.seed}") == saved(tmp_path / f"alone-{one.seed}")
    assert len({one.epochs for one in told.replicates}) > 1
    test = [load_data(run.executor.net.graph, tmp_path, run.executor.seed).parts["test"].tolist() for run in runs]
    assert test == [run.dataset.parts["test"].tolist() for run in runs]
    assert test[0] != test[1]


def test_what_the_seeds_come_to(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 2"))
    told, runs = collected(net, seed=7, out=tmp_path / "s")
    for name in runs[0].metrics:
        values = [run.metrics[name] for run in runs]
        assert told.mean[name] == pytest.approx(sum(values) / 3, rel=1e-12)
        assert told.std[name] == pytest.approx(statistics.stdev(values), rel=1e-12)
    known = json.loads((tmp_path / "s/seeds.json").read_text("utf-8"))
    assert (known["first"], known["of"], known["mean"], known["std"]) == (7, 3, told.mean, told.std)
    assert [one["seed"] for one in known["seeds"]] == [7, 8, 9]
    loss, std = told.mean["test.loss"], told.std["test.loss"]
    assert repr(told).startswith(f"<Replication, 3 of 3 seeds: test.loss {loss:.4g} +- {std:.2g}")
    alone, _ = collected(net, 1)
    assert (alone.mean, alone.std) == (alone.replicates[0].metrics, {})


def test_tables_are_summed_over_the_seeds(tmp_path: Path) -> None:
    rows = [f"{i % 7},{i % 3}" for i in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *rows, ""]), "utf-8")
    text = """
data { x, y = csv("a.csv", target = "y")
  split = split(test = 30%) }
model { input x: [1]
  target y: class(3)
  output p = x -> dense(3) -> softmax }
train { loss = cross_entropy(p, y)
  optimizer = adam()
  epochs = 2
  metrics = [confusion(p, y)] }
"""
    told, runs = collected(gpubp.loads(text, base=tmp_path))
    table = np.sum([run.tables["test.confusion"] for run in runs], axis=0)
    assert told.tables == {"test.confusion": table.tolist()}
    assert table.sum() == 27


def test_it_goes_on_where_it_was_and_to_more(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 6"))
    whole, wanted = collected(net, 4)
    out, ended = tmp_path / "s", list[int]()

    def note(one: Replicate, run: gpubp.Run) -> None:
        ended.append(one.seed)

    callbacks = [lambda run: None]  # one after the other
    told = gpubp.replicate(net, 3, "cpu", out, None, callbacks, ended=note, stopping=lambda: ended == [0])
    assert (told.stopped, [one.seed for one in told.replicates]) == ("interrupted", [0])
    gpubp.train(net, "cpu", out / "seed-1", seed=1, stopping=lambda: True)
    told, runs = collected(net, seeds=None, resume=out)
    assert [state(run) for run in runs] == [state(run) for run in wanted[:3]]
    told, runs = collected(net, 4, resume=out)
    assert (told.mean, told.std) == (whole.mean, whole.std)
    assert [state(run) for run in runs] == [state(run) for run in wanted]
    assert [len(run.history) for run in runs] == [0, 0, 0, 6]
    assert [one.epochs for one in told.replicates] == [6] * 4
    with pytest.raises(gpubp.CheckpointError, match="begins with seed 0 and cannot continue with 1"):
        collected(net, seed=1, resume=out)
    with pytest.raises(gpubp.CheckpointError, match="already contains runs of several seeds"):
        collected(net, out=out)
    with pytest.raises(gpubp.CheckpointError, match="already contains a run"):
        collected(net, out=out / "seed-1")
    with pytest.raises(gpubp.CheckpointError, match="contains no runs of several seeds to continue"):
        collected(net, resume=out / "seed-1")
    with pytest.raises(gpubp.CheckpointError, match="holds those of several seeds"):
        gpubp.load_run(out)
    (out / "seeds.json").write_text("{", "utf-8")
    with pytest.raises(gpubp.CheckpointError, match="is damaged"):
        collected(net, resume=out)


@pytest.mark.parametrize("callbacks", [(), (lambda run: None,)], ids=["side by side", "one by one"])
@pytest.mark.parametrize("some", [True, False])
def test_all_seeds_start_with_the_same_weights(tmp_path: Path, callbacks: Any, some: bool) -> None:
    """As each alone does; the order of the rows, the split and dropout are those of the seed."""
    path = write_net(tmp_path, regular=" -> dropout(10%)", length="epochs = 3")
    weights = train(path, seed=9).executor.state_dict()
    start = {"p.dense.weight": weights["p.dense.weight"]} if some else weights
    _, runs = collected(gpubp.load(path), start=start, callbacks=callbacks)
    assert [state(run) for run in runs] == [state(train(path, seed=seed, start=start)) for seed in range(3)]
    assert len({run.history[0]["train.loss"] for run in runs}) == 3


def test_seeds_that_have_not_begun_start_with_the_same_weights(tmp_path: Path) -> None:
    path = write_net(tmp_path, length="epochs = 3")
    net, out, other = gpubp.load(path), tmp_path / "s", tmp_path / "new"
    start = {"p.dense.weight": train(path, seed=9).executor.parameters["p.dense.weight"]}
    whole, _ = collected(net, start=start)
    collected(net, 2, start=start, out=out)
    assert collected(net, 2, resume=out)[0].mean == collected(net, 2, start=start)[0].mean, "all have begun"
    with pytest.raises(gpubp.CheckpointError, match=r"began with weights that .*gpubp\.replicate\(net, start="):
        collected(net, resume=out)
    wrong = {name: array + 1 for name, array in start.items()}
    with pytest.raises(gpubp.CheckpointError, match="seed-0` began with other weights than those of `start`"):
        collected(net, start=wrong, resume=out)
    assert collected(net, start=start, resume=out)[0].mean == whole.mean
    collected(net, 2, out=other)
    with pytest.raises(gpubp.CheckpointError, match="seed-0` began with other weights than those of `start`"):
        collected(net, start=start, resume=other)


def test_a_process_that_ends_in_the_first_epoch_leaves_what_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, asked = gpubp.load(write_net(tmp_path, length="epochs = 3")), list[int]()
    monkeypatch.setattr("gpubp.training.pace.Pace.due", lambda *_: True)

    def killed() -> bool:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        gpubp.replicate(net, 2, "cpu", tmp_path / "s", stopping=killed)
    assert read(tmp_path / "s/seed-0/last.safetensors").about["step"] < 5
    assert collected(net, seeds=None, resume=tmp_path / "s")[0].mean == collected(net, 2)[0].mean


def test_seeds_that_take_turns_save_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of time for saving is that of all: each of them is due less often."""
    turns = list[int]()
    monkeypatch.setattr("gpubp.training.pace.Pace.due", lambda self, now, ends, turn: turns.append(turn))
    net = gpubp.load(write_net(tmp_path, length="epochs = 3"))
    gpubp.replicate(net, 3, "cpu", tmp_path / "s")
    assert {*turns} == {3}
    turns.clear()
    gpubp.replicate(net, 3, "cpu", tmp_path / "t", callbacks=[lambda run: None])
    assert {*turns} == {1}


def test_seeds_with_restarts_go_on(tmp_path: Path) -> None:
    """The best restart of seed 0 has another seed."""
    net = gpubp.load(write_net(tmp_path, length="epochs = 4", keys="  restarts = 3\n"))
    _, wanted = collected(net, 2)
    assert [run.executor.seed for run in wanted] == [1, 1]
    told, _ = collected(net, 2, out=tmp_path / "s")
    again, runs = collected(net, 3, resume=tmp_path / "s")
    assert [state(run) for run in runs[:2]] == [state(run) for run in wanted]
    assert [one.metrics for one in again.replicates[:2]] == [one.metrics for one in told.replicates]
    assert len(again.replicates) == 3


def test_interrupted_side_by_side_each_goes_on_where_it_was(tmp_path: Path) -> None:
    """Not all at the same step."""
    net = gpubp.load(write_net(tmp_path, length="epochs = 40"))
    _, wanted = collected(net, 4)
    out, asked = tmp_path / "s", list[int]()
    told = gpubp.replicate(net, 4, "cpu", out, stopping=lambda: asked.append(1) or len(asked) > 6)
    assert (told.stopped, told.replicates) == ("interrupted", [])
    steps = [read(path).about["step"] for path in out.glob("*/last.safetensors")]
    assert 0 < min(steps) < max(steps) < 200
    told, runs = collected(net, 4, resume=out)
    assert [state(run) for run in runs] == [state(run) for run in wanted]
    assert told.mean == {name: statistics.fmean(run.metrics[name] for run in wanted) for name in told.mean}


def test_a_seed_that_diverges_is_named(tmp_path: Path) -> None:
    """A row with a burst, which only some seeds learn from."""
    path = write_net_with_burst(tmp_path)
    lost: dict[int, str] = {}
    told = gpubp.replicate(gpubp.load(path), 6, "cpu", tmp_path / "s", diverged=lost.__setitem__)
    assert told.diverged == lost
    assert 0 < len(lost) < 6
    assert sorted([*lost, *(one.seed for one in told.replicates)]) == [*range(6)]
    for seed, why in lost.items():
        with pytest.raises(gpubp.DivergedError) as error:
            train(path, seed=seed, out=tmp_path / f"alone-{seed}")
        assert why.partition("\n")[0] == str(error.value).partition("\n")[0]
    assert json.loads((tmp_path / "s/seeds.json").read_text())["diverged"] == {str(k): v for k, v in lost.items()}
    with pytest.raises(gpubp.DivergedError, match=f"^seed {min(lost)}: epoch"):
        gpubp.replicate(gpubp.load(path), 1, "cpu", seed=min(lost))


def test_rows_in_memory(tmp_path: Path) -> None:
    net = gpubp.load(write_net(tmp_path, length="epochs = 2"))
    rows = load_data(net.graph, tmp_path, 0).arrays
    told, _ = collected(net, data=rows, out=tmp_path / "s")
    assert told.mean == collected(net)[0].mean
    with pytest.raises(gpubp.CheckpointError, match=r"on arrays that Python handed over.*gpubp\.replicate\("):
        collected(net, resume=tmp_path / "s")
    assert collected(net, data=rows, resume=tmp_path / "s")[0].mean == told.mean


@pytest.mark.parametrize("seeds", [0, -3, 2.5, "5", True])
def test_a_number_of_seeds_that_is_none(tmp_path: Path, seeds: Any) -> None:
    with pytest.raises(gpubp.InputError, match="seeds must be a whole number of at least 1"):
        gpubp.replicate(gpubp.load(write_net(tmp_path)), seeds)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(gpubp.GpubpError, match="a net is wanted, not a path"):
        gpubp.replicate("a.net")  # type: ignore[arg-type]
    net = gpubp.load(write_net(tmp_path))
    with pytest.raises(gpubp.InputError, match="in its own folder"):
        gpubp.replicate(net, 3, "cpu", tmp_path / "other", tmp_path / "s")
    with pytest.raises(gpubp.GpubpError, match="the seed must be a whole number of at least 0, not -1"):
        gpubp.replicate(net, 3, "cpu", tmp_path / "s", seed=-1)
    with pytest.raises(gpubp.InputError, match=r"the seed must be a whole number of at least 0, not 1\.5"):
        gpubp.replicate(net, 3, "cpu", tmp_path / "s", seed=1.5)  # type: ignore[arg-type]
    assert not (tmp_path / "s").exists()
