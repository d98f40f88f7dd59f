"""`init` of tables with so many columns that not all of them are named."""

from __future__ import annotations

import random

import pytest

from .test_init import sound, start
from .worlds import Call

PARTS = random.Random(2)


@pytest.mark.parametrize(
    ("names", "more", "said"),
    [
        ([f"rs{i}" for i in range(40)], [], 'columns = [["rs0", '),
        ([f"rs{i}" for i in range(1200)], [], 'target = "y", without = ["note"], onehot = "rs*")'),
        ([f"rs{i}" for i in range(150)], ["rsum"], 'without = ["note"], onehot = ["rs0", "rs1", '),
        ([f"{i}snp" for i in range(150)], ["size"], 'onehot = ["0snp", '),
    ],
)
def test_many_columns_of_words_are_one_input(call: Call, names: list[str], more: list[str], said: str) -> None:
    rows = [["note", *names, *more, "y"]]
    for i in range(30):
        words = [PARTS.choice(["AA", "AG", "GG"]) for _ in names]
        rows.append([f"a note {i}", *words, *(f"{PARTS.random():.2f}" for _ in more), "uv"[i % 2]])
    told = start(call, "\n".join(map(",".join, rows)))
    assert f"{len(names):,} columns of words" in told.out
    written = " ".join(sound(call, "a.net").split())
    assert said in written.replace("[ ", "[").replace("( ", "(").replace(", )", ")")
    assert f"features = {'x -> standardize' if more else 'x'} " in written


def test_a_name_that_columns_share_is_left_out_once(call: Call) -> None:
    names = ["dup", "dup", *(f"x{i}" for i in range(101)), "y"]
    rows = [[*(f"{PARTS.random():.2f}" for _ in names[1:]), "uv"[i % 2]] for i in range(30)]
    start(call, "\n".join(map(",".join, [names, *rows])))
    assert 'csv("a.csv", target = "y", without = ["dup"])' in sound(call, "a.net")
