"""The training loop: epochs and steps, history, figures, callbacks, order of the rows, divergence."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp import data
from gpubp.training import read

from .worlds import SPLIT, state, train, write_net


def test_history_has_one_record_per_epoch(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, keys="  metrics = [r2(p, y), mae(p, y)]\n"))
    assert [record["epoch"] for record in run.history] == list(range(1, 11))
    assert [record["step"] for record in run.history] == [5 * epoch for epoch in range(1, 11)]
    figures = {"train.loss", "train.penalty", "valid.loss", "valid.penalty", "valid.r2", "valid.mae"}
    assert all(set(record) == {"epoch", "step", *figures} for record in run.history)
    assert all(math.isfinite(value) for record in run.history for value in record.values())
    assert run.history[-1]["train.loss"] < run.history[0]["train.loss"]


def test_metrics_are_those_of_the_finished_net_on_each_part(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, keys="  metrics = [r2(p, y)]\n"))
    assert set(run.metrics) == {f"{part}.{name}" for part in ("train", "valid", "test") for name in ("loss", "r2")}
    for part in ("train", "valid", "test"):
        rows = run.dataset.part(part)
        error = run.executor.predict({"x": rows["x"]})["p"] - rows["y"]
        assert run.metrics[f"{part}.loss"] == pytest.approx((error**2).mean(), rel=1e-5)
        expected = 1 - (error**2).sum() / ((rows["y"] - rows["y"].mean()) ** 2).sum()
        assert run.metrics[f"{part}.r2"] == pytest.approx(expected, rel=1e-5)
    assert run.metrics["valid.loss"] == run.history[-1]["valid.loss"]


def test_parts_are_disjoint_and_standardize_sees_the_training_rows_alone(tmp_path: Path) -> None:
    run = train(write_net(tmp_path))
    parts = run.dataset.parts
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 36, "valid": 12, "test": 12}
    assert sorted(np.concatenate(list(parts.values()))) == list(range(60))
    x = run.dataset.part("train")["x"].astype(np.float32).astype(np.float64)
    found = run.executor.state_dict()
    np.testing.assert_allclose(found["p.standardize.mean"], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["p.standardize.squares"] / 36, x.var(axis=0), rtol=1e-12)
    assert found["p.standardize.count"] == 36


def test_without_a_split_every_row_trains(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, split=""))
    assert set(run.metrics) == {"train.loss"}
    assert run.executor.step == 10 * 8
    assert not [key for key in run.history[0] if key.startswith("valid")]


def test_another_seed_is_another_split_another_start_another_order(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    a, b = train(path, seed=0), train(path, seed=1)
    assert list(a.dataset.parts["test"]) != list(b.dataset.parts["test"])
    assert state(a) != state(b)
    assert state(train(path)) == state(a)


def test_the_loss_of_an_epoch_is_the_mean_over_rows(tmp_path: Path) -> None:
    """With a rate of 0 nothing moves, so it must equal the loss over all rows: batches of 8, 8, 8, 8 and 4."""
    run = train(write_net(tmp_path, optimizer="sgd(lr = 0)", length="epochs = 3"), precision="float64")
    expected = run.metrics["train.loss"]
    for record in run.history:
        assert record["train.loss"] == pytest.approx(expected, rel=1e-12)


def test_steps_instead_of_epochs(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, length="steps = 13"))
    assert run.executor.step == 13
    assert [(record["epoch"], record["step"]) for record in run.history] == [(1, 5), (2, 10), (3, 13)]
    whole = train(write_net(tmp_path, length="epochs = 2"))
    assert state(train(write_net(tmp_path, length="steps = 10"))) == state(whole)


def test_epochs_of_the_call_stand_in_for_the_files(tmp_path: Path) -> None:
    for length in ("epochs = 10", "steps = 13"):
        assert train(write_net(tmp_path, length=length), epochs=2).executor.step == 10


@pytest.mark.parametrize(
    ("length", "message"),
    [("", "`train` has neither `epochs` nor `steps`"), ("epochs = 2\n  steps = 3", "both `epochs` and `steps`")],
)
def test_neither_or_both(tmp_path: Path, length: str, message: str) -> None:
    with pytest.raises(gpubp.NetError, match=message) as caught:
        train(write_net(tmp_path, length=length))
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert found.help


@pytest.mark.parametrize("gone", ["data", "train"])
def test_a_file_without_data_or_train(tmp_path: Path, gone: str) -> None:
    path = write_net(tmp_path)
    text = path.read_text("utf-8")
    start = text.index(f"{gone} {{")
    path.write_text(text[:start] + text[text.index("\n}\n", start) + 3 :], "utf-8")
    with pytest.raises(gpubp.NetError, match=f"has no `{gone}` section"):
        train(path)


def test_shuffle_false_keeps_the_order(tmp_path: Path) -> None:
    path = write_net(tmp_path, keys="  shuffle = false\n", split="")
    run = train(path, epochs=2)
    net = gpubp.load(path)
    by_hand = gpubp.Executor(net, "cpu")
    rows = run.dataset.part("train")
    by_hand.fit(rows)
    for start in [*range(0, 60, 8), *range(0, 60, 8)]:
        by_hand.train_step({name: values[start : start + 8] for name, values in rows.items()})
    assert {name: array.tobytes() for name, array in by_hand.state_dict().items()} == state(run)
    assert state(train(write_net(tmp_path, split=""), epochs=2)) != state(run)


def test_callbacks_see_every_epoch(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    order: list[str] = []

    def first(run: gpubp.Run) -> None:
        seen.append((len(run.history), run.executor.step))
        assert not run.metrics
        order.append("first")

    run = train(write_net(tmp_path), callbacks=[first, lambda run: order.append("second")], epochs=3)
    assert seen == [(1, 5), (2, 10), (3, 15)]
    assert order == ["first", "second"] * 3
    assert run.epochs == 3


def test_what_a_callback_raises_ends_the_training(tmp_path: Path) -> None:
    def stop(run: gpubp.Run) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        train(write_net(tmp_path), callbacks=[stop], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_divergence_names_the_step(tmp_path: Path, precision: str) -> None:
    with pytest.raises(gpubp.DivergedError, match=r"epoch \d+: .* at step \d+, .* a smaller") as caught:
        train(write_net(tmp_path, optimizer="sgd(lr = 1e6)"), precision=precision, epochs=100, out=tmp_path / "out")
    assert isinstance(caught.value, gpubp.GpubpError)
    # A machine that is slow enough has saved an epoch before: what is saved is sound.
    if (tmp_path / "out").exists():
        assert all(np.isfinite(array).all() for array in read(tmp_path / "out").state.values())


def test_the_step_of_a_divergence_is_the_first_bad_one(tmp_path: Path) -> None:
    path = write_net(tmp_path, optimizer="sgd(lr = 1e6)", split="")
    with pytest.raises(gpubp.DivergedError) as caught:
        train(path)
    net = gpubp.load(path)
    rows = data.load(net.graph, net.base, 0).part("train")
    ex = gpubp.Executor(net, "cpu")
    ex.fit(rows)
    with pytest.raises(gpubp.DivergedError) as direct:
        ex.train_steps(rows, steps=80, batch=8)
    step = ex.step + 1
    assert step > 1
    assert f"at step {step}, " in str(direct.value)
    assert str(caught.value).splitlines()[0] == f"epoch {(step - 1) // 8 + 1}: {direct.value}"


def test_penalties_are_told_apart(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    path.write_text(path.read_text("utf-8").replace("mse(p, y)", "mse(p, y) + l2(0.5)"), "utf-8")
    run = train(path, epochs=2)
    assert run.history[-1]["train.penalty"] > 0.1
    rows = run.dataset.part("test")
    assert run.metrics["test.loss"] < run.executor.loss(rows)
    weights = [v for name, v in run.executor.parameters.items() if name.endswith("weight")]
    penalty = 0.5 * sum(float((w.astype(np.float64) ** 2).sum()) for w in weights)
    assert run.executor.loss(rows) - run.metrics["test.loss"] == pytest.approx(penalty, rel=1e-5)


def test_one_row_and_a_batch_larger_than_the_data(tmp_path: Path) -> None:
    run = train(write_net(tmp_path, rows=1, split="", length="epochs = 3"))
    assert run.executor.step == 3
    assert math.isfinite(run.metrics["train.loss"])
    assert train(write_net(tmp_path, rows=5, split="", length="epochs = 3")).executor.step == 3


@pytest.mark.parametrize("key", ["seed", "precision"])
def test_the_files_seed_and_precision(tmp_path: Path, key: str) -> None:
    words = {"seed": "4", "precision": "float64"}
    run = train(write_net(tmp_path, keys=f"  {key} = {words[key]}\n"), epochs=2)
    call = train(write_net(tmp_path), epochs=2, **{key: 4 if key == "seed" else "float64"})
    assert state(run) == state(call)


def test_stratified_parts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 4 == 0]}\n" for i in range(40)), "utf-8")
    text = f"""
data {{ x, y = csv("a.csv", target = "y")
{SPLIT.replace("20%)", "20%, stratify = y)")} }}
model {{ input x: [1]
  target y: class(2)
  output p = x -> standardize -> dense(2) -> softmax }}
train {{ loss = cross_entropy(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
  metrics = [accuracy(p, y)] }}
"""
    (tmp_path / "a.net").write_text(text, "utf-8")
    run = train(tmp_path / "a.net")
    assert run.dataset.classes == {"y": ("a", "b")}
    shares = [run.dataset.part(part)["y"].sum() for part in ("train", "valid", "test")]
    assert shares == [6, 2, 2]
