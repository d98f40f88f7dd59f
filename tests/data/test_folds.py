"""Folds: what a deal of the rows promises, and what cannot be dealt."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from dsl.diagnostics import DiagnosticError
from dsl.graph import Static
from dsl.source import Source, Span
from gpubp.data.folds import by_folds, forward
from gpubp.data.split import draw, in_order
from tests.peers.make_time_folds import FILE

from .worlds import World, choice, csv, entry

HERE = Span(Source("test.net", ""), 0, 0)
seeds = st.integers(0, 2**64 - 1)


@given(st.lists(st.integers(4, 20), min_size=1, max_size=4), st.integers(2, 9), st.booleans(), seeds)
def test_folds_are_disjoint_complete_and_even(rows: list[int], folds: int, by: bool, seed: int) -> None:
    """In all, and for each label where it is asked for; rows for testing stay where they are."""
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(rows)), rows))
    parts = draw(y, {"train": 0.5, "valid": 0.3, "test": 0.2}, seed)
    pool = sorted([*parts["train"], *parts["valid"]])
    counts = Counter(y[pool].tolist())
    folds = min(folds, min(counts.values()) if by else len(pool))
    assume(folds >= 2)
    named = ("y", y) if by else None
    found = by_folds(parts, folds, named, seed, HERE)
    assert len(found) == folds
    assert sorted(row for one in found for row in one["valid"]) == pool
    sizes = [len(one["valid"]) for one in found]
    assert max(sizes) - min(sizes) <= 1
    for one in found:
        assert list(one) == ["train", "valid", "test"]
        assert sorted([*one["train"], *one["valid"]]) == pool
        assert all((np.diff(index) > 0).all() for index in one.values())
        assert (one["test"] == parts["test"]).all()
        for label, count in counts.items() if by else ():
            assert count // folds <= (y[one["valid"]] == label).sum() <= -(-count // folds)
    again = by_folds(parts, folds, named, seed, HERE)
    assert all((a["valid"] == b["valid"]).all() for a, b in zip(found, again, strict=True))


def load(world: World, n: int = 20, **options: Static) -> dict[str, list[int]]:
    rows, targets = tuple((i, -i) for i in range(n)), tuple((int(i % 4 == 0),) for i in range(n))
    found = world.load(entry("x", rows), entry("y", targets), split=choice("split", **options))
    return {part: index.tolist() for part, index in found.parts.items()}


def test_the_first_deals_never_change(world: World) -> None:
    every: dict[str, Any] = {"train": np.arange(7)}
    assert [one["valid"].tolist() for one in by_folds(every, 3, None, 0, HERE)] == [[0, 2, 4], [1, 3], [5, 6]]
    assert [one["valid"].tolist() for one in by_folds(every, 3, None, 1, HERE)] == [[1, 3, 4], [5, 6], [0, 2]]
    assert [load(world, 7, folds=3, fold=k)["valid"] for k in (1, 2, 3)] == [[0, 2, 4], [1, 3], [5, 6]]


@pytest.mark.parametrize(
    "shares", [{}, {"test": 0.3}, {"train": 0.4, "valid": 0.3, "test": 0.3}, {"valid": 0.01}], ids=str
)
def test_rows_for_testing_are_those_of_the_split_without_folds(world: World, shares: dict[str, Static]) -> None:
    found = [load(world, **shares, stratify="y", folds=3, fold=k) for k in range(1, 4)]
    if "test" in shares:
        assert [one["test"] for one in found] == [load(world, **shares, stratify="y")["test"]] * 3
    else:
        assert all("test" not in one for one in found)
    rest = sorted(set(range(20)) - set(found[0].get("test", [])))
    assert sorted(row for one in found for row in one["valid"]) == rest
    assert all(sorted([*one["train"], *one["valid"]]) == rest for one in found)


def test_rows_for_testing_may_have_a_file_or_a_column(world: World) -> None:
    world.write("a.csv", "a,b,y\n" + "1,2,3\n" * 10)
    world.write("b.csv", "a,b,y\n4,5,6\n")
    table = csv("x, y", target="y", test="b.csv")
    found = world.load(table, split=choice("split", folds=5, fold=5)).parts
    assert {part: len(rows) for part, rows in found.items()} == {"train": 8, "valid": 2, "test": 1}
    parts = ["train", "valid", "test", "valid", "train", "train"]
    world.write("a.csv", "a,b,y,part\n" + "".join(f"{i},2,{i % 2},{part}\n" for i, part in enumerate(parts)))
    options: dict[str, Static] = {"column": "part", "stratify": "y", "folds": 2}
    each = [world.load(csv("x, y", target="y"), split=choice("split", **options, fold=k)).parts for k in (1, 2)]
    assert all(one["test"].tolist() == [2] for one in each)
    assert sorted([*each[0]["valid"], *each[1]["valid"]]) == [0, 1, 3, 4, 5]


def test_statistics_are_those_of_the_training_rows_of_a_fold(world: World) -> None:
    world.write("a.csv", "a,b,y\n" + "".join(f"{i * i},{i},{i}\n" for i in range(10)))
    found = world.load(csv("x, y", target="y", standardize=True), split=choice("split", folds=5, fold=2))
    rows = found.part("train")["x"]
    assert isinstance(rows, np.ndarray)
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(0), 1)


@pytest.mark.parametrize(
    ("options", "message", "help"),
    [
        ({"folds": 5}, "`folds = 5` does not say which of them is held out", "`folds = 5, fold = 1`"),
        ({"fold": 7}, "`fold = 7` does not say of how many", "`folds = 7, fold = 7`"),
        ({"folds": 5, "fold": 6}, "there is no fold 6 of 5", "the last is `fold = 5`"),
        ({"folds": 21, "fold": 1}, "21 folds of 20 rows: some would be empty", "there are 20 rows"),
        ({"test": 0.5, "folds": 11, "fold": 1}, "11 folds of 10 rows: some would be empty", "there are 10 rows"),
        (
            {"stratify": "y", "folds": 6, "fold": 1},
            "a label of `y` has 5 rows to divide, but there are 6 folds",
            "5 folds",
        ),
        ({"stratify": "x", "folds": 2, "fold": 1}, "`x` has 2 values per row; stratifying needs one label", ""),
        ({"stratify": "z", "folds": 2, "fold": 1}, "`data` has no `z` to stratify by", ""),
        ({"column": "y", "test": 0.1, "folds": 2, "fold": 1}, "`column` says what each row is for, and", "alone"),
    ],
)
def test_folds_that_cannot_be_dealt(world: World, options: dict[str, Static], message: str, help: str) -> None:
    rows, targets = tuple((i, -i) for i in range(20)), tuple((int(i % 4 == 0),) for i in range(20))
    found = world.refused(entry("x", rows), entry("y", targets), split=choice("split", **options))
    assert found.code == "E0421"
    assert message in found.message
    assert help in "".join(found.help)


def test_a_label_with_one_row_stratifies_nothing() -> None:
    with pytest.raises(DiagnosticError) as caught:
        by_folds({"train": np.arange(5)}, 2, ("y", np.array([0, 0, 0, 0, 1])), 0, HERE)
    (found,) = caught.value.diagnostics
    assert (found.message, found.help) == (
        "a label of `y` has 1 row to divide, but there are 2 folds",
        ("leave out `stratify`",),
    )


# In their order


@pytest.mark.parametrize(("count", "folds", "between", "wanted"), json.loads(FILE.read_text("utf-8")))
def test_folds_of_windows_are_those_of_a_peer(count: int, folds: int, between: int, wanted: list[list[int]]) -> None:
    found = forward({"train": np.arange(count)}, folds, between, HERE)
    assert [[len(one["train"]), int(one["valid"][0]), int(one["valid"][-1])] for one in found] == wanted


@given(st.integers(1, 300), st.integers(2, 9), st.integers(0, 20), st.sampled_from([0.0, 0.15, 0.5]))
def test_folds_of_windows_look_forward(rows: int, folds: int, between: int, test: float) -> None:
    parts = in_order(rows, {"train": 0.8 - test, "valid": 0.2, **({"test": test} if test else {})}, between)
    pool = max([-1, *parts["train"], *parts["valid"]]) + 1
    assume(pool)
    size = pool // (folds + 1)
    if not size or pool - folds * size <= between:
        with pytest.raises(DiagnosticError, match=r"would be empty|nothing to learn from"):
            forward(parts, folds, between, HERE)
        return
    found = forward(parts, folds, between, HERE)
    assert len(found) == folds
    before = 0
    for one in found:
        train, valid = one["train"], one["valid"]
        assert train.tolist() == list(range(len(train))), "all that comes before"
        assert len(train) > before
        assert valid[0] == train[-1] + 1 + between
        assert len(valid) == size
        assert test == 0 or valid[-1] < one["test"][0] - between
        before = len(train)
    assert found[-1]["valid"][-1] == pool - 1, "none is left over"
