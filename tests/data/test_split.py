"""Shuffles and splits: permutations and partitions, the same for the same seed."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from dsl.graph import Static, Type
from gpubp.data import shuffled
from gpubp.data.split import draw
from gpubp.seeds import Purpose, generator

from .worlds import World, choice, csv, entry

seeds = st.integers(0, 2**64 - 1)
fractions = st.lists(st.integers(1, 100), min_size=1, max_size=3).map(lambda parts: [p / sum(parts) for p in parts])
NAMES = ("train", "valid", "test")


@given(n=st.integers(0, 300), seed=seeds, epoch=st.integers(0, 10**6))
def test_an_epoch_visits_every_row_once(n: int, seed: int, epoch: int) -> None:
    order = shuffled(n, seed, epoch)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(n))
    np.testing.assert_array_equal(order, shuffled(n, seed, epoch))


def test_epochs_and_seeds_differ() -> None:
    orders = [shuffled(100, seed, epoch).tolist() for seed in range(5) for epoch in range(5)]
    assert len({tuple(order) for order in orders}) == 25


def test_the_first_orders_never_change() -> None:
    assert shuffled(8, 0, 0).tolist() == [4, 5, 0, 1, 2, 7, 6, 3]
    assert shuffled(8, 0, 1).tolist() == [1, 7, 6, 3, 0, 5, 2, 4]


def test_purposes_have_streams_of_their_own() -> None:
    draws = [generator(7, purpose).integers(0, 2**63, 4).tolist() for purpose in Purpose]
    assert len({tuple(draw) for draw in draws}) == len(Purpose)


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (2**64, 0), (0, -1)])
def test_a_seed_has_64_bits(seed: int, epoch: int) -> None:
    with pytest.raises(ValueError, match="from 0 to"):
        shuffled(3, seed, epoch)


@given(groups=st.lists(st.integers(0, 4), min_size=1, max_size=200), shares=fractions, seed=seeds)
def test_parts_are_disjoint_complete_and_in_proportion(groups: list[int], shares: list[float], seed: int) -> None:
    labels = np.array(groups)
    parts = draw(labels, dict(zip(NAMES, shares)), seed)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(groups)))
    for (_, rows), share in zip(parts.items(), shares, strict=True):
        assert (np.diff(rows) > 0).all()
        for label in set(groups):
            assert abs((labels[rows] == label).sum() - share * (labels == label).sum()) < 1 + 1e-6
    again = draw(labels, dict(zip(NAMES, shares)), seed)
    assert all((parts[name] == again[name]).all() for name in parts)


@given(n=st.integers(1, 500), shares=fractions)
def test_plain_parts_have_their_size_to_one_row(n: int, shares: list[float]) -> None:
    parts = draw(np.zeros(n, dtype=np.int64), dict(zip(NAMES, shares)), 0)
    for rows, share in zip(parts.values(), shares, strict=True):
        assert abs(len(rows) - share * n) < 1 + 1e-6


def test_small_classes_share_what_rounding_leaves() -> None:
    """A tenth of five rows is half a row: over 100 such classes both parts still get their 50 rows."""
    parts = draw(np.repeat(np.arange(100), 5), dict(zip(NAMES, [0.8, 0.1, 0.1])), 3)
    assert [len(rows) for rows in parts.values()] == [400, 50, 50]


def rows(n: int) -> tuple[tuple[int, int], ...]:
    return tuple((i, -i) for i in range(n))


def load(world: World, n: int = 20, seed: int = 0, **options: Static) -> dict[str, list[int]]:
    targets = tuple((int(i % 4 == 0),) for i in range(n))
    split = choice("split", **options) if options else None
    found = world.load(entry("x", rows(n)), entry("y", targets), split=split, seed=seed)
    return {part: index.tolist() for part, index in found.parts.items()}


def test_without_a_split_all_rows_are_for_training(world: World) -> None:
    assert load(world) == {"train": list(range(20))}


def test_train_takes_what_the_others_leave(world: World) -> None:
    parts = load(world, valid=0.1)
    assert {part: len(index) for part, index in parts.items()} == {"train": 18, "valid": 2}
    assert parts == load(world, valid=0.1)
    assert parts != load(world, valid=0.1, seed=1)


def test_stratified(world: World) -> None:
    parts = load(world, train=0.6, valid=0.2, test=0.2, stratify="y")
    assert [sum(i % 4 == 0 for i in index) for index in parts.values()] == [3, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 0.8, "test": 0.3}, "the parts add up to 110%, more than 100%"),
        ({"train": 0.8, "test": 0.1}, "the parts add up to 90%; the other rows would belong to none"),
        ({"valid": 0.5, "test": 0.5}, "no rows are left for training"),
        ({"valid": 0.01}, "the part `valid` is empty: 1% of 20 rows is too little"),
        ({"test": 0.2, "stratify": "z"}, "`data` has no `z` to stratify by"),
        ({"test": 0.2, "stratify": "x"}, "`x` has 2 values per row; stratifying needs one label"),
    ],
)
def test_splits_that_cannot_be_made(world: World, options: dict[str, Static], message: str) -> None:
    targets = entry("y", tuple((i,) for i in range(20)))
    found = world.refused(entry("x", rows(20)), targets, split=choice("split", **options))
    assert (found.code, found.message) == ("E0421", message)


def test_numbers_that_are_not_whole_cannot_stratify(world: World) -> None:
    targets = entry("y", tuple((i / 2,) for i in range(20)))
    found = world.refused(entry("x", rows(20)), targets, split=choice("split", test=0.2, stratify="y"))
    assert found.message == "`y` holds numbers that are not whole; stratifying needs labels"


def test_a_test_file_is_the_test_part(world: World) -> None:
    world.write("a.csv", "a,b,y\n" + "1,2,3\n" * 10)
    world.write("b.csv", "y,b,a\n6,5,4\n")
    table = csv("x, y", target="y", test="b.csv")
    found = world.load(table, split=choice("split", valid=0.2))
    assert {part: len(index) for part, index in found.parts.items()} == {"train": 8, "valid": 2, "test": 1}
    assert found.part("test")["x"].tolist() == [[4, 5]]
    assert found.part("test")["y"].tolist() == [[6]]
    refused = world.refused(table, split=choice("split", train=0.8, test=0.2))
    assert refused.message == "the test rows have a file of their own, so `split` takes none"


def test_stratify_by_words(world: World) -> None:
    world.targets = {"y": Type((), 2)}
    world.write("a.csv", "a,b,y\n" + "1,2,no\n" * 8 + "3,4,yes\n" * 2)
    found = world.load(csv("x, y", target="y"), split=choice("split", test=0.5, stratify="y"))
    assert sorted(found.part("test")["y"].tolist()) == [0, 0, 0, 0, 1]
