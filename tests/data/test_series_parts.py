"""How the windows of a series, and arrays in their place, are divided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import gpubp
from dsl.graph import Type
from gpubp.data import from_arrays, load

from .test_series import reads
from .worlds import World, choice, entry


def test_folds_of_windows_look_forward(world: World) -> None:
    """No moment that a fold is judged by is one that it learned to foretell."""
    world.write("a.csv", "a,b,kind\n" + "".join(f"{i},{i * i},x\n" for i in range(60)))
    use = reads("past, next", window=3, columns=("a", "b"), length=4)
    world.inputs, world.targets = {"past": Type((3, 2))}, {"next": Type((4, 2))}
    for k in (1, 2, 3):
        data = world.load(use, split=choice("split", test=0.2, folds=3, fold=k))
        seen = {part: set(data.columns["next"][rows][..., 0].flat) for part, rows in data.parts.items()}
        assert max(seen["train"]) < min(seen["valid"])
        assert max(seen["valid"]) < min(seen["test"])
    world.write("a.csv", "a,b,kind\n" + "".join(f"{i},{i},x\n" for i in range(12)))
    found = world.refused(use, split=choice("split", folds=3, fold=1))
    assert (found.code, found.help) == ("E0421", ("fewer folds, or a longer series",))
    assert found.message == (
        "the first of 3 folds would have nothing to learn from: of 3 windows before it the last 3 are left out"
    )
    found = world.refused(use, split=choice("split", folds=30, fold=1))
    assert found.message == "30 folds of 6 windows: some would be empty"


def test_arrays_in_the_place_of_a_series_are_divided_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(40)))
    (tmp_path / "t.net").write_text(
        """
        data {
          past, next = series("a.csv", window = 4, length = 3)
          split = split(valid = 25%)
        }
        model {
          input past: [4]
          target next: [3]
          output p = past -> dense(3)
        }
        train {
          loss = mse(p, next)
          optimizer = adam
          epochs = 1
        }
        """
    )
    net = gpubp.load(tmp_path / "t.net")
    own = gpubp.train(net, "cpu").dataset
    given = gpubp.train(net, "cpu", data=own.arrays).dataset
    assert {name: rows.tolist() for name, rows in given.parts.items()} == {
        name: rows.tolist() for name, rows in own.parts.items()
    }
    folds = [gpubp.cross_validate(net, 3, "cpu", data=data).mean for data in (own.arrays, None)]
    assert folds[0] == folds[1]


def test_so_are_those_that_reproduce_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(40)))
    text = """
        data {
          past = series("a.csv", window = 5)
          split = split(valid = 25%)
        }
        model {
          input past: [5]
          output p = past -> dense(5)
        }
        """
    net = gpubp.loads(text, base=tmp_path)
    own = load(net.graph, tmp_path, 0)
    given = from_arrays(net.graph, own.arrays, None, 0)
    assert [*map(len, given.parts.values())] == [23, 9]
    for part, rows in own.parts.items():
        assert rows.tolist() == given.parts[part].tolist()


TIMES = [f"2026-10-2{4 + hours // 24} {hours % 24:02}:30" for hours in range(48)]


@pytest.mark.parametrize(
    ("times", "rows"),
    [
        (TIMES, 0),
        ([*TIMES[:27], "2026-10-25 02:45", *TIMES[27:]], 0),  # the hour that comes twice
        (TIMES[::-1], 47),
        ([*TIMES[24:], *TIMES[:24]], 1),
        ([time[8:10] + ".10.2026" for time in TIMES[::-24]], 1),
        ([*TIMES[::-1], "soon"], 47),
        ([str(i) for i in range(9, 0, -1)], 0),  # no dates
    ],
)
def test_rows_that_are_not_in_temporal_order(world: World, times: list[str], rows: int) -> None:
    world.inputs, world.targets = {"past": Type((1, 1))}, {"next": Type((1,))}
    world.write("a.csv", "v,when\n" + "".join(f"{i},{time}\n" for i, time in enumerate(times)))
    found = world.load(entry("past, next", choice("series", path="a.csv", window=1, columns=("v",)))).warnings
    assert [warning.code for warning in found if "temporal" in warning.message] == ["W0405"] * bool(rows)
    if rows:
        said = "1 row is" if rows == 1 else f"{rows} rows are"
        assert (
            found[0].message
            == f"`a.csv` is not in temporal order: {said} earlier than the row above, by the column `when`"
        )


HOURS = np.datetime64("2026-03-23T00") + np.arange(24 * 14)  # summer time begins on the 29th
LATE = HOURS.astype("datetime64[s]") + np.arange(24 * 14) * 3 % 7 // 6  # a clock that is now and then a second late
SECONDS = HOURS[0].astype("datetime64[s]") + np.arange(100)


@pytest.mark.parametrize(
    ("times", "gaps"),
    [
        (HOURS, 0),
        (np.delete(HOURS, [30]), 1),
        (np.delete(HOURS, [30, 31, 77, 78, 79, 200]), 3),
        (np.delete(HOURS, 24 * 6 + 2), 0),
        (np.delete(HOURS, 24 * 5 + 2), 1),
        ([hour + np.timedelta64(m, "m") for hour in HOURS if 9 <= hour.item().hour < 17 for m in range(0, 60, 5)], 0),
        ([day for day in HOURS[::24] if day.item().weekday() < 5], 0),
        (np.datetime64("2024-01") + np.arange(30), 0),
        (np.delete(np.datetime64("2024-01") + np.arange(30), 7), 1),
        (np.delete(HOURS, 24 * 6), 0),  # at midnight, as in Chile
        (LATE, 0),
        (np.delete(LATE, [30, 31]), 1),
        (SECONDS, 0),
        (np.delete(SECONDS, 30), 1),
        (HOURS[:2], 0),
    ],
)
def test_gaps_in_time(world: World, times: Sequence[np.datetime64], gaps: int) -> None:
    world.inputs, world.targets = {"past": Type((1, 1))}, {"next": Type((1,))}
    cells = [np.datetime_as_string(time.astype("datetime64[s]")) for time in times]
    world.write("a.csv", "v,when\n" + "".join(f"{i % 7},{cell}\n" for i, cell in enumerate(cells)))
    found = world.load(entry("past, next", choice("series", path="a.csv", window=1, columns=("v",)))).warnings
    told = [warning.message for warning in found if warning.code == "W0406"]
    plural = "gaps" if gaps > 1 else "gap"
    assert told == [f"`a.csv` has {gaps} {plural} in time, by the column `when`"] * bool(gaps)


def test_a_table_far_down_and_one_of_parquet(world: World) -> None:
    """Two stations, one below the other, and moments that are no text."""
    world.inputs, world.targets = {"past": Type((1, 1))}, {"next": Type((1,))}
    times = np.datetime64("2026-01-01") + np.arange(11_000)
    both = [*times, *times[:5]]
    world.write("a.csv", "when;v\n" + "".join(f"{time};{i}\n" for i, time in enumerate(both)))
    (found,) = world.load(entry("past, next", choice("series", path="a.csv", window=1, columns=("v",)))).warnings
    assert found.message.startswith("`a.csv` is not in temporal order: 1 row is earlier")
    assert found.notes == ("the first: `a.csv`, line 11002",)
    pyarrow, parquet = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
    backward = times[::-1].astype("datetime64[us]")
    parquet.write_table(pyarrow.table({"v": np.arange(11_000.0), "when": backward}), world.base / "a.parquet")
    (found,) = world.load(entry("past, next", choice("series", path="a.parquet", window=1, columns=("v",)))).warnings
    assert found.message == (
        "`a.parquet` is not in temporal order: 10,999 rows are earlier than the row above, by the column `when`"
    )
    assert found.notes == ("the first: `a.parquet`, row 2",)
