"""Rows that a caller hands over as arrays."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.data import check_split
from gpubp.errors import InputError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)

TEXT = """
model {
  input  x: [3]
  target y: class(3)
  output p = x -> standardize -> dense(8) -> tanh -> dense(3) -> softmax
}

train {
  loss      = cross_entropy(p, y)
  optimizer = adam(0.02)
  batch     = 16
  epochs    = 6
  metrics   = [accuracy(p, y)]
}
"""
SPLIT = """
data {
  x = npy("x.npy")
  y = npy("y.npy")
  split = split(train = 70%, valid = 20%, test = 10%, stratify = y)
}
"""


def state(run: gpubp.Run) -> dict[str, bytes]:
    return {name: np.asarray(value).tobytes() for name, value in run.executor.state_dict().items()}


def train(text: str = TEXT, **options: Any) -> gpubp.Run:
    return gpubp.train(gpubp.loads(text), "cpu", backend="numpy", **options)


def test_arrays_are_the_same_as_files(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    net = gpubp.loads(SPLIT + TEXT, base=tmp_path)
    read, given = (gpubp.train(net, "cpu", data=data, backend="numpy") for data in (None, {"x": X, "y": Y.tolist()}))
    assert given.metrics == read.metrics
    assert set(given.metrics) >= {"train.accuracy", "valid.loss", "test.accuracy"}
    assert state(given) == state(read)


def test_without_a_data_section_all_rows_are_for_training() -> None:
    run = train(data={"x": X, "y": Y})
    assert list(run.dataset.parts) == ["train"]
    assert len(run.dataset.parts["train"]) == len(X)
    assert run.history[-1]["train.loss"] < run.history[0]["train.loss"]


def test_parts_are_taken_as_they_are() -> None:
    text = TEXT.replace("epochs    = 6", "epochs    = 6\n  early_stop = early_stop(valid.loss, patience = 5epochs)")
    parts = {"valid": {"x": X[40:], "y": Y[40:]}, "train": {"x": X[:40], "y": Y[:40]}}
    run = train(text, data=parts)
    assert {name: len(rows) for name, rows in run.dataset.parts.items()} == {"train": 40, "valid": 20}
    for name, part in parts.items():
        found = run.executor.evaluate(part)
        assert run.metrics[f"{name}.loss"] == pytest.approx(found["loss"], rel=1e-12)
        assert run.metrics[f"{name}.accuracy"] == found["accuracy"]
    alone = train(data=parts["train"])
    assert [record["train.loss"] for record in run.history] == [record["train.loss"] for record in alone.history]


def test_a_run_goes_on_with_the_same_arrays_only(tmp_path: Path) -> None:
    whole = train(data={"x": X, "y": Y})
    train(data={"x": X, "y": Y}, epochs=2, out=tmp_path / "run")
    with pytest.raises(gpubp.CheckpointError, match="trained on other data"):
        train(data={"x": X + 1, "y": Y}, resume=tmp_path / "run")
    parts = {"train": {"x": X[:50], "y": Y[:50]}, "valid": {"x": X[50:], "y": Y[50:]}}
    with pytest.raises(gpubp.CheckpointError, match="trained on other data"):
        train(data=parts, resume=tmp_path / "run")
    assert state(train(data={"x": X, "y": Y}, resume=tmp_path / "run", out=tmp_path / "run")) == state(whole)
    for text in (TEXT, SPLIT + TEXT):
        with pytest.raises(gpubp.CheckpointError, match="trained on arrays that Python handed over"):
            gpubp.train(gpubp.loads(text, base=tmp_path), "cpu", resume=tmp_path / "run")
    loaded = gpubp.load_run(tmp_path / "run", "cpu")
    np.testing.assert_array_equal(loaded.predict(X), whole.executor.predict(X))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "this call takes `x`, `y`: `x`, `y` missing"),
        ([X, Y], "`data` is a mapping from names to arrays, or from parts to such mappings"),
        ({"x": X}, "this call takes `x`, `y`: `y` missing"),
        ({"x": X, "y": Y[:5]}, "arrays have different numbers of rows: `x` 60, `y` 5"),
        ({"x": X, "y": Y + 1}, "is no label: they are 0 to 2"),
        ({"x": X[:0], "y": Y[:0]}, "there are no rows"),
        ({"valid": {"x": X, "y": Y}}, "the parts of `data` are `train`, `valid`, `test`: `train` is missing"),
        ({"train": {"x": X, "y": Y}, "dev": {"x": X, "y": Y}}, "`dev` is none of them"),
        ({"train": {"x": X, "y": Y}, "valid": {"x": X}}, "this call takes `x`, `y`: `y` missing"),
    ],
)
def test_arrays_that_do_not_fit(data: Any, message: str) -> None:
    with pytest.raises(gpubp.InputError) as caught:
        train(data=data)
    assert message in str(caught.value)


def test_parts_beside_a_split() -> None:
    with pytest.raises(gpubp.InputError, match="so does the file's `split`"):
        train(SPLIT + TEXT, data={"train": {"x": X, "y": Y}})


def test_a_split_alone_divides_arrays(tmp_path: Path) -> None:
    """As one beside readers does; the command line says that there are no rows, and what a split cannot go by."""
    alone = "data {" + SPLIT[SPLIT.index("\n  split") :]
    run, beside = (train(text + TEXT, data={"x": X, "y": Y}) for text in (alone, SPLIT))
    assert {name: len(rows) for name, rows in run.dataset.parts.items()} == {"train": 42, "valid": 12, "test": 6}
    assert state(run) == state(beside)
    parts = train(alone + TEXT, data={"x": X, "y": Y}, out=tmp_path / "run", epochs=2).dataset.parts
    assert parts["test"].tolist() == run.dataset.parts["test"].tolist()
    assert state(train(alone + TEXT, data={"x": X, "y": Y}, resume=tmp_path / "run")) == state(run)
    with pytest.raises(gpubp.CheckpointError, match="trained on arrays that Python handed over"):
        train(alone + TEXT, resume=tmp_path / "run")
    with pytest.raises(gpubp.NetError, match=r"E0410.*divides rows, but contains none"):
        train(alone + TEXT)
    with pytest.raises(gpubp.NetError, match=r"E0225.*`data` gives no `x`"):
        gpubp.loads(alone.replace("}", "  y = [0]\n}") + TEXT)


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("train = 80%, valid = 50%", "the parts add up to 130%, more than 100%"),
        ("valid = 20%, stratify = z", "`data` has no `z` to stratify by"),
        ("valid = 20%, stratify = x", "`x` has 3 values per row; stratifying needs one label"),
        ('column = "part"', "no table of `data` has a column `part`"),
    ],
)
def test_what_no_arrays_can_be_divided_by_is_told_before(split: str, said: str) -> None:
    net = gpubp.loads(f"data {{\n  split = split({split})\n}}\n{TEXT}")
    for check in (lambda: check_split(net.graph), lambda: gpubp.train(net, "cpu", data={"x": X, "y": Y})):
        with pytest.raises(gpubp.DataError) as caught:
            check()
        assert [one.message for one in caught.value.diagnostics] == [said]


def test_a_split_that_leaves_a_part_empty() -> None:
    with pytest.raises(gpubp.DataError, match="the part `test` is empty"):
        train(SPLIT.replace(", stratify = y", "") + TEXT, data={"x": X[:4], "y": Y[:4]})


@pytest.mark.parametrize(
    ("dtype", "split", "copies"),
    [("float32", "", 0), ("float32", "data { split = split(train = 80%, test = 20%) }", 1), ("uint8", "", 1)],
)
def test_a_file_that_is_mapped_into_memory_is_copied_where_it_must_be(
    tmp_path: Path, dtype: str, split: str, copies: int
) -> None:
    """Numbers of another dtype are converted once, and the rows of a part that lie apart are put together once."""
    np.save(tmp_path / "x.npy", RANDOM.integers(0, 100, (50_000, 32)).astype(dtype))
    y = np.zeros((50_000, 1), dtype=np.float32)
    model = "model {\n input x: [32]\n target y: [1]\n output p = x -> dense(1)\n}\n"
    options = "loss = mse(p, y)\n optimizer = sgd(1e-6)\n steps = 3\n health = false\n"
    net = gpubp.loads(f"{split}\n{model}train {{\n {options}}}\n")
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    tracemalloc.start()
    try:
        run = gpubp.train(net, "cpu", data={"x": mapped, "y": y}, backend="numpy")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = 4 * mapped.size
    assert copies * size <= most < (copies + 0.7) * size
    written = gpubp.train(net, "cpu", data={"x": mapped.astype("float64"), "y": y}, backend="numpy")
    assert state(run) == state(written)


def test_arrays_that_may_be_written_to_are_copied() -> None:
    x, y = X.astype("float32"), Y.copy()
    executor = gpubp.Executor(gpubp.loads(TEXT), "cpu", backend="numpy")
    placed = executor.place({"x": x, "y": y})
    before = [array.copy() for array in placed.batch(0, 0, 0, len(x), mixed=False)]
    x[:], y[:] = 0, 2
    for found, known in zip(placed.batch(0, 0, 0, len(x), mixed=False), before, strict=True):
        np.testing.assert_array_equal(found, known)


def test_a_number_that_is_not_finite_is_found_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpubp.frontend.feeds._AT_ONCE", 12)
    x = X.copy()
    x[58, 2] = np.inf
    with pytest.raises(InputError, match=r"`x\[58, 2\]`: inf is not a finite number"):
        train(data={"x": x, "y": Y})
