"""What is allowed and odd about the data: warned of where it is so, and only there."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Static, Type
from gpubp.data import load
from gpubp.frontend import loads
from tests.peers.nets import Array

from .worlds import World, choice, csv


def warnings(world: World, *entries: object, **options: Static) -> list[tuple[str, str]]:
    split = choice("split", **options) if options else None
    found = world.load(*entries, split=split)  # type: ignore[arg-type]
    assert all(one.severity == "warning" and one.span is not None and one.help for one in found.warnings)
    return [(one.code, one.message) for one in found.warnings]


def test_columns_that_never_change(world: World) -> None:
    world.write("a.csv", "a,b,y\n1,7,2\n2,7,2\n3,7,2\n")
    assert warnings(world, csv("x, y", target="y")) == [
        ("W0401", "the column `b` of `x` never changes in the training rows"),
        ("W0401", "the column `y` of `y` never changes in the training rows"),
    ]
    world.targets = {"y": Type((), 3)}
    assert warnings(world, csv("x, y", target="y"))[1] == ("W0401", "`y` has the same label in all 3 training rows")
    world.targets = {"y": Type((1,))}
    world.write("a.csv", "a,b,y\n1,7,1\n")
    assert warnings(world, csv("x, y", target="y")) == [], "one row says nothing"
    world.inputs = {"x": Type((1, 2))}
    world.write("a.csv", "a,b,y\n1,7,1\n2,7,2\n")
    assert warnings(world, csv("x, y", target="y", reshape=(1, 2))) == []


def test_the_border_of_an_image_may_stay_as_it_is(world: World) -> None:
    """Of one whose pixels are the columns of a table: light on dark or dark on light, scaled or not. What never changes
    within it is told, and so is a column of a table that has no image's shape or no image's numbers."""
    rows = np.random.default_rng(0).choice([0, 0, 7, 16], (40, 8, 8))
    rows[:, 0] = rows[:, 1:3, 0] = 0
    rows[:3, 1:, 1:] = [[[0]], [[16]], [[0]]]

    def told(pixels: Array, **options: Static) -> list[str]:
        flat = pixels.reshape(len(pixels), -1)
        names = [f"p{i}" for i in range(flat.shape[1])]
        lines = [",".join([*names, "y"]), *(",".join(map(str, [*row, i])) for i, row in enumerate(flat.tolist()))]
        world.write("a.csv", "\n".join(lines))
        world.inputs, world.targets = {"x": Type((len(names),))}, {"y": Type((1,))}
        return [message for code, message in warnings(world, csv("x, y", target="y", **options)) if code == "W0401"]

    assert told(rows) == told(16 - rows) == told(rows, scale=1 / 16) == []
    (message,) = told(rows[:, :, :7])
    assert message.startswith("the columns `p0`, `p1`")
    (message,) = told(rows[:, :7, :7])
    assert message.startswith("the columns `p0`, `p1`"), "49 columns may be anything"
    dead = rows.copy()
    dead[:, 4, 4] = 0
    assert told(dead) == ["the column `p36` of `x` never changes in the training rows"]
    off = rows.copy()
    off[:, 0, 3] = 3
    assert len(told(off)) == 1, "no background has two levels"
    assert len(told(rows * np.arange(1, 65).reshape(8, 8))) == 1, "each on a scale of its own"


def test_large_numbers_that_differ_little(world: World) -> None:
    """Seconds since 1970 in one hour, whose next number in float32 is 128 away; in one year they are well apart."""
    for step, told in ((10, True), (100_000, False)):
        rows = "".join(f"{1_700_000_000 + step * i},{i * i},{i / 2}\n" for i in range(50))
        world.write("a.csv", "t,a,y\n" + rows)
        message = "float32 rounds away a large part of the variation of `t` of `x`"
        assert warnings(world, csv("x, y", target="y")) == [("W0404", message)] * told
        assert warnings(world, csv("x, y", target="y", standardize=True)) == []
    world.write("a.csv", "u,t,y\n" + "".join(f"{1e9 + i},{1e9 - i},{2e9 + i}\n" for i in range(50)))
    assert [one for _, one in warnings(world, csv("x, y", target="y"))] == [
        "float32 rounds away a large part of the variation of `u` of `x` and 1 other column",
        "float32 rounds away a large part of the variation of `y`",
    ]


@pytest.mark.parametrize(("precision", "count"), [("float32", 1), ("tf32", 1), ("float64", 0)])
def test_float64_rounds_none_of_them(precision: str, count: int) -> None:
    rows = ", ".join(f"[{10**9 + i}]" for i in range(9))
    net = loads(
        f"data {{\n  x = [{rows}]\n  y = [{', '.join(['[0.5]', '[1]'] * 4 + ['[2]'])}]\n}}\n"
        "model {\n  input x: [1]\n  target y: [1]\n  output p = x -> dense(1)\n}\n"
        f"train {{\n  loss = mse(p, y)\n  optimizer = adam\n  precision = {precision}\n}}\n"
    )
    found = [one for one in load(net.graph, net.base, 0).warnings if one.code == "W0404"]
    assert len(found) == count
    assert all(one.help == ("`precision = float64` in `train` does not round them",) for one in found)


def test_rows_in_two_parts(world: World) -> None:
    world.write("a.csv", "a,b,y\n1,2,3\n4,5,6\n7,8,9\n")
    world.write("b.csv", "a,b,y\n4,5,6\n4,5,7\n1,2,3\n")
    assert warnings(world, csv("x, y", target="y", test="b.csv")) == [("W0402", "2 rows of `test` are in `train` too")]
    world.write("b.csv", "a,b,y\n4,5,7\n")
    assert warnings(world, csv("x, y", target="y", test="b.csv")) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 1)), min_size=6, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_exactly_the_rows_in_two_parts_are_counted(world: World, rows: list[tuple[int, int]]) -> None:
    world.write("a.csv", "a,b,y\n" + "".join(f"{a},{b / 3},{-0.0}\n" for a, b in rows))
    found = world.load(csv("x, y", target="y"), split=choice("split", test=0.4))
    train = {rows[i] for i in found.parts["train"]}
    shared = sum(rows[i] in train for i in found.parts["test"])
    counts = [one.message for one in found.warnings if one.code == "W0402"]
    verb = "row of `test` is" if shared == 1 else "rows of `test` are"
    assert counts == ([f"{shared} {verb} in `train` too"] if shared else [])


def test_numbers_that_the_loss_is_not_meant_for(world: World) -> None:
    """In any part of the data; each loss has its own range, and a metric none."""
    text = """
    data {{
      x = [[1], [2], [3]]
      y = [[0.5], [{0}], [1]]
    }}
    model {{
      input x: [1]
      target y: [1]
      output p = x -> dense(1) -> softplus
    }}
    train {{
      loss = {1}(p, y) + 0 * mse(p, y)
      optimizer = adam
      metrics = [mae(p, y)]
    }}
    """

    def said(number: str, loss: str) -> list[str]:
        net = loads(text.format(number, loss))
        return [one.message for one in load(net.graph, net.base, 0).warnings if one.code == "W0403"]

    assert said("2", "binary_cross_entropy") == [
        "1 row of `y` holds a number outside of 0 to 1, which `binary_cross_entropy` is not meant for"
    ]
    assert said("-1", "poisson") == ["1 row of `y` holds a number below 0, which `poisson` is not meant for"]
    assert [len(said(*one)) for one in (("-2", "hinge"), ("1e9", "poisson"), ("-1", "hinge"), ("-1", "mse"))] == [
        1,
        0,
        0,
        0,
    ]
