"""Rows that are read where they are used: the order of an epoch, and that streaming changes nothing else."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Static, Type
from gpubp.data import Dataset, Stream, measure, stream
from gpubp.errors import DataError

from .worlds import World, choice, data, entry

Blocks = tuple[int, int]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"x": Type((2,))}, {"y": Type((), 5)})


def load(world: World, n: int, streamed: bool = True, **options: Static) -> Dataset:
    """`n` rows that say their number, and a label in memory."""
    x = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    np.save(world.base / "x.npy", x)
    np.save(world.base / "y.npy", np.arange(n, dtype=np.int64) % 5)
    y = entry("y", choice("npy", path="y.npy"))
    return world.load(
        entry("x", choice("npy", path="x.npy", stream=streamed, **options)),
        y,
        split=choice("split", valid=0.2) if n > 9 else None,
    )


def batches(part: Stream, size: int, epoch: int = 0, seed: int = 0, **options: bool) -> list[dict[str, np.ndarray]]:
    starts = range(0, len(part), size)
    return [part.batch(seed, epoch, start, min(start + size, len(part)), **options) for start in starts]


def order(part: Stream, size: int, epoch: int = 0, seed: int = 0) -> list[int]:
    return [int(v) // 2 for batch in batches(part, size, epoch, seed) for v in batch["x"][:, 0]]


def of(data: Dataset, name: str = "train") -> Stream:
    part = data.part(name)
    assert isinstance(part, Stream)
    return part


@given(
    n=st.integers(5, 200),
    block=st.integers(1, 40),
    together=st.integers(1, 5),
    size=st.integers(1, 50),
    epoch=st.integers(0, 3),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_epoch_visits_every_row_once_in_an_order_of_its_own(
    world: World, n: int, block: int, together: int, size: int, epoch: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK", 24 * block)
        patch.setattr(stream, "TOGETHER", together)
        data = load(world, n)
        part = of(data)
        assert repr(part) == f"<Stream of {len(part):,} rows: x, y>"
        found = order(part, size, epoch)
        assert sorted(found) == data.parts["train"].tolist()
        # Any batch can be made without those before it, however the epoch is cut.
        assert order(of(data), 1, epoch) == found
        for batch in batches(of(data), size, epoch):
            np.testing.assert_array_equal(batch["y"], batch["x"][:, 0] // 2 % 5)
            np.testing.assert_array_equal(batch["x"][:, 1], batch["x"][:, 0] + 1)


def test_epochs_and_seeds_differ(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 24 * 4)
    part = of(load(world, 100))
    orders = {tuple(order(part, 16, epoch, seed)) for epoch in range(4) for seed in range(4)}
    assert len(orders) == 16


def test_rows_are_mixed_well_beyond_their_block(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rows as a true shuffle would move, but for a tenth, move by more than two blocks."""
    monkeypatch.setattr(stream, "BLOCK", 24 * 4)
    found = order(of(load(world, 1000)), 32)
    moved = np.abs(np.array(found) - np.arange(len(found)) / 0.8)
    assert (moved > 10).mean() > 0.9


def test_without_a_shuffle_rows_come_as_they_lie(world: World) -> None:
    data = load(world, 60)
    rows = [int(v) // 2 for batch in batches(of(data), 7, mixed=False) for v in batch["x"][:, 0]]
    assert rows == data.parts["train"].tolist()


def test_pieces_hold_little(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 24 * 2)
    pieces = list(of(load(world, 60)).pieces(100))
    assert {len(piece["x"]) for piece in pieces} == {8}
    assert [len(p["x"]) for p in of(load(world, 60)).pieces(5)] == [5] * 9 + [3]


@pytest.mark.parametrize("options", [{}, {"scale": 0.5}, {"standardize": True}, {"scale": 3, "standardize": True}])
def test_streaming_gives_the_rows_that_memory_gives(
    world: World, options: dict[str, Static], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK", 24 * 7)
    whole, piecewise = load(world, 150, streamed=False, **options), load(world, 150, **options)
    for part in ("train", "valid"):
        rows = np.concatenate([piece["x"] for piece in of(piecewise, part).pieces(11)])
        np.testing.assert_allclose(rows, whole.part(part)["x"], rtol=1e-12, atol=1e-12)  # type: ignore[index]


def test_test_files_follow(world: World) -> None:
    world.targets = {}
    for name, first in (("a", 0), ("b", 100)):
        np.save(world.base / f"{name}.npy", np.arange(first, first + 20).reshape(10, 2))
    data = world.load(entry("x", choice("npy", path="a.npy", test="b.npy", stream=True)))
    assert next(of(data, "test").pieces(99))["x"].ravel().tolist() == list(range(100, 120))
    np.testing.assert_array_equal(np.sort(of(data).batch(0, 0, 0, 10)["x"].ravel()), range(20))


@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_labels_that_stay_in_their_files(world: World, monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr(stream, "BLOCK", 24 * 2)
    load(world, 40)
    labels = np.array([0, 3, 1, 2] * 10, dtype=dtype)
    use = entry("x, y", choice("npy", path="x.npy", target="y.npy", stream=True))

    def saved(row: int, label: float) -> Path:
        np.save(world.base / "y.npy", np.where(np.arange(40) == row, label, labels).astype(dtype))
        return world.base

    assert measure(data(use), {"y": "class"}, saved(0, 0))["y"] == Type((), 4)
    assert measure(data(use), {"y": "class"}, saved(33, 6))["y"] == Type((), 7)
    for label, text in [(5, "5"), (-1, "-1"), *([(1.5, "1.5")] if dtype == "float32" else [])]:
        saved(33, label)
        found = world.refused(use)
        assert (found.code, found.message) == ("E0419", f"`y.npy`, row 34: `{text}` is no label")
    np.save(saved(0, 0) / "y.npy", labels[:39])
    assert world.refused(use).message == "`y.npy` has 39 rows, `x.npy` has 40"


def test_one_file_of_two_may_stay_on_the_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpubp.data.arrays.LARGE", 400)
    world.targets = {"y": Type((), 2)}
    for name, rows in (("x", 40), ("y", 40), ("more", 9), ("labels", 9)):
        values = (
            np.arange(2 * rows, dtype=np.float32).reshape(rows, 2) if name in ("x", "more") else np.arange(rows) % 2
        )
        np.save(world.base / f"{name}.npy", values.astype("float32" if values.ndim > 1 else "int64"))
    use = choice("npy", path="x.npy", target="y.npy", test=("more.npy", "labels.npy"))
    found = world.load(entry("x, y", use))
    assert isinstance(found.columns["x"], np.ndarray)
    assert found.columns["x"][:, 0].tolist() == [*range(0, 80, 2), *range(0, 18, 2)]
    assert found.columns["y"].tolist() == [*[0, 1] * 20, *[0, 1] * 4, 0]
    assert found.place(41) == ("more.npy", 1)


def test_a_file_that_shrinks_while_it_is_used(world: World) -> None:
    data = load(world, 100)
    raw = (world.base / "x.npy").read_bytes()
    (world.base / "x.npy").write_bytes(raw[:-400])
    with pytest.raises(DataError, match="was cut short while it was in use"):
        batches(of(data), 10)
    (world.base / "x.npy").unlink()
    with pytest.raises(DataError, match="cannot be read any more: no such file or directory"):
        batches(of(load_again(data)), 10)


def load_again(data: Dataset) -> Dataset:
    return Dataset(data.rows, data.parts)
