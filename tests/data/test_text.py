"""The readers `text`, `uniform` and `normal`."""

from __future__ import annotations

import gzip

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import DataEntry, Static, Type, Word
from gpubp.data import Dataset, measure
from gpubp.data.text import UNKNOWN

from .worlds import World, choice, data, entry


def reads(names: str, **options: Static) -> DataEntry:
    return entry(names, choice("text", path="a.txt", **options))


def load(world: World, text: str, names: str, classes: int, window: int, **options: Static) -> Dataset:
    world.write("a.txt", text)
    first, *rest = names.split(", ")
    world.inputs = {first: Type((window,), classes)}
    world.targets = {name: Type((window,), classes) for name in rest}
    return world.load(reads(names, window=window, **options))


def test_characters_and_what_follows(world: World) -> None:
    found = load(world, "hello world", "text, next", 8, 4)
    book = found.classes["text"]
    assert book == tuple(sorted("helo wrd"))
    assert found.classes["next"] == book
    assert ["".join(book[i] for i in row) for row in found.arrays["text"]] == ["hell", "o wo"]
    assert ["".join(book[i] for i in row) for row in found.arrays["next"]] == ["ello", " wor"]


def test_words(world: World) -> None:
    found = load(world, "Don't stop, stop. Don't!", "text", 5, 3, level=Word("word"))
    book = found.classes["text"]
    assert book == ("!", ",", ".", "Don't", "stop")
    assert [[book[i] for i in row] for row in found.arrays["text"]] == [["Don't", "stop", ","], ["stop", ".", "Don't"]]


def test_a_limited_vocabulary(world: World) -> None:
    found = load(world, "a b a c a b d", "text", 3, 7, level=Word("word"), vocabulary=3)
    assert found.classes["text"] == ("a", "b", UNKNOWN)
    assert found.arrays["text"].tolist() == [[0, 1, 0, 2, 0, 1, 2]]
    assert found.encoders["text"].unknown


def test_a_text_for_testing(world: World) -> None:
    world.write("b.txt", gzip.compress(b"baba"))
    found = load(world, "abab", "text", 2, 2, test="b.txt")
    assert found.part("test")["text"].tolist() == [[1, 0], [1, 0]]  # type: ignore[index]
    world.write("b.txt", "bac")
    refused = world.refused(reads("text", window=2, test="b.txt"))
    assert refused.message == "`b.txt`, token 3: `c` does not occur in the text that was learned from"


def test_sizes_are_measured(world: World) -> None:
    world.write("a.txt", "abcabc")
    both = {"text": "class", "next": "class"}
    found = measure(data(reads("text, next", window=2)), both, world.base)  # type: ignore[arg-type]
    assert found == {"text": Type((2,), 3), "next": Type((2,), 3)}


@given(
    text=st.text(st.sampled_from("ab \n\N{SNOWMAN}"), min_size=4, max_size=60),
    window=st.integers(1, 5),
    step=st.integers(1, 7),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_windows(world: World, text: str, window: int, step: int) -> None:
    classes = len(set(text))
    if len(text) <= window:
        text += "a" * window + "b"
        classes = len(set(text))
    found = load(world, text, "text, next", classes, window, step=step)
    book = found.classes["text"]
    starts = range(0, len(text) - window, step)
    assert ["".join(book[i] for i in row) for row in found.arrays["text"]] == [text[s : s + window] for s in starts]
    assert ["".join(book[i] for i in row) for row in found.arrays["next"]] == [
        text[s + 1 : s + 1 + window] for s in starts
    ]


OTHER = "`a.txt` has 2 different characters (`a`, `b`), the type of `text` is class(3)[2]"
FLOAT = "`text` gives tokens, which are classes, but `text` takes numbers"


@pytest.mark.parametrize(
    ("names", "types", "options", "code", "message"),
    [
        ("text", Type((9,), 2), {"window": 9}, "E0424", "`a.txt` has 8 tokens, and a window of 9 needs 9"),
        ("text, next", Type((8,), 2), {"window": 8}, "E0424", "`a.txt` has 8 tokens, and a window of 8 needs 9"),
        ("text", Type((2,), 3), {"window": 2}, "E0419", OTHER),
        ("text", Type((2,)), {"window": 2}, "E0418", FLOAT),
        ("text", Type((3,), 2), {"window": 2}, "E0418", "`text` has shape [2] in the data, its type is class(2)[3]"),
    ],
)
def test_texts_that_do_not_fit(
    world: World, names: str, types: Type, options: dict[str, Static], code: str, message: str
) -> None:
    world.write("a.txt", "abababab")
    first, *rest = names.split(", ")
    world.inputs, world.targets = {first: types}, dict.fromkeys(rest, types)
    found = world.refused(reads(names, **options))
    assert (found.code, found.message) == (code, message)


# Drawn rows


def test_drawn_rows(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,)), "t": Type((1,)), "z": Type((2, 3))}, {}
    entries = [
        entry("x", choice("uniform", rows=1000, low=-1, high=3)),
        entry("t", choice("uniform", rows=1000)),
        entry("z", choice("normal", rows=1000, shape=(2, 3), mean=5, std=2)),
    ]
    found = world.load(*entries, seed=7).arrays
    assert {name: values.shape for name, values in found.items()} == {"x": (1000, 1), "t": (1000, 1), "z": (1000, 2, 3)}
    assert -1 <= found["x"].min() < -0.9 < 2.9 < found["x"].max() < 3
    assert abs(found["z"].mean() - 5) < 0.1
    assert abs(found["z"].std() - 2) < 0.1
    assert not np.array_equal((found["x"] + 1) / 4, found["t"])
    again, other = world.load(*entries, seed=7).arrays, world.load(*entries, seed=8).arrays
    assert all(found[name].tobytes() == again[name].tobytes() for name in found)
    assert all(found[name].tobytes() != other[name].tobytes() for name in found)
    assert measure(data(*entries), {"z": "float"}, world.base) == {"z": Type((2, 3))}


@pytest.mark.parametrize(
    ("reader", "type", "options", "message"),
    [
        ("uniform", Type((1,)), {"rows": 3, "low": 2, "high": 2}, "`low` is 2 and `high` is 2: nothing lies between"),
        ("normal", Type((1,)), {"rows": 3, "mean": float("inf")}, "`mean` and `std` must be finite numbers"),
        ("normal", Type((1,)), {"rows": 10**9}, "1,000,000,000 rows of shape [1] are more than 268,435,456 numbers"),
        ("normal", Type((), 3), {"rows": 3}, "`x` is a label, and drawn rows are numbers"),
        ("normal", Type((2,)), {"rows": 3}, "`x` has shape [1] in the data, its type is [2]"),
    ],
)
def test_drawn_rows_that_do_not_fit(
    world: World, reader: str, type: Type, options: dict[str, Static], message: str
) -> None:
    world.inputs, world.targets = {"x": type}, {}
    assert world.refused(entry("x", choice(reader, **options))).message == message
